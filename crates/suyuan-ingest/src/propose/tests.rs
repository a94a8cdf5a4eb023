//! Proposals load, find what names and values tell, and hold nobody's data.

use super::*;

fn proposed(name: &str, bytes: &[u8], kind: Option<Kind>) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    propose(&path, kind).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn a_chinese_export_is_understood() {
    let mut text = String::from(
        "受理流水号,受理时间,SIM卡号,手机号码,客户姓名,身份证号,操作员工号,营业厅编码,区县编码,定位方式,人证比对分,备注\n",
    );
    for n in 0..40 {
        let gps = ["手工", "设备定位", "基站"][n % 3];
        text += &format!(
            "CRM2020{n:04},2020/03/{:02} 16:05:{:02},8986001234567890{:04},1390000{:04},李四,11010519491231002X,ZJ{n:03},W{n:02},330681,{gps},{},无\n",
            1 + n % 28,
            n,
            n,
            n,
            60 + n % 40
        );
    }
    let (gb, _, _) = encoding_rs::GB18030.encode(&text);
    let got = proposed("开户清单.csv", &gb, None);
    for line in [
        "encoding: gb18030",
        "zone: Asia/Shanghai",
        "- kind: opening",
        "    ts: 受理时间",
        "    seq: {column: 受理流水号, hash: true}",
        "    card: SIM卡号",
        "    msisdn: 手机号码",
        "    subject: 身份证号",
        "    account: 操作员工号",
        "    outlet: 营业厅编码",
        "    region6: 区县编码",
        "手工: manual",
        "设备定位: device",
        "    match_score: {column: 人证比对分, unit: percent}",
        "# not used / 未使用: 客户姓名, 备注",
    ] {
        assert!(got.contains(line), "{line}\n{got}");
    }
    for secret in ["李四", "1390000", "ZJ00", "CRM2020"] {
        assert!(!got.contains(secret), "{secret}\n{got}");
    }
}

#[test]
fn numbers_of_persons_in_names_stay_out() {
    let got = proposed("a.ndjson", b"{\"13800138000\":{\"x\":1},\"ts\":\"2020-03-01T08:00:00Z\"}\n", None);
    assert!(!got.contains("13800138000"), "{got}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    std::fs::write(&path, "2020-03-01T08:00:00Z,13800138000,张三\n".repeat(3)).unwrap();
    let told = propose(&path, None).unwrap_err().to_string();
    assert!(told.contains("first line is a record") && !told.contains("138"), "{told}");
}

#[test]
fn nested_json_is_understood_and_gaps_are_left_open() {
    let mut text = String::new();
    for n in 0..30 {
        text += &format!(
            "{{\"time\":{},\"user\":{{\"name\":\"wang{n}\"}},\"src\":{{\"ip\":\"192.0.2.{n}\"}},\"status\":\"{}\"}}\n",
            1_583_049_907_000i64 + n,
            if n % 2 == 0 { "success" } else { "failure" }
        );
    }
    let got = proposed("sso.json", text.as_bytes(), Some(Kind::Login));
    for line in [
        "ts: {column: time, time: unix_ms}",
        "device: FILL-IN-device  # ?",
        "ip: src.ip",
        "success: ok",
        "failure: failed",
    ] {
        assert!(got.contains(line), "{line}\n{got}");
    }
    assert!(!got.contains("wang1"), "{got}");
}

#[test]
fn every_kind_can_be_proposed_from_anything() {
    for kind in Kind::ALL {
        proposed("x.csv", b"a,b\n1,2\n3,4\n", Some(*kind));
        let native = format!(
            "ts,{}\n2020-03-01T00:00:00Z\n",
            kind.spec().fields.iter().map(|f| f.name).collect::<Vec<_>>().join(",")
        );
        proposed("x.csv", native.as_bytes(), Some(*kind));
    }
}
