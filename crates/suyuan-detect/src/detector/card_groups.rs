//! Groups of cards: more cards that share a device, a cell or an origin show a sign than chance explains.
//!
//! The rule's first detection on `usage` selects the rows that show the sign; its second the rows of all comparable cards
//! (the population); a detection on `opening`, where there is one, tells where cards come from. A card shows the sign when it
//! did on `days` different days within `span` under the same link. A link speaks when at least `least` of its cards
//! and at least `share` per cent of them show the sign, and when chance would make fewer than one such group in
//! `chance` among all links ([`crate::cards::links`]). Cards of the link that do not show the sign are not named.
//!
//! At a cell only cards that still stand there count: a courier dials at hundreds of cells, one after the other, and the cards that
//! stand at one of them at a time are few.
//!
//! Beyond what a row can say, the sign may ask that the card is at most `age` days old (so does then the population), that the
//! row's region lies `far` km or more from the opening, and that the card had been `silent` for some days before. Of the row's counts
//! it may ask at least `ratio` outgoing calls for each incoming one, `spread` different peers for a hundred outgoing
//! calls, and at least `short` per cent of outgoing calls of 3 s or less or `new` per cent of peers that are new cards.
//! `outlet_region` and `outlet_plmn` ask how many of an outlet's cards show the sign in one region or network, against the share
//! of all other cards that show it in the same one, and, where that is more, against the share of the other cards opened in
//! the same county: where many go from one county to another, all its outlets see it.
//!
//! Invariants: one more row with the sign never silences a group that day; the order of rows within a day does not matter
//! beyond which rows are cited.
//! Blind to: cards whose sign is spread thinly over many links. Chance is reckoned for independent cards; honest cards
//! that are alike for a common reason (one firm, one event) look like a group, which is what the rule's checks are for.

use suyuan_model::Kind;
use suyuan_model::time::{DAY, china_day};

use super::{Detector, Raised, Spec};
use crate::cards::SWEEP;
use crate::cards::links::{Limits, Links, Under};
use crate::cards::origin::Origins;
use crate::derive::{ParamDef, ParamTy, Params};
use crate::hash::Key;
use crate::registry::{Registry, regions_km};
use crate::state::{Plain, Saved, Visit};
use crate::view::{Binder, Cite, Row, Slot};

pub(crate) const LINKS: &[&str] =
    &["imei", "cell", "region", "outlet", "account", "account_week", "outlet_region", "outlet_plmn"];

pub(crate) static SPEC: Spec = Spec {
    name: "card_groups",
    what: (
        "cards that share a device, cell or origin, more of which show the sign than chance explains",
        "共用设备、基站或来源的卡中出现该迹象者多于偶然",
    ),
    on: &[Kind::Usage, Kind::Opening],
    params: &[
        ParamDef { name: "by", ty: ParamTy::Word(LINKS), default: "imei" },
        ParamDef { name: "span", ty: ParamTy::Span, default: "30d" },
        ParamDef { name: "least", ty: ParamTy::Int, default: "5" },
        ParamDef { name: "days", ty: ParamTy::Int, default: "1" },
        ParamDef { name: "share", ty: ParamTy::Int, default: "0" },
        ParamDef { name: "chance", ty: ParamTy::Int, default: "100" },
        ParamDef { name: "age", ty: ParamTy::Int, default: "0" },
        ParamDef { name: "far", ty: ParamTy::Int, default: "0" },
        ParamDef { name: "silent", ty: ParamTy::Int, default: "0" },
        ParamDef { name: "ratio", ty: ParamTy::Int, default: "0" },
        ParamDef { name: "spread", ty: ParamTy::Int, default: "0" },
        ParamDef { name: "short", ty: ParamTy::Int, default: "0" },
        ParamDef { name: "new", ty: ParamTy::Int, default: "0" },
    ],
    shared: None,
    build: |p, b| {
        let p = p[0];
        Box::new(Groups {
            linker: Linker::new(p, b),
            limits: Limits {
                span: (p.span("span") / DAY) as i32,
                least: p.int("least").max(2) as u64,
                days: p.int("days").clamp(1, 400) as u16,
                share: p.int("share").clamp(0, 100) as u64,
                chance: (p.int("chance").max(1) as f64).ln(),
                stay: p.get("by") == "cell",
            },
            age: p.int("age") as i32,
            far: p.int("far") as f64,
            silent: p.int("silent") as i32,
            region: b.slot(Kind::Usage, "main_region6"),
            shape: Shape::new(p, b),
            origins: Origins::new(b),
            links: Links::default(),
            swept: 0,
        })
    },
};

/// Reads a row's link.
pub(crate) struct Linker {
    by: &'static str,
    card: Slot,
    own: Slot,
}

impl Linker {
    pub fn new(p: &Params, b: &mut Binder) -> Linker {
        let by = LINKS.iter().find(|l| **l == p.get("by")).copied().unwrap_or("imei");
        let column = match by {
            "cell" => "main_cell",
            "region" | "outlet_region" => "main_region6",
            "outlet_plmn" => "plmn",
            _ => "imei",
        };
        Linker { by, card: b.slot(Kind::Usage, "card"), own: b.slot(Kind::Usage, column) }
    }

    /// Whether a card is linked by what its opening says.
    pub fn by_opening(&self) -> bool {
        !matches!(self.by, "imei" | "cell" | "region")
    }

    pub fn card<'a>(&self, row: &Row<'a>) -> Option<(Key, &'a str)> {
        row.key(self.card).zip(row.text(self.card))
    }

    /// What the card of a row is linked by.
    pub fn under<'a>(&self, row: &Row<'a>, card: Key, origins: &'a Origins) -> Option<Under<'a>> {
        let own = || Some((row.key(self.own)?, row.text(self.own)?));
        let known = |n: u32| (n > 0).then(|| (Key::number(i64::from(n)), origins.text(n)));
        let simple = |(key, name)| Under { group: key, base: key, class: Key(0), home: Key(0), name };
        let opened = || origins.of(card);
        match self.by {
            "outlet" => known(opened()?.outlet).map(simple),
            "account" => known(opened()?.account).map(simple),
            "account_week" => {
                let o = opened()?;
                let (key, name) = known(o.account)?;
                Some(simple((key.and(Key::number(i64::from(o.day / 7))), name)))
            }
            "outlet_region" | "outlet_plmn" => {
                let o = opened()?;
                let (base, name) = known(o.outlet)?;
                let class = own()?.0;
                let home = if o.region == 0 { Key(0) } else { Key::number(i64::from(o.region)) };
                Some(Under { group: base.and(class), base, class, home, name })
            }
            _ => own().map(simple),
        }
    }
}

/// What the row's own counts must look like; 0 asks nothing.
struct Shape {
    ratio: i64,
    spread: i64,
    short: i64,
    new: i64,
    counts: [Slot; 5],
}

impl Shape {
    fn new(p: &Params, b: &mut Binder) -> Shape {
        Shape {
            ratio: p.int("ratio"),
            spread: p.int("spread"),
            short: p.int("short"),
            new: p.int("new"),
            counts: ["calls_out", "calls_in", "calls_short", "peers", "peers_new"]
                .map(|c| b.slot(Kind::Usage, c)),
        }
    }

    fn holds(&self, row: &Row<'_>) -> bool {
        let [out, inn, short, peers, new] = self.counts.map(|s| row.int(s).unwrap_or(0).clamp(0, 1_000_000));
        let blank = self.short > 0 && out > 0 && short * 100 >= self.short * out;
        let closed = self.new > 0 && peers > 0 && new * 100 >= self.new * peers;
        (self.ratio == 0 || out >= self.ratio * inn.max(1))
            && (self.spread == 0 || (out > 0 && peers * 100 >= self.spread * out))
            && (blank || closed || self.short + self.new == 0)
    }
}

struct Groups {
    linker: Linker,
    limits: Limits,
    age: i32,
    far: f64,
    silent: i32,
    region: Slot,
    shape: Shape,
    origins: Origins,
    links: Links,
    swept: i64,
}

impl Saved for Groups {
    fn state(&mut self, v: &mut dyn Visit) {
        self.origins.state(v);
        self.links.state(v);
        v.cell(&mut Plain(&mut self.swept));
    }
}

impl Groups {
    /// What the rule asks of the sign beyond the row.
    fn holds(&self, row: &Row<'_>, card: Key, day: i32) -> bool {
        if !self.shape.holds(row) {
            return false;
        }
        let opened = self.origins.of(card);
        if self.far > 0.0 {
            let km = opened.and_then(|o| regions_km(&format!("{:06}", o.region), row.text(self.region)?));
            if km.is_none_or(|km| km < self.far) {
                return false;
            }
        }
        self.silent == 0 || self.links.silence(card, opened.map(|o| o.day), day) >= self.silent
    }
}

impl Detector for Groups {
    fn row(&mut self, detection: usize, row: &Row<'_>, cite: Cite, _: &Registry) {
        if row.kind() == Kind::Opening {
            return self.origins.opened(row, cite);
        }
        let Some((card, id)) = self.linker.card(row) else { return };
        let day = china_day(row.ts) as i32;
        if self.age > 0 && self.origins.of(card).is_none_or(|o| day - o.day > self.age) {
            return;
        }
        let Some(under) = self.linker.under(row, card, &self.origins) else { return };
        if detection > 0 {
            self.links.used(card, &under, day);
        } else if self.holds(row, card, day) {
            self.links.sign((card, id), &under, day, cite, &self.limits);
        }
    }

    fn touch(&self, row: &Row<'_>) -> i64 {
        let Some((card, _)) = self.linker.card(row).filter(|_| row.kind() == Kind::Usage) else { return 0 };
        let opened = if self.age > 0 || self.linker.by_opening() { self.origins.touch(card) } else { 0 };
        opened ^ self.links.touch(card)
    }

    fn day_end(&mut self, day: i64, _: &Registry, out: &mut Vec<Raised>) {
        if day - self.swept >= SWEEP {
            self.swept = day;
            self.links.sweep(day as i32, self.limits.span);
            self.origins.sweep(day);
        }
        self.links.say(day as i32, &self.limits, &self.origins, out);
    }
}
