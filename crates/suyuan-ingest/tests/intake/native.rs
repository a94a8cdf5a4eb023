//! Native files: every format and packing gives the same rows.

use crate::*;

const CSV: &str = "ts,account,device,ip,result\n\
    2020-03-01T08:00:00+08:00,a1,d1,192.0.2.1,ok\n\
    2020-03-01T09:00:00+08:00,a2,d2,-,failed\n\
    2020-03-01T00:30:00Z,a3,d3,,\n";

fn rows(kept: &Kept) -> (Vec<String>, Vec<String>, Vec<i64>, Vec<String>) {
    assert!(kept.rejects.is_empty(), "{:?}", kept.rejects);
    (
        kept.texts(Kind::Login, "account"),
        kept.texts(Kind::Login, "ip"),
        kept.numbers(Kind::Login, "seq"),
        kept.texts(Kind::Login, "result"),
    )
}

#[test]
fn every_packing_and_encoding_gives_the_same_rows() {
    let want = {
        let place = Place::new();
        place.write("login.csv", CSV);
        let kept = place.run();
        assert_eq!(kept.texts(Kind::Login, "source"), ["login"; 3]);
        rows(&kept)
    };
    assert_eq!(want.0, ["a1", "a2", "a3"]);
    assert_eq!(want.1, ["192.0.2.1", "~", "~"]);
    assert_eq!(want.2, [1, 2, 3]);
    let ndjson = "{\"ts\":\"2020-03-01T08:00:00+08:00\",\"account\":\"a1\",\"device\":\"d1\",\"ip\":\"192.0.2.1\",\"result\":\"ok\"}\n\
        {\"ts\":\"2020-03-01T09:00:00+08:00\",\"account\":\"a2\",\"device\":\"d2\",\"result\":\"failed\",\"ip\":null}\n\
        {\"ts\":\"2020-03-01T00:30:00Z\",\"account\":\"a3\",\"device\":\"d3\"}\n";
    let array = format!("[{}]", ndjson.trim_end().replace('\n', ",\n"));
    let object = format!("{{\"about\": \"x\", \"rows\": {array}}}");
    let zst = zstd::encode_all(CSV.as_bytes(), 1).unwrap();
    let utf16: Vec<u8> = format!("\u{feff}{CSV}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("login.csv", format!("\u{feff}{CSV}").into_bytes()),
        ("login.csv", CSV.replace('\n', "\r\n").into_bytes()),
        ("login.csv", CSV.trim_end().as_bytes().to_vec()),
        ("login.csv", CSV.replace(',', ";").into_bytes()),
        ("login.csv", CSV.replace('\n', "\n\n").into_bytes()),
        ("login.tsv", CSV.replace(',', "\t").into_bytes()),
        ("login.csv.gz", gzip(CSV.as_bytes())),
        ("login-2020.csv", gzip(CSV.as_bytes())),
        ("login.csv.zst", zst.clone()),
        ("login.csv", zst),
        ("login.csv", utf16),
        ("sub/login.ndjson", ndjson.as_bytes().to_vec()),
        ("login.json", ndjson.as_bytes().to_vec()),
        ("login.jsonl.gz", gzip(ndjson.as_bytes())),
        ("login.json", array.into_bytes()),
        ("login.json", object.into_bytes()),
        ("login/2020-03.csv", CSV.as_bytes().to_vec()),
    ];
    for (name, bytes) in cases {
        let place = Place::new();
        place.write(name, bytes);
        assert_eq!(rows(&place.run()), want, "{name}");
    }
}

#[test]
fn parquet_reads_as_text_does() {
    use arrow_array::{ArrayRef, StringArray, TimestampMicrosecondArray};
    use std::sync::Arc;
    let place = Place::new();
    place.write("login.csv", CSV);
    let want = rows(&place.run());
    let ts = TimestampMicrosecondArray::from(vec![
        1_583_020_800_000_000,
        1_583_024_400_000_000,
        1_583_022_600_000_000,
    ])
    .with_timezone("UTC");
    let text = |v: [Option<&str>; 3]| Arc::new(StringArray::from(v.to_vec())) as ArrayRef;
    let batch = RecordBatch::try_from_iter([
        ("ts", Arc::new(ts) as ArrayRef),
        ("account", text([Some("a1"), Some("a2"), Some("a3")])),
        ("device", text([Some("d1"), Some("d2"), Some("d3")])),
        ("ip", text([Some("192.0.2.1"), None, None])),
        ("result", text([Some("ok"), Some("failed"), None])),
    ])
    .unwrap();
    let mut bytes = Vec::new();
    let mut w = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    w.write(&batch).unwrap();
    w.close().unwrap();
    let place = Place::new();
    place.write("login.parquet", bytes);
    let kept = place.run();
    assert_eq!(rows(&kept), want);
    assert_eq!(kept.numbers(Kind::Login, "line"), [1, 2, 3]);
}

#[test]
fn identities_become_tokens_and_what_stands_beside_them() {
    let place = Place::new();
    place.write(
        "opening.csv",
        "ts,card,msisdn,subject,account,region6,contact\n\
         2020-03-01T08:00:00+08:00,89860020123456789012,13800138000,110101199003070038,a1,330681,+86 138 0013 8000\n\
         2020-03-01T08:01:00+08:00,89860020123456789012,13800138000,110101199003070039,a1,330681,张三\n",
    );
    let kept = place.run();
    assert_eq!(kept.rows(Kind::Opening), 2, "{:?}", kept.rejects);
    let (msisdn, contact) = (kept.texts(Kind::Opening, "msisdn"), kept.texts(Kind::Opening, "contact"));
    assert!(msisdn[0].starts_with("tel1-") && msisdn[0] == contact[0] && contact[1].starts_with("nam1-"));
    assert_eq!(kept.texts(Kind::Opening, "subject_region6"), ["110101", "110101"]);
    assert_eq!(kept.numbers(Kind::Opening, "subject_birth_year"), [1990, 1990]);
    // The wrong check digit is kept and told.
    let valid = kept.batches[0].1.column_by_name("subject_valid").unwrap().as_boolean().clone();
    assert!(valid.value(0) != valid.value(1));
    let warning = kept.files[0].warnings.iter().find(|w| w.field == "subject").unwrap();
    assert_eq!((warning.count, warning.line), (1, 3));
    // Originals: four tokens, each once, and they open.
    let originals = &kept.originals[0];
    assert_eq!(originals.num_rows(), 4);
    let (tokens, sealed) = (originals.column(0).as_string::<i32>(), originals.column(1).as_binary::<i32>());
    let opened: Vec<String> = (0..4)
        .map(|n| place.vault.open_original(tokens.value(n), sealed.value(n)).unwrap().expose().clone())
        .collect();
    assert_eq!(opened, ["13800138000", "110101199003070038", "110101199003070039", "张三"]);
    for column in kept.batches[0].1.columns() {
        assert!(!format!("{column:?}").contains("13800138000"));
    }
}

#[test]
fn a_time_may_stand_in_and_a_day_begins_in_china() {
    let place = Place::new();
    place.write("usage.csv", "card,day,imei\n89860020123456789012,2020-03-01,490154203237518\n");
    place.write("terminal.csv", "device,outlet,valid_from\nd1,o1,2020-01-01T00:00:00+08:00\n");
    let kept = place.run();
    assert!(kept.rejects.is_empty(), "{:?}", kept.rejects);
    let ts = |kind| kept.batches.iter().find(|(k, _)| *k == kind).unwrap().1.column(0).clone();
    use arrow_array::types::TimestampMicrosecondType;
    let first = |kind| ts(kind).as_primitive::<TimestampMicrosecondType>().value(0);
    assert_eq!(suyuan_model::time::format(first(Kind::Usage)), "2020-02-29T16:00:00Z");
    assert_eq!(suyuan_model::time::format(first(Kind::Terminal)), "2019-12-31T16:00:00Z");
}

#[test]
fn a_birth_month_is_told_of_children_only_whatever_was_seen_before() {
    // Born in June 2010: under sixteen until June 2026. Each value comes often enough to be remembered.
    let row = |year: u32| format!("{year}-03-01T08:00:00+08:00,a,view,110101201006010013\n");
    let years = [2040, 2040, 2040, 2020, 2020, 2040, 2025, 2027, 2040, 2020];
    let place = Place::new();
    place.write(
        "access.csv",
        years.iter().fold("ts,account,action,subject\n".to_owned(), |t, y| t + &row(*y)),
    );
    let kept = place.run_with(None, options(1));
    let months = kept.batches[0].1.column_by_name("subject_birth_month").unwrap().clone();
    let told: Vec<u32> = (0..years.len()).filter(|n| months.is_valid(*n)).map(|n| years[n]).collect();
    assert_eq!(told, [2020, 2020, 2025, 2020]);
}
