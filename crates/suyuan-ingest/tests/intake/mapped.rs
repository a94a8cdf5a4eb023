//! Mapped exports from outside: encodings, headers, money, positions.

use crate::*;

fn gb18030(text: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(text).0.into_owned()
}

const FRAUD: &str = "案件编号,报案时间,涉案卡ICCID,涉案号码,被害人手机号,损失金额（万元）,诈骗类型\r\n\
    A330681-0001,2020-06-01 15:30:00,=\"89860012345678901234\",\t13800138000,13900139000,4.5,冒充客服\r\n\
    A330681-0002,2020/06/02 09:00,89860012345678901234,13800138000,未知,0.01234,\"刷单,返利\"\r\n\
    A330681-0003,2020-06-02 09:00,,,,1,冒充客服\r\n\
    合计,,,,,5.51234,\r\n";

#[test]
fn a_gb18030_export_reads_like_its_utf8_twin() {
    let mapping = Mapping::shipped("cn-carrier-fraud-report").unwrap();
    let read = |bytes: Vec<u8>| {
        let place = Place::new();
        place.write("涉诈通报.csv", bytes);
        let kept = place.run_with(Some(&mapping), options(1));
        let file = &kept.files[0];
        assert_eq!((file.records, file.skipped, file.rejected), (4, 1, 1), "{:?}", kept.rejects);
        assert_eq!(kept.rejects[0].field.as_deref(), Some("card"));
        let loss: Vec<String> = {
            let column = kept.batches[0].1.column_by_name("loss_cny").unwrap();
            let fen = column.as_primitive::<arrow_array::types::Decimal128Type>();
            fen.values().iter().map(|v| suyuan_model::money::format_yuan(*v as i64)).collect()
        };
        let victims = kept.texts(Kind::FraudReport, "victim");
        assert!(victims[0].starts_with("tel1-") && victims[1] == "~", "{victims:?}");
        (
            file.encoding,
            kept.texts(Kind::FraudReport, "kind"),
            kept.texts(Kind::FraudReport, "card"),
            kept.numbers(Kind::FraudReport, "seq"),
            loss,
        )
    };
    let (gb, utf8) = (read(gb18030(FRAUD)), read(FRAUD.as_bytes().to_vec()));
    assert_eq!((gb.0, utf8.0), (Some(Encoding::Gb18030), Some(Encoding::Utf8)));
    assert_eq!(gb.1, ["冒充客服", "刷单,返利"]);
    assert_eq!(gb.4, ["45000.00", "123.40"]);
    assert_eq!((gb.1, gb.2, gb.3), (utf8.1, utf8.2, utf8.3));
}

#[test]
fn a_header_that_nearly_fits_refuses_the_file_with_the_remedy() {
    let mapping = Mapping::shipped("cn-carrier-login").unwrap();
    let place = Place::new();
    place.write("a.csv", gb18030("登陆时间,工号,终端编号,登录结果\n2020-03-01 08:00:00,a,d,成功\n"));
    place.write(
        "b.csv",
        gb18030(
            "登录时间,工号,终端编号,登录结果\n2020-03-01 08:00:00,a,d,成功\n2020-03-01 08:00:00,a,d,已登录\n",
        ),
    );
    let kept = place.run_with(Some(&mapping), options(1));
    let (reason, remedy) = kept.files[0].refused.as_ref().unwrap();
    assert!(
        reason.en.contains("`登录时间`") && remedy.en.contains("rename the column `登陆时间`"),
        "{remedy:?}"
    );
    assert!(remedy.zh.contains("请将列名 `登陆时间` 改为 `登录时间`"));
    assert_eq!(kept.rows(Kind::Login), 1);
    let row = &kept.rejects[1];
    assert_eq!((row.line, row.field.as_deref()), (3, Some("result")));
    assert!(!row.reason.zh.contains("已登录"), "a value is shown by its shape");
}

#[test]
fn a_named_encoding_is_taken_at_its_word() {
    let text = "name: m
encoding: utf-8
fields: {ts: ts}
kinds: [{kind: login, fields: {account: 工号, device: d}}]
samples: [{row: {ts: 2020-03-01T00:00:00Z, 工号: a, d: d}, expect: {login: {account: a}}}]
";
    let named = Mapping::parse(text).unwrap();
    let auto = Mapping::parse(&text.replace("utf-8", "auto")).unwrap();
    let place = Place::new();
    place.write("x.csv", gb18030("ts,工号,d\n2020-03-01T00:00:00Z,张三,d\n"));
    let kept = place.run_with(Some(&named), options(1));
    let (reason, remedy) = kept.files[0].refused.as_ref().unwrap();
    assert!(
        reason.en.contains("no text in the file's encoding") && remedy.en.contains("encoding"),
        "{reason:?}"
    );
    assert_eq!(place.run_with(Some(&auto), options(1)).texts(Kind::Login, "account"), ["张三"]);
}
