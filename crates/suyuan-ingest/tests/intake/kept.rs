//! What always holds: order, threads, chunks.

use crate::*;
use proptest::prelude::*;

fn world(rows: usize) -> String {
    let mut out = String::from("ts,card,msisdn,subject,account,region6,employer,gps_source\n");
    for n in 0..rows {
        let phone = 13_800_000_000u64 + (n % 97) as u64;
        let gps = if n % 29 == 0 { "manul" } else { "manual" };
        let employer = if n % 7 == 0 { "\"a, b\nc\"\"d\"" } else { "示例公司" };
        out += &format!(
            "2020-03-01T08:{:02}:{:02}+08:00,{:020},{phone},1101011990030700{:02},a{},330681,{employer},{gps}\n",
            n / 60 % 60,
            n % 60,
            89_860_000_000_000_000_000u128 + n as u128,
            n % 100,
            n % 5
        );
    }
    out
}

#[expect(clippy::type_complexity, reason = "only to be compared")]
fn content(kept: &Kept) -> (Vec<String>, Vec<i64>, Vec<i64>, Vec<String>, Vec<RejectRow>) {
    (
        kept.texts(Kind::Opening, "subject"),
        kept.numbers(Kind::Opening, "seq"),
        kept.numbers(Kind::Opening, "line"),
        kept.texts(Kind::Opening, "employer"),
        kept.rejects.clone(),
    )
}

#[test]
fn any_number_of_threads_gives_the_same_calls() {
    let place = Place::new();
    place.write("opening.csv", world(5_000));
    place.write("opening-2.csv.gz", gzip(world(700).as_bytes()));
    let run = |threads| place.run_with(None, Options { chunk: 1 << 14, ..options(threads) });
    let (one, four) = (run(1), run(4));
    assert_eq!(one.calls, four.calls);
    assert!(one.batches == four.batches && one.originals == four.originals && one.rejects == four.rejects);
    assert!(one.calls.len() > 40, "more than a chunk");
    assert_eq!(one.files, four.files);
}

#[test]
fn numbers_and_lines_are_the_files_own_whatever_the_chunk() {
    let place = Place::new();
    place.write("opening.csv", world(2_000));
    let want = content(&place.run());
    assert_eq!(want.4.len(), 69);
    let small = place.run_with(None, Options { chunk: 4_000, ..options(3) });
    assert!(content(&small) == want);
    let text = world(2_000);
    for (seq, line) in want.1.iter().zip(&want.2).step_by(97) {
        let begin = text.split_inclusive('\n').take(*line as usize - 1).map(str::len).sum::<usize>();
        let card = format!("{:020}", 89_860_000_000_000_000_000u128 + (*seq as u128 - 1));
        assert!(text[begin..].lines().next().unwrap().contains(&card), "{seq} {line}");
    }
}

#[test]
fn a_file_taken_in_before_is_passed_over() {
    let place = Place::new();
    place.write("login.csv", "ts,account,device\n2020-03-01T00:00:00Z,a,d\n");
    place.write("login-copy.csv", "ts,account,device\n2020-03-01T00:00:00Z,a,d\n");
    let kept = place.run();
    assert_eq!((kept.rows(Kind::Login), kept.files.len()), (1, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever bytes a file holds, each record becomes a row or a reject and nothing stops.
    #[test]
    fn any_bytes_are_read(body in proptest::collection::vec(any::<u8>(), 0..600), chunk in 64usize..300) {
        let place = Place::new();
        let mut bytes = b"ts,account,device\n2020-03-01T00:00:00Z,a,d\n".to_vec();
        bytes.extend(&body);
        place.write("login.csv", &bytes);
        let kept = place.run_with(None, Options { chunk, ..options(2) });
        prop_assert!(kept.rows(Kind::Login) >= 1);
        let summary = &kept.files[0];
        prop_assert_eq!(summary.records, kept.rows(Kind::Login) as u64 + summary.rejected);
    }
}
