//! The bench: counts of one entity held against every line of the packs.

use std::collections::BTreeMap;

use suyuan_model::outcome::{
    Assessment, Confidence, Entity, EntityKind, Evidence, Reached, RingCard, Text, Totals,
};

use super::{Insider, Records, SURE, Tally, Unit, subject_of, sure};
use crate::law::{Force, Halving, Item, Pack, Period, Test, Tier, Whose};
use crate::{Input, text, words};

/// The place where counts of one entity are held against the packs.
pub(crate) struct Bench<'a, 'b> {
    pub input: &'a Input<'a>,
    pub period: Period,
    pub entity: Entity,
    pub out: &'b mut Vec<Assessment>,
}

/// One line of the law: its threshold and how it reads.
struct Line<'a> {
    pack: &'a Pack,
    item: &'a Item,
    /// `a5.1.4`, or with the items that raise or halve it.
    id: String,
    threshold: u64,
    unit: Text,
    grade: Text,
}

/// What the half line does.
enum Half<'a> {
    /// There is none, or the full line is reached anyway.
    None,
    /// It gives the same result as the full line.
    Same(Text),
    /// It gives another result; with why it is arguable.
    Decides(Line<'a>, Text),
}

fn serious() -> Text {
    text("serious", "情节严重")
}
fn especially() -> Text {
    text("especially serious", "情节特别严重")
}

impl Bench<'_, '_> {
    pub fn records(&mut self, records: &Records, insider: Insider, joint: bool) {
        if records.tiers.is_empty() {
            return;
        }
        let laws = self.input.laws;
        let before = self.out.len();
        for (pack, item) in laws.items() {
            if let Some(Test::Records { tier, serious, especially, .. }) = &item.test
                && let Some(units) = records.tiers.get(tier)
            {
                let tally = Tally {
                    units: units.clone(),
                    counted: records.counted.clone(),
                    notes: records.notes.clone(),
                    floor: if *tier == Tier::T500 { records.floor } else { 0 },
                    scale: 1,
                };
                let unit = text("records", "条");
                self.graded(pack, item, &tally, (*serious, Some(*especially)), &unit, insider, joint);
            }
        }
        let reached = self.out[before..].iter().any(|a| a.reached == Reached::Yes);
        for (pack, item) in laws.items() {
            if let Some(Test::ProRata { of }) = &item.test
                && records.tiers.len() > 1
                && !reached
            {
                self.pro_rata(pack, item, of, records);
            }
        }
    }

    /// Shares of several lines: each unit weighs the least common multiple over its tier's line.
    fn pro_rata(&mut self, pack: &Pack, item: &Item, of: &[String], records: &Records) {
        let lines: BTreeMap<Tier, u64> = pack
            .items
            .iter()
            .filter(|i| of.contains(&i.id))
            .filter_map(|i| match i.test {
                Some(Test::Records { tier, serious, .. }) => Some((tier, serious)),
                _ => None,
            })
            .collect();
        let one: u64 = lines.values().fold(1, |a, b| a / gcd(a, *b) * b);
        let mut tally = Tally { scale: 1, notes: records.notes.clone(), ..Tally::default() };
        for (tier, units) in &records.tiers {
            let Some(line) = lines.get(tier) else { continue };
            tally.units.extend(units.iter().map(|u| Unit { weight: one / line, ..u.clone() }));
        }
        tally.counted = text(
            format!("{} - shares of the tiers added up in parts of 1/{one}", records.counted.en),
            format!("{}——各档按比例折算合计，以1/{one}为单位", records.counted.zh),
        );
        let line = Line {
            pack,
            item,
            id: item.id.clone(),
            threshold: one,
            unit: text("parts", "份"),
            grade: serious(),
        };
        self.hold(&line, &tally, vec![]);
    }

    pub fn income(&mut self, tally: &Tally, insider: Insider) {
        if tally.units.is_empty() {
            return;
        }
        let laws = self.input.laws;
        let ring = self.entity.kind == EntityKind::Ring;
        for (pack, item) in laws.items() {
            if let Some(Test::Income { serious_cny, especially_cny }) = &item.test {
                let unit = text("yuan", "元");
                self.graded(pack, item, tally, (*serious_cny, *especially_cny), &unit, insider, ring);
            }
        }
    }

    /// The serious line, the especially serious one where it is near, and both halved for insiders
    /// where that decides.
    #[expect(clippy::too_many_arguments, reason = "one line of a table; a struct would only rename them")]
    fn graded(
        &mut self,
        pack: &Pack,
        item: &Item,
        tally: &Tally,
        (first, second): (u64, Option<u64>),
        unit: &Text,
        insider: Insider,
        all: bool,
    ) {
        let raise = pack.items.iter().find(|i| i.id == "a5.2.3").map_or("especially", |i| i.id.as_str());
        let mut lines = vec![(first, serious(), item.id.clone())];
        if let Some(second) = second.filter(|s| all || tally.upper() >= *s) {
            lines.push((second, especially(), format!("{raise}+{}", item.id)));
        }
        let halved = pack.items.iter().find_map(|i| match &i.test {
            Some(Test::Insider { divisor, of }) if of.contains(&item.id) => Some((i, *divisor)),
            _ => None,
        });
        for (threshold, grade, id) in lines {
            let line = Line { pack, item, id, threshold, unit: unit.clone(), grade };
            match halved.map(|h| self.half(&line, tally, insider, h)) {
                Some(Half::Decides(half, why)) => {
                    self.hold(&line, tally, vec![]);
                    self.hold(&half, tally, vec![why]);
                }
                Some(Half::Same(note)) => self.hold(&line, tally, vec![note]),
                _ => self.hold(&line, tally, vec![]),
            }
        }
        if let (Some(second), Some(rule)) = (second, halved)
            && !all
            && tally.upper() < second
        {
            let id = format!("{raise}+{}", item.id);
            let line = Line { pack, item, id, threshold: second, unit: unit.clone(), grade: especially() };
            if let Half::Decides(half, why) = self.half(&line, tally, insider, rule) {
                self.hold(&half, tally, vec![why]);
            }
        }
    }

    /// The line halved for insiders: shown where it decides, mentioned where it changes nothing.
    fn half<'l>(
        &self,
        line: &Line<'l>,
        tally: &Tally,
        insider: Insider,
        (rule, divisor): (&Item, u64),
    ) -> Half<'l> {
        if insider == Insider::No || self.input.laws.halving() == Halving::Off {
            return Half::None;
        }
        let threshold = line.threshold.div_ceil(divisor);
        let (full, half) =
            (self.reached(line.pack, tally, line.threshold), self.reached(line.pack, tally, threshold));
        match () {
            () if full == Reached::Yes => Half::None,
            () if full == half => Half::Same(text(
                format!(
                    "the half line for insiders ({} {}) gives the same result",
                    words::group(threshold),
                    line.unit.en
                ),
                format!("履职、服务中获得的减半标准（{}{}）结果相同", words::group(threshold), line.unit.zh),
            )),
            () => {
                let grade = text(
                    format!("{}, half line for insiders", line.grade.en),
                    format!("{}（履职、服务中获得，减半）", line.grade.zh),
                );
                let id = format!("{}+{}", line.id, rule.id);
                let unit = line.unit.clone();
                Half::Decides(
                    Line { pack: line.pack, item: line.item, id, threshold, unit, grade },
                    insider.arguable(),
                )
            }
        }
    }

    /// Lines that only the ring as a whole is held against.
    pub fn ring_lines(&mut self, totals: &Totals) {
        let input = self.input;
        for (pack, item) in input.laws.items() {
            match &item.test {
                Some(Test::PhoneCards { whose, serious }) => self.phone_cards(pack, item, *whose, *serious),
                Some(Test::Targets { serious: line }) if totals.fraud_cases > 0 => {
                    self.targets(pack, item, *line);
                }
                Some(Test::FraudLoss { large_cny, huge_cny, especially_huge_cny })
                    if totals.fraud_cases > 0 =>
                {
                    self.fraud_loss(pack, item, [*large_cny, *huge_cny, *especially_huge_cny]);
                }
                Some(Test::CardsPerPerson { limit, .. }) => self.cards_per_person(pack, item, *limit),
                _ => {}
            }
        }
    }

    fn phone_cards(&mut self, pack: &Pack, item: &Item, whose: Whose, line: u64) {
        let units = self
            .input
            .ring
            .cards
            .iter()
            .map(|c| Unit {
                ts: c.opening.ts,
                weight: 1,
                sure: c.probability >= SURE
                    && (whose == Whose::Any || sure(self.input, c, self.input.mine.openings.get(&c.card))),
                row: c.opening.clone(),
            })
            .collect();
        let counted = match whose {
            Whose::Others => {
                text("cards of the ring opened in other persons' names", "本团伙以他人名义开通的卡")
            }
            Whose::Any => text("cards of the ring", "本团伙的卡"),
        };
        let notes = vec![text(
            "counts for those who bought, sold, let or handed over the cards, and only if they knew what for",
            "适用于收购、出售、出租、提供卡的人，且以明知为前提",
        )];
        let tally = Tally { units, counted, notes, floor: 0, scale: 1 };
        let line = Line {
            pack,
            item,
            id: item.id.clone(),
            threshold: line,
            unit: text("cards", "张"),
            grade: serious(),
        };
        self.hold(&line, &tally, vec![]);
    }

    fn targets(&mut self, pack: &Pack, item: &Item, line: u64) {
        let units = fraud_units(self.input, |_| (1, false));
        let tally = Tally {
            units,
            counted: text(
                "groups that used the cards: the records do not name them; the number of fraud cases is only an upper bound",
                "使用这些卡的对象：记录中没有载明，诈骗案件数只是上限",
            ),
            notes: vec![text("knowledge must be proved", "须证明明知")],
            floor: 0,
            scale: 1,
        };
        let line = Line {
            pack,
            item,
            id: item.id.clone(),
            threshold: line,
            unit: text("targets", "个对象"),
            grade: serious(),
        };
        self.hold(&line, &tally, vec![]);
    }

    fn fraud_loss(&mut self, pack: &Pack, item: &Item, lines: [u64; 3]) {
        let units = fraud_units(self.input, |loss| (u64::try_from(loss).unwrap_or(0), true));
        let tally = Tally {
            units,
            counted: text(
                "yuan of loss in the fraud cases in which cards of the ring were used, each case once",
                "使用本团伙卡的诈骗案件的损失金额（元），每案只计一次",
            ),
            notes: vec![text(
                "concerns those who committed the fraud; whether a member of the ring knew and took part must be proved",
                "指向实施诈骗的人；团伙成员是否明知并参与，须另行证明",
            )],
            floor: 0,
            scale: 100,
        };
        let grades = [
            text("large amount", "数额较大"),
            text("huge amount", "数额巨大"),
            text("especially huge amount", "数额特别巨大"),
        ];
        let upper = tally.upper();
        let best = lines.iter().rposition(|l| upper >= *l).unwrap_or(0);
        let line = Line {
            pack,
            item,
            id: item.id.clone(),
            threshold: lines[best],
            unit: text("yuan", "元"),
            grade: grades[best].clone(),
        };
        self.hold(&line, &tally, vec![]);
    }

    fn cards_per_person(&mut self, pack: &Pack, item: &Item, limit: u64) {
        let mut of: BTreeMap<&str, Vec<&RingCard>> = BTreeMap::new();
        for card in &self.input.ring.cards {
            if let Some(subject) = subject_of(self.input, card) {
                of.entry(subject).or_default().push(card);
            }
        }
        let over: Vec<&Vec<&RingCard>> = of.values().filter(|cards| cards.len() as u64 > limit).collect();
        if over.is_empty() {
            return;
        }
        let most = over.iter().map(|c| c.len()).max().unwrap_or(0);
        let units = over
            .iter()
            .filter_map(|cards| cards.last())
            .map(|c| Unit {
                ts: c.opening.ts,
                weight: 1,
                sure: c.probability >= SURE,
                row: c.opening.clone(),
            })
            .collect();
        let tally = Tally {
            units,
            counted: text(
                format!("persons with more than {limit} cards of the ring (at most {most})"),
                format!("名下有本团伙卡超过{limit}张的人（最多{most}张）"),
            ),
            notes: vec![text(
                "a duty of the carrier, not of the person named on the cards",
                "这是运营商的义务，与被登记人无关",
            )],
            floor: 0,
            scale: 1,
        };
        let line = Line {
            pack,
            item,
            id: item.id.clone(),
            threshold: 1,
            unit: text("persons", "人"),
            grade: text("limit passed", "超出上限"),
        };
        self.hold(&line, &tally, vec![]);
    }

    /// The lower and the upper count for a pack.
    fn bounds(&self, pack: &Pack, tally: &Tally) -> (u64, u64) {
        let lower = match pack.force(self.period) {
            Force::Partly => tally.lower(|ts| pack.covers(ts)),
            _ => tally.lower(|_| true),
        };
        (lower, tally.upper().max(lower))
    }

    fn reached(&self, pack: &Pack, tally: &Tally, threshold: u64) -> Reached {
        match self.bounds(pack, tally) {
            (lower, _) if lower >= threshold => Reached::Yes,
            (_, upper) if upper >= threshold => Reached::Perhaps,
            _ => Reached::No,
        }
    }

    /// Holds a count against a line and writes it down.
    fn hold(&mut self, line: &Line, tally: &Tally, more: Vec<Text>) {
        let force = line.pack.force(self.period);
        let (lower, upper) = self.bounds(line.pack, tally);
        let reached = self.reached(line.pack, tally, line.threshold);
        let mut notes = more;
        notes.extend(tally.notes.iter().cloned());
        notes.extend(words::force_note(line.pack, force));
        if line.pack.confidence != Confidence::Primary {
            notes.push(text(
                format!("text not read in the original: {}", line.pack.source.en),
                format!("未读原文：{}", line.pack.source.zh),
            ));
        }
        self.out.push(Assessment {
            entity: self.entity.clone(),
            provision: text(
                format!(
                    "{} {}: {}, {} {}",
                    line.pack.title.en,
                    line.item.cite.en,
                    line.grade.en,
                    words::group(line.threshold),
                    line.unit.en
                ),
                format!(
                    "{}{}：{}，{}{}",
                    line.pack.title.zh,
                    line.item.cite.zh,
                    line.grade.zh,
                    words::group(line.threshold),
                    line.unit.zh
                ),
            ),
            item: format!("{}/{}", line.pack.id, line.id),
            counted: tally.counted.clone(),
            lower,
            upper: Some(upper),
            threshold: line.threshold,
            reached,
            in_force: matches!(force, Force::Throughout | Force::Partly),
            notes,
            evidence: Evidence::of(tally.units.iter().map(|u| u.row.clone())),
        });
    }
}

fn fraud_units(input: &Input, weigh: impl Fn(i64) -> (u64, bool)) -> Vec<Unit> {
    input
        .mine
        .fraud
        .values()
        .filter_map(|f| {
            let (weight, sure) = weigh(f.loss);
            Some(Unit { ts: f.reported_at, weight, sure, row: f.rows.first()?.clone() })
        })
        .collect()
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
