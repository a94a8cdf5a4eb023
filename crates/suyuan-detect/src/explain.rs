//! From a hit to a finding: a second scan looks at the evidence again, at what lies around it and at what came later.
//!
//! It collects the others involved and lets every check of the rule see the evidence and the rows it asks for, those
//! after the hit too. A check that the rule calls decisive makes the finding one for information when the records
//! support it, or when the rows it leaves unexplained would not have reached the rule's count. So do a habit of the
//! house and a busy desk, which no rule need name (`house`, `business`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use suyuan_model::outcome::{
    Contribution, Counter, Entity, EntityKind, Evidence, Finding, Level, Outcome, Text,
};
use suyuan_model::scan::{RowSource, Want};
use suyuan_model::{Kind, time};

use crate::business::Business;
use crate::check::{About, Check, Spec};
use crate::core::{AHEAD, Draft};
use crate::derive::Params;
use crate::desk::Desks;
use crate::error::DetectError;
use crate::field;
use crate::hash::{Key, KeyMap, KeySet};
use crate::house::House;
use crate::jobs;
use crate::plan::Plan;
use crate::rule::{MICRO, Measure, Mode, Rule};
use crate::run::Pass;
use crate::view::{Binder, Cite, Row, Slot, View, Views, identity_of};

/// Others involved, of one kind, that a finding names.
const MOST_INVOLVED: usize = 50;

/// A check with its parameters; rules that ask the same share it.
struct Checked {
    spec: &'static Spec,
    params: Params,
    check: Box<dyn Check>,
    /// Per plan: whether it asks.
    asked_by: Vec<bool>,
}

struct Second {
    binder: Binder,
    checks: Vec<Checked>,
    /// Per plan: its checks, in the rule's order.
    asks: Vec<Vec<usize>>,
    /// Per plan and kind: slot and what it names.
    involved: Vec<Vec<(Kind, Slot, EntityKind)>>,
    /// Evidence rows: drafts they belong to.
    evidence: KeyMap<Vec<usize>>,
    times: KeySet,
    /// Rows that are shown and not explained.
    shown: KeySet,
    names: Vec<BTreeMap<EntityKind, BTreeSet<String>>>,
    /// Evidence rows: the file and line they came from.
    origins: KeyMap<(i64, i64)>,
    /// Per plan that is a habit of the house: where its entities' rows are counted.
    exposed: Vec<Option<usize>>,
    /// Rows by entity, per kind and slot.
    exposures: Vec<(Kind, Slot, KeyMap<u64>)>,
    business: Business,
    desks: Desks,
}

pub(crate) fn findings(source: &dyn RowSource, pass: Pass<'_>) -> Result<Vec<Finding>, DetectError> {
    let mut house = House::new(&pass);
    let mut second = Second::new(&pass, &house);
    let wants = second.wants(&pass, source);
    if !wants.is_empty() {
        let mut stream = source.scan(&wants)?;
        let mut views = Views::default();
        let mut rows = Vec::with_capacity(AHEAD);
        while let Some(run) = stream.next_run()? {
            let view = views.of(run.kind, &run.batch, &second.binder, 0);
            let last = run.rows.end == run.batch.num_rows();
            for i in run.rows {
                rows.push((view.clone(), i));
                if rows.len() == AHEAD {
                    second.rows(&rows, &pass);
                    rows.clear();
                }
            }
            if last {
                views.done(&run.batch);
            }
        }
        second.rows(&rows, &pass);
    }
    for (plan, at) in second.exposed.iter().enumerate() {
        if let Some((_, _, rows)) = at.map(|at| &second.exposures[at]) {
            house.in_proportion(plan, |entity| rows.get(&Key::of(entity)).copied().unwrap_or(0));
        }
    }
    let mut out: Vec<Finding> = pass
        .drafts
        .list
        .iter()
        .enumerate()
        .filter_map(|(n, d)| second.finding(n, d, &pass, &house))
        .collect();
    out.sort_by(|a, b| (a.first, &a.rule, &a.entity, &a.id).cmp(&(b.first, &b.rule, &b.entity, &b.id)));
    Ok(out)
}

impl Second {
    fn new(pass: &Pass<'_>, house: &House) -> Second {
        let mut s = Second {
            binder: Binder::default(),
            checks: Vec::new(),
            asks: Vec::new(),
            involved: Vec::new(),
            evidence: KeyMap::default(),
            times: KeySet::default(),
            shown: KeySet::default(),
            names: vec![BTreeMap::new(); pass.drafts.list.len()],
            origins: KeyMap::default(),
            exposed: Vec::new(),
            exposures: Vec::new(),
            business: Business::default(),
            desks: Desks::default(),
        };
        s.business = Business::new(pass, &mut s.binder);
        s.desks = Desks::new(pass, house, &mut s.binder);
        let mut fired = vec![false; pass.bound.len()];
        for (n, d) in pass.drafts.list.iter().enumerate() {
            fired[d.plan] = true;
            let (spoken_of, shown) = d.spoken_of();
            for c in shown {
                let r = pass.sources.row(c);
                s.times.insert(Key::number(r.ts));
                s.shown.insert(identity_of(&r));
            }
            for c in spoken_of {
                let r = pass.sources.row(c);
                s.times.insert(Key::number(r.ts));
                let list = s.evidence.entry(identity_of(&r)).or_default();
                if list.last() != Some(&n) {
                    list.push(n);
                }
            }
        }
        for (at, plan) in pass.bound.plans().enumerate() {
            // Rules that did not fire ask for nothing.
            let rule = plan.rule;
            let asks = if fired[at] { s.asks_of(rule, at, pass.bound.len()) } else { Vec::new() };
            s.asks.push(asks);
            let mut involved = Vec::new();
            for d in &rule.detections {
                for n in std::iter::once(&rule.entity).chain(&rule.involved) {
                    if let Some(slot) = s.binder.find(d.kind, &n.field) {
                        involved.push((d.kind, slot, n.kind));
                    }
                }
            }
            s.involved.push(involved);
            let exposed = if house.habit(at) { s.exposure(plan) } else { None };
            s.exposed.push(exposed);
        }
        s
    }

    /// Where the rows of a rule's entities are counted, if they name them.
    fn exposure(&mut self, plan: &Plan<'_>) -> Option<usize> {
        let kind = plan.rule.detections[*plan.correlation.steps.last()?].kind;
        let slot = self.binder.find(kind, &plan.rule.entity.field)?;
        let known = self.exposures.iter().position(|e| (e.0, e.1) == (kind, slot));
        Some(known.unwrap_or_else(|| {
            self.exposures.push((kind, slot, KeyMap::default()));
            self.exposures.len() - 1
        }))
    }

    /// The checks of a rule, each made once for all rules that ask it with the same parameters.
    fn asks_of(&mut self, rule: &Rule, plan: usize, plans: usize) -> Vec<usize> {
        let mut asks = Vec::with_capacity(rule.checks.len());
        for c in &rule.checks {
            let same = |k: &Checked| k.check.shared() && std::ptr::eq(k.spec, c.spec) && k.params == c.params;
            let known = self.checks.iter().position(same);
            let at = known.unwrap_or_else(|| {
                let check = (c.spec.build)(&c.params, &mut self.binder);
                let asked_by = vec![false; plans];
                self.checks.push(Checked { spec: c.spec, params: c.params.clone(), check, asked_by });
                self.checks.len() - 1
            });
            self.checks[at].asked_by[plan] = true;
            asks.push(at);
        }
        asks
    }

    fn wants(&self, pass: &Pass<'_>, source: &dyn RowSource) -> Vec<Want> {
        let mut kinds: Vec<Kind> = Vec::new();
        for d in &pass.drafts.list {
            kinds.extend(pass.bound.plan(d.plan).rule.detections.iter().map(|d| d.kind));
            kinds.extend(d.rows.iter().chain(&d.behind).map(|c| c.kind));
        }
        kinds.extend(self.checks.iter().flat_map(|c| c.spec.reads));
        kinds.sort_unstable();
        kinds.dedup();
        kinds.retain(|k| source.count(*k) > 0);
        kinds.into_iter().map(|k| Want::only(k, self.binder.columns(k))).collect()
    }

    /// Takes the next rows in: names and origins first, then the checks, each by itself.
    fn rows(&mut self, rows: &[(Arc<View>, usize)], pass: &Pass<'_>) {
        let Second {
            checks,
            involved,
            evidence,
            times,
            shown,
            names,
            origins,
            exposures,
            business,
            desks,
            ..
        } = self;
        let mut told: Vec<(Kind, &[usize])> = Vec::with_capacity(rows.len());
        for (view, i) in rows {
            let row = &view.row(*i);
            business.row(row);
            for (_, slot, rows) in exposures.iter_mut().filter(|e| e.0 == row.kind()) {
                if let Some(k) = row.key(*slot) {
                    *rows.entry(k).or_default() += 1;
                }
            }
            let hit = times.contains(&Key::number(row.ts)).then(|| row.identity());
            let drafts = hit.and_then(|id| evidence.get(&id)).map_or(&[][..], Vec::as_slice);
            told.push((row.kind(), drafts));
            desks.row(row, drafts);
            if let Some(id) = hit.filter(|id| !drafts.is_empty() || shown.contains(id)) {
                origins.insert(id, row.origin());
            }
            for n in drafts {
                name(row, &involved[pass.drafts.list[*n].plan], &mut names[*n]);
            }
        }
        let (drafts, refs) = (&pass.drafts.list, pass.refs);
        jobs::each(pass.threads, checks.iter_mut().collect(), |c: &mut Checked| {
            for ((view, i), (kind, told)) in rows.iter().zip(&told) {
                let reads = c.spec.reads.contains(kind);
                if told.is_empty() && !reads {
                    continue;
                }
                let row = &view.row(*i);
                for n in told.iter().filter(|n| c.asked_by[drafts[**n].plan]) {
                    c.check.evidence(*n, row, refs);
                }
                if reads {
                    c.check.other(row, refs);
                }
            }
        });
    }

    fn finding(&self, n: usize, d: &Draft, pass: &Pass<'_>, house: &House) -> Option<Finding> {
        let plan = pass.bound.plan(d.plan);
        let rule = plan.rule;
        let about = About { entity: &d.entity, first: d.first, last: d.last };
        let mut level = rule.level;
        let (mut counter, mut against) = (Vec::new(), 0.0);
        let mut explained = KeySet::default();
        // What the best decisive check leaves unexplained must still reach the threshold.
        let least = least_rows(plan);
        let asked = self.asks[d.plan].iter().map(|at| &self.checks[*at]);
        for (c, used) in asked.zip(&rule.checks) {
            let (outcome, mut detail) = c.check.outcome(n, &about);
            let left = d.total.saturating_sub(c.check.explained(n));
            if used.decisive {
                explained.extend(c.check.rows_explained(n));
            }
            if used.decisive && (outcome == Outcome::Supported || left < least) {
                level = Level::Informational;
            } else if outcome == Outcome::Supported && used.weighs > 0.0 {
                against += used.weighs;
                detail.en += &format!("; not decisive: it takes up to {} nats off the weight", used.weighs);
                detail.zh += &format!("；不足以排除，权重最多减{}奈特", used.weighs);
            }
            counter.push(Counter { what: Text::new(used.spec.what.0, used.spec.what.1), outcome, detail });
        }
        let mut stands = false;
        if let Some(habit) = house.counter(pass, d) {
            stands = habit.outcome == Outcome::Excluded;
            if stands {
                explained.extend(self.desks.of_the_habit(n, house.share(d.plan)));
            }
            if !stands {
                level = Level::Informational;
            }
            counter.push(habit);
        } else if let Some(busy) = self.business.counter(pass, n, d) {
            if busy.outcome == Outcome::Supported {
                level = Level::Informational;
            }
            counter.push(busy);
        }
        let found = |c: &Cite| {
            let mut row = pass.sources.row(c);
            if let Some((file, line)) = self.origins.get(&identity_of(&row)) {
                (row.file, row.line) = (*file, *line);
            }
            row
        };
        // What was counted comes first; what lies behind it has the rest of the room.
        let room = Evidence::LIMIT.saturating_sub(d.rows.len());
        let counts =
            |c: &&Cite| explained.is_empty() || !explained.contains(&identity_of(&pass.sources.row(c)));
        let counted: Vec<&Cite> = d.rows.iter().filter(counts).collect();
        // Of a finding that stands, rows explained by themselves are no evidence.
        let rows = if counted.is_empty() || level == Level::Informational {
            d.rows.iter().collect()
        } else {
            counted
        };
        let evidence = Evidence::of(rows.into_iter().chain(d.behind.iter().take(room)).map(found))?;
        let entity = Entity::new(rule.entity.kind, d.entity.clone());
        let named =
            self.names[n].iter().flat_map(|(k, ids)| ids.iter().map(|id| Entity::new(*k, id.clone())));
        let raised = d.raised.iter().flat_map(|r| r.involved.iter().cloned());
        let involved: BTreeSet<Entity> = named.chain(raised).filter(|e| *e != entity).collect();
        if let Some(held) = rule.suppression(&d.entity, d.last) {
            level = Level::Informational;
            counter.push(Counter {
                what: Text::new("alerts about it are suppressed for now", "已暂停对其预警"),
                outcome: Outcome::Supported,
                detail: Text::new(
                    format!("by {} until {}: {}", held.owner, time::format(held.until), held.why),
                    format!("{}批准，至{}：{}", held.owner, time::format(held.until), held.why),
                ),
            });
        }
        if rule.mode == Mode::Shadow {
            level = Level::Informational;
        }
        level = d.raised.as_ref().and_then(|r| r.at_most).map_or(level, |most| level.min(most));
        Some(Finding {
            id: id_of(rule, &d.entity, d.number),
            rule: rule.id.clone(),
            rule_hash: rule.hash.clone(),
            scheme: rule.scheme.clone(),
            title: rule.title.clone(),
            family: rule.family,
            confidence: rule.confidence,
            level,
            entity,
            involved: involved.into_iter().collect(),
            first: d.first,
            fired: if stands { house.since(pass, d) } else { d.fired },
            last: d.last,
            trigger: d.trigger.as_ref().map(found),
            evidence,
            contributions: match &d.raised {
                Some(r) => r.contributions.clone(),
                None => contributions(plan, d),
            },
            counter,
            against,
            base_rate: d
                .raised
                .as_ref()
                .and_then(|r| r.base_rate.clone())
                .unwrap_or_else(|| house.base_rate(d.plan, stands, comparable(rule))),
            clears: rule.clears.clone(),
            cannot_tell: rule.cannot_tell.clone(),
        })
    }
}

/// Takes the names of a row that are involved.
fn name(
    row: &Row<'_>,
    involved: &[(Kind, Slot, EntityKind)],
    names: &mut BTreeMap<EntityKind, BTreeSet<String>>,
) {
    for (kind, slot, what) in involved {
        if *kind == row.kind()
            && let Some(id) = row.text(*slot)
        {
            let set = names.entry(*what).or_default();
            if set.len() < MOST_INVOLVED && !set.contains(id) {
                set.insert(id.to_owned());
            }
        }
    }
}

/// How many rows a hit needs at least; 0 where rows are not what is counted.
fn least_rows(plan: &Plan<'_>) -> u64 {
    let c = plan.correlation;
    if !matches!(c.measure, Measure::EventCount | Measure::ValueCount) {
        return 0;
    }
    (0..100_000).find(|n| c.holds(i128::from(*n) * MICRO)).unwrap_or(0u32).into()
}

/// Rule, its text, whom it accuses and which of several episodes: the same finding has the same id in every run.
fn id_of(rule: &Rule, entity: &str, number: usize) -> String {
    let mut h = Sha256::new();
    for part in [rule.id.as_str(), rule.hash.as_str(), entity, &number.to_string()] {
        h.update((part.len() as u64).to_le_bytes());
        h.update(part.as_bytes());
    }
    h.finalize().iter().take(10).map(|b| format!("{b:02x}")).collect()
}

fn comparable(rule: &Rule) -> Text {
    let names = serde_json::to_value(rule.entity.kind).ok();
    let name = names.as_ref().and_then(|v| v.as_str()).unwrap_or("entity").replace('_', " ");
    let kind = rule.correlation.steps.last().map(|d| rule.detections[*d].kind);
    let (en, zh) = kind.map_or(("", ""), |k| (k.name(), k.spec().zh));
    Text::new(
        format!("distinct {name} ids in `{en}` rows for which the rule fired at least once"),
        format!("“{zh}”记录中出现的{}，其中至少触发一次本规则者", entity_zh(rule.entity.kind)),
    )
}

/// What an entity is called in Chinese.
pub(crate) fn entity_zh(k: EntityKind) -> &'static str {
    match k {
        EntityKind::Account => "工号",
        EntityKind::Device => "终端",
        EntityKind::Outlet => "网点",
        EntityKind::Agent => "代理商",
        EntityKind::Card => "卡",
        EntityKind::Person => "人员",
        EntityKind::Party => "涉案主体",
        EntityKind::Collector => "采集人",
        EntityKind::Employer => "用工单位",
        EntityKind::Face => "人脸簇",
        EntityKind::Background => "背景",
        EntityKind::FraudCase => "涉诈案件",
        EntityKind::Object => "访问对象",
        EntityKind::Recipient => "接收方",
        EntityKind::Address => "网络地址",
        EntityKind::Imei => "手机串号",
        EntityKind::Cell => "基站小区",
        EntityKind::Home => "登记地址",
        EntityKind::Contact => "登记联系人",
        EntityKind::Ring => "团伙",
    }
}

/// What a field is called.
pub(crate) fn label(rule: &Rule, kind: Kind, name: &str) -> Text {
    if let Some(c) = field::column(kind, name) {
        return c.label.clone();
    }
    let derived = rule.derive.iter().flat_map(|d| &d.fields).find(|f| f.name == name);
    derived.map_or(Text::new(name, name), |f| Text::new(f.what.0.clone(), f.what.1.clone()))
}

fn contributions(plan: &Plan<'_>, d: &Draft) -> Vec<Contribution> {
    let (rule, c) = (plan.rule, plan.correlation);
    let span = span_text(c.timespan);
    let kind = rule.detections[c.steps[0]].kind;
    let labels: Vec<Text> = c.group_names.iter().map(|n| label(rule, kind, n)).collect();
    let by = match labels.is_empty() {
        true => Text::default(),
        false => Text::new(
            format!(" by {}", labels.iter().map(|t| t.en.as_str()).collect::<Vec<_>>().join(", ")),
            format!("（按{}）", labels.iter().map(|t| t.zh.as_str()).collect::<Vec<_>>().join("、")),
        ),
    };
    let value = c.value_name.as_deref().map(|v| label(rule, kind, v));
    let value = value.unwrap_or_default();
    let what = match c.measure {
        Measure::Each => Text::new("matching rows", "符合条件的记录数"),
        Measure::EventCount => Text::new(
            format!("most matching rows within {}{}", span.en, by.en),
            format!("{}内符合条件记录的最多数{}", span.zh, by.zh),
        ),
        Measure::ValueCount => Text::new(
            format!("most different values ({}) within {}{}", value.en, span.en, by.en),
            format!("{}内不同值（{}）的最多数{}", span.zh, value.zh, by.zh),
        ),
        Measure::ValueSum => Text::new(
            format!("largest sum ({}) within {}{}", value.en, span.en, by.en),
            format!("{}内合计（{}）的最大值{}", span.zh, value.zh, by.zh),
        ),
        Measure::ValueAvg | Measure::ValueMedian | Measure::ValuePercentile(_) => {
            let (en, zh) = match c.measure {
                Measure::ValueAvg => ("mean", "平均值"),
                Measure::ValueMedian => ("median", "中位数"),
                _ => ("percentile", "百分位数"),
            };
            Text::new(
                format!("largest {en} ({}) within {}{}", value.en, span.en, by.en),
                format!("{}内{zh}（{}）的最大值{}", span.zh, value.zh, by.zh),
            )
        }
        Measure::Absence => Text::new(
            format!("times that nothing followed within {}{}", span.en, by.en),
            format!("{}内未见后续记录的次数{}", span.zh, by.zh),
        ),
        Measure::Temporal | Measure::TemporalOrdered | Measure::Sequence => Text::new(
            format!("steps met within {}{}", span.en, by.en),
            format!("{}内完成的步骤数{}", span.zh, by.zh),
        ),
    };
    let shown = if matches!(c.measure, Measure::Each | Measure::Absence) {
        d.total.to_string()
    } else {
        c.shown(d.peak)
    };
    let threshold = match c.measure {
        Measure::Each | Measure::Absence => Some("≥ 1".to_owned()),
        m if m.stepped() => Some(format!("≥ {}", c.inputs.len())),
        _ => c.threshold(),
    };
    let mut out = vec![Contribution { what, value: shown, threshold, nats: d.nats }];
    for (spec, v) in plan.measures.iter().zip(&d.measures) {
        if let Some(v) = v {
            let value = if v.fract() == 0.0 {
                format!("{v:.0}")
            } else if v.abs() < 0.01 {
                format!("{v:.2e}")
            } else {
                format!("{v:.2}")
            };
            out.push(Contribution {
                what: label(rule, spec.kind, &spec.field),
                value,
                threshold: Some(spec.shown.clone()),
                nats: 0.0,
            });
        }
    }
    out
}

/// A span as people say it.
pub(crate) fn span_text(us: i64) -> Text {
    use suyuan_model::time::{DAY, HOUR, SECOND};
    let minute = 60 * SECOND;
    let (n, en, zh) = match us {
        u if u % DAY == 0 => (u / DAY, "d", "天"),
        u if u % HOUR == 0 => (u / HOUR, "h", "小时"),
        u if u % minute == 0 => (u / minute, "min", "分钟"),
        u => (u / SECOND, "s", "秒"),
    };
    Text::new(format!("{n} {en}"), format!("{n}{zh}"))
}
