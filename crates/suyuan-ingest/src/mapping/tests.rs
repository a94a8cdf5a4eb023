//! Shipped mappings load, and what a mapping gets wrong is told with the nearest that exists.

use super::*;

#[test]
fn shipped_mappings_map_their_samples() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../mappings");
    let files = std::fs::read_dir(dir)
        .unwrap()
        .filter(|e| e.as_ref().unwrap().path().extension().is_some_and(|x| x == "yml"));
    assert_eq!(files.count(), SHIPPED.len(), "a mapping's file is not in the list");
    for (name, _) in SHIPPED {
        let mapping = Mapping::shipped(name).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(mapping.name(), *name);
    }
    let e = Mapping::shipped("cn-carrier-openning").unwrap_err().to_string();
    assert!(e.contains("did you mean `cn-carrier-opening`?"), "{e}");
}

fn fault(change: &[(&str, &str)]) -> String {
    let mut text = String::from(
        "name: m
zone: Asia/Shanghai
fields: {ts: 时间}
kinds:
- kind: login
  fields: {account: 工号, device: 终端, result: {column: 结果, table: {成功: ok, 失败: failed}}}
samples:
- row: {时间: 2020-03-01 08:00:00, 工号: a, 终端: d, 结果: 成功}
  expect: {login: {ts: 2020-03-01T00:00:00Z, account: a, result: ok}}
",
    );
    for (from, to) in change {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    Mapping::parse(&text).map(|_| String::new()).unwrap_or_else(|e| e.to_string())
}

#[test]
fn faults_name_the_place_and_the_nearest() {
    assert_eq!(fault(&[]), "");
    for (change, wanted) in [
        (("kind: login", "kind: logn"), "did you mean `login`?"),
        (("account: 工号", "acount: 工号"), "`login` has no field `acount`; did you mean `account`?"),
        (("Asia/Shanghai", "Asia/Shangai"), "did you mean `Asia/Shanghai`?"),
        (("成功: ok", "成功: okay"), "sample 1: `result`"),
        (("结果: 成功", "结果: 成攻"), "sample 1: `result`"),
        (("account: a,", "account: b,"), "`login.account` is `a`, expected `b`"),
        (("{login:", "{access:"), "it becomes `login`, which it does not expect"),
        (("device: 终端", "device: {split: {by: x, part: 1}}"), "exactly one of"),
        (("name: m", "name: m\nnmae: x"), "nmae"),
        (("account: 工号, ", ""), "`login` needs the field `account`"),
        (("table: {成功: ok, 失败: failed}", "unit: yuan2"), "there is no unit `yuan2`"),
    ] {
        let got = fault(&[change]);
        assert!(got.contains(wanted), "{change:?}: {got}");
    }
}
