//! A table of card use: one row a card, for a score that is trained on known outcomes.
//!
//! A card's row is closed when its outcome becomes known (a fraud report, a failed or passed re-verification, a "not mine"
//! complaint), else at the end of the span asked for: nothing that came later is in it. So a table made until some day holds what was
//! known on that day. The label is 1 for a fraud report, a failed re-verification and "not mine", 0 for a passed one, and empty where
//! the records do not say; an absent subscriber is no outcome. A later fraud report or complaint does not change a row that
//! a passed re-verification closed: on that day it was not known.
//!
//! Beside a card's own use and opening stand its neighbours': the cards met under the same device, main cell, account
//! and week of opening, and outlet until the row closed, all together and the card itself left out, and how many of them were known
//! to be bad by then.
//!
//! Blind to: which outcomes were looked for. Re-verified cards are those someone suspected; a score learnt from them carries
//! that choice on.

use std::sync::Arc;

use arrow_array::RecordBatch;
use suyuan_model::Kind;
use suyuan_model::columns::Column;
use suyuan_model::records::complaint::ComplaintColumns;
use suyuan_model::records::fraud_report::FraudReportColumns;
use suyuan_model::records::opening::OpeningColumns;
use suyuan_model::records::reverification::ReverificationColumns;
use suyuan_model::records::usage::UsageColumns;
use suyuan_model::scan::{RowSource, ScanError, Want, for_each};
use suyuan_model::time::{CHINA, DAY, HOUR, china_day};

use crate::hash::{Key, KeyMap};
use crate::registry::regions_km;

/// Data volumes up to this many MB count as small.
const SMALL: i64 = 20;

/// A card's own numbers, in the order of the table.
const OWN: &[&str] = &[
    "days_used",
    "days_to_first_use",
    "span_days",
    "calls_out_day",
    "calls_in_day",
    "in_share",
    "short_share",
    "new_peer_share",
    "dispersion",
    "busiest_day_out",
    "longest_silence_days",
    "sms_out_day",
    "sms_in_day",
    "otp_day",
    "data_mb_day",
    "tick_share",
    "same_cell_share",
    "devices",
    "device_changes",
    "regions",
    "first_use_km",
    "farthest_km",
    "foreign_share",
    "opening_hour",
    "opening_duration_s",
    "liveness",
    "match_score",
    "capture_to_opening_s",
    "manual_read",
    "declared_to_cell_km",
    "account_cards_that_day",
    "subject_cards",
];
/// What is given of neighbours, for each link.
const AROUND: &[&str] = &[
    "cards",
    "known_bad",
    "days_used",
    "calls_out_day",
    "in_share",
    "short_share",
    "new_peer_share",
    "otp_day",
    "tick_share",
];
const LINKS: [&str; 4] = ["device", "cell", "account_week", "outlet"];

/// One card.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureRow {
    /// The card.
    pub card: String,
    /// Until when it was looked at: when its outcome was known, else the latest row of all.
    pub until: i64,
    /// Its numbers, in the order of [`FeatureTable::columns`]; absent where unknown.
    pub values: Vec<Option<f64>>,
    /// What became of it, where the records say.
    pub bad: Option<bool>,
}

/// The table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureTable {
    /// Names of the numbers.
    pub columns: Vec<String>,
    /// Rows, by card.
    pub rows: Vec<FeatureRow>,
}

impl FeatureTable {
    /// As CSV: card, day, the numbers, and `bad` (1, 0 or empty).
    pub fn csv(&self) -> String {
        let mut out = format!("card,day,{},bad\n", self.columns.join(","));
        for r in &self.rows {
            out += &format!("{},{}", r.card, suyuan_model::time::format_day(china_day(r.until)));
            for v in &r.values {
                out.push(',');
                if let Some(v) = v {
                    out += format!("{v:.6}").trim_end_matches('0').trim_end_matches('.');
                }
            }
            out += match r.bad {
                Some(true) => ",1\n",
                Some(false) => ",0\n",
                None => ",\n",
            };
        }
        out
    }
}

#[derive(Default)]
struct Card {
    id: String,
    opened: Option<Opening>,
    /// When and how it ended, and its numbers then.
    closed: Option<(i64, bool, Vec<Option<f64>>)>,
    use_: Use,
    /// Its latest link of each sort; `Key(0)` for none.
    links: [Key; 4],
    /// What it added under each link it ever had.
    added: Vec<(Key, Sums)>,
}

/// Counts of use, of one card or of all cards under a link.
#[derive(Clone, Copy, Default)]
struct Sums {
    days: i64,
    out: i64,
    inn: i64,
    short: i64,
    peers: i64,
    new: i64,
    otp: i64,
    ticks: i64,
}

impl Sums {
    fn add(&mut self, o: &Sums, sign: i64) {
        self.days += sign * o.days;
        self.out += sign * o.out;
        self.inn += sign * o.inn;
        self.short += sign * o.short;
        self.peers += sign * o.peers;
        self.new += sign * o.new;
        self.otp += sign * o.otp;
        self.ticks += sign * o.ticks;
    }
}

#[derive(Default)]
struct Link {
    cards: i64,
    bad: i64,
    sums: Sums,
}

struct Opening {
    ts: i64,
    region: Option<Arc<str>>,
    account_day: Key,
    subject: Key,
    fixed: [Option<f64>; 7],
}

#[derive(Default)]
struct Use {
    first: i32,
    last: i32,
    sums: Sums,
    busiest: i64,
    silence: i32,
    sms: (i64, i64),
    data: i64,
    same_cell: i64,
    foreign: i64,
    changes: i64,
    last_data: Option<i64>,
    devices: Vec<Key>,
    regions: Vec<Key>,
    first_km: Option<f64>,
    farthest: Option<f64>,
}

/// The table of all cards with an opening or use until `until` (exclusive).
///
/// Errors: the source could not be read.
pub fn card_features(
    source: &dyn RowSource,
    until: i64,
    progress: &mut dyn FnMut(u64),
) -> Result<FeatureTable, ScanError> {
    let mut r = Reader::default();
    let mut rows = 0u64;
    for_each(source, &wants(), |kind, batch, i| {
        rows += 1;
        if rows.is_multiple_of(65_536) {
            progress(rows);
        }
        r.row(kind, batch, i, until);
    })?;
    progress(rows);
    Ok(r.table())
}

fn wants() -> [Want; 5] {
    [
        Want::only(
            Kind::Opening,
            &[
                "card",
                "msisdn",
                "subject",
                "account",
                "outlet",
                "region6",
                "cell_region6",
                "duration_s",
                "liveness",
                "match_score",
                "captured_at",
                "id_read_mode",
            ],
        ),
        Want::all(Kind::Usage),
        Want::only(Kind::FraudReport, &["card", "msisdn"]),
        Want::only(Kind::Reverification, &["card", "result"]),
        Want::only(Kind::Complaint, &["card", "kind"]),
    ]
}

#[derive(Default)]
struct Reader {
    cards: KeyMap<Card>,
    links: KeyMap<Link>,
    by_number: KeyMap<Key>,
    account_days: KeyMap<u32>,
    subjects: KeyMap<u32>,
    /// The latest row: open rows stand at it.
    last: i64,
}

impl Reader {
    fn card(&mut self, id: &str) -> &mut Card {
        let c = self.cards.entry(Key::of(id)).or_default();
        if c.id.is_empty() {
            c.id = id.to_owned();
        }
        c
    }

    fn row(&mut self, kind: Kind, batch: &RecordBatch, i: usize, until: i64) {
        let ts = suyuan_model::columns::Time::bind(batch, "ts").get(i).unwrap_or(0);
        self.last = if ts < until { self.last.max(ts) } else { self.last };
        match kind {
            Kind::Opening => self.opening(&OpeningColumns::bind(batch), i, until),
            Kind::Usage => self.used(&UsageColumns::bind(batch), i, until),
            Kind::FraudReport => {
                let c = FraudReportColumns::bind(batch);
                let number = || self.by_number.get(&Key::of(c.msisdn.get(i)?)).copied();
                if let Some(card) = c.card.get(i).map(Key::of).or_else(number) {
                    self.outcome(card, c.key.ts(i), until, true);
                }
            }
            Kind::Reverification => {
                let c = ReverificationColumns::bind(batch);
                let bad = match c.result.get(i) {
                    Some("failed") => true,
                    Some("passed") => false,
                    _ => return,
                };
                if let Some(card) = c.card.get(i) {
                    self.outcome(Key::of(card), c.key.ts(i), until, bad);
                }
            }
            Kind::Complaint => {
                let c = ComplaintColumns::bind(batch);
                if let (Some("not_mine"), Some(card)) = (c.kind.get(i), c.card.get(i)) {
                    self.outcome(Key::of(card), c.key.ts(i), until, true);
                }
            }
            _ => {}
        }
    }

    /// The first outcome closes the row.
    fn outcome(&mut self, card: Key, ts: i64, until: i64, bad: bool) {
        let Some(c) = self.cards.get(&card).filter(|c| ts < until && c.closed.is_none()) else { return };
        let values = self.values(c);
        let keys: Vec<Key> = c.added.iter().map(|a| a.0).collect();
        if bad {
            keys.iter().for_each(|k| self.links.entry(*k).or_default().bad += 1);
        }
        if let Some(c) = self.cards.get_mut(&card) {
            c.closed = Some((ts, bad, values));
        }
    }

    fn opening(&mut self, o: &OpeningColumns<'_>, i: usize, until: i64) {
        let (Some(card), ts) = (o.card.get(i), o.key.ts(i)) else { return };
        if ts >= until {
            return;
        }
        let (account, outlet) = (o.account.get(i).map(Key::of), o.outlet.get(i).map(Key::of));
        let day = china_day(ts);
        let account_day = account.unwrap_or_default().and(Key::number(day));
        let subject = o.subject.get(i).map(Key::of).unwrap_or_default();
        *self.account_days.entry(account_day).or_default() += 1;
        *self.subjects.entry(subject).or_default() += 1;
        if let Some(n) = o.msisdn.get(i) {
            self.by_number.insert(Key::of(n), Key::of(card));
        }
        let hour = ((ts + CHINA).rem_euclid(DAY) / HOUR) as f64;
        let declared = o.region6.get(i);
        let region = o.cell_region6.get(i).or(declared);
        let fixed = [
            Some(hour),
            o.duration_s.get(i).map(|s| s as f64),
            o.liveness.get(i),
            o.match_score.get(i),
            o.captured_at.get(i).map(|t| ((ts - t) / 1_000_000) as f64),
            o.id_read_mode.get(i).map(|m| f64::from(u8::from(m == "manual"))),
            declared.zip(o.cell_region6.get(i)).and_then(|(a, b)| regions_km(a, b)),
        ];
        let c = self.card(card);
        c.opened = Some(Opening { ts, region: region.map(Arc::from), account_day, subject, fixed });
        // A link's key tells its sort as well, so that all links live in one map.
        c.links[2] = account.map_or(Key(0), |a| a.and(Key::number(day / 7)).and(Key(2)));
        c.links[3] = outlet.map_or(Key(0), |o| o.and(Key(3)));
        let (links, none) = (c.links, Sums::default());
        let added = [2, 3].map(|l| (links[l], add(&mut c.added, links[l], &none)));
        for (key, first) in added {
            self.count(key, first, &none);
        }
    }

    fn count(&mut self, key: Key, first: bool, sums: &Sums) {
        if key.0 != 0 {
            let l = self.links.entry(key).or_default();
            l.cards += i64::from(first);
            l.sums.add(sums, 1);
        }
    }

    fn used(&mut self, u: &UsageColumns<'_>, i: usize, until: i64) {
        let (Some(card), ts) = (u.card.get(i), u.key.ts(i)) else { return };
        if ts >= until {
            return;
        }
        let c = self.card(card);
        if c.closed.is_some() {
            return;
        }
        let day = china_day(ts) as i32;
        let n = |v: Option<i64>| v.unwrap_or(0).max(0);
        let device = u.imei.get(i).map(|t| Key::of(t).and(Key(0)));
        let cell = u.main_cell.get(i).map(|t| Key::of(t).and(Key(1)));
        let s = &mut c.use_;
        let new_day = s.last != day;
        match s.first {
            0 => s.first = day,
            _ => s.silence = s.silence.max(day - s.last),
        }
        let (out, peers, data) = (n(u.calls_out.get(i)), n(u.peers.get(i)), u.data_mb.get(i));
        let tick = new_day && data.is_some_and(|d| d > 0 && d <= SMALL && s.last_data == data);
        let today = Sums {
            days: i64::from(new_day),
            out,
            inn: n(u.calls_in.get(i)),
            short: n(u.calls_short.get(i)).min(out),
            peers,
            new: n(u.peers_new.get(i)).min(peers),
            otp: n(u.otp_senders.get(i)),
            ticks: i64::from(tick),
        };
        s.sums.add(&today, 1);
        s.busiest = s.busiest.max(out);
        s.sms = (s.sms.0 + n(u.sms_out.get(i)), s.sms.1 + n(u.sms_in.get(i)));
        s.data += n(data);
        if new_day {
            s.same_cell += i64::from(cell.is_some_and(|k| k == c.links[1]));
            s.foreign += i64::from(u.plmn.get(i).is_some_and(|p| !p.starts_with("460")));
        }
        (s.last, s.last_data) = (day, data);
        note(&mut s.devices, device);
        note(&mut s.regions, u.main_region6.get(i).map(Key::of));
        if let Some(from) = c.opened.as_ref().and_then(|o| o.region.as_deref()) {
            let first = || regions_km(from, u.first_region6.get(i)?);
            let km = u.main_region6.get(i).and_then(|r| regions_km(from, r));
            s.first_km = s.first_km.or_else(first);
            s.farthest = km.map_or(s.farthest, |k| Some(s.farthest.map_or(k, |f: f64| f.max(k))));
        }
        if let Some(d) = device {
            s.changes += i64::from(c.links[0].0 != 0 && c.links[0] != d);
            c.links[0] = d;
        }
        if let Some(k) = cell {
            c.links[1] = k;
        }
        let links = c.links;
        let firsts = links.map(|k| add(&mut c.added, k, &today));
        for (key, first) in links.into_iter().zip(firsts) {
            self.count(key, first, &today);
        }
    }

    fn own(&self, c: &Card) -> Vec<Option<f64>> {
        let (s, t) = (&c.use_, &c.use_.sums);
        let share = |a: i64, b: i64| (b > 0).then(|| a as f64 / b as f64);
        let used = t.days > 0;
        let count = |n: i64| used.then_some(n as f64);
        let opened = c.opened.as_ref();
        let mut v = vec![
            Some(t.days as f64),
            opened.filter(|_| used).map(|o| (i64::from(s.first) - china_day(o.ts)) as f64),
            count(i64::from(s.last - s.first) + 1),
            share(t.out, t.days),
            share(t.inn, t.days),
            share(t.inn, t.inn + t.out),
            share(t.short, t.out),
            share(t.new, t.peers),
            share(t.peers, t.inn + t.out),
            count(s.busiest),
            count(i64::from(s.silence)),
            share(s.sms.0, t.days),
            share(s.sms.1, t.days),
            share(t.otp, t.days),
            share(s.data, t.days),
            share(t.ticks, t.days),
            share(s.same_cell, t.days),
            count(s.devices.len() as i64),
            count(s.changes),
            count(s.regions.len() as i64),
            s.first_km,
            s.farthest,
            share(s.foreign, t.days),
        ];
        v.extend(opened.map_or([None; 7], |o| o.fixed));
        v.push(opened.and_then(|o| self.account_days.get(&o.account_day)).map(|n| f64::from(*n)));
        v.push(opened.and_then(|o| self.subjects.get(&o.subject)).map(|n| f64::from(*n)));
        v
    }

    /// A card's numbers as they stand.
    fn values(&self, c: &Card) -> Vec<Option<f64>> {
        let mut v = self.own(c);
        for key in c.links {
            let none = Link::default();
            let l = self.links.get(&key).filter(|_| key.0 != 0).unwrap_or(&none);
            let mut t = l.sums;
            if let Some((_, own)) = c.added.iter().find(|a| a.0 == key) {
                t.add(own, -1);
            }
            let cards = l.cards - 1;
            let share = |a: i64, b: i64| (b > 0).then(|| a as f64 / b as f64);
            v.extend([
                (cards >= 0).then_some(cards as f64),
                (cards >= 0).then_some(l.bad as f64),
                share(t.days, cards),
                share(t.out, t.days),
                share(t.inn, t.inn + t.out),
                share(t.short, t.out),
                share(t.new, t.peers),
                share(t.otp, t.days),
                share(t.ticks, t.days),
            ]);
        }
        v
    }

    fn table(self) -> FeatureTable {
        let mut columns: Vec<String> = OWN.iter().map(|n| (*n).to_owned()).collect();
        for link in LINKS {
            columns.extend(AROUND.iter().map(|n| format!("{link}_{n}")));
        }
        let row = |c: &Card| match &c.closed {
            Some((ts, bad, values)) => {
                FeatureRow { card: c.id.clone(), until: *ts, values: values.clone(), bad: Some(*bad) }
            }
            None => FeatureRow { card: c.id.clone(), until: self.last, values: self.values(c), bad: None },
        };
        let mut rows: Vec<FeatureRow> = self.cards.values().map(row).collect();
        rows.sort_unstable_by(|a, b| a.card.cmp(&b.card));
        FeatureTable { columns, rows }
    }
}

/// Adds to what a card did under a link; whether it is its first time there.
fn add(added: &mut Vec<(Key, Sums)>, key: Key, sums: &Sums) -> bool {
    if key.0 == 0 {
        return false;
    }
    match added.iter_mut().find(|a| a.0 == key) {
        Some(a) => {
            a.1.add(sums, 1);
            false
        }
        None => {
            added.push((key, *sums));
            true
        }
    }
}

fn note(list: &mut Vec<Key>, key: Option<Key>) {
    // Beyond sixteen the count says no more.
    if let Some(k) = key.filter(|k| list.len() < 16 && !list.contains(k)) {
        list.push(k);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use suyuan_model::fixture;
    use suyuan_model::scan::MemorySource;
    use suyuan_model::time;

    use super::*;

    fn source(late: bool) -> MemorySource {
        let mut s = MemorySource::default();
        let open = |n: i64| json!({"ts": "2020-03-01T10:00:00+08:00", "seq": n, "card": format!("c{n}"), "subject": "p", "account": "a", "outlet": "o", "region6": "330681"});
        let used = |n: i64, day: i64, short: i64| json!({"ts": format!("2020-03-{day:02}T23:00:00+08:00"), "seq": n * 100 + day, "day": format!("2020-03-{day:02}"), "card": format!("c{n}"), "imei": "i", "calls_out": 10, "calls_in": 0, "calls_short": short, "peers": 5, "peers_new": 1, "main_region6": "330681", "plmn": "46000"});
        s.push(Kind::Opening, fixture::batch(Kind::Opening, &[open(1), open(2)]).unwrap());
        let mut rows = vec![used(1, 2, 9), used(1, 3, 9), used(2, 2, 1)];
        if late {
            rows.push(used(1, 20, 0));
        }
        s.push(Kind::Usage, fixture::batch(Kind::Usage, &rows).unwrap());
        let failed =
            json!({"ts": "2020-03-10T10:00:00+08:00", "card": "c1", "subject": "p", "result": "failed"});
        s.push(Kind::Reverification, fixture::batch(Kind::Reverification, &[failed]).unwrap());
        s
    }

    fn table(late: bool, until: &str) -> FeatureTable {
        card_features(&source(late), time::parse(until).unwrap(), &mut |_| {}).unwrap()
    }

    #[test]
    fn a_card_and_its_neighbour() {
        let t = table(false, "2020-04-01T00:00:00+08:00");
        let at = |name: &str| t.columns.iter().position(|c| c == name).unwrap();
        let [a, b] = &t.rows[..] else { panic!() };
        assert_eq!((a.bad, b.bad), (Some(true), None));
        assert_eq!((a.values[at("short_share")], b.values[at("short_share")]), (Some(0.9), Some(0.1)));
        // Each is the other's neighbour; what became of the first was known before the second's time.
        assert_eq!(
            (a.values[at("device_short_share")], b.values[at("device_short_share")]),
            (Some(0.1), Some(0.9))
        );
        assert_eq!((a.values[at("device_cards")], a.values[at("outlet_days_used")]), (Some(1.0), Some(1.0)));
        assert_eq!(
            (a.values[at("device_known_bad")], b.values[at("device_known_bad")]),
            (Some(0.0), Some(1.0))
        );
        assert_eq!(b.values.len(), t.columns.len());
        assert!(t.csv().lines().nth(1).unwrap().starts_with("c1,2020-03-10,2,"));
    }

    /// What came after the outcome, or after the table's end, changes nothing.
    #[test]
    fn nothing_later_leaks_in() {
        let end = "2020-04-01T00:00:00+08:00";
        assert_eq!(table(true, end).rows[0], table(false, end).rows[0]);
        let early = "2020-03-05T00:00:00+08:00";
        assert_eq!(table(true, early), table(false, early));
        assert_eq!(table(true, early).rows[0].bad, None);
    }
}
