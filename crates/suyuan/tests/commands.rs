//! The command line: help with examples, exit codes, steps one by one.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Place, text};

const COMMANDS: [&str; 14] = [
    "init", "ingest", "detect", "trace", "case", "report", "run", "query", "sim", "mapping", "model",
    "kinds", "rule", "schema",
];

#[test]
fn every_command_has_help_with_an_example() {
    let place = Place::new();
    for command in COMMANDS {
        let out = place.suyuan().args([command, "--help"]).output().unwrap();
        let help = text(&out);
        assert!(out.status.success() && help.contains("Example"), "{command}: {help}");
        assert!(help.contains("suyuan "), "{command}");
    }
    let all = text(&place.suyuan().arg("--help").output().unwrap());
    assert!(all.contains("Exit codes") && all.contains("退出码"));
}

#[test]
fn exit_codes_tell_what_happened() {
    let place = Place::new();
    let code = |args: &[&str]| {
        let data = place.path("data");
        place.suyuan().args(args).arg("--data").arg(data).output().unwrap().status.code().unwrap()
    };
    assert_eq!(code(&["frobnicate"]), 2);
    assert_eq!(code(&["init"]), 0);
    assert_eq!(code(&["trace"]), 1, "nothing detected yet");
    place.record("login.csv", "ts,account,device\nnever,a,b\n");
    let records = place.path("records");
    assert_eq!(code(&["ingest", records.to_str().unwrap()]), 3);
}

#[test]
fn a_home_that_is_not_there_and_other_keys_are_told() {
    let place = Place::new();
    let told = |keys: &str, data: &str, args: &[&str]| {
        let mut c = std::process::Command::new(env!("CARGO_BIN_EXE_suyuan"));
        c.args(args).args(["--quiet", "--lang", "en", "--keys"]).arg(place.path(keys));
        let out = c.arg("--data").arg(place.path(data)).output().unwrap();
        (out.status.code(), text(&out))
    };
    for step in ["detect", "trace", "case"] {
        let (code, told) = told("keys", "data", &[step]);
        assert!(code == Some(1) && told.contains("suyuan ingest"), "{told}");
    }
    assert!(!place.path("data").exists() && !place.path("keys").exists(), "nothing is made on the way");
    assert_eq!(told("keys", "data", &["ingest"]).0, Some(2), "nothing named to take in");
    assert_eq!(told("keys", "data", &["init"]).0, Some(0));
    assert_eq!(told("others", "elsewhere", &["init"]).0, Some(0));
    let (code, said) = told("others", "data", &["detect"]);
    assert!(code == Some(1) && said.contains("taken in with the keys"), "{said}");
    let (_, said) = told("mistyped", "data", &["detect"]);
    assert!(said.contains("no key file") && !place.path("mistyped").exists(), "{said}");
}

#[test]
fn a_file_refused_as_a_whole_is_read_once_it_is_mended() {
    let place = Place::new();
    let ingest = |args: &[&str]| {
        let mut c = place.suyuan();
        let out = c.arg("ingest").args(args).arg("--data").arg(place.path("data")).output().unwrap();
        (out.status.code(), text(&out))
    };
    let file = place.path("records").join("login.csv");
    let file = file.to_str().unwrap();
    let row = "2020-03-01T08:00:00+08:00,a,d\n";
    place.record("login.csv", format!("ts,acount,device\n{row}"));
    assert_eq!(ingest(&[file]).0, Some(3));
    let (code, told) = ingest(&["--retry-rejects"]);
    assert!(code == Some(3) && told.contains("name them again once mended: login.csv"), "{told}");
    let (code, told) = ingest(&["--retry-rejects", file]);
    assert!(code == Some(3) && told.contains("`acount`"), "{told}");
    place.record("login.csv", format!("ts,account,device\n{row}"));
    let (code, told) = ingest(&["--retry-rejects", file]);
    assert!(code == Some(0) && told.contains("1 rows taken in"), "{told}");
    assert_eq!(ingest(&["--retry-rejects"]).0, Some(0));
}

#[test]
fn rows_are_taken_in_once_the_mapping_is_mended() {
    let place = Place::new();
    let ingest = |args: &[&str]| {
        let mut c = place.suyuan();
        let out = c.arg("ingest").args(args).arg("--data").arg(place.path("data")).output().unwrap();
        (out.status.code(), text(&out))
    };
    place.record(
        "登录.csv",
        "时间,工号,终端,结果\n2020-03-01T08:00:00Z,a,d,通过\n2020-03-01T09:00:00Z,b,d,放行\n",
    );
    let mapping = |table: &str| {
        format!(
            "name: mine\nformat: csv\nkinds:\n- kind: login\n  fields:\n    ts: 时间\n    account: 工号\n    device: 终端\n    result: {{column: 结果, table: {{{table}}}}}\nsamples:\n- row: {{时间: '2020-03-01T08:00:00Z', 工号: a, 终端: d, 结果: 通过}}\n  expect: {{login: {{result: ok}}}}\n"
        )
    };
    let (file, yml) = (place.path("records").join("登录.csv"), place.path("mine.yml"));
    let (file, path) = (file.to_str().unwrap(), yml.to_str().unwrap());
    std::fs::write(&yml, mapping("通过: ok")).unwrap();
    let (code, told) = ingest(&["--mapping", path, file]);
    assert!(code == Some(3) && told.contains("add it to the table"), "{told}");
    let (code, told) = ingest(&["--retry-rejects"]);
    assert!(code == Some(1) && told.contains("by the mapping `mine`"), "{told}");
    std::fs::write(&yml, mapping("通过: ok, 放行: ok")).unwrap();
    let (code, told) = ingest(&["--retry-rejects", "--mapping", path]);
    assert!(code == Some(0) && told.contains("1 rejects mended"), "{told}");
}

#[test]
fn an_error_speaks_the_users_language() {
    let place = Place::new();
    assert!(place.suyuan().arg("init").arg("--data").arg(place.path("data")).status().unwrap().success());
    let told = |lang: &str| {
        let mut c = std::process::Command::new(env!("CARGO_BIN_EXE_suyuan"));
        c.arg("--keys").arg(place.path("keys")).arg("--data").arg(place.path("data"));
        text(&c.args(["--lang", lang, "trace"]).output().unwrap())
    };
    assert!(told("en").contains("run `suyuan detect` first"), "{}", told("en"));
    assert!(told("zh").contains("请先运行"), "{}", told("zh"));
    std::fs::write(place.path("data").join("suyuan.db"), [7; 8192]).unwrap();
    assert!(told("en").contains("is damaged") && told("en").contains("copy"), "{}", told("en"));
    assert!(told("zh").contains("已损坏"), "{}", told("zh"));
}

#[test]
fn step_by_step_equals_in_one_go() {
    let place = Place::new();
    place.world("qt-2020", "tiny", 61);
    let done = place.run("one");
    assert!(done.status.success(), "{}", text(&done));
    let data = place.path("data");
    for step in [&["ingest"][..], &["detect"], &["trace"], &["case"], &["report", "--out"]] {
        let mut c = place.suyuan();
        c.args(step).arg("--data").arg(&data);
        match step[0] {
            "ingest" => drop(c.arg(place.path("records"))),
            "report" => {
                c = place.suyuan();
                c.args(["report", "--data"]).arg(&data).arg("--out").arg(place.path("steps"));
            }
            _ => {}
        }
        let out = c.output().unwrap();
        assert!(out.status.success(), "{step:?}: {}", text(&out));
    }
    for name in ["findings.ndjson", "sources.json", "case.json", "report.zh.html", "run.json"] {
        let read = |dir: &str| std::fs::read(place.path(dir).join(name)).unwrap();
        assert!(read("one") == read("steps"), "{name} differs");
    }
}

#[test]
fn a_trace_can_be_asked_for_more() {
    let place = Place::new();
    place.world("qt-2020", "tiny", 9);
    assert!(place.run("out").status.success());
    let ask = |args: &[&str]| {
        let out = place
            .suyuan()
            .arg("trace")
            .args(args)
            .arg("--data")
            .arg(place.path("out/data"))
            .output()
            .unwrap();
        (out.status.code(), text(&out))
    };
    let found = place.json("out/sources.json");
    let way = &found["paths"][0];
    let (card, case) = (way["card"].as_str().unwrap(), way["case"].as_str().unwrap());
    let (_, told) = ask(&["--from-fraud", case, card]);
    let ways = found["paths"].as_array().unwrap().iter().filter(|p| p["card"] == card).count();
    assert!(told.contains("reported as used in fraud"), "{told}");
    assert_eq!(told.matches(", probability ").count(), ways, "each way once: {told}");
    assert!(ask(&["--from-fraud", "nothing"]).1.contains("no card of the records"));
    let source = found["sources"][0]["entity"]["id"].as_str().unwrap();
    assert!(ask(&["explain", source]).1.contains("rows: "));
    let (_, told) = ask(&["explain", source, "--format", "json"]);
    assert!(
        serde_json::from_str::<serde_json::Value>(&told).unwrap()["sources"][0]["entity"]["id"] == source
    );
    // Of a person harmed it tells through whom, and of the source whom it harmed.
    let harms = found["sources"].as_array().unwrap().iter().flat_map(|s| s["harms"].as_array().unwrap());
    let person = harms.map(|h| h["thing"]["id"].as_str().unwrap()).next().unwrap();
    assert!(ask(&["explain", person]).1.contains("responsibility"));
    assert!(ask(&["explain", "nobody"]).1.contains("nothing was found"));
    // A list of victims: with dates, without, and faults that never tell the value.
    let victim = "330681199003071234";
    let list_of = |what: &str, text: String| {
        let path = place.path("victims.csv");
        std::fs::write(&path, text).unwrap();
        ask(&[what, path.to_str().unwrap()])
    };
    let list = |text: String| list_of("--victims", text);
    assert_eq!(list(format!("{victim},2020-01-05\n\n330681199003071235\n")).0, Some(0));
    for bad in
        [format!("2020-01-05,{victim}\n"), format!("{victim},{victim}\n"), "\n***,2020-01-05\n".to_owned()]
    {
        for what in ["--victims", "--canaries"] {
            let (code, told) = list_of(what, bad.clone());
            assert!(
                code == Some(1) && told.contains("victims.csv` line ") && !told.contains(victim),
                "{told}"
            );
        }
    }
    // Canaries: told how many were misused, never which.
    let (code, told) = list_of("--canaries", format!("{victim},2020-01-05\n330681199003071235\n"));
    assert!(code == Some(0) && !told.contains(victim), "{told}");
    // The self-test tells of no one by name, and the plain answer stands beside it.
    let (_, told) = ask(&["--decoy", "2", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["sources"], found["sources"]);
    let decoys = told["decoys"].as_array().unwrap();
    assert!(!decoys.is_empty() && decoys.iter().all(|d| d["run"] == 1 || d["run"] == 2), "{decoys:?}");
    assert!(ask(&["--decoy", "2"]).1.contains("self-test, "));
    assert_eq!(ask(&["--decoy", "0"]).0, Some(2));
}
