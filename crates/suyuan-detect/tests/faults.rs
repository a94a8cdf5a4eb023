//! What a writer of rules is told, in both languages; and that hostile files are refused quickly.

use suyuan_detect::{Folder, RuleSet};

const RULE: &str = include_str!("../../../rules/location/declared-against-cell.yml");

fn told(files: &[(&str, &str)]) -> String {
    let folder = Folder::load(files.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())));
    assert!(!folder.faults.is_empty(), "it loads: {}", files[files.len() - 1].1);
    folder.faults.iter().map(|f| format!("{f}\n{}\n", f.zh())).collect()
}

/// The rule with another question in its selection.
fn asked(selection: &str) -> String {
    let text = RULE.replacen("declared_other_province: true", selection, 1);
    assert_ne!(text, RULE);
    told(&[("r.yml", &text)])
}

#[test]
fn wrong_modifiers_and_combinations() {
    let list = [
        "region6|beginswith: '33'",
        "region6|contains|startswith: '33'",
        "region6|contains|contains: '33'",
        "region6|i: '33'",
        "region6|re|contains: '33'",
        "region6|re: '(?=33)'",
        "region6|re: '(a{1000}){1000}'",
        "region6|contains|base64: abc",
        "region6|wide|contains: abc",
        "region6|base64: 'a*'",
        "region6|contains|all: '33'",
        "region6|cidr: 10.0.0.0",
        "region6|expand: '%provinces%'",
        "region6|exists: maybe",
        "ts|hour: 25",
        "account|hour: 3",
        "ts|hour|gte: [1, 2]",
        "account|fieldref: ts",
        "account|fieldref: account",
        "'|exists': true",
        "region6: []",
    ];
    insta::assert_snapshot!(list.map(asked).join("\n"));
}

#[test]
fn what_can_never_match() {
    let list = [
        "gps_source: manuel",
        "gps_source|contains: xyz",
        "duration_s: many",
        "duration_s|gt: 5\n    duration_s|lt: 5",
        "duration_s|contains: '5'",
        "plan|gt: 5",
        "declared_other_province: 3",
    ];
    let mut out = list.map(asked).join("\n");
    let selection = "  selection:\n    declared_other_province: true\n";
    for empty in ["  selection: {}\n", "  selection: []\n", "  selection:\n"] {
        out += &told(&[("r.yml", &RULE.replacen(selection, empty, 1))]);
    }
    insta::assert_snapshot!(out);
}

#[test]
fn conditions_windows_filters_and_other_logs() {
    let change = |from: &str, to: &str| {
        assert!(RULE.contains(from), "{from}");
        told(&[("r.yml", &RULE.replacen(from, to, 1))])
    };
    let filter = |body: &str| told(&[("location/r.yml", RULE), ("f.yml", body)]);
    let out = [
        change("condition: selection and", "condition: 2 of selection and"),
        change("condition: selection and not filter_permit", "condition: selection | count() > 3"),
        change("condition: selection and not filter_permit", "timeframe: 5m\n  condition: selection"),
        change("timespan: 30d", "timespan: 0d"),
        change("timespan: 30d", "timespan: 30"),
        change("suyuan:\n", "suyuan:\n  zone: Asia/Shangai\n"),
        filter(
            "title: f\nlogsource: {product: suyuan, service: opening}\nfilter:\n  rules: [location/x]\n  s: {account: a}\n  condition: not s\n",
        ),
        filter(
            "title: f\nlogsource: {product: suyuan, service: login}\nfilter:\n  rules: [location/r]\n  s: {account: a}\n  condition: not s\n",
        ),
        filter(
            "title: f\nlogsource: {product: suyuan, service: opening}\nfilter:\n  rules: [location/r]\n  s: {acount: a}\n  condition: not s\n",
        ),
        told(&[("o.yml", "title: o\nlogsource: {}\ndetection: {s: {a: 1}, condition: s}\n")]),
        told(&[("o.yml", "title: o\nlogsource: {product: linux}\ncorrelation: {type: event_count}\n")]),
    ];
    insta::assert_snapshot!(out.join("\n"));
    let foreign = "title: o\nlogsource: {product: linux}\ndetection: {s: {a: 1}, condition: s}\n";
    let e = RuleSet::load_dir(std::iter::once(("o.yml".to_owned(), foreign.to_owned()))).unwrap_err();
    assert!(e.to_string().contains("none of our record kinds"), "{e}");
}

/// All faults of a folder at once, in the order of its files.
#[test]
fn all_faults_at_once() {
    let bad = RULE.replacen("level: high", "level: hihg", 1);
    let out = told(&[("a.yml", &bad), ("b.yml", "a: [\n"), ("c.yml", RULE), ("d.yml", "title: d\n")]);
    let files: Vec<&str> = out.lines().step_by(2).map(|l| &l[..5]).collect();
    assert_eq!(files, ["a.yml", "b.yml", "d.yml"], "{out}");
}

/// Whatever is thrown at it: a fault, no crash, no wait.
#[test]
fn hostile_files_are_refused() {
    let alias = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b]\n".to_owned();
    let merge = "a: &a {x: 1}\nb: {<<: *a}\n".to_owned();
    let condition = |c: &str| {
        format!("title: t\nlogsource: {{product: x}}\ndetection:\n  s: {{a: 1}}\n  condition: {c}\n")
    };
    let many: String = (0..30_000).map(|i| format!("k{i}: 1\n")).collect();
    let expand = format!(
        "title: t\nlogsource: {{product: x}}\ndetection: {{s: {{a|expand: '{}'}}, condition: s}}\nsuyuan: {{placeholders: {{p: [a, b, c, d]}}}}\n",
        "%p%".repeat(40)
    );
    let files = [
        (alias, "aliases"),
        (merge, "aliases"),
        ("[".repeat(100_000), "nested"),
        ("{a: ".repeat(50_000), "nested"),
        ("- ".repeat(100_000), "nested"),
        (many, "too large"),
        ("x".repeat(1_000_001), "longer than 1 MB"),
        ("a: 1\nb: 2\na: 3\n".to_owned(), "twice"),
        ("a: \"\\x\"\n".to_owned(), "not YAML"),
        (condition(&"(".repeat(200_000)), "deep"),
        (condition(&"not ".repeat(200_000)), "deep"),
        (condition(&vec!["s"; 20_000].join(" or ")), "too many parts"),
        (expand, "more than 1000"),
    ];
    for (text, said) in files {
        let start = std::time::Instant::now();
        let out = told(&[("h.yml", &text)]);
        assert!(out.contains(said), "{said}: {}", &out[..out.len().min(300)]);
        assert!(start.elapsed().as_secs() < 5, "{said} took {:?}", start.elapsed());
    }
}
