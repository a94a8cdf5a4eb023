//! How long the reference tables take to unpack and to ask: `cargo run --profile demo -p suyuan-model --example lookups`.

use std::hint::black_box;
use std::time::Instant;

use suyuan_model::identity::IdNumber;
use suyuan_model::{region, segment};

/// Questions of each sort.
const ASKED: u32 = 1_000_000;

fn main() {
    once("region table, first question", || region::name("330681", 2020).is_some());
    once("addresses, first question", || region::in_address("浙江绍兴诸暨市").is_some());
    once("segment table, first question", || segment::lookup("1380013").is_some());
    many("region::known", |i| region::known(["330681", "110103", "659001", "999999"][i as usize % 4], 1990));
    many("region::label", |_| !region::label("330681").is_empty());
    many("region::centre", |_| region::centre("330681").is_some());
    many("region::in_address", |_| region::in_address("浙江绍兴诸暨市暨阳街道").is_some());
    many("segment::lookup", |i| segment::lookup(["1380013", "1995551", "1300000"][i as usize % 3]).is_some());
    many("IdNumber::parse", |_| IdNumber::parse("11010519491231002X").is_ok());
}

fn once(what: &str, ask: impl Fn() -> bool) {
    let start = Instant::now();
    black_box(ask());
    println!("{what}: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
}

fn many(what: &str, ask: impl Fn(u32) -> bool) {
    let start = Instant::now();
    for i in 0..ASKED {
        black_box(ask(black_box(i)));
    }
    println!("{what}: {:.0} ns", start.elapsed().as_secs_f64() * 1e9 / f64::from(ASKED));
}
