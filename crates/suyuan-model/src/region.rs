//! Region codes of China (GB/T 2260) with the years in which each held, abolished ones too.
//!
//! A code is six digits: province (2), prefecture (2), county (2). The same code has meant different
//! places in different years, so a name is asked for together with a year. A place that lost its code
//! (a county that became a city, a district merged away) stays known for the years in which it held:
//! identity numbers carry the code of their time for life.
//!
//! Years are inclusive and yearly: a change in July shows from the next edition of the table.
//! Blind to: codes given after 2020 (临平区 330113, say), and code areas below the county.
//! Other countries' regions (ISO 3166-2, `US-CA`) are not in the table; they have no name here.

use std::sync::LazyLock;

use crate::geo;

static TIMELINE: &str = include_str!("../../../data/ref/gb2260-timeline.csv");
static COORDINATES: &str = include_str!("../../../data/ref/adcode-coordinates.csv");

/// The last year of a code that still holds.
const STILL: u16 = 9999;
/// The year whose names addresses are read by: the newest of the table.
const GAZETTEER_YEAR: i32 = 2020;

/// One code with its name and the years in which it held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The six digits.
    pub code: &'static str,
    /// The name, without the names above it.
    pub name: &'static str,
    /// First year; 0 where the table does not know an earlier state.
    pub from: u16,
    /// Last year; 9999 where it still holds.
    pub until: u16,
}

impl Region {
    fn holds(&self, year: i32) -> bool {
        i32::from(self.from) <= year && year <= i32::from(self.until)
    }
}

struct Table {
    /// INVARIANT: sorted by (code, from).
    regions: Vec<Region>,
    /// For each four-digit prefix, where its regions begin; one more entry closes the last.
    starts: Vec<u16>,
    /// INVARIANT: sorted by code.
    centres: Vec<(u32, (f64, f64))>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut regions: Vec<Region> = TIMELINE.lines().skip(1).filter_map(timeline_row).collect();
    regions.sort_by_key(|r| (r.code, r.from));
    let mut extra = Vec::new();
    let mut centres = Vec::new();
    for line in COORDINATES.lines().skip(1) {
        let mut cells = line.split(',');
        let (Some(adcode), Some(name)) = (cells.next(), cells.next()) else { continue };
        let Some(code) = adcode.get(..6) else { continue };
        if let (Some(lon), Some(lat), Some(n)) = (real(cells.next()), real(cells.next()), number(code)) {
            centres.push((n, geo::gcj02_to_wgs84(lat, lon)));
        }
        let named = !name.ends_with("市辖区") && name != "县" && !name.contains("直辖县级");
        if named && regions.binary_search_by_key(&code, |r| r.code).is_err() {
            extra.push(Region { code, name, from: 0, until: STILL });
        }
    }
    regions.append(&mut extra);
    regions.sort_by_key(|r| (r.code, r.from));
    centres.sort_by_key(|(code, _)| *code);
    let mut starts = vec![0u16; 10_001];
    for r in &regions {
        let prefix = number(r.code).expect("every code of the table is six digits") as usize / 100;
        starts[prefix + 1] += 1;
    }
    for i in 1..starts.len() {
        starts[i] += starts[i - 1];
    }
    Table { regions, starts, centres }
});

/// All prefixes of four digits followed by `00`, in one text: "000000000100...".
static CITIES: LazyLock<String> =
    LazyLock::new(|| (0..10_000).flat_map(|n| format!("{n:04}00").into_bytes()).map(char::from).collect());

fn timeline_row(line: &'static str) -> Option<Region> {
    let mut cells = line.split(',');
    let (code, name) = (cells.next()?, cells.next()?);
    let (from, until) = (cells.next()?, cells.next()?);
    number(code)?;
    let from = if from.is_empty() { 0 } else { from.parse().ok()? };
    let until = if until.is_empty() { STILL } else { until.parse().ok()? };
    Some(Region { code, name, from, until })
}

fn real(cell: Option<&str>) -> Option<f64> {
    cell?.trim().parse().ok()
}

fn number(code: &str) -> Option<u32> {
    if code.len() != 6 {
        return None;
    }
    code.bytes().try_fold(0, |n, c| c.is_ascii_digit().then(|| n * 10 + u32::from(c - b'0')))
}

/// The rows of one code, oldest first.
fn rows(code: &str) -> &'static [Region] {
    let Some(n) = number(code) else { return &[] };
    let table = &*TABLE;
    let prefix = n as usize / 100;
    let group = &table.regions[table.starts[prefix] as usize..table.starts[prefix + 1] as usize];
    let from = group.partition_point(|r| r.code < code);
    let len = group[from..].iter().take_while(|r| r.code == code).count();
    &group[from..from + len]
}

/// What the code was called in that year; `None` where it did not hold.
pub fn name(code: &str, year: i32) -> Option<&'static str> {
    rows(code).iter().rev().find(|r| r.holds(year)).map(|r| r.name)
}

/// What the code is called now, or was called last.
pub fn last_name(code: &str) -> Option<&'static str> {
    rows(code).iter().max_by_key(|r| (r.until, r.from)).map(|r| r.name)
}

/// Whether the code held in that year.
pub fn known(code: &str, year: i32) -> bool {
    rows(code).iter().any(|r| r.holds(year))
}

/// Whether an identity number of someone born in that year may carry the code.
///
/// Numbers exist since 1984 and were given at first registration or at the sixteenth birthday until
/// 1999, soon after birth from then on; so a code counts that held at some time in that window. One
/// year is allowed on top, because the table is yearly.
pub fn known_at_birth(code: &str, birth_year: i32) -> bool {
    let first = birth_year.max(1984) - 1;
    let last = if birth_year < 1999 { (birth_year + 16).max(1990) } else { birth_year + 2 };
    rows(code).iter().any(|r| i32::from(r.from) <= last && i32::from(r.until) >= first)
}

/// The province's code: first two digits and `0000`; empty for what is not a six-digit code.
pub fn province(code: &str) -> &'static str {
    prefix(code, 10_000)
}

/// The prefecture's code: first four digits and `00`; empty for what is not a six-digit code.
///
/// Municipalities (`310100`) and counties under the province itself (`429000`) get a code that has
/// no name of its own.
pub fn city(code: &str) -> &'static str {
    prefix(code, 100)
}

fn prefix(code: &str, digits: u32) -> &'static str {
    match number(code) {
        Some(n) => {
            let at = (n / digits * digits / 100) as usize * 6;
            &CITIES[at..at + 6]
        }
        None => "",
    }
}

/// Province, prefecture and county in one text (`浙江省绍兴市诸暨市`), by their present or last names.
///
/// Levels without a name of their own are left out; a code that is not in the table is shown as it is.
pub fn label(code: &str) -> String {
    labelled(code, last_name)
}

/// The same by the names of that year.
pub fn label_at(code: &str, year: i32) -> String {
    labelled(code, |c| name(c, year))
}

fn labelled(code: &str, name: impl Fn(&str) -> Option<&'static str>) -> String {
    let (province, city) = (province(code), city(code));
    let mut text = String::new();
    let mut last = "";
    for level in [province, city, code] {
        if level != last {
            text.push_str(name(level).unwrap_or_default());
        }
        last = level;
    }
    if text.is_empty() { code.to_owned() } else { text }
}

/// Latitude and longitude (WGS-84 degrees, to about a kilometre) of the seat of the county; where
/// only its prefecture is known (an abolished county), that one's.
pub fn centre(code: &str) -> Option<(f64, f64)> {
    let at = |code: &str| {
        let centres = &TABLE.centres;
        let n = number(code)?;
        centres.binary_search_by_key(&n, |(c, _)| *c).ok().map(|i| centres[i].1)
    };
    at(code).or_else(|| at(city(code)))
}

/// The regions of that year, by code: provinces (`..0000`), prefectures (`....00`) and counties.
pub fn all_in(year: i32) -> impl Iterator<Item = Region> {
    let regions = &TABLE.regions;
    regions.iter().enumerate().filter_map(move |(i, r)| {
        let next_too = regions.get(i + 1).is_some_and(|n| n.code == r.code && n.holds(year));
        (r.holds(year) && !next_too).then_some(*r)
    })
}

/// A region as addresses write it.
struct Place {
    code: &'static str,
    name: &'static str,
    /// The name without what it is; the name itself for counties, whose short names mean too many things.
    short: &'static str,
}

/// INVARIANT: each sorted by code.
struct Gazetteer {
    provinces: Vec<Place>,
    cities: Vec<Place>,
    counties: Vec<Place>,
}

static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(|| {
    let mut all = Gazetteer { provinces: Vec::new(), cities: Vec::new(), counties: Vec::new() };
    for Region { code, name, .. } in all_in(GAZETTEER_YEAR) {
        let (level, short) = match (code.ends_with("0000"), code.ends_with("00")) {
            (true, _) => (&mut all.provinces, short(name)),
            (_, true) => (&mut all.cities, short(name)),
            _ => (&mut all.counties, name),
        };
        level.push(Place { code, name, short });
    }
    all
});

/// The most specific region that an address begins with, and how many bytes of the address name it.
///
/// Understands full and short names of provinces and prefectures (`浙江绍兴诸暨市`), and addresses that
/// begin with a prefecture or with a county whose full name only one county of today bears. Blind to:
/// names of the past, and anything after the county.
pub fn in_address(address: &str) -> Option<(&'static str, usize)> {
    let all = &*GAZETTEER;
    let Some((province, at)) = longest(address, &all.provinces) else {
        let city = all.cities.iter().find(|c| address.starts_with(c.name));
        let Some(city) = city else { return lone_county(address) };
        return Some(county(address, city.code, city.name.len()).unwrap_or((city.code, city.name.len())));
    };
    let city = longest(&address[at..], within(&all.cities, &province[..2]));
    let (code, at) = city.map_or((province, at), |(c, n)| (c, at + n));
    // Addresses in municipalities may say 市辖区 between city and district.
    let skipped = if address[at..].starts_with("市辖区") { "市辖区".len() } else { 0 };
    Some(county(address, code, at + skipped).unwrap_or((code, at)))
}

/// The county, given the province or prefecture before it.
fn county(address: &str, above: &str, at: usize) -> Option<(&'static str, usize)> {
    let digits = if above.ends_with("0000") { 2 } else { 4 };
    longest(&address[at..], within(&GAZETTEER.counties, &above[..digits])).map(|(code, n)| (code, at + n))
}

/// A county named without anything above it, where only one county has that name.
fn lone_county(address: &str) -> Option<(&'static str, usize)> {
    // Names of two characters (城区, 郊区) begin too many addresses.
    let mut hits = GAZETTEER.counties.iter().filter(|r| r.name.len() > 6 && address.starts_with(r.name));
    let hit = hits.next()?;
    hits.next().is_none().then_some((hit.code, hit.name.len()))
}

/// The places whose codes begin so.
fn within<'a>(sorted: &'a [Place], prefix: &str) -> &'a [Place] {
    let from = sorted.partition_point(|r| &r.code[..prefix.len()] < prefix);
    let len = sorted[from..].partition_point(|r| r.code.starts_with(prefix));
    &sorted[from..from + len]
}

/// The place whose name (or short name) the text begins with; the longest match.
fn longest(text: &str, places: &[Place]) -> Option<(&'static str, usize)> {
    let written = |p: &Place| {
        let bytes = if text.starts_with(p.name) { p.name.len() } else { p.short.len() };
        text.starts_with(p.short).then_some((p.code, bytes))
    };
    places.iter().filter_map(written).max_by_key(|(_, n)| *n)
}

/// A province's or prefecture's name without what it is: 浙江, 内蒙古, 绍兴, 恩施.
fn short(name: &str) -> &str {
    const PEOPLES: [&str; 22] = [
        "维吾尔",
        "壮族",
        "回族",
        "土家族",
        "苗族",
        "侗族",
        "布依族",
        "彝族",
        "藏族",
        "羌族",
        "傣族",
        "景颇族",
        "白族",
        "哈尼族",
        "傈僳族",
        "蒙古族",
        "蒙古",
        "哈萨克",
        "柯尔克孜",
        "朝鲜族",
        "特别行政区",
        "自治",
    ];
    let mut rest = name;
    for end in ["特别行政区", "自治区", "自治州", "地区", "省", "市", "盟"] {
        if let Some(head) = rest.strip_suffix(end) {
            rest = head;
            break;
        }
    }
    while rest.len() < name.len() {
        let Some(head) = PEOPLES.iter().find_map(|p| rest.strip_suffix(p)).filter(|h| h.len() >= 6) else {
            break;
        };
        rest = head;
    }
    if rest.len() >= 6 { rest } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_code_means_what_it_meant_in_its_year() {
        assert_eq!(name("330681", 2020), Some("诸暨市"));
        assert_eq!(name("330681", 1980), None);
        assert_eq!(name("330625", 1985), Some("诸暨县"));
        assert!(!known("330625", 2020));
        assert_eq!(name("110103", 2005), Some("崇文区"));
        assert_eq!(name("110103", 2015), None);
        assert_eq!(name("419001", 1990), Some("义马市"));
        assert_eq!(name("419001", 2020), Some("济源市"));
        assert_eq!(last_name("110103"), Some("崇文区"));
    }

    #[test]
    fn identity_numbers_keep_abolished_codes() {
        assert!(known_at_birth("110103", 1975), "born before numbers existed");
        assert!(known_at_birth("330625", 1984));
        assert!(known_at_birth("330681", 1990), "number given at sixteen, county a city by then");
        assert!(!known_at_birth("110103", 2013));
        assert!(!known_at_birth("999999", 1990));
    }

    #[test]
    fn labels_and_levels() {
        assert_eq!(label("330681"), "浙江省绍兴市诸暨市");
        assert_eq!(label("310115"), "上海市浦东新区");
        assert_eq!(label("429004"), "湖北省仙桃市");
        assert_eq!(label("330000"), "浙江省");
        assert_eq!(label("US-CA"), "US-CA");
        assert_eq!(label_at("330625", 1985), "浙江省绍兴市诸暨县");
        assert_eq!((province("330681"), city("330681")), ("330000", "330600"));
        assert_eq!((province("US-CA"), city("33068")), ("", ""));
    }

    #[test]
    fn centres() {
        let (lat, lon) = centre("330681").unwrap();
        assert!((lat - 29.71).abs() < 0.05 && (lon - 120.24).abs() < 0.05);
        assert_eq!(centre("330625"), centre("330600"), "abolished: its prefecture");
        assert_eq!(centre("995512"), None);
    }

    #[test]
    fn addresses() {
        fn at(text: &str) -> Option<(&str, &str)> {
            in_address(text).map(|(code, n)| (code, &text[n..]))
        }
        assert_eq!(at("浙江省绍兴市诸暨市暨阳街道1号"), Some(("330681", "暨阳街道1号")));
        assert_eq!(at("浙江绍兴诸暨市枫桥镇"), Some(("330681", "枫桥镇")));
        assert_eq!(at("浙江省诸暨市枫桥镇"), Some(("330681", "枫桥镇")));
        assert_eq!(at("诸暨市枫桥镇"), Some(("330681", "枫桥镇")));
        assert_eq!(at("苏州市昆山市玉山镇"), Some(("320583", "玉山镇")));
        assert_eq!(at("上海市市辖区浦东新区世纪大道"), Some(("310115", "世纪大道")));
        assert_eq!(at("北京市东城区"), Some(("110101", "")));
        assert_eq!(at("新疆维吾尔自治区伊犁哈萨克自治州伊宁市"), Some(("654002", "")));
        assert_eq!(at("内蒙古呼和浩特市新城区"), Some(("150102", "")));
        assert_eq!(at("广东东莞长安镇"), Some(("441900", "长安镇")));
        assert_eq!(at("吉林省吉林市船营区"), Some(("220204", "")));
        assert_eq!(at("朝阳区建国路"), None, "more than one of that name");
        assert_eq!(at("无名路1号"), None);
        assert_eq!(short("恩施土家族苗族自治州"), "恩施");
    }

    #[test]
    fn every_year_lists_each_code_once() {
        for year in [1985, 1999, 2020] {
            let codes: Vec<_> = all_in(year).map(|r| r.code).collect();
            assert!(codes.len() > 2_000);
            assert!(codes.windows(2).all(|w| w[0] < w[1]), "{year}");
        }
        assert!(all_in(2020).all(|r| name(r.code, 2020) == Some(r.name)));
    }

    proptest! {
        #[test]
        fn the_index_agrees_with_a_plain_search(code in "[1-8][0-9][0-9]{4}", year in 1970i32..2030) {
            let plain = TABLE.regions.iter().any(|r| r.code == code && r.holds(year));
            prop_assert_eq!(known(&code, year), plain);
        }

        #[test]
        fn no_text_makes_it_panic(code in ".{0,8}", year: i32) {
            let _ = (name(&code, year), known_at_birth(&code, year.clamp(-9999, 9999)), label(&code), centre(&code), in_address(&code));
        }
    }
}
