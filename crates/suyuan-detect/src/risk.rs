//! Risk by entity: findings of independent record families add up; one family alone puts nobody up for review.
//!
//! A finding weighs its rarity (the log of one in how many comparable things show it), times a share for its level, at
//! most [`RiskParams::cap`]: a rule that fires on a large part of the entities weighs little, and no rule weighs more than the
//! cap. What a decisive explanation lowered to informational weighs nothing, nor does a score learnt from outcomes, which rests on
//! records of several families at once. An explanation that the records support without
//! being decisive takes off what its rule says: the log of how many times as often they support it of honest findings as of guilty
//! ones; whatever speaks against it, a finding keeps [`RiskParams::kept`] of its weight. The entity that a finding is about gets the
//! weight; those involved get a share of it, the smaller the more of their kind are named. From its last row on a finding
//! loses half its weight every [`RiskParams::half_life_days`].
//!
//! At any moment each family counts once, at its strongest finding; the score is the highest sum that was ever reached. An entity
//! is up for review from the first moment at which enough families stand (each with [`RiskParams::least`] nats, and
//! enough of them by alerts about the entity itself, of level medium or above), the sum reaches [`RiskParams::review`],
//! and chance would bring at most [`RiskParams::by_chance`] entities a month as far, of whatever kind and in whatever
//! families ([`chance`]). So more is needed of one among 4,000 accounts than of one among 40, and more where ten families
//! are read than where three are, and more of an outlet than of an account. What that guarantees: were the families
//! independent, then of all entities of all kinds chance would put up at most so many a month on average, all
//! combinations of families together.
//!
//! Invariants, where base rates and what chance brings stay as they are: one more finding never lowers a score nor takes
//! anyone off the list. Always: the order of findings does not matter; findings of one family alone put nobody up for
//! review, nor do findings that are no alerts.
//! A family is what its figures were recorded by, not where a rule is kept: two rules that read nothing but who was opened for and how
//! many are one family, though one counts by account and the other by device. That the rows of two families are the same openings does not
//! make them one: a ring's openings show a false place, an old face and a strange login at once, each recorded by itself.
//! Blind to: whether two families tell of the same innocent cause; the checks of the rules are there for that.
//! The weights are engineering defaults, not fitted to outcomes.

mod chance;

use std::collections::{BTreeMap, BTreeSet};

use suyuan_model::outcome::{Entity, EntityKind, Family, Finding, Level, Text};
use suyuan_model::risk::{FamilyRisk, Risk, RiskReason};
use suyuan_model::time::{DAY, format_china};

use crate::explain::entity_zh;
use chance::{Chance, Dealt};

/// How findings add up.
#[derive(Clone, Debug)]
pub struct RiskParams {
    /// Days after its last row in which a finding loses half its weight.
    pub half_life_days: f64,
    /// Families that must stand before anyone is up for review.
    pub families: usize,
    /// How many of them must stand by alerts about the entity itself.
    pub own: usize,
    /// What a family must weigh to stand, nats.
    pub least: f64,
    /// The sum below which no entity is up for review, nats.
    pub review: f64,
    /// How many entities, of all kinds and in all combinations of families, chance may put up for review in thirty days.
    pub by_chance: f64,
    /// The most that one rule weighs, nats.
    pub cap: f64,
    /// The share of its weight that a finding keeps, whatever explanations that are not decisive speak against it.
    pub kept: f64,
    /// The share of those involved.
    pub involved: f64,
    /// Entities with less are left out of the list, nats.
    pub shown: f64,
}

impl Default for RiskParams {
    fn default() -> Self {
        RiskParams {
            half_life_days: 90.0,
            families: 2,
            own: 1,
            least: 1.5,
            review: 4.0,
            by_chance: 0.05,
            cap: 7.0,
            kept: 0.5,
            involved: 0.3,
            shown: 0.5,
        }
    }
}

/// The kinds of entities that are scored.
const SCORED: [EntityKind; 6] = [
    EntityKind::Account,
    EntityKind::Device,
    EntityKind::Outlet,
    EntityKind::Card,
    EntityKind::Person,
    EntityKind::Collector,
];

/// Rounds after which nobody is left out any more; mostly the second adds nobody.
const ROUNDS: usize = 6;

/// One finding, as it bears on one entity.
#[derive(Clone)]
struct Part<'a> {
    finding: &'a Finding,
    nats: f64,
    /// By how much explanations lowered that.
    lowered: f64,
    accused: bool,
    /// Whether it is an alert about the entity itself.
    own: bool,
}

impl Part<'_> {
    fn at(&self, t: i64, half_life: f64) -> f64 {
        let f = self.finding;
        if t < f.fired {
            return 0.0;
        }
        let days = (t - f.last).max(0) as f64 / DAY as f64;
        self.nats * (-days / half_life).exp2()
    }
    /// Whether this one says at every moment at least what the other says.
    fn covers(&self, other: &Part<'_>) -> bool {
        self.finding.family == other.finding.family
            && self.accused >= other.accused
            && self.own >= other.own
            && self.finding.fired <= other.finding.fired
            && self.finding.last >= other.finding.last
            && self.nats >= other.nats
    }
}

/// What one finding alone would weigh for the entity it is about if nothing spoke against it, nats.
fn unexplained(f: &Finding, p: &RiskParams) -> f64 {
    // It says again what other families say.
    if f.family == Family::Score {
        return 0.0;
    }
    let share = match f.level {
        Level::Informational => return 0.0,
        Level::Low => 0.5,
        Level::Medium => 0.75,
        Level::High | Level::Critical => 1.0,
    };
    let hits = f.base_rate.hits.max(1) as f64;
    let rarity = (f.base_rate.of as f64 / hits).ln().max(0.0);
    (share * rarity).min(p.cap)
}

/// What is left of that beside what explanations speak against it.
fn weight(f: &Finding, p: &RiskParams) -> f64 {
    let all = unexplained(f, p);
    (all - f.against.max(0.0)).max(all * p.kept)
}

/// The findings as they bear on each entity, oldest first.
type Parts<'a> = BTreeMap<&'a Entity, Vec<Part<'a>>>;

fn parts<'a>(findings: &'a [Finding], p: &RiskParams) -> Parts<'a> {
    let mut parts = Parts::new();
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by(|a, b| (a.fired, &a.id).cmp(&(b.fired, &b.id)));
    sorted.dedup_by(|a, b| a.id == b.id);
    for finding in sorted {
        let nats = weight(finding, p);
        if nats <= 0.0 {
            continue;
        }
        let lowered = unexplained(finding, p) - nats;
        let mut add = |entity, share, accused| {
            let own = accused && finding.level >= Level::Medium;
            let (nats, lowered) = (nats * share, lowered * share);
            parts.entry(entity).or_default().push(Part { finding, nats, lowered, accused, own });
        };
        if SCORED.contains(&finding.entity.kind) {
            add(&finding.entity, 1.0, true);
        }
        for e in finding.involved.iter().filter(|e| SCORED.contains(&e.kind) && **e != finding.entity) {
            let of_kind = finding.involved.iter().filter(|o| o.kind == e.kind).count();
            add(e, p.involved / of_kind as f64, false);
        }
    }
    parts
}

/// Adds the findings up by entity; highest score first.
///
/// Who is up for review is no measure of what chance brings: in further rounds they are left out of it, so that of many
/// guilty none hides another.
pub fn risk(findings: &[Finding], params: &RiskParams) -> Vec<Risk> {
    let parts = parts(findings, params);
    let mut up = BTreeSet::new();
    let mut out = Vec::new();
    for _ in 0..ROUNDS {
        let usual = Usual::of(findings, &parts, &up, params);
        out = scored(&parts, &usual, params);
        let now: BTreeSet<Entity> = out.iter().filter(|r| r.review).map(|r| r.entity.clone()).collect();
        if now == up {
            break;
        }
        up = now;
    }
    out
}

fn scored(parts: &Parts<'_>, usual: &Usual, params: &RiskParams) -> Vec<Risk> {
    let mut out: Vec<Risk> = parts.iter().filter_map(|(e, list)| of_entity(e, list, usual, params)).collect();
    out.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.entity.cmp(&b.entity)));
    out
}

/// What chance brings.
struct Usual {
    kinds: BTreeMap<EntityKind, Dealt>,
    /// How many entities it may bring as far.
    at_most: f64,
}

impl Usual {
    fn of(findings: &[Finding], parts: &Parts<'_>, up: &BTreeSet<Entity>, p: &RiskParams) -> Usual {
        let (first, last) = (findings.iter().map(|f| f.first).min(), findings.iter().map(|f| f.last).max());
        let days = (last.unwrap_or(0) - first.unwrap_or(0)) as f64 / DAY as f64;
        let mut kinds: BTreeMap<EntityKind, Chance> = BTreeMap::new();
        for f in findings.iter().filter(|f| SCORED.contains(&f.entity.kind) && f.family != Family::Score) {
            kinds.entry(f.entity.kind).or_default().compares(f.family, f.base_rate.of);
        }
        for (e, list) in parts.iter().filter(|(e, _)| !up.contains(**e)) {
            kinds.entry(e.kind).or_default().add(strongest(list.iter().map(|part| (part, part.nats))), p);
        }
        let kinds = kinds.into_iter().map(|(kind, c)| (kind, c.dealt(p))).collect();
        Usual { kinds, at_most: p.by_chance * f64::max(days / 30.0, 1.0) }
    }

    /// How many entities of all kinds chance would bring as far as one of this kind. Of each other kind as many as of its
    /// own, by their shares of what is allowed, or all who have enough families by chance.
    fn expected(&self, kind: EntityKind, m: &Moment, p: &RiskParams) -> f64 {
        let own = self.kinds.get(&kind).map_or(f64::INFINITY, |dealt| dealt.expected(m, p));
        let as_far = |k: EntityKind, dealt: &Dealt| match k == kind {
            true => own,
            false => (own * allowed(k) / allowed(kind)).min(dealt.most()),
        };
        self.kinds.iter().map(|(k, dealt)| as_far(*k, dealt)).sum()
    }
}

/// A kind's share of what chance is allowed, to scale: accounts act, and what speaks of an outlet or device mostly repeats
/// what speaks of its accounts.
fn allowed(kind: EntityKind) -> f64 {
    if kind == EntityKind::Account { 4.0 } else { 1.0 }
}

/// What one family weighs at one moment, and what its alerts about the entity itself do.
#[derive(Clone, Copy, Debug, Default)]
struct Weighs {
    all: f64,
    own: f64,
}

/// The families at one moment.
type Moment = BTreeMap<Family, Weighs>;

/// Each family at its strongest.
fn strongest<'a>(parts: impl Iterator<Item = (&'a Part<'a>, f64)>) -> Moment {
    let mut out = Moment::new();
    for (part, nats) in parts.filter(|(_, nats)| *nats > 0.0) {
        let v = out.entry(part.finding.family).or_default();
        v.all = v.all.max(nats);
        if part.own {
            v.own = v.own.max(nats);
        }
    }
    out
}

fn moment(parts: &[Part<'_>], t: i64, p: &RiskParams) -> Moment {
    strongest(parts.iter().map(|part| (part, part.at(t, p.half_life_days))))
}

fn sum(m: &Moment) -> f64 {
    m.values().map(|v| v.all).sum()
}

/// Whether that is enough for a review, but for chance.
fn enough(m: &Moment, p: &RiskParams) -> bool {
    let stand = m.values().filter(|v| v.all >= p.least).count();
    let own = m.values().filter(|v| v.own >= p.least).count();
    stand >= p.families && own >= p.own && sum(m) >= p.review
}

fn of_entity(entity: &Entity, parts: &[Part<'_>], usual: &Usual, p: &RiskParams) -> Option<Risk> {
    // What another part covers at every moment changes nothing.
    let mut front: Vec<Part<'_>> = Vec::new();
    for part in parts {
        if !front.iter().any(|f| f.covers(part)) {
            front.push(part.clone());
        }
    }
    // Between the moments at which findings fire everything only decays.
    let (mut score, mut since) = (0.0f64, None);
    let (mut shown, mut shown_review) = ((f64::MIN, Moment::new()), (f64::MIN, Moment::new()));
    for t in front.iter().map(|f| f.finding.fired) {
        let m = moment(&front, t, p);
        let total = sum(&m);
        score = score.max(total);
        if enough(&m, p) && usual.expected(entity.kind, &m, p) <= usual.at_most {
            since = since.or(Some(t));
            if total > shown_review.0 {
                shown_review = (total, m);
            }
        } else if total > shown.0 {
            shown = (total, m);
        }
    }
    if score < p.shown {
        return None;
    }
    let at_best = if since.is_some() { shown_review.1 } else { shown.1 };
    let by_chance =
        enough(&at_best, p).then(|| usual.expected(entity.kind, &at_best, p)).filter(|n| n.is_finite());
    let mut families: Vec<FamilyRisk> = at_best
        .into_iter()
        .map(|(family, v)| FamilyRisk { family, nats: v.all, stands: v.all >= p.least })
        .collect();
    families.sort_by(|a, b| b.nats.total_cmp(&a.nats).then(a.family.cmp(&b.family)));
    let mut reasons: Vec<RiskReason> = front
        .iter()
        .map(|f| RiskReason {
            finding: f.finding.id.clone(),
            rule: f.finding.rule.clone(),
            family: f.finding.family,
            nats: f.nats,
            lowered: f.lowered,
            accused: f.accused,
        })
        .collect();
    reasons.sort_by(|a, b| b.nats.total_cmp(&a.nats).then_with(|| a.finding.cmp(&b.finding)));
    let mut text = words(entity, &families, since, by_chance);
    let lowered = reasons.iter().filter(|r| r.lowered > 0.0).count();
    if lowered > 0 {
        text.en += &format!(
            "; explanations that the records support lowered {lowered} of {} findings",
            reasons.len()
        );
        text.zh += &format!("；{}条线索中{lowered}条因记录支持其他解释而降低权重", reasons.len());
    }
    Some(Risk {
        entity: entity.clone(),
        score,
        families,
        review: since.is_some(),
        since,
        by_chance,
        reasons,
        text,
    })
}

fn words(entity: &Entity, families: &[FamilyRisk], since: Option<i64>, by_chance: Option<f64>) -> Text {
    let list = |name: fn(Family) -> &'static str, between: &str| {
        families.iter().map(|f| format!("{} {:.1}", name(f.family), f.nats)).collect::<Vec<_>>().join(between)
    };
    let stand = families.iter().filter(|f| f.stands).count();
    let (en, zh) = (list(|f| f.name().0, ", "), list(|f| f.name().1, "、"));
    let zh_kind = entity_zh(entity.kind);
    let few = by_chance.map(few).unwrap_or_default();
    match since {
        Some(t) => {
            let when = format_china(t);
            Text::new(
                format!(
                    "{entity}: {stand} independent record families ({en} nats); up for review since {when} (UTC+8); \
                     chance would bring {} as far",
                    few.en
                ),
                format!(
                    "{zh_kind}{}：{stand}个相互独立的记录族指向同一主体（{zh}，单位奈特），自{when}（UTC+8）起列入复核；\
                     偶然达到此程度的预期数{}",
                    entity.id, few.zh
                ),
            )
        }
        // Two families or more, but what chance would bring to some of so many entities.
        None if stand > 1 => Text::new(
            format!("{entity}: {en} nats; not enough for a review; chance would bring {} as far", few.en),
            format!(
                "{zh_kind}{}：{zh}（单位奈特），不足以列入复核；偶然达到此程度的预期数{}",
                entity.id, few.zh
            ),
        ),
        None => Text::new(
            format!("{entity}: {en} nats; not enough for a review"),
            format!("{zh_kind}{}：{zh}（单位奈特），不足以列入复核", entity.id),
        ),
    }
}

/// A small number in few digits.
fn few(n: f64) -> Text {
    match n < 0.001 {
        true => Text::new("less than 0.001", "不到0.001"),
        false => Text::new(format!("{n:.3}"), format!("为{n:.3}")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use suyuan_model::Kind;
    use suyuan_model::order::RowRef;
    use suyuan_model::outcome::{BaseRate, Confidence, Evidence};

    use super::*;

    const FAMILIES: [Family; 4] = [Family::Login, Family::Location, Family::Opening, Family::Access];

    fn finding(n: usize, family: Family, who: &str, level: Level, hits: u64, day: i64, days: i64) -> Finding {
        let row = RowRef { kind: Kind::Login, ts: day, source: "s".into(), seq: n as i64, file: 1, line: 1 };
        Finding {
            id: format!("f{n}"),
            rule: format!("r/{family:?}"),
            rule_hash: String::new(),
            scheme: "S01".into(),
            title: Text::default(),
            family,
            confidence: Confidence::Engineering,
            level,
            entity: Entity::new(EntityKind::Account, who),
            involved: vec![
                Entity::new(EntityKind::Outlet, "o1"),
                Entity::new(EntityKind::Account, if who == "a0" { "a1" } else { "a0" }),
            ],
            first: day * DAY,
            fired: day * DAY,
            last: (day + days) * DAY,
            evidence: Evidence::of([row]).unwrap(),
            trigger: None,
            contributions: Vec::new(),
            counter: Vec::new(),
            against: 0.0,
            base_rate: BaseRate { hits, of: 1000, what: Text::default() },
            clears: Text::default(),
            cannot_tell: Text::default(),
        }
    }

    #[test]
    fn two_families_put_up_for_review_and_say_since_when() {
        let one = [finding(0, Family::Login, "a0", Level::High, 10, 100, 0)];
        let risks = risk(&one, &RiskParams::default());
        let r = &risks[0];
        assert_eq!((r.entity.id.as_str(), r.review, r.since), ("a0", false, None));
        assert!((r.score - 100f64.ln()).abs() < 1e-9);
        let two = [one[0].clone(), finding(1, Family::Opening, "a0", Level::Medium, 20, 190, 5)];
        let risks = risk(&two, &RiskParams::default());
        let r = &risks[0];
        assert_eq!((r.review, r.since), (true, Some(190 * DAY)));
        // The first has lost half its weight by then.
        assert!((r.score - (100f64.ln() / 2.0 + 0.75 * 50f64.ln())).abs() < 1e-9);
        assert_eq!(r.families[0].family, Family::Opening);
        assert_eq!(r.reasons.len(), 2);
        insta::assert_snapshot!(format!("{}\n{}", r.text.en, r.text.zh));
        // Those involved: less, and no review without a finding of their own.
        let other = risks.iter().find(|r| r.entity.id == "a1").unwrap();
        assert!(other.score < r.score / 2.0 && !other.review);
    }

    #[test]
    fn explained_and_common_things_weigh_nothing() {
        let score = finding(0, Family::Score, "a0", Level::High, 10, 1, 0);
        assert!(
            risk(&[score], &RiskParams::default()).is_empty(),
            "a learnt score says again what others say"
        );
        let explained = finding(0, Family::Login, "a0", Level::Informational, 1, 1, 0);
        let common = finding(1, Family::Opening, "a0", Level::Critical, 1000, 1, 0);
        assert!(risk(&[explained, common], &RiskParams::default()).is_empty());
    }

    /// An explanation that is not decisive takes off what it says, and no more than half.
    #[test]
    fn what_speaks_against_a_finding_lowers_it_and_never_to_nothing() {
        let of = |against: f64| {
            let mut list = [
                finding(0, Family::Login, "a0", Level::High, 10, 100, 0),
                finding(1, Family::Opening, "a0", Level::High, 20, 100, 0),
            ];
            list[1].against = against;
            risk(&list, &RiskParams::default()).remove(0)
        };
        let (plain, some, much) = (of(0.0), of(1.6), of(30.0));
        assert!((plain.score - some.score - 1.6).abs() < 1e-9);
        assert!((plain.score - much.score - 50f64.ln() / 2.0).abs() < 1e-9);
        let lowered: Vec<f64> = much.reasons.iter().map(|r| r.lowered).collect();
        assert_eq!(lowered, [0.0, 50f64.ln() / 2.0]);
        assert!(plain.review && much.review && plain.since == much.since);
        insta::assert_snapshot!(format!("{}\n{}", some.text.en, some.text.zh));
    }

    /// The same two findings, of which more accounts have one by accident the more accounts there are.
    #[test]
    fn among_many_chance_is_enough_to_bring_two() {
        let world = |of: u64| {
            let mut list = Vec::new();
            for (n, family) in [(0, Family::Login), (1, Family::Opening)] {
                for k in 0..of / 100 {
                    let id = (2 * k + n) as usize;
                    let who = if k == 0 { "a0".to_owned() } else { format!("b{id}") };
                    let mut f = finding(id, family, &who, Level::High, of / 100, 100, 0);
                    (f.base_rate.of, f.involved) = (of, Vec::new());
                    list.push(f);
                }
            }
            let risks = risk(&list, &RiskParams::default());
            risks.into_iter().find(|r| r.entity.id == "a0").unwrap()
        };
        let (few, many) = (world(100), world(4000));
        assert!((few.score - many.score).abs() < 1e-9);
        assert_eq!((few.review, many.review), (true, false));
        let by_chance = [few, many.clone()].map(|r| (r.by_chance.unwrap() * 100.0).round() / 100.0);
        assert_eq!(by_chance, [0.01, 0.4]);
        insta::assert_snapshot!(format!("{}\n{}", many.text.en, many.text.zh));
    }

    fn some(n: usize) -> impl Strategy<Value = Finding> {
        let level =
            prop_oneof![Just(Level::Low), Just(Level::Medium), Just(Level::High), Just(Level::Informational)];
        let against = prop_oneof![Just(0.0), 0.0f64..4.0];
        (0usize..4, 0usize..3, level, 1u64..1000, 0i64..400, 0i64..40, against).prop_map(
            move |(f, who, l, hits, day, days, against)| {
                let mut f = finding(n, FAMILIES[f], ["a0", "a1", "a2"][who], l, hits, day, days);
                f.against = against;
                f
            },
        )
    }

    fn many() -> impl Strategy<Value = Vec<Finding>> {
        (0usize..14).prop_flat_map(|n| (0..n).map(some).collect::<Vec<_>>())
    }

    proptest! {
        #[test]
        fn one_more_finding_never_lowers_anything(list in many(), more in some(99)) {
            let p = RiskParams::default();
            let longer = [list.clone(), vec![more]].concat();
            let (few, all) = (parts(&list, &p), parts(&longer, &p));
            let usual = Usual::of(&longer, &all, &BTreeSet::new(), &p);
            let after = scored(&all, &usual, &p);
            for b in scored(&few, &usual, &p) {
                let a = after.iter().find(|a| a.entity == b.entity).unwrap();
                prop_assert!(a.score >= b.score && a.review >= b.review);
                if let Some(since) = b.since { prop_assert!(a.since.unwrap() <= since); }
            }
        }

        /// Whoever is up for review would be so by chance less often than is allowed.
        #[test]
        fn nobody_is_up_for_review_whom_chance_would_bring(list in many()) {
            let p = RiskParams::default();
            for r in risk(&list, &p).iter().filter(|r| r.review) {
                prop_assert!(r.score >= p.review && r.by_chance.unwrap() <= p.by_chance * 440.0 / 30.0);
            }
        }

        /// What speaks against a finding raises no score and puts nobody up, base rates and what chance brings being what they are.
        #[test]
        fn what_speaks_against_never_raises_anything(list in many(), n in 0usize..14, more in 0.0f64..4.0) {
            let p = RiskParams::default();
            let mut less = list.clone();
            if let Some(f) = less.get_mut(n) { f.against += more; }
            let (plain, lower) = (parts(&list, &p), parts(&less, &p));
            let usual = Usual::of(&list, &plain, &BTreeSet::new(), &p);
            let before = scored(&plain, &usual, &p);
            for a in scored(&lower, &usual, &p) {
                let b = before.iter().find(|b| b.entity == a.entity).unwrap();
                prop_assert!(a.score <= b.score + 1e-12 && a.review <= b.review);
            }
            // Nor does it take a weight away.
            for f in &less { prop_assert!(weight(f, &p) >= unexplained(f, &p) / 2.0 - 1e-12); }
        }

        #[test]
        fn without_an_alert_nobody_is_up(list in many()) {
            let mut list = list;
            list.iter_mut().for_each(|x| x.level = x.level.min(Level::Low));
            prop_assert!(risk(&list, &RiskParams::default()).iter().all(|r| !r.review));
        }

        #[test]
        fn order_does_not_matter(list in many(), turn in 0usize..14) {
            let p = RiskParams::default();
            let mut turned = list.clone();
            if !turned.is_empty() { let n = turn % turned.len(); turned.rotate_left(n); turned.reverse(); }
            prop_assert_eq!(risk(&list, &p), risk(&turned, &p));
        }

        #[test]
        fn one_family_alone_puts_nobody_up(list in many(), f in 0usize..4) {
            let mut list = list;
            list.iter_mut().for_each(|x| x.family = FAMILIES[f]);
            prop_assert!(risk(&list, &RiskParams::default()).iter().all(|r| !r.review));
        }

        /// The plain slow way: every moment, every finding.
        #[test]
        fn agrees_with_the_plain_way(list in many()) {
            let p = RiskParams::default();
            for r in risk(&list, &p) {
                let mut best = 0f64;
                for t in list.iter().map(|f| f.fired) {
                    let mut total = 0.0;
                    for family in FAMILIES {
                        let of = |f: &Finding| {
                            let w = weight(f, &p) * (-((t - f.last).max(0) as f64 / DAY as f64) / 90.0).exp2();
                            let share = if f.entity == r.entity { 1.0 }
                                else if f.involved.contains(&r.entity) { 0.3 } else { 0.0 };
                            if f.fired <= t && f.family == family { w * share } else { 0.0 }
                        };
                        total += list.iter().map(of).fold(0.0, f64::max);
                    }
                    best = best.max(total);
                }
                prop_assert!((best - r.score).abs() < 1e-9, "{} {}", best, r.score);
            }
        }
    }
}
