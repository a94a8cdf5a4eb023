//! Bad input: a clear word, the good rows kept.

use crate::*;

const HEAD: &str = "ts,account,device\n";
fn good(n: usize) -> String {
    format!("2020-03-01T08:00:{:02}+08:00,a{n},d{n}\n", n % 60)
}
fn login(place: &Place, name: &str, body: impl AsRef<[u8]>) {
    place.write(name, [HEAD.as_bytes(), body.as_ref()].concat());
}
/// Line, field and reason of each reject.
fn told(kept: &Kept) -> Vec<(i64, String, String)> {
    kept.rejects
        .iter()
        .map(|r| (r.line, r.field.clone().unwrap_or_default(), format!("{}; {}", r.reason.en, r.remedy.en)))
        .collect()
}

#[test]
fn a_truncated_gzip_keeps_the_rows_before_the_cut() {
    let place = Place::new();
    let body: String = (0..3_000).map(good).collect();
    let mut packed = gzip(format!("{HEAD}{body}").as_bytes());
    packed.truncate(packed.len() / 2);
    place.write("login.csv.gz", &packed);
    let kept = place.run();
    let rows = kept.rows(Kind::Login);
    assert!(rows > 500 && rows < 2_500, "{rows}");
    assert_eq!(kept.texts(Kind::Login, "account")[rows - 1], format!("a{}", rows - 1));
    let last = kept.rejects.last().unwrap();
    assert!(last.reason.en.contains("middle of its compressed data") && !last.whole, "{last:?}");
    assert!(kept.files[0].cut.is_some());
}

#[test]
fn wrong_encoding_is_told_row_by_row() {
    let place = Place::new();
    // Latin-1 in a file that is UTF-8 otherwise.
    let body = [
        good(1).as_bytes(),
        "2020-03-01T08:00:00+08:00,张三,d\n".as_bytes(),
        b"2020-03-01T08:00:00+08:00,M\xfcller,d\n",
        good(2).as_bytes(),
    ]
    .concat();
    login(&place, "login.csv", body);
    let kept = place.run();
    assert_eq!(kept.rows(Kind::Login), 3);
    let told = told(&kept);
    assert!(told[0].0 == 4 && told[0].2.contains("encoding"), "{told:?}");
    assert_eq!(
        place.vault.open_text(&kept.rejects[0].sealed).unwrap(),
        b"2020-03-01T08:00:00+08:00,M\xfcller,d"
    );
}

#[test]
fn a_line_of_ten_million_characters() {
    let place = Place::new();
    let body = format!("{}{}\n{}", good(1), "x".repeat(10_000_000), good(2));
    login(&place, "login.csv", &body);
    let json = format!(
        "{{\"ts\":\"2020-03-01T00:00:00Z\",\"account\":\"a\",\"device\":\"d\"}}\n{{\"ts\":\"{}\"}}\n{{\"ts\":\"2020-03-01T00:00:00Z\",\"account\":\"b\",\"device\":\"d\"}}\n",
        "x".repeat(10_000_000)
    );
    place.write("login-2.ndjson", &json);
    place.write("login-3.json", format!("[{}]", json.trim_end().replace('\n', ",")));
    let kept = place.run();
    assert_eq!(kept.rows(Kind::Login), 6, "{:?}", told(&kept));
    let lines: Vec<_> =
        told(&kept).into_iter().map(|(line, _, text)| (line, text.contains("1048576 bytes"))).collect();
    assert_eq!(lines, [(2, true), (1, true), (3, true)]);
    assert!(kept.rejects.iter().all(|r| !r.whole && r.sealed.len() < 10_000));
}

#[test]
fn duplicates_and_disorder_are_rows_like_others() {
    let place = Place::new();
    login(&place, "login.csv", format!("{}{}{}", good(9), good(3), good(9)));
    let kept = place.run();
    assert_eq!(kept.texts(Kind::Login, "account"), ["a9", "a3", "a9"]);
}

#[test]
fn the_future_is_kept_aside() {
    let place = Place::new();
    login(&place, "login.csv", "2020-03-02T08:00:00Z,soon,d\n2020-03-02T08:00:01Z,late,d\n");
    let now = suyuan_model::time::parse("2020-03-01T08:00:00Z");
    let kept = place.run_with(None, Options { now, ..options(1) });
    assert_eq!(kept.texts(Kind::Login, "account"), ["soon"]);
    assert!(told(&kept)[0].2.contains("in the future"));
}

#[test]
fn quoted_newlines_count_their_lines_and_ragged_rows_are_told() {
    let place = Place::new();
    let body = format!("{}2020-03-01T00:00:00Z,\"b\nc\",d\n{}1,2\n1,2,3,4\n{}", good(1), good(2), good(3));
    login(&place, "login.csv", body);
    let kept = place.run();
    assert_eq!(kept.numbers(Kind::Login, "line"), [2, 3, 5, 8]);
    assert_eq!(kept.numbers(Kind::Login, "seq"), [1, 2, 3, 6]);
    let told = told(&kept);
    assert!(told[0].0 == 6 && told[0].2.contains("2 cells where the header has 3"), "{told:?}");
    assert!(told[1].0 == 7 && told[1].2.contains("4 cells"), "{told:?}");
}

#[test]
fn a_quote_never_closed_costs_its_own_row_only() {
    let place = Place::new();
    let body = format!("{}\"2020-03-01T00:00:00Z,b,d\n{}{}", good(1), good(2), good(3));
    login(&place, "login.csv", &body);
    // And where a later quote closes it by accident.
    let body = format!(
        "{}\"2020-03-01T00:00:00Z,b,d\n{}2020-03-01T00:00:00Z,\"q\",d\n{}",
        good(1),
        good(2),
        good(3)
    );
    login(&place, "login-2.csv", &body);
    let kept = place.run();
    let files: Vec<(u64, u64)> = kept.files.iter().map(|f| (f.rows[&Kind::Login], f.rejected)).collect();
    assert_eq!(files, [(4, 1), (3, 1)], "{:?}", told(&kept));
    assert!(kept.rejects.iter().all(|r| r.line == 3));
}

#[test]
fn nul_bytes_and_bad_json_are_told() {
    let place = Place::new();
    login(&place, "login.csv", format!("{}2020-03-01T00:00:00Z,a\0,d\n{}", good(1), good(2)));
    place.write("login-2.ndjson", "{\"ts\":\"2020-03-01T00:00:00Z\",\"account\":\"a\",\"device\":\"d\"}\n{\"ts\":\nnot json\n{\"ts\":\"2020-03-01T00:00:00Z\",\"acount\":\"a\",\"device\":\"d\",\"colour\":1}\n");
    let kept = place.run();
    assert_eq!(kept.rows(Kind::Login), 3);
    let told = told(&kept);
    assert!(told.iter().any(|t| t.2.contains("not a JSON object")), "{told:?}");
    assert!(told.iter().any(|t| t.0 == 3 && t.2.contains("NUL")), "{told:?}");
    assert!(told.iter().any(|t| t.1 == "account" && t.2.contains("rename the column `acount`")), "{told:?}");
    assert!(kept.files.iter().any(|f| f.warnings.iter().any(|w| w.field == "colour")));
}

#[test]
fn empty_files_and_headers_alone() {
    let place = Place::new();
    place.write("login.csv", "");
    place.write("login-2.csv", " \n\n");
    place.write("login-3.csv", HEAD);
    place.write("access.ndjson.gz", gzip(b""));
    let kept = place.run();
    assert_eq!(kept.files.len(), 4);
    let refused: Vec<bool> = kept.files.iter().map(|f| f.refused.is_some()).collect();
    assert_eq!(refused, [true, true, false, true], "{:?}", kept.files);
    assert!(kept.files[2].warnings[0].text.en.contains("no rows"));
}

#[test]
fn what_does_not_exist_is_told_with_the_nearest() {
    let place = Place::new();
    place.write("openning.csv", "ts\n");
    place.write("login.csv", "ts,acount,device\n2020-03-01T00:00:00Z,a,d\n");
    place.write("access.csv", "ts,account,action,object,devise\n2020-03-01T00:00:00Z,a,veiw,o,x\n2020-03-01T00:00:00,a,view,o,x\n2020-03-01T00:00:00Z,a,view,,x\n");
    place.write("photo.xlsx", "PK\x03\x04");
    place.write("notes.md", "# no records");
    let kept = place.run();
    let refused: BTreeMap<&str, String> = kept
        .files
        .iter()
        .filter_map(|f| f.refused.as_ref().map(|(r, m)| (f.name.as_str(), format!("{}; {}", r.en, m.en))))
        .collect();
    assert!(refused["openning.csv"].contains("begin with `opening`"), "{refused:?}");
    assert!(refused["login.csv"].contains("rename the column `acount` to `account`"), "{refused:?}");
    assert!(refused.contains_key("photo.xlsx") && !refused.contains_key("notes.md"));
    let access = kept.files.iter().find(|f| f.name == "access.csv").unwrap();
    assert!(access.warnings[0].text.en.contains("did you mean `device`?"), "{:?}", access.warnings);
    let told: Vec<_> = told(&kept).into_iter().filter(|t| t.0 > 1).collect();
    assert!(told[0].1 == "action" && told[0].2.contains("did you mean `view`?"), "{told:?}");
    assert!(told[1].1 == "ts" && told[1].2.contains("zone: Asia/Shanghai"), "{told:?}");
    assert!(told[2].2.contains("none of subject, rows, object"), "{told:?}");
}

#[test]
fn no_message_holds_a_person() {
    let place = Place::new();
    place.write(
        "opening.csv",
        "ts,card,subject,account,region6,gps_source,msisdn\n\
         2020-03-01T00:00:00Z,13800138000,110101199003070038,a,330681,manual,13800138000\n\
         2020-03-01T00:00:00Z,89860020123456789012,110101199003070038,a,110101199003070038,manual,13800138000\n\
         2020-03-01T00:00:00Z,89860020123456789012,110101199003070038,a,330681,张三,13800138000\n\
         2020-03-01T00:00:00Z,89860020123456789012,110101199003070038,a,330681,manual,张三\n\
         13800138000,89860020123456789012,110101199003070038,a,330681,manual,13800138000\n",
    );
    let kept = place.run();
    assert_eq!((kept.all_rows(), kept.rejects.len()), (0, 5));
    let all = format!("{:?} {:?}", kept.rejects, kept.files);
    for secret in ["13800138000", "110101199003070038", "张三"] {
        assert!(!all.contains(secret), "{secret}");
    }
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_or_folder_does_not_stop_the_rest() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    login(&place, "login.csv", good(1));
    let locked = place.write("locked/login-2.csv", "");
    let loose = place.write("login-3.csv", "");
    // The superuser reads everything: a dangling link stands in for the locked file.
    std::fs::set_permissions(locked.parent().unwrap(), std::fs::Permissions::from_mode(0o000)).unwrap();
    std::fs::remove_file(&loose).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", &loose).unwrap();
    let kept = place.run();
    std::fs::set_permissions(locked.parent().unwrap(), std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(kept.rows(Kind::Login), 1);
    assert!(kept.unreadable.iter().any(|(n, t)| n == "login-3.csv" && t.en.contains("cannot be read")));
    let missing = Plan::of(&[place.dir.path().join("none")], None).unwrap_err().to_string();
    assert!(missing.contains("check that it exists"), "{missing}");
    let empty = tempfile::tempdir().unwrap();
    assert!(Plan::of(&[empty.path().to_owned()], None).unwrap_err().to_string().contains("opening.csv"));
}

#[test]
fn personal_numbers_outside_their_fields_are_hidden_too() {
    let place = Place::new();
    place.write(
        "opening.csv",
        "ts,card,subject,account,region6,msisdn,plan\n\
         2020-03-01T08:00:00+08:00,89860012345678901234,11010519491231002X,13800138000,330681,13800138000,29元，回访13800138000\n\
         2020-03-01T08:00:01+08:00,89860012345678901235,11010519491231002X,11010519491231002X,330681,,29元\n",
    );
    let kept = place.run();
    assert_eq!(kept.rows(Kind::Opening), 2, "{:?}", kept.rejects);
    let (accounts, plans) = (kept.texts(Kind::Opening, "account"), kept.texts(Kind::Opening, "plan"));
    let phone = &kept.texts(Kind::Opening, "msisdn")[0];
    assert_eq!(&accounts[0], phone, "one number, one token, whatever the field");
    assert_eq!(accounts[1], kept.texts(Kind::Opening, "subject")[1]);
    assert_eq!(plans[0], format!("29元，回访{phone}"));
    assert!(!format!("{kept:?}").contains("13800138000"));
    let tokens: Vec<&str> =
        kept.originals.iter().flat_map(|b| b.column(0).as_string::<i32>().iter().flatten()).collect();
    assert!(tokens.contains(&phone.as_str()), "its original is kept, sealed");
}

#[test]
fn a_file_without_a_header_is_refused_and_its_first_row_is_not_told() {
    let place = Place::new();
    let row = "2020-03-01T08:00:00+08:00,89860012345678901234,11010519491231002X,A1,330681,13800138000\n";
    place.write("opening.csv", row.repeat(3));
    place.write("access.ndjson", "{\"13800138000\":1,\"ts\":\"2020-03-01T08:00:00Z\"}\n");
    let kept = place.run();
    let told = format!("{:?}{:?}", kept.rejects, kept.files);
    assert!(told.contains("the first line is a record"), "{told}");
    assert!(!told.contains("13800138000") && !told.contains("11010519491231002X"), "{told}");
}
