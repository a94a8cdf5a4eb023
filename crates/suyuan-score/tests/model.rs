//! Made-up tables with a known signal: what holds of every model.
#![allow(missing_docs, clippy::unwrap_used)]

use suyuan_model::outcome::Text;
use suyuan_score::metrics::auc;
use suyuan_score::{Features, Graph, Model, Options, Roles, ScoreError, Table, train};

/// A seeded stream of numbers in [0, 1).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1u64 << 31) as f64
    }
}

/// `signal` raises the chance of the label, `noise` does not; some signals are missing.
fn made_up(rows: usize, seed: u64) -> Table {
    let mut d = Draw(seed);
    let mut t = Table { names: vec!["signal".into(), "noise".into()], ..Table::default() };
    t.columns = vec![Vec::new(), Vec::new()];
    for i in 0..rows {
        let signal = d.next();
        t.columns[0].push(if d.next() < 0.1 { f64::NAN } else { signal });
        t.columns[1].push(d.next());
        t.labels.push(Some(d.next() < 0.05 + 0.9 * signal * signal));
        t.ids.push(format!("c{i}"));
        t.times.push(None);
    }
    t
}

/// Cliques of ten; `label` decides for row and clique.
fn cliques(rows: usize, seed: u64, mut label: impl FnMut(usize, usize, &mut Draw) -> bool) -> (Table, Graph) {
    let mut d = Draw(seed);
    let mut t = made_up(rows, seed);
    let mut g = Graph::default();
    for i in 0..rows {
        t.columns[0][i] = d.next();
        t.labels[i] = Some(label(i, i / 10, &mut d));
        for j in (i / 10 * 10)..i {
            g.link(&t.ids[i], &t.ids[j]);
        }
    }
    (t, g)
}

fn quick(threads: usize) -> Options {
    let mut o = Options { threads, ..Options::default() };
    o.params.trees = 60;
    o
}

fn auc_of(model: &Model, table: &Table, graph: Option<&Graph>) -> f64 {
    let truth: Vec<bool> = table.labels.iter().map(|l| l.unwrap()).collect();
    auc(&model.log_odds(table, graph).unwrap(), &truth).unwrap()
}

#[test]
fn a_known_signal_is_found_on_rows_not_seen_and_probabilities_mean_what_they_say() {
    let model = train(&made_up(1_500, 1), None, &quick(2)).unwrap();
    let mut fresh = made_up(2_000, 2);
    fresh.ids = (0..2_000).map(|i| format!("new{i}")).collect();
    let (check, odds) = model.check(&fresh, None).unwrap();
    let figures = check.figures.unwrap();
    // The chance itself as a score is the best there is.
    assert!(figures.auc.unwrap() > 0.77, "{figures:?}");
    assert_eq!((check.fitted, odds.len()), (0, 2_000));
    let inside = check.calibration.iter().filter(|b| b.low <= b.said && b.said <= b.high).count();
    assert!(inside >= 7, "{:?}", check.calibration);
    let same = check.drift.iter().all(|d| d.psi < 0.05);
    assert!(same, "{:?}", check.drift);
}

#[test]
fn contributions_and_base_sum_to_the_score() {
    let (t, g) =
        cliques(400, 5, |i, clique, d| d.next() < if clique % 3 == 0 { 0.7 } else { 0.1 } || i % 50 == 0);
    let plain = train(&t, None, &quick(1)).unwrap();
    let linked = train(&t, Some(&g), &quick(1)).unwrap();
    for (model, graph) in [(&plain, None), (&linked, Some(&g))] {
        let odds = model.log_odds(&t, graph).unwrap();
        for (s, z) in model.score(&t, graph, None).unwrap().iter().zip(odds) {
            let sum: f64 = s.base + s.contributions.iter().sum::<f64>();
            assert!((sum - s.log_odds).abs() < 1e-9 && s.log_odds == z, "{sum} {} {z}", s.log_odds);
            assert!((s.p - 1.0 / (1.0 + (-z).exp())).abs() < 1e-12);
            assert_eq!(s.contributions.len(), model.columns().len());
        }
    }
}

#[test]
fn one_and_two_threads_write_the_same_bytes() {
    let (t, g) = cliques(300, 3, |_, clique, d| d.next() < if clique % 2 == 0 { 0.6 } else { 0.2 });
    let bytes = |threads| train(&t, Some(&g), &quick(threads)).unwrap().to_bytes();
    assert_eq!(bytes(1), bytes(2));
    let mut other = quick(1);
    other.seed = 2;
    assert_ne!(bytes(1), train(&t, Some(&g), &other).unwrap().to_bytes());
}

#[test]
fn labels_put_at_random_are_not_learnt_not_even_through_the_neighbours() {
    // In a clique "all labels but mine" would tell mine; the parts keep that from happening.
    let (t, g) = cliques(1_000, 9, |_, _, d| d.next() < 0.5);
    let model = train(&t, Some(&g), &quick(2)).unwrap();
    let told = model.head.cross_fit.auc.unwrap();
    assert!((told - 0.5).abs() < 0.06, "{told}");
    let (fresh, g) = cliques(1_000, 10, |_, _, d| d.next() < 0.5);
    let found = auc_of(&model, &fresh, Some(&g));
    assert!((found - 0.5).abs() < 0.06, "{found}");
}

#[test]
fn neighbours_labels_help_where_cliques_share_them() {
    let (t, g) = cliques(1_000, 21, |_, clique, d| d.next() < if clique % 3 == 0 { 0.85 } else { 0.1 });
    let alone = train(&t, None, &quick(2)).unwrap().head.cross_fit.auc.unwrap();
    let linked = train(&t, Some(&g), &quick(2)).unwrap().head.cross_fit.auc.unwrap();
    assert!(alone < 0.6 && linked > 0.8, "{alone} {linked}");
}

#[test]
fn no_row_later_than_the_date_is_used() {
    let mut t = made_up(800, 7);
    t.times = (0..800).map(|i| if i % 40 == 0 { None } else { Some(i) }).collect();
    assert_eq!(train(&t, None, &quick(1)), Err(ScoreError::NoDate));
    let mut options = quick(1);
    options.until = Some(399);
    let model = train(&t, None, &options).unwrap();
    assert_eq!((model.head.rows.later, model.head.rows.undated), (390, 20));
    // Whatever stands in later rows, the model is the same.
    let mut other = t.clone();
    for i in 400..800 {
        other.labels[i] = other.labels[i].map(|l| !l);
        other.columns[0][i] = 1e6;
    }
    assert_eq!(train(&other, None, &options).unwrap().to_bytes(), model.to_bytes());
    assert!(model.has_seen("c1", Some(1)) && !model.has_seen("c401", Some(401)));
}

#[test]
fn later_neighbours_are_not_used_either() {
    let (mut t, g) = cliques(600, 8, |_, clique, d| d.next() < if clique % 3 == 0 { 0.8 } else { 0.1 });
    t.times = (0..600).map(|i| Some(i % 2)).collect();
    let mut options = quick(1);
    options.until = Some(0);
    let model = train(&t, Some(&g), &options).unwrap();
    let mut other = t.clone();
    for i in (1..600).step_by(2) {
        other.labels[i] = other.labels[i].map(|l| !l);
        other.columns[1][i] = -5.0;
    }
    assert_eq!(train(&other, Some(&g), &options).unwrap().to_bytes(), model.to_bytes());
}

#[test]
fn rows_of_one_id_stay_together() {
    // Labels at random by id, ten rows an id with the id's own mark: learnt only if an id is on both sides.
    let mut d = Draw(4);
    let mut t = made_up(1_000, 4);
    let marks: Vec<(f64, bool)> = (0..100).map(|_| (d.next(), d.next() < 0.5)).collect();
    for i in 0..1_000 {
        let (mark, label) = marks[i / 10];
        (t.columns[0][i], t.labels[i], t.ids[i]) = (mark, Some(label), format!("c{}", i / 10));
    }
    let mut fine = quick(2);
    fine.params.leaves = 60;
    let told = train(&t, None, &fine).unwrap().head.cross_fit.auc.unwrap();
    assert!(told < 0.7, "{told}");
}

#[test]
fn an_artefact_comes_back_whole_and_a_damaged_one_is_refused() {
    let (t, g) = cliques(200, 6, |_, clique, d| d.next() < if clique % 2 == 0 { 0.7 } else { 0.2 });
    let mut o = quick(1);
    o.params.trees = 5;
    let model = train(&t, Some(&g), &o).unwrap();
    let bytes = model.to_bytes();
    let back = Model::from_bytes(&bytes).unwrap();
    assert_eq!(back, model);
    assert_eq!((back.to_bytes(), back.hash()), (bytes.clone(), model.hash()));
    for at in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        assert!(matches!(Model::from_bytes(&bad), Err(ScoreError::Artefact { .. })), "byte {at}");
    }
    for end in [0, 5, 15, 40, bytes.len() - 1] {
        assert!(Model::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
    }
}

/// Written by the version before the curves: 60 rows, two trees a booster.
const FIRST_VERSION: &[u8] = include_bytes!("data/first-version.model");

#[test]
fn a_model_of_the_first_version_still_gives_its_scores() {
    let model = Model::from_bytes(FIRST_VERSION).unwrap();
    assert_eq!(model.to_bytes(), FIRST_VERSION);
    let mut t = Table { names: vec!["signal".into(), "noise".into()], ..Table::default() };
    t.columns = vec![vec![f64::NAN, 37.0, 14.0, 51.0], vec![0.0, 23.0, 46.0, 9.0]];
    for i in 0..4 {
        t.ids.push(format!("c{i}"));
        t.labels.push(None);
        t.times.push(None);
    }
    // What that version said of these rows.
    let said = [
        1.157_328_264_785_656_2,
        0.486_811_565_913_061_63,
        -1.843_360_020_185_832_2,
        1.600_866_783_875_371_6,
    ];
    assert_eq!(model.log_odds(&t, None).unwrap(), said);
    for s in model.score(&t, None, None).unwrap() {
        assert!((s.base + s.contributions.iter().sum::<f64>() - s.log_odds).abs() < 1e-9);
    }
    let mut later = FIRST_VERSION.to_vec();
    later[b"suyuan-score ".len()] = b'9';
    let told = Model::from_bytes(&later).unwrap_err().to_string();
    assert!(told.contains("another version of the format wrote it"), "{told}");
}

#[test]
fn drift_is_told() {
    let model = train(&made_up(1_000, 1), None, &quick(1)).unwrap();
    let mut moved = made_up(1_000, 12);
    moved.columns[0].iter_mut().for_each(|v| *v = *v / 2.0 + 0.5);
    let (check, _) = model.check(&moved, None).unwrap();
    let verdict = |name: &str| check.drift.iter().find(|d| d.feature == name).unwrap().verdict;
    assert_eq!(verdict("signal"), suyuan_score::drift::Verdict::Drifted);
    assert_eq!(verdict("noise"), suyuan_score::drift::Verdict::Stable);
    assert_eq!(check.fitted, 1_000, "ids known from fitting");
    assert!(check.figures.is_none());
}

fn read(text: &str, want: Features<'_>) -> Result<Table, ScoreError> {
    let roles = Roles {
        label: Some("label".into()),
        id: Some("id".into()),
        time: Some("day".into()),
        ignore: Vec::new(),
    };
    Table::read(text.as_bytes(), "t.csv", &roles, want)
}

#[test]
fn a_malformed_table_is_told_with_line_and_column() {
    let head = "id,x,label,day\n";
    let told = |rows: &str| read(&format!("{head}{rows}"), Features::All).unwrap_err().to_string();
    assert_eq!(
        told("a,1,1,2020-01-01\nb,two,0,2020-01-01\n"),
        "t.csv, line 3, column 2 (`x`): `two` is not a number; leave unknown values empty, \
         and name a column that is no feature with `--ignore`, `--id` or `--time`"
    );
    assert!(told("a,1,maybe,2020-01-01\n").contains("line 2, column 3 (`label`): `maybe`"));
    assert!(told("a,1,1,soon\n").contains("line 2, column 4 (`day`): `soon`"));
    assert!(told(",1,1,\n").contains("line 2, column 1 (`id`)"));
    assert!(told("a,inf,1,\n").contains("`inf`"));
    assert!(told("a,1,1,,\n").contains("line 2: 5 cells where the header has 4"));
    let twice = read("id,x,x,label,day\n", Features::All).unwrap_err();
    assert!(twice.to_string().contains("`x` occurs twice"));
    let missing = read("id,x,day\n", Features::All).unwrap_err();
    assert!(missing.to_string().contains("no column `label`; it has: id, x, day"));
    assert!(missing.text().zh.contains("没有 `label` 列"));
    let t = read("id,x,label,day\na,1,是,2020-01-01\nb,,,\n", Features::All).unwrap();
    assert_eq!((t.labels, t.columns[0][1].is_nan(), t.times[1]), (vec![Some(true), None], true, None));
    let few = train(&made_up(12, 1), None, &quick(1));
    assert!(matches!(few, Err(ScoreError::TooFew { .. })));
}

#[test]
fn what_a_model_wants_must_be_there() {
    let (t, g) = cliques(200, 6, |_, clique, d| d.next() < if clique % 2 == 0 { 0.7 } else { 0.2 });
    let model = train(&t, Some(&g), &quick(1)).unwrap();
    assert_eq!(model.log_odds(&t, None), Err(ScoreError::NoGraph));
    assert!(matches!(model.explain(&t, Some(&g), "nobody"), Err(ScoreError::NoRow { .. })));
    let mut other = t.clone();
    other.names[0] = "else".into();
    assert!(matches!(model.log_odds(&other, Some(&g)), Err(ScoreError::NoColumn { .. })));
    let mut twice = t.clone();
    twice.ids[1] = twice.ids[0].clone();
    assert!(matches!(train(&twice, Some(&g), &quick(1)), Err(ScoreError::Twice { .. })));
}

#[test]
fn an_explanation_reads_in_both_languages() {
    let model = train(&made_up(600, 1), None, &quick(1)).unwrap();
    let e = model.explain(&made_up(600, 1), None, "c3").unwrap();
    let lines = e.lines(1);
    assert!(e.fitted && lines.iter().any(|l| l.en.contains("flattering") && l.zh.contains("乐观")));
    assert!(lines.iter().any(|l| l.en.contains("the other 1 together")));
    assert_eq!(e.parts[0].what.en, "signal");
    let e = e.in_words(|column| (column == "signal").then(|| Text::new("strength", "强度")));
    let lines = e.lines(2);
    assert!(
        lines.iter().any(|l| l.en.contains("strength (`signal`) is") && l.zh.contains("强度（`signal`）"))
    );
    assert!(lines.iter().any(|l| l.en.contains("  noise is")), "what has no words keeps its name");
}
