//! The rows a world writes: one struct a record kind, its fields in the order of the file's header.
//!
//! A field that is left out is absent. A test holds every struct against the kind's declaration, so a
//! field added there shows here.

use suyuan_model::{Kind, time};

/// One value in a row.
#[derive(Clone, Copy, Default)]
pub enum Val<'a> {
    /// Absent.
    #[default]
    None,
    /// Text, quoted where it must be.
    Text(&'a str),
    /// A whole number.
    Int(i64),
    /// A decimal number: value times 10^digits, and digits. Whole numbers inside, so that every machine
    /// writes the same text.
    Fixed(i64, u8),
    /// An instant, microseconds UTC; written in China's time.
    Time(i64),
    /// A day number.
    Day(i64),
}

impl<'a> From<&'a str> for Val<'a> {
    fn from(text: &'a str) -> Self {
        if text.is_empty() { Val::None } else { Val::Text(text) }
    }
}
impl<'a> From<&'a String> for Val<'a> {
    fn from(text: &'a String) -> Self {
        text.as_str().into()
    }
}
impl<'a> From<&'a Option<String>> for Val<'a> {
    fn from(text: &'a Option<String>) -> Self {
        text.as_deref().map_or(Val::None, Val::from)
    }
}
impl From<i64> for Val<'_> {
    fn from(n: i64) -> Self {
        Val::Int(n)
    }
}

/// Money in fen.
pub fn yuan<'a>(fen: i64) -> Val<'a> {
    Val::Fixed(fen, 2)
}
/// Micro-degrees.
pub fn degrees<'a>(micro: i64) -> Val<'a> {
    Val::Fixed(micro, 6)
}
/// A score in thousandths, kept between 0 and 1.
pub fn score<'a>(thousandths: i64) -> Val<'a> {
    Val::Fixed(thousandths.clamp(0, 1000), 3)
}

impl Val<'_> {
    fn put(self, out: &mut Vec<u8>) {
        match self {
            Val::None => {}
            Val::Text(t) => put_text(out, t),
            Val::Int(n) => put_int(out, n),
            Val::Fixed(n, digits) => put_fixed(out, n, digits),
            Val::Time(ts) => put_time(out, ts),
            Val::Day(day) => put_date(out, day),
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    if text.bytes().any(|b| matches!(b, b',' | b'"' | b'\n' | b'\r')) {
        out.push(b'"');
        for b in text.bytes() {
            if b == b'"' {
                out.push(b'"');
            }
            out.push(b);
        }
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

/// Writes a whole number.
pub fn put_int(out: &mut Vec<u8>, n: i64) {
    if n < 0 {
        out.push(b'-');
    }
    put_padded(out, n.unsigned_abs(), 1);
}

fn put_padded(out: &mut Vec<u8>, mut n: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while n > 0 || digits.len() - at < width {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
    }
    out.extend_from_slice(&digits[at..]);
}

fn put_fixed(out: &mut Vec<u8>, n: i64, digits: u8) {
    if n < 0 {
        out.push(b'-');
    }
    let unit = 10u64.pow(u32::from(digits));
    put_padded(out, n.unsigned_abs() / unit, 1);
    out.push(b'.');
    put_padded(out, n.unsigned_abs() % unit, usize::from(digits));
}

fn put_date(out: &mut Vec<u8>, day: i64) {
    let (y, m, d) = time::civil_from_days(day);
    put_padded(out, y as u64, 4);
    out.push(b'-');
    put_padded(out, u64::from(m), 2);
    out.push(b'-');
    put_padded(out, u64::from(d), 2);
}

/// Writes an instant as RFC 3339 in China's time, to the second.
pub fn put_time(out: &mut Vec<u8>, ts: i64) {
    let local = ts + time::CHINA;
    put_date(out, local.div_euclid(time::DAY));
    let s = (local.rem_euclid(time::DAY) / time::SECOND) as u64;
    out.push(b'T');
    put_padded(out, s / 3600, 2);
    out.push(b':');
    put_padded(out, s / 60 % 60, 2);
    out.push(b':');
    put_padded(out, s % 60, 2);
    out.extend_from_slice(b"+08:00");
}

/// A row of one kind.
pub trait Row {
    /// Its kind.
    const KIND: Kind;
    /// Its fields, in order.
    const FIELDS: &'static [&'static str];
    /// Writes the fields, comma before each.
    fn put(&self, out: &mut Vec<u8>);
}

macro_rules! rows {
    ($( $row:ident { $($field:ident),+ $(,)? } )+) => { $(
        #[doc = concat!("A row of `", stringify!($row), "`.")]
        #[derive(Clone, Copy, Default)]
        #[allow(missing_docs)] // the fields' lines stand in the kind's declaration
        pub struct $row<'a> { $( pub $field: Val<'a> ),+ }
        impl Row for $row<'_> {
            const KIND: Kind = Kind::$row;
            const FIELDS: &'static [&'static str] = &[ $( rows!(@name $field) ),+ ];
            fn put(&self, out: &mut Vec<u8>) {
                $( out.push(b','); self.$field.put(out); )+
            }
        }
    )+
        /// The fields of a kind's file, behind `ts,source,seq`; none for a kind that no world makes.
        pub fn fields(kind: Kind) -> &'static [&'static str] {
            let made = [ $( (Kind::$row, $row::FIELDS) ),+ ];
            made.iter().find(|(k, _)| *k == kind).map_or(&[], |(_, fields)| fields)
        }
    };
    (@name r#where) => { "where" };
    (@name $field:ident) => { stringify!($field) };
}

rows! {
    Staff { account, holder, role, outlet, agent, region6, shift, supervisor, valid_from, valid_to }
    Outlet { outlet, agent, name, region6, lat, lon, hours, contract_no, visited_on, valid_from, valid_to }
    Terminal { device, outlet, kind, asset_no, valid_from, valid_to }
    WorkOrder { order, subject, account, outlet, kind, note, valid_from, valid_to }
    Party { party, kind, name, region6, note, valid_from, valid_to }
    Login { account, device, session, ip, lat, lon, region6, result, until }
    AccountChange { account, target, change, old, new, order, approver, device, session }
    Access {
        account, device, session, ip, app, action, subject, rows, object, result, categories, order, purpose,
        recipient,
    }
    Capture {
        subject, kind, device, outlet, lat, lon, region6, image_hash, background_hash, face_ref, liveness,
        match_score, pretext, collector,
    }
    Sighting { subject, card, r#where, lot, party, note }
    StockMove { card, card_from, card_to, from, to, kind }
    Dealing { from, to, what, quantity, amount_cny, unit_price_cny, note, exhibit }
    Opening {
        card, msisdn, subject, account, device, session, outlet, region6, gps_source, lat, lon, cell_region6,
        ip, id_read_mode, captured_at, liveness, match_score, face_ref, image_hash, background_hash, employer,
        address, contact, plan, channel, duration_s, commission_code, order,
    }
    CardChange { card, change, account, reason, order }
    Commission { payee, card, amount_cny, month }
    Usage {
        card, day, imei, calls_out, calls_in, calls_short, peers, peers_new, sms_out, sms_in, otp_senders,
        data_mb, first_region6, main_region6, main_cell, plmn,
    }
    FraudReport { case, card, msisdn, victim, loss_cny, kind, reported_at }
    Reverification { card, subject, result, method, account }
    Complaint { subject, card, kind, order }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_struct_is_its_kind() {
        for kind in Kind::ALL {
            let declared: Vec<_> = kind.spec().fields.iter().map(|f| f.name).collect();
            let made = fields(*kind);
            assert!(made.is_empty() || made == declared, "{}: {made:?}", kind.name());
        }
    }

    #[test]
    fn values_are_written_as_the_records_page_says() {
        let mut out = Vec::new();
        let note = String::from("a, \"b\"");
        Dealing { from: "p2".into(), amount_cny: yuan(-1205), note: (&note).into(), ..Default::default() }
            .put(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), ",p2,,,,-12.05,,\"a, \"\"b\"\"\",");
        let mut out = Vec::new();
        put_time(&mut out, 1_575_158_400_000_000);
        degrees(120_246_863).put(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "2019-12-01T08:00:00+08:00120.246863");
    }
}
