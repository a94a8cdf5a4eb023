//! Sigma matching over events of any schema: every modifier, lists, keywords, filters; the events are made up.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use suyuan_detect::Folder;
use suyuan_detect::open::{Events, OpenRule, matches};

fn rule(detection: &str) -> OpenRule {
    let text = format!(
        "title: t\nlogsource: {{category: test}}\ndetection:\n{}\n",
        detection.lines().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n")
    );
    OpenRule::parse("t.yml", &text).unwrap_or_else(|e| panic!("{e}\n{text}")).remove(0)
}

/// A selection of one line.
fn is(selection: &str, event: Value) -> bool {
    matches(&rule(&format!("s: {selection}\ncondition: s")), &[event])[0]
}

#[test]
fn text_is_compared_without_case_and_with_wildcards() {
    assert!(is("{a: Abc}", json!({"a": "aBC"})) && !is("{a: abc}", json!({"a": "abcd"})));
    assert!(is("{a: 'a*d'}", json!({"a": "abcd"})) && is("{a: 'ab?d'}", json!({"a": "ABcD"})));
    assert!(is(r"{a: 'a\*d'}", json!({"a": "a*d"})) && !is(r"{a: 'a\*d'}", json!({"a": "abd"})));
    assert!(is("{a|cased: Abc}", json!({"a": "Abc"})) && !is("{a|cased: Abc}", json!({"a": "abc"})));
    assert!(is("{a|contains: 北京}", json!({"a": "在北京市"})) && is("{a: ÉTÉ}", json!({"a": "été"})));
    assert!(is("{a|startswith: ab}", json!({"a": "ABc"})) && !is("{a|startswith: b}", json!({"a": "ab"})));
    assert!(is(r"{a|endswith: '\cmd.exe'}", json!({"a": r"C:\Windows\CMD.EXE"})));
    assert!(is("{a|contains|all: [x, y]}", json!({"a": "yx"})));
    assert!(!is("{a|contains|all: [x, y]}", json!({"a": "xx"})));
    assert!(
        is("{a|contains|cased: Xy}", json!({"a": "aXyb"}))
            && !is("{a|contains|cased: Xy}", json!({"a": "xy"}))
    );
    assert!(
        is("{a: [x, y], b: z}", json!({"a": "y", "b": "z"})) && !is("{a: [x, y], b: z}", json!({"a": "y"}))
    );
}

#[test]
fn numbers_and_texts_are_compared_by_what_they_say() {
    for id in [json!(4688), json!("4688"), json!(4688.0)] {
        assert!(is("{id: 4688}", json!({"id": id})) && is("{id: '4688*'}", json!({"id": id})));
        assert!(is("{id|gte: 4688}", json!({"id": id})) && !is("{id|gt: 4688}", json!({"id": id})));
        assert!(is("{id|lt: 4688.5}", json!({"id": id})) && is("{id|lte: 4688}", json!({"id": id})));
    }
    assert!(!is("{id: 4688}", json!({"id": "04688"})) && !is("{id|gt: 1}", json!({"id": "many"})));
    assert!(is("{id: [1, x, null]}", json!({"id": "x"})) && is("{id: [1, x, null]}", json!({})));
    assert!(is("{b: true}", json!({"b": true})) && is("{b: true}", json!({"b": "True"})));
    assert!(!is("{b: true}", json!({"b": false})) && !is("{b: false}", json!({})));
}

#[test]
fn absent_null_and_empty_are_three_things() {
    let (absent, null, empty) = (json!({}), json!({"a": null}), json!({"a": ""}));
    let ask = |s: &str| [&absent, &null, &empty].map(|e| is(s, e.clone()));
    assert_eq!(ask("{a: null}"), [true, true, false]);
    assert_eq!(ask("{a: ''}"), [false, false, true]);
    assert_eq!(ask("{a|exists: true}"), [false, true, true]);
    assert_eq!(ask("{a|exists: false}"), [true, false, false]);
    assert_eq!(ask("{a: '*'}"), [false, false, true]);
    assert_eq!(ask("{a: '?*'}"), [false, false, false]);
    assert_eq!(ask("{a|neq: x}"), [true, true, true]);
}

#[test]
fn nested_fields_and_lists() {
    let e =
        json!({"user": {"name": "Li", "groups": ["a", "Admin"]}, "a.b": 1, "list": [{"k": "x"}, {"k": "y"}]});
    assert!(is("{user.name: li}", e.clone()) && is("{a.b: 1}", e.clone()) && is("{list.k: y}", e.clone()));
    assert!(is("{user.groups: admin}", e.clone()) && !is("{user.groups: adm}", e.clone()));
    assert!(is("{user.groups|all: [a, admin]}", e.clone()) && !is("{user.groups|all: [a, b]}", e.clone()));
    assert!(is("{user|exists: true}", e.clone()) && !is("{user: null}", e.clone()) && !is("{user: x}", e));
}

#[test]
fn the_other_modifiers() {
    let e = json!({"a": "x-1\nY", "b": "x", "ip": "10.1.2.3", "v6": "2001:db8::7"});
    assert!(is(r"{a|re: '^x-\d$'}", json!({"a": "x-1"})) && !is(r"{a|re: '^X'}", e.clone()));
    assert!(
        is("{a|re|i: '^X'}", e.clone())
            && is("{a|re|m: '^Y$'}", e.clone())
            && is("{a|re|s: '1.Y'}", e.clone())
    );
    assert!(!is("{a|re: '1.Y'}", e.clone()) && is("{a|re|i|s: '1.y'}", e.clone()));
    assert!(is("{a|re|all: [x, Y]}", e.clone()) && !is("{a|re|all: [x, z]}", e.clone()));
    assert!(
        is("{ip|cidr: 10.0.0.0/8}", e.clone()) && is("{v6|cidr: ['10.0.0.0/8', '2001:db8::/32']}", e.clone())
    );
    assert!(is("{a|fieldref|startswith: b}", e.clone()) && !is("{a|fieldref: b}", e.clone()));
    assert!(is("{a|contains|fieldref: b}", e.clone()) && is("{a|fieldref|neq: b}", e.clone()));
    assert!(
        !is("{a|fieldref: zz}", e.clone()) && is("{b|neq: [y, z]}", e.clone()) && !is("{b|neq: [x, y]}", e)
    );
}

#[test]
fn encoded_commands() {
    // powershell -enc of "whoami" in UTF-16, and "http://" somewhere inside an encoded text.
    let e = json!({"c": "powershell -enc dwBoAG8AYQBtAGkA", "d": "eHkgaHR0cDovL2EuYg=="});
    assert!(
        is("{c|wide|base64|contains: whoami}", e.clone())
            && is("{c|utf16le|base64offset|contains: whoami}", e.clone())
    );
    assert!(
        is("{d|base64offset|contains: 'http://'}", e.clone()) && !is("{d|base64|contains: 'http://'}", e)
    );
    for c in ["cmd /c", "cmd -c", "cmd \u{2014}c"] {
        assert!(
            is("{c|contains|windash: ' -c'}", json!({"c": c}))
                && is("{c|windash|endswith: ' /c'}", json!({"c": c}))
        );
    }
}

#[test]
fn times_have_parts_in_the_zone_of_the_rule() {
    let e = json!({"at": "2024-12-30T20:05:00Z", "local": "2024-12-30 20:05:00"});
    assert!(
        is("{at|hour: 4}", e.clone())
            && is("{at|hour|lt: 6}", e.clone())
            && is("{local|hour: 20}", e.clone())
    );
    assert!(is("{at|day: 31, at|week: 1, at|month: 12, at|year: 2024, at|minute: [5, 6]}", e.clone()));
    let text = "title: t\nlogsource: {category: test}\ndetection: {s: {at|hour: 15}, condition: s}\nsuyuan: {zone: America/New_York}\n";
    assert!(matches(&OpenRule::parse("t.yml", text).unwrap()[0], &[e])[0]);
}

#[test]
fn placeholders() {
    let text = "title: t\nlogsource: {category: test}\ndetection: {s: {u|expand: '%admins%@corp'}, condition: s}\nsuyuan: {placeholders: {admins: [root, 'adm_*']}}\n";
    let rule = &OpenRule::parse("t.yml", text).unwrap()[0];
    let events = ["root@corp", "adm_li@corp", "li@corp"].map(|u| json!({"u": u}));
    assert_eq!(matches(rule, &events), [true, true, false]);
    let without = OpenRule::parse("t.yml", &text[..text.find("suyuan").unwrap()]).unwrap_err();
    assert!(without.remedy.en.contains("placeholders"), "{without}");
}

#[test]
fn keywords_are_looked_for_everywhere() {
    let e = json!({"a": {"b": ["GET /x?id=1 UNION SELECT"]}, "n": 1433});
    assert!(
        is("['union select', nothing]", e.clone()) && is("1433", e.clone()) && is("'get*union'", e.clone())
    );
    assert!(is("{'|all': [union, '/x\\?id']}", e.clone()) && !is("{'|all': [union, delete]}", e.clone()));
    assert!(is(r"{'|re': 'id=\d+ UNION'}", e.clone()) && !is("[x, {n: 5}]", json!({"n": 6, "m": "y"})));
    assert!(is("[zzz, {n: 1433}]", e) && is("[denied]", json!("sshd: Permission DENIED for root")));
}

#[test]
fn conditions() {
    let r = rule(
        "sel_a: {a: 1}\nsel_b: {b: 1}\n_x: {c: 1}\ncondition:\n  - 1 of sel_* and not _x\n  - all of them",
    );
    let events = [json!({"a": 1}), json!({"a": 1, "c": 1}), json!({"a": 1, "b": 1, "c": 1}), json!({"c": 1})];
    assert_eq!(matches(&r, &events), [true, false, true, false]);
}

#[test]
fn an_event_of_the_windows_log_is_read_by_its_flat_names() {
    let e = json!({"Event": {"#attributes": {"xmlns": "x"}, "System": {"Provider": {"#attributes": {"Name": "P"}},
        "EventID": 1, "Correlation": null, "TimeCreated": {"#attributes": {"SystemTime": "2024-01-01T00:00:00Z"}}},
        "EventData": {"Image": r"C:\a.exe", "ProcessId": 7}, "UserData": {"X": {"#attributes": {"xmlns": "y"}, "Path": "p"}}}});
    assert!(is(
        "{EventID: 1, Provider_Name: p, Image|endswith: '\\a.exe', ProcessId: 7, Path: p}",
        e.clone()
    ));
    assert!(is("{TimeCreated_SystemTime|hour: 8, Correlation: null}", e.clone()) && !is("[xmlns]", e));
}

#[test]
fn a_name_with_spaces_is_found_without_them() {
    let e =
        json!({"Event": {"System": {"EventID": 1119}, "EventData": {"Threat Name": "EICAR", "Path": "p"}}});
    assert!(is("{ThreatName: eicar, 'Threat Name': eicar, ThreatName|exists: true}", e));
    let e = json!({"a b": {"c d": [1, 2]}, "e f": "spaced", "ef": "closed"});
    assert!(is("{ab.cd: 2, a b.c d: 1, ef: closed, e f: spaced}", e.clone()));
    assert!(!is("{ef: spaced}", e.clone()) && !is("{a|exists: true}", e.clone()) && is("[spaced]", e));
}

fn folder(files: &[(&str, &str)]) -> Folder {
    Folder::load(files.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())))
}

const WHOAMI: &str = "title: w\nid: 1-2\nlogsource: {product: windows, category: process_creation}\ndetection: {s: {Image|endswith: whoami}, condition: s}\n";

#[test]
fn filters_take_away_from_the_rules_they_name() {
    let filter = |rules: &str, condition: &str| {
        format!(
            "title: f\nlogsource: {{product: windows}}\nfilter:\n  rules: {rules}\n  selection: {{User|startswith: adm_}}\n  condition: {condition}\n"
        )
    };
    let events =
        Events::new(&[json!({"Image": "whoami", "User": "adm_1"}), json!({"Image": "whoami", "User": "li"})]);
    for (rules, condition) in [("[1-2]", "not selection"), ("any", "selection"), ("w", "not 1 of selection*")]
    {
        let f = folder(&[("w.yml", WHOAMI), ("f.yml", &filter(rules, condition))]);
        assert!(f.faults.is_empty(), "{:?}", f.faults);
        assert_eq!(f.open[0].matches(&events), [false, true], "{condition}");
    }
    let told = |rules: &str, condition: &str, source: &str| {
        let text = filter(rules, condition).replace("product: windows", source);
        folder(&[("w.yml", WHOAMI), ("f.yml", &text)]).faults.remove(0).to_string()
    };
    assert!(told("[1-3]", "selection", "product: windows").starts_with("f.yml:4:11: unknown rule `1-3`"));
    assert!(told("[1-2]", "selection", "product: linux").contains("another log"));
    assert!(told("[1-2]", "selection and not selection", "product: windows").contains("not clear"));
}

/// A filter on a rule of ours: the finding of the hit example is gone, and the rule's hash is another.
#[test]
fn a_filter_on_a_rule_of_ours() {
    const RULE: &str = include_str!("../../../rules/location/declared-against-cell.yml");
    const FILTER: &str = "title: The exhibition counter\nlogsource: {product: suyuan, service: opening}\nfilter:\n  rules: [location/declared-against-cell]\n  selection: {outlet: o1}\n  condition: not selection\n";
    let path = "location/declared-against-cell.yml";
    let (plain, narrowed) = (folder(&[(path, RULE)]), folder(&[(path, RULE), ("f.yml", FILTER)]));
    assert!(narrowed.faults.is_empty() && narrowed.filters == 1);
    let found = |f: &Folder| {
        let source = f.ours.rules()[0].hits[0].source();
        suyuan_detect::detect(&source, &f.ours, &mut |_| {}).unwrap().len()
    };
    assert_eq!((found(&plain), found(&narrowed)), (1, 0));
    assert_ne!(plain.ours.rules()[0].hash, narrowed.ours.rules()[0].hash);
}

/// All modifiers over a record kind: the values of the example rows, by their types.
#[test]
fn modifiers_over_our_own_records() {
    const HEAD: &str = "title: t\ndescription: t\nlevel: low\nlogsource: {product: suyuan, service: opening}\ndetection: {s: {SELECTION}, condition: s}\nsuyuan:\n  scheme: T\n  title_zh: 试\n  description_zh: 试\n  family: opening\n  confidence: engineering\n  threshold_from: {en: t, zh: 试}\n  entity: {account: account}\n  clears: {en: x, zh: x}\n  cannot_tell: {en: x, zh: x}\n  hit: [{record: opening, ts: '2020-01-01T23:30:00+08:00', account: a1, card: a1-c, device: a1, plan: P-9, duration_s: 30}]\n  miss: [{record: opening, ts: '2020-01-02T12:00:00+08:00', account: a2, card: c, plan: Q, duration_s: 99}]\n";
    for selection in [
        "ts|hour|gte: 22",
        "ts|day: 1",
        "device|fieldref: account",
        "card|fieldref|startswith: account",
        r"plan|re: '^P-\d$'",
        "plan|windash|contains: ' -9', account: a1",
        "device|exists: true",
        "duration_s|gt: 20, duration_s|lte: 30",
        "plan|neq: q",
        "'|all': [P-9, a1-c]",
    ] {
        let set = suyuan_detect::RuleSet::load_dir(std::iter::once((
            "t.yml".to_owned(),
            HEAD.replace("SELECTION", selection),
        )));
        let set = set.unwrap_or_else(|e| panic!("{selection}: {e}"));
        let fired = |e: &suyuan_detect::Example| {
            !suyuan_detect::detect(&e.source(), &set, &mut |_| {}).unwrap().is_empty()
        };
        let rule = &set.rules()[0];
        let hit = !selection.starts_with("plan|windash");
        assert_eq!((fired(&rule.hits[0]), fired(&rule.misses[0])), (hit, false), "{selection}");
    }
}
