//! Mobile number segments of China: the first seven digits tell operator and city of issue.
//!
//! 499,527 segments (edition December 2023), unpacked once at first use (4.5 MB read, 1.4 MB kept). Numbers move:
//! since 2019 a number may have been ported to another operator, so `operator` is who was given the
//! segment, not who serves the number. Segments of satellite and data-only cards are partly missing.

use std::sync::LazyLock;

use crate::region::{self, Region};

static PACKED: &[u8] = include_bytes!("../../../data/ref/phone.dat.zst");
/// Size of the unpacked table; the buffer is made once.
const UNPACKED: usize = 4_505_816;
/// The lowest segment.
const FIRST: usize = 1_300_000;
/// Segments from `FIRST` to 1,999,999.
const COUNT: usize = 700_000;

/// Who was given a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    /// 中国移动.
    Mobile,
    /// 中国联通.
    Unicom,
    /// 中国电信.
    Telecom,
    /// A virtual operator on 中国电信's network.
    TelecomVirtual,
    /// A virtual operator on 中国联通's network.
    UnicomVirtual,
    /// A virtual operator on 中国移动's network.
    MobileVirtual,
    /// 中国广电.
    Broadcast,
}

impl Operator {
    const ALL: [Operator; 7] = [
        Self::Mobile,
        Self::Unicom,
        Self::Telecom,
        Self::TelecomVirtual,
        Self::UnicomVirtual,
        Self::MobileVirtual,
        Self::Broadcast,
    ];

    /// The operator's name in Chinese.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Mobile => "中国移动",
            Self::Unicom => "中国联通",
            Self::Telecom => "中国电信",
            Self::TelecomVirtual => "中国电信虚拟运营商",
            Self::UnicomVirtual => "中国联通虚拟运营商",
            Self::MobileVirtual => "中国移动虚拟运营商",
            Self::Broadcast => "中国广电",
        }
    }

    /// Whether it has no network of its own.
    pub fn is_virtual(self) -> bool {
        matches!(self, Self::TelecomVirtual | Self::UnicomVirtual | Self::MobileVirtual)
    }
}

/// What a segment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Province, short form: `浙江`.
    pub province: &'static str,
    /// City, short form: `绍兴`.
    pub city: &'static str,
    /// Trunk code: `0575`.
    pub area_code: &'static str,
    /// GB/T 2260 code of the city, where the names match one: `330600`; a municipality's own: `310000`.
    pub region6: Option<&'static str>,
    /// Who was given it.
    pub operator: Operator,
}

struct Place {
    province: &'static str,
    city: &'static str,
    area_code: &'static str,
    region6: Option<&'static str>,
}

struct Table {
    places: Vec<Place>,
    /// By segment less `FIRST`: 0 for none, else 1 + place * 8 + operator.
    cells: Vec<u16>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let bytes = zstd::bulk::decompress(PACKED, UNPACKED).expect("the embedded segment table unpacks");
    unpack(&bytes).expect("the embedded segment table is whole")
});

/// Reads the table of the `phone` package: version (4 bytes), offset of the index (i32), records
/// `province|city|zip|area` ended by NUL, then index entries (segment i32, record offset i32, operator u8).
fn unpack(bytes: &[u8]) -> Option<Table> {
    let int = |at: usize| Some(i32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    let index = int(4)?;
    let text: &'static str = String::from_utf8(bytes.get(8..index)?.to_vec()).ok()?.leak();
    let regions: Vec<Region> = region::all_in(2020).collect();
    let mut places = Vec::new();
    // By the offset of a record: 1 + its place; 0 where no record begins.
    let mut at_offset = vec![0usize; index];
    let mut at = 8;
    for record in text.split('\0') {
        let mut cells = record.split('|');
        if let (Some(province), Some(city), Some(_), Some(area_code)) =
            (cells.next(), cells.next(), cells.next(), cells.next())
        {
            places.push(Place { province, city, area_code, region6: region_of(&regions, province, city) });
            at_offset[at] = places.len();
        }
        at += record.len() + 1;
    }
    let mut cells = vec![0u16; COUNT];
    for entry in (index..bytes.len()).step_by(9) {
        let place = at_offset.get(int(entry + 4)?)?.checked_sub(1)?;
        let operator = usize::from(bytes.get(entry + 8)?.checked_sub(1)?);
        *cells.get_mut(int(entry)?.checked_sub(FIRST)?)? = (1 + place * 8 + operator) as u16;
    }
    Some(Table { places, cells })
}

/// The code whose name begins with the city's short name, in that province; prefectures before counties.
fn region_of(all: &[Region], province: &str, city: &str) -> Option<&'static str> {
    let top = all.iter().find(|r| r.code.ends_with("0000") && r.name.starts_with(province))?;
    if province == city {
        let municipality = ["11", "12", "31", "50"].iter().any(|p| top.code.starts_with(p));
        if municipality {
            return Some(top.code);
        }
    }
    let inside = || all.iter().filter(|r| region::province(r.code) == top.code && r.code != top.code);
    let named = |r: &&Region| r.name.starts_with(city);
    inside().filter(|r| r.code.ends_with("00")).find(named).or_else(|| inside().find(named)).map(|r| r.code)
}

fn cell(value: u16) -> Option<Segment> {
    let value = usize::from(value.checked_sub(1)?);
    let Place { province, city, area_code, region6 } = TABLE.places[value / 8];
    Some(Segment { province, city, area_code, region6, operator: Operator::ALL[value % 8] })
}

/// What the first seven digits of a mobile number say; `None` for a segment that was not given out.
pub fn lookup(first7: &str) -> Option<Segment> {
    if first7.len() != 7 || !first7.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let n: usize = first7.parse().ok()?;
    TABLE.cells.get(n.checked_sub(FIRST)?).and_then(|v| cell(*v))
}

/// The segments of a city with their operators, in order. The city by its short name (`绍兴`), its
/// full name (`绍兴市`) or its code (`330600`; a county's code gives its city's segments).
pub fn in_city(city: &str) -> Vec<(u32, Operator)> {
    let city_code = region::city(city);
    let wanted: Vec<bool> = TABLE
        .places
        .iter()
        .map(|p| {
            let coded = p.region6.is_some_and(|c| {
                c == city || c == city_code || (c.ends_with("0000") && c == region::province(city))
            });
            coded || city.strip_prefix(p.city).is_some_and(is_suffix)
        })
        .collect();
    let hit = |(i, v): (usize, &u16)| {
        let v = usize::from(v.checked_sub(1)?);
        wanted[v / 8].then(|| ((FIRST + i) as u32, Operator::ALL[v % 8]))
    };
    TABLE.cells.iter().enumerate().filter_map(hit).collect()
}

/// What may stand between a prefecture's short and its full name.
fn is_suffix(rest: &str) -> bool {
    rest.is_empty() || ["市", "地区", "盟", "州"].iter().any(|s| rest.ends_with(s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_segments() {
        let s = lookup("1300001").unwrap();
        assert_eq!((s.province, s.city, s.area_code), ("江苏", "常州", "0519"));
        assert_eq!((s.operator, s.region6), (Operator::Unicom, Some("320400")));
        assert_eq!(lookup("1380013").map(|s| s.city), Some("北京"));
        for unknown in ["0000000", "1200000", "138001", "13800138", "138001x", "１３８００１３", "+138001"]
        {
            assert_eq!(lookup(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn the_whole_table_is_there() {
        assert_eq!(TABLE.cells.iter().filter(|v| **v > 0).count(), 499_527);
    }

    #[test]
    fn cities_by_any_name() {
        let short = in_city("绍兴");
        assert!(short.len() > 500);
        assert_eq!(short, in_city("绍兴市"));
        assert_eq!(short, in_city("330600"));
        assert_eq!(short, in_city("330681"), "a county's numbers are its city's");
        assert!(short.iter().all(|(n, _)| lookup(&n.to_string()).unwrap().city == "绍兴"));
        assert_eq!(in_city("上海"), in_city("310115"));
        assert!(in_city("上海").len() > 5_000);
        assert!(in_city("亚特兰蒂斯").is_empty());
    }

    #[test]
    fn nearly_every_place_has_its_region_code() {
        let without: Vec<_> = TABLE.places.iter().filter(|p| p.region6.is_none()).map(|p| p.city).collect();
        assert!(without.len() * 20 < TABLE.places.len(), "{without:?}");
    }

    #[test]
    fn a_damaged_table_is_told() {
        let bytes = zstd::bulk::decompress(PACKED, UNPACKED).unwrap();
        assert!(unpack(&bytes[..bytes.len() - 3]).is_none());
        assert!(unpack(&bytes[..100]).is_none());
        assert!(unpack(&[]).is_none());
    }
}
