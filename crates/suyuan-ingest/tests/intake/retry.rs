//! Rejected rows taken in once more.

use std::collections::BTreeSet;

use crate::*;

const MAPPING: &str = "name: m
zone: Asia/Shanghai
fields: {ts: 时间}
kinds:
- kind: login
  fields: {account: 工号, device: 终端, result: {column: 结果, table: {成功: ok, 失败: failed}}}
samples:
- row: {时间: 2020-03-01 08:00:00, 工号: a, 终端: d, 结果: 成功}
  expect: {login: {account: a}}
";

#[test]
fn a_row_fits_once_the_mapping_is_mended() {
    let place = Place::new();
    place.write(
        "export.csv",
        "时间,工号,终端,结果\n2020-03-01 08:00:00,a,d,成功\n2020-03-01 08:00:01,b,\"d\n2\",锁定\n",
    );
    let mapping = Mapping::parse(MAPPING).unwrap();
    let kept = place.run_with(Some(&mapping), options(1));
    assert_eq!((kept.all_rows(), kept.rejects.len()), (1, 1));
    let row = &kept.rejects[0];
    let stored = serde_json::to_string(&*row.context).unwrap();
    let context: RejectContext = serde_json::from_str(&stored).unwrap();
    let raw = place.vault.open_text(&row.sealed).unwrap();
    let intake = Intake::new(&place.vault, options(1));
    let again = intake.parse_raw(&context, Some(&mapping), 1, row.line, row.record, &raw).unwrap();
    assert_eq!(again.rejects, std::slice::from_ref(row), "the same fault again");
    let mended = Mapping::parse(&MAPPING.replace("失败: failed", "失败: failed, 锁定: failed")).unwrap();
    let again = intake.parse_raw(&context, Some(&mended), 1, row.line, row.record, &raw).unwrap();
    let now = Kept { batches: again.batches, ..Kept::default() };
    assert_eq!(now.texts(Kind::Login, "account"), ["b"]);
    assert_eq!((now.numbers(Kind::Login, "line"), now.numbers(Kind::Login, "seq")), (vec![3], vec![2]));
    assert!(intake.parse_raw(&context, None, 1, 3, 2, &raw).unwrap_err().to_string().contains("`m`"));
}

#[test]
fn a_mended_file_gives_the_rows_of_those_lines() {
    let place = Place::new();
    let text = "ts,account,device\n2020-03-01T00:00:00,a,d\n2020-03-01T00:00:00Z,b,d\n";
    place.write("login.csv", text);
    let kept = place.run();
    let row = &kept.rejects[0];
    let mended = place.write("mended/login.csv", text.replace("00:00:00,", "00:00:00+08:00,"));
    let intake = Intake::new(&place.vault, options(1));
    let (context, rows) = intake.mended_rows(&mended, row.kind, None, &BTreeSet::from([row.line])).unwrap();
    assert_eq!(rows.len(), 1);
    let (line, record, raw) = &rows[0];
    let again = intake.parse_raw(&context, None, 1, *line, *record, raw).unwrap();
    assert_eq!(again.batches[0].1.num_rows(), 1);
    let now = Kept { batches: again.batches, ..Kept::default() };
    assert_eq!((now.numbers(Kind::Login, "line"), now.numbers(Kind::Login, "seq")), (vec![2], vec![1]));
}
