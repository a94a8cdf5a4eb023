//! People, each a function of the seed and a number: nobody is stored.
//!
//! Identity numbers carry the code of a real county that held in the birth year and a right check
//! digit; mobile numbers lie in the segments given out in their city. All of them are made up, but a
//! real person may hold one by chance: the files are test data and no more.

use std::collections::BTreeMap;

use suyuan_model::segment::Operator;
use suyuan_model::{checks, identity, region, segment};

use crate::rng::{label, mix, mix2};
use crate::world::World;

/// Birth years there are.
const YEARS: std::ops::RangeInclusive<i32> = 1938..=2014;
/// Provinces that people leave for the coast, with their shares of 100.
const HOMES: [(&str, u64); 12] = [
    ("34", 20),
    ("41", 16),
    ("36", 12),
    ("51", 9),
    ("52", 9),
    ("42", 8),
    ("32", 7),
    ("43", 5),
    ("50", 4),
    ("53", 4),
    ("61", 3),
    ("37", 3),
];
const ROADS: [&str; 16] = [
    "人民路",
    "中山路",
    "解放路",
    "建设路",
    "和平路",
    "文化路",
    "新华路",
    "朝阳路",
    "光明路",
    "东风路",
    "长江路",
    "滨河路",
    "工业路",
    "学院路",
    "环城路",
    "迎宾路",
];

/// What a person is to the world; decides age and home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A customer living at the place: local or moved there.
    Resident = 0,
    /// A worker from another province, placed by a labour company.
    Worker = 1,
    /// A first-year student.
    Student = 2,
    /// Someone anywhere in the country.
    Anywhere = 3,
    /// An employee or agent.
    Employee = 4,
    /// A child under fourteen.
    Minor = 5,
    /// Someone of sixty or more.
    Elder = 6,
}

/// A person's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PersonId(u64);

impl PersonId {
    /// The `n`th person of that class at that place.
    pub fn new(place: usize, class: Class, n: u64) -> PersonId {
        PersonId((place as u64) << 48 | (class as u64) << 40 | n)
    }
    /// The place where the person lives.
    pub fn place(self) -> usize {
        (self.0 >> 48) as usize
    }
    fn class(self) -> u64 {
        self.0 >> 40 & 0xff
    }
    /// The number within place and class.
    pub fn n(self) -> u64 {
        self.0 & 0xff_ffff_ffff
    }
}

/// A place of the world, with what its people need.
pub struct Home {
    /// The county's code.
    pub region: String,
    /// Micro-degrees.
    pub lat: i64,
    /// Micro-degrees.
    pub lon: i64,
    /// The county's own name.
    pub name: String,
    /// Customers whose data can be looked up.
    pub customers: u64,
    segments: Vec<u32>,
    given_out: u64,
}

/// The people of a world.
pub struct People {
    key: u64,
    migrants: u64,
    /// The places.
    pub homes: Vec<Home>,
    /// County codes by prefix of four digits and birth year.
    counties: BTreeMap<u32, Vec<Vec<u32>>>,
    /// Prefixes of four digits by province.
    cities: BTreeMap<u32, Vec<u32>>,
    names: BTreeMap<String, String>,
}

impl People {
    /// The people of that world and seed, so many customers in all.
    pub fn new(world: &World, seed: u64, population: u64) -> People {
        let (counties, cities) = county_table();
        let total: f64 = world.place.iter().map(|p| p.weight).sum();
        let homes = world
            .place
            .iter()
            .map(|p| home(&p.region, (population as f64 * p.weight / total) as u64 + 50))
            .collect();
        People {
            key: mix2(seed, label("people")),
            migrants: (world.background.migrants * 1000.0) as u64,
            homes,
            counties,
            cities,
            names: BTreeMap::new(),
        }
    }

    fn hash(&self, person: PersonId, what: u64) -> u64 {
        mix2(self.key ^ mix(what), person.0)
    }

    /// Adds a place without outlets (where a ring's operators sit) and gives its number.
    pub fn add_home(&mut self, code: &str) -> usize {
        if let Some(at) = self.homes.iter().position(|h| h.region == code) {
            return at;
        }
        self.homes.push(home(code, 1_000));
        self.homes.len() - 1
    }

    /// The birth year of a person.
    pub fn birth_year(&self, person: PersonId) -> i32 {
        let h = self.hash(person, 1);
        let (a, b) = (h & 0xffff, h >> 16 & 0xffff);
        let span = |lo: u64, hi: u64| (lo + (a + b) * (hi - lo) / 0x1_fffe) as i32;
        match person.class() {
            1 => span(1968, 2002),
            2 => 2001 + (a % 2) as i32,
            4 => span(1970, 1998),
            5 => 2008 + (a % 7) as i32,
            6 => span(1938, 1957),
            _ => span(1946, 2003),
        }
    }

    /// The identity number: region of its birth year, birth date, serial, check digit.
    pub fn id(&self, person: PersonId) -> String {
        let h = self.hash(person, 2);
        let year = self.birth_year(person);
        let code = self.birth_region(person, year);
        let day = h % 28 + 1;
        let month = h / 28 % 12 + 1;
        let serial = h / 336 % 999 + 1;
        let mut text = format!("{code:06}{year:04}{month:02}{day:02}{serial:03}");
        let check = identity::check_digit(&text).expect("seventeen digits were written");
        text.push(check);
        text
    }

    fn birth_region(&self, person: PersonId, year: i32) -> u32 {
        let h = self.hash(person, 3);
        let here = self.homes[person.place()].region.as_str();
        let from_here = match person.class() {
            0 | 4 | 5 | 6 => h % 1000 >= self.migrants,
            _ => false,
        };
        let at = (year - YEARS.start()) as usize;
        if from_here {
            let prefix = number(&here[..4]);
            // Most people of a county carry its own code; the others come from next door.
            let own = number(here);
            let codes = self.counties.get(&prefix).map(|y| y[at].as_slice()).unwrap_or_default();
            if h >> 10 & 3 != 0 && codes.contains(&own) {
                return own;
            }
            if !codes.is_empty() {
                return codes[(h >> 20) as usize % codes.len()];
            }
        }
        let mut pick = (h >> 20) % 100;
        let mut first = 0;
        for (at, (_, share)) in HOMES.iter().enumerate() {
            first = at;
            if pick < *share {
                break;
            }
            pick -= share;
        }
        // A province younger than the person (重庆 in 1997) hands on to the next.
        for step in 0..HOMES.len() {
            let (province, _) = HOMES[(first + step) % HOMES.len()];
            if let Some(code) = self.county_in(number(province), at, h) {
                return code;
            }
        }
        number(here)
    }

    /// A county of the province that held in the birth year.
    fn county_in(&self, province: u32, year: usize, h: u64) -> Option<u32> {
        let cities = &self.cities[&province];
        let at = |step: usize| cities[((h >> 36) as usize + step) % cities.len()];
        let codes = (0..cities.len()).map(|step| &self.counties[&at(step)][year]).find(|c| !c.is_empty())?;
        Some(codes[(mix(h) >> 8) as usize % codes.len()])
    }

    /// The mobile number of a customer.
    pub fn phone(&self, person: PersonId) -> String {
        let home = &self.homes[person.place()];
        // Other classes take numbers behind the customers'.
        let n = person.n() + person.class() * home.capacity() / 8;
        home.number(mix(self.key), n)
    }

    /// A number of the place not yet given out.
    pub fn new_number(&mut self, place: usize) -> String {
        let key = mix(self.key);
        let home = &mut self.homes[place];
        home.given_out += 1;
        home.number(key, home.capacity() * 3 / 4 + home.given_out)
    }

    /// The address on the identity card.
    pub fn address(&mut self, person: PersonId, id: &str) -> String {
        let h = self.hash(person, 5);
        let label = self.names.entry(id[..6].to_owned()).or_insert_with(|| region::label(&id[..6])).as_str();
        let road = ROADS[h as usize % ROADS.len()];
        format!("{label}{road}{}号{}室", h / 16 % 400 + 1, (h / 6400 % 28 + 1) * 100 + h / 180_000 % 6 + 1)
    }

    /// The carrier's opaque face cluster of the person.
    pub fn face(&self, person: PersonId) -> String {
        format!("face-{:012x}", self.hash(person, 6) >> 16)
    }

    /// An IMEI with its check digit, by number.
    pub fn imei(&self, n: u64) -> String {
        let h = mix2(self.key ^ 7, n);
        const TACS: [u64; 24] = [
            86012304, 86452104, 86773903, 86891704, 35332810, 35901109, 86300403, 86556104, 86077804,
            86128305, 86215503, 86246004, 86370204, 86419105, 86488703, 86520904, 86634905, 86690403,
            86712104, 86829005, 86950103, 35277511, 35611210, 35744008,
        ];
        let body = format!("{:08}{:06}", TACS[h as usize % TACS.len()], h / 32 % 1_000_000);
        let digit = checks::luhn_digit(&body);
        format!("{body}{digit}")
    }

    /// The IMEI of a modem: those of a bank have one type and follow one another.
    pub fn modem(&self, bank: u64, n: u64) -> String {
        const TACS: [u64; 4] = [86_147_503, 86_832_504, 35_564_406, 86_401_203];
        let first = mix2(self.key ^ 8, bank) % 900_000;
        let body = format!("{:08}{:06}", TACS[bank as usize % TACS.len()], first + n % 100_000);
        let digit = checks::luhn_digit(&body);
        format!("{body}{digit}")
    }

    /// An opaque hash text.
    pub fn opaque(&self, prefix: &str, n: u64) -> String {
        format!("{prefix}{:014x}", mix2(self.key ^ label(prefix), n) >> 8)
    }
}

impl Home {
    fn capacity(&self) -> u64 {
        self.segments.len() as u64 * 10_000
    }

    /// The `n`th number of the place: a permutation, so no number is given twice.
    fn number(&self, key: u64, n: u64) -> String {
        let size = self.capacity();
        // A prime that divides no multiple of 10,000 segments met in practice keeps it a permutation.
        let at = (n % size * 7_368_787 + key % size) % size;
        format!("{}{:04}", self.segments[(at / 10_000) as usize], at % 10_000)
    }
}

fn home(code: &str, customers: u64) -> Home {
    let (lat, lon) = region::centre(code).unwrap_or((30.0, 120.0));
    let segments: Vec<u32> =
        segment::in_city(code).into_iter().filter(|(_, o)| *o == Operator::Mobile).map(|(s, _)| s).collect();
    Home {
        region: code.to_owned(),
        lat: micro(lat),
        lon: micro(lon),
        name: region::last_name(code).unwrap_or_default().to_owned(),
        customers,
        // Every prefecture of the mainland has some; 1380575 stands in should a table lack one.
        segments: if segments.is_empty() { vec![1_380_575] } else { segments },
        given_out: 0,
    }
}

/// Degrees as written in the table (at most six decimals) in micro-degrees.
fn micro(degrees: f64) -> i64 {
    (degrees * 1e6).round() as i64
}

fn number(digits: &str) -> u32 {
    digits.parse().unwrap_or(0)
}

type Counties = BTreeMap<u32, Vec<Vec<u32>>>;

fn county_table() -> (Counties, BTreeMap<u32, Vec<u32>>) {
    let years = YEARS.count();
    let mut codes: Vec<&'static str> =
        (1982..=2020).step_by(2).flat_map(region::all_in).map(|r| r.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let mut counties: Counties = BTreeMap::new();
    for code in codes.into_iter().filter(|c| !c.ends_with("00")) {
        let by_year = counties.entry(number(&code[..4])).or_insert_with(|| vec![Vec::new(); years]);
        for (at, year) in YEARS.enumerate() {
            if region::known_at_birth(code, year) {
                by_year[at].push(number(code));
            }
        }
    }
    let mut cities: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for prefix in counties.keys() {
        cities.entry(prefix / 100).or_default().push(*prefix);
    }
    (counties, cities)
}

#[cfg(test)]
mod tests {
    use super::*;
    use suyuan_model::identity::IdNumber;

    fn people(seed: u64) -> People {
        let world = World::embedded("qt-2020").unwrap();
        People::new(&world, seed, 30_000)
    }

    #[test]
    fn every_identity_number_could_exist() {
        let people = people(1);
        let classes = [Class::Resident, Class::Worker, Class::Student, Class::Anywhere, Class::Employee];
        for n in 0..4_000 {
            let person = PersonId::new(n as usize % people.homes.len(), classes[n as usize % 5], n);
            let id = IdNumber::parse(&people.id(person)).unwrap();
            assert!(id.check_ok == Some(true), "check digit");
            assert!(id.region_known, "{} in {}", id.region6(), id.birth.0);
        }
    }

    #[test]
    fn numbers_lie_in_the_city_and_are_given_once() {
        let mut people = people(2);
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..3_000 {
            let number = if n % 2 == 0 {
                people.new_number(0)
            } else {
                people.phone(PersonId::new(0, Class::Resident, n))
            };
            assert_eq!(segment::lookup(&number[..7]).unwrap().city, "绍兴");
            assert!(seen.insert(number));
        }
    }
}
