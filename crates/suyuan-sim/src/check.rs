//! What a world's file must hold to, said in the words of the file.

use std::collections::BTreeSet;

use suyuan_model::{region, time};

use crate::error::SimError;
use crate::world::{Ring, Size, Volume, World};

impl World {
    pub(crate) fn fault(&self, field: impl Into<String>, fault: impl Into<String>) -> SimError {
        SimError::Value { world: self.name.clone(), field: field.into(), fault: fault.into() }
    }

    pub(crate) fn check(&self) -> Result<(), SimError> {
        if time::parse_day(&self.start).is_none() {
            return Err(
                self.fault("start", format!("is not a day: `{}`; write it as 2019-12-01", self.start))
            );
        }
        if self.place.is_empty() {
            return Err(self.fault("place", "is empty; give at least one county with outlets"));
        }
        for place in &self.place {
            self.check_region("place.region", &place.region)?;
            if place.weight.is_nan() || place.weight <= 0.0 {
                return Err(self.fault("place.weight", format!("of `{}` is not above 0", place.region)));
            }
        }
        for (name, v) in &self.size {
            Size::by_name(name)?;
            self.check_volume(name, v)?;
        }
        self.check_shares()?;
        for company in &self.company {
            self.check_region(&format!("company.{}.region", company.prefix), &company.region)?;
        }
        let mut ids = BTreeSet::new();
        for ring in &self.ring {
            self.check_ring(ring)?;
            if !ids.insert(&ring.id) {
                return Err(self.fault("ring.id", format!("`{}` is there twice", ring.id)));
            }
        }
        for leaker in &self.leaker {
            self.check_placed(&format!("leaker.{}.region", leaker.id), &leaker.region)?;
            self.check_share(&format!("leaker.{}.harmed", leaker.id), leaker.harmed)?;
            if leaker.days < 1 || leaker.persons < 1 || !ids.insert(&leaker.id) {
                return Err(self.fault(
                    format!("leaker.{}", leaker.id),
                    "needs an id of its own, and days and persons above 0",
                ));
            }
        }
        for scheme in &self.scheme {
            self.check_placed(&format!("scheme.{}.region", scheme.id), &scheme.region)?;
            if scheme.days < 1 || scheme.n < 1 || !ids.insert(&scheme.id) {
                return Err(self.fault(
                    format!("scheme.{}", scheme.id),
                    "needs an id of its own, and days and n above 0",
                ));
            }
        }
        Ok(())
    }

    fn check_volume(&self, name: &str, v: &Volume) -> Result<(), SimError> {
        let field = |f: &str| format!("size.{name}.{f}");
        if v.days < 14 {
            return Err(self.fault(field("days"), format!("is {}; at least 14 are needed", v.days)));
        }
        if v.outlets < self.place.len() {
            return Err(self.fault(
                field("outlets"),
                format!("is {}; every one of the {} places needs one", v.outlets, self.place.len()),
            ));
        }
        if v.staff < 2 * v.outlets {
            return Err(self.fault(field("staff"), "is less than two an outlet"));
        }
        if v.population < 1_000 {
            return Err(self.fault(field("population"), "is less than 1000 customers"));
        }
        self.check_share(&field("usage_panel"), v.usage_panel)?;
        if !(v.openings >= 0.0 && v.services >= 0.0 && v.victims >= 0.0 && v.scale > 0.0 && v.scale <= 1.0) {
            return Err(self.fault(format!("size.{name}"), "has a negative rate, or a scale not in (0, 1]"));
        }
        Ok(())
    }

    fn check_shares(&self) -> Result<(), SimError> {
        let (b, l) = (&self.background, &self.lookalikes);
        for (field, share) in [
            ("background.migrants", b.migrants),
            ("background.explained", b.explained),
            ("background.fraud_cards", b.fraud_cards),
            ("background.reverified", b.reverified),
            ("background.not_mine", b.not_mine),
            ("lookalikes.vpn", l.vpn),
            ("lookalikes.late_terminals", l.late_terminals),
            ("lookalikes.late_transfers", l.late_transfers),
            ("lookalikes.queues", l.queues),
            ("lookalikes.wrong_stops", l.wrong_stops),
            ("lookalikes.deliveries", l.deliveries),
            ("lookalikes.unticketed", l.unticketed),
        ] {
            self.check_share(field, share)?;
        }
        Ok(())
    }

    fn check_share(&self, field: &str, share: f64) -> Result<(), SimError> {
        if (0.0..=1.0).contains(&share) {
            return Ok(());
        }
        Err(self.fault(field, format!("is {share}; a share lies between 0 and 1")))
    }

    fn check_region(&self, field: &str, code: &str) -> Result<(), SimError> {
        let year = time::civil_from_days(self.start_day()).0 as i32;
        if region::known(code, year) && region::centre(code).is_some() && !code.ends_with("00") {
            return Ok(());
        }
        Err(self.fault(field, format!("`{code}` is not a county's code of {year}; see GB/T 2260")))
    }

    fn check_placed(&self, field: &str, code: &str) -> Result<(), SimError> {
        if self.place.iter().any(|p| p.region == code) {
            return Ok(());
        }
        Err(self.fault(field, format!("`{code}` has no outlets; add it as a `[[place]]`")))
    }

    fn check_ring(&self, ring: &Ring) -> Result<(), SimError> {
        let field = |f: &str| format!("ring.{}.{f}", ring.id);
        self.check_placed(&field("region"), &ring.region)?;
        for code in &ring.also_lent_at {
            self.check_placed(&field("also_lent_at"), code)?;
        }
        if ring.device_days < 0 || ring.per_day[0] < 0 || ring.per_day[0] > ring.per_day[1] {
            return Err(self.fault(field("per_day"), "or `device_days` is negative, or the most comes first"));
        }
        for party in &ring.party {
            if region::last_name(&party.region).is_none() {
                return Err(self.fault(field("party.region"), format!("`{}` is no region", party.region)));
            }
        }
        for code in ring.operators_at.iter().chain(ring.seller.iter().map(|s| &s.region)) {
            self.check_region(&field("operators_at"), code)?;
        }
        for (name, share) in [
            ("overrides", ring.overrides),
            ("manual_position", ring.manual_position),
            ("off_hours", ring.off_hours),
        ] {
            self.check_share(&field(name), share)?;
        }
        if !ring.operators_at.is_empty() && ring.operators == 0 {
            return Err(self.fault(field("operators"), "is 0 although `operators_at` is given"));
        }
        for (name, [lo, hi]) in
            [("cards", ring.cards), ("loss", ring.loss), ("capture_lead", ring.capture_lead)]
        {
            if lo > hi || lo < 0 {
                return Err(self.fault(field(name), format!("is [{lo}, {hi}]; the least comes first")));
            }
        }
        if ring.fraud_cards > ring.cards[0] || ring.fraud_cases < ring.fraud_cards {
            return Err(self.fault(
                field("fraud_cards"),
                "must be at most `cards`, and `fraud_cases` at least `fraud_cards`",
            ));
        }
        if ring.days < 7
            || ring
                .seller
                .as_ref()
                .is_some_and(|s| s.records[0] > s.records[1] || s.records[1] > ring.cards[0])
        {
            return Err(self.fault(field("days"), "is below 7, or the seller sells more than `cards`"));
        }
        Ok(())
    }
}
