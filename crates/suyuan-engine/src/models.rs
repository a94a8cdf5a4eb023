//! Scores learnt from labelled tables: files in, artefact and figures out. `suyuan-score` computes.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use suyuan_detect::FeatureTable;
use suyuan_model::outcome::Text;
use suyuan_model::score::{ScorePart, Scored, Scores};
use suyuan_model::time::{self, DAY, china_day};
use suyuan_score::calibrate::probability;
use suyuan_score::drift::Verdict;
use suyuan_score::unsupervised::{Baseline, Odd, Signal};
use suyuan_score::{Check, Explanation, Features, Graph, Head, Model, Options, Roles, Table};

use crate::feature_words;
use crate::outputs::Outputs;
use crate::progress::{Progress, Step, Watch};
use crate::{Engine, EngineError};

/// What `model train` is asked for.
#[derive(Clone, Debug, Default)]
pub struct Training {
    /// The feature table.
    pub table: PathBuf,
    /// Edges between ids.
    pub edges: Option<PathBuf>,
    /// Which columns are no features.
    pub roles: Roles,
    /// Signals of use, `NAME=[-]COLUMN[/COLUMN]`.
    pub signals: Vec<String>,
    /// Ratios as further features, in the same form.
    pub ratios: Vec<String>,
    /// The last day that may be used, or an instant.
    pub until: Option<String>,
    /// Seed.
    pub seed: u64,
    /// Threads.
    pub threads: usize,
    /// Where the artefact goes.
    pub out: PathBuf,
}

/// Fits a model and writes it; returns its head and hash.
pub fn train(wanted: &Training) -> Result<(Head, String), EngineError> {
    let until = wanted.until.as_deref().map(until).transpose()?;
    let table = table(&wanted.table, &wanted.roles, Features::All)?;
    let graph = wanted.edges.as_deref().map(graph).transpose()?;
    let options = Options {
        until,
        seed: wanted.seed,
        threads: wanted.threads,
        roles: wanted.roles.clone(),
        signals: signals(&wanted.signals)?,
        ratios: signals(&wanted.ratios)?,
        ..Options::default()
    };
    let model = suyuan_score::train(&table, graph.as_ref(), &options)?;
    write(&wanted.out, &model.to_bytes())?;
    let hash = model.hash();
    Ok((model.head, hash))
}

/// Writes the table of card use of the newest snapshot: one row a card, its outcome as `bad` where the records hold it.
///
/// With `until`, only what was known by the end of that day. Returns how many cards, and of how many the outcome is known.
pub fn features(
    engine: &Engine,
    until: Option<&str>,
    out: &Path,
    watch: Watch,
) -> Result<(usize, usize), EngineError> {
    let until = until.map(self::until).transpose()?.map_or(i64::MAX, |t| t + 1);
    let snapshot = engine.snapshot(None)?;
    let table = suyuan_detect::card_features(&snapshot, until, &mut |done| {
        watch(&Progress { step: Step::Tabulate, done, total: None, at: String::new() });
    })
    .map_err(suyuan_detect::DetectError::from)?;
    write(out, table.csv().as_bytes())?;
    Ok((table.rows.len(), table.rows.iter().filter(|r| r.bad.is_some()).count()))
}

/// A written feature table in words.
pub fn tell_features(cards: usize, known: usize) -> Vec<Text> {
    vec![Text::new(
        format!("{cards} cards written; the outcome of {known} is known (column `bad`)"),
        format!("已写出{cards}张卡，其中{known}张已知结果（bad列）"),
    )]
}

/// A model, and the table and graph it is to look at.
pub struct Applied {
    model: Model,
    table: Table,
    graph: Option<Graph>,
}

impl Applied {
    /// Reads all three. The label is read where `label` names its column.
    pub fn open(
        model: &Path,
        from: &Path,
        edges: Option<&Path>,
        label: Option<&str>,
    ) -> Result<Applied, EngineError> {
        let bytes = std::fs::read(model).map_err(|source| unreadable(model, source))?;
        let model = Model::from_bytes(&bytes)?;
        let roles = Roles { label: label.map(str::to_owned), ignore: Vec::new(), ..model.head.roles.clone() };
        let table = table(from, &roles, Features::These(&model.head.features))?;
        let graph = edges.map(graph).transpose()?;
        Ok(Applied { model, table, graph })
    }

    /// Figures, calibration and drift; writes `id,p,log_odds,model` of all rows where asked.
    pub fn check(&self, threads: usize, scores: Option<&Path>, watch: Watch) -> Result<Check, EngineError> {
        let mut told = scoring(self.table.rows(), watch);
        let (check, odds) = self.model.check_on(threads, &self.table, self.graph.as_ref(), &mut told)?;
        if let Some(path) = scores {
            let mut csv = String::from("id,p,log_odds,model\n");
            for (id, z) in self.table.ids.iter().zip(&odds) {
                let p = suyuan_score::calibrate::probability(*z);
                csv += &format!("{},{p},{z},{}\n", quoted(id), check.model);
            }
            write(path, csv.as_bytes())?;
        }
        Ok(check)
    }

    /// The reasons for one row's score.
    pub fn explain(&self, id: &str) -> Result<Explanation, EngineError> {
        Ok(self.model.explain(&self.table, self.graph.as_ref(), id)?.in_words(feature_words::words))
    }
}

/// A model laid beside the records: what it says of the cards of a snapshot, and how it does on outcomes known since its date.
pub struct Laid {
    pub(crate) scores: Scores,
    check: Check,
}

/// Of fewer outcomes nothing is said of drift.
const FEW: usize = 50;

/// Scores the cards of the newest snapshot as they stand at its end; those that reach `least` are told one by one.
pub(crate) fn lay(engine: &Engine, path: &Path, least: f64, watch: Watch) -> Result<Laid, EngineError> {
    let bytes = std::fs::read(path).map_err(|source| unreadable(path, source))?;
    let model = Model::from_bytes(&bytes)?;
    let snapshot = engine.snapshot(None)?;
    let cards = suyuan_detect::card_features(&snapshot, i64::MAX, &mut |done| {
        watch(&Progress { step: Step::Tabulate, done, total: None, at: String::new() });
    })
    .map_err(suyuan_detect::DetectError::from)?;
    let at = cards.rows.iter().map(|r| r.until).max().unwrap_or(0);
    let table = wanted(cards, &model.head.features)?;
    let threads = engine.options.threads;
    let odds = model.log_odds_on(threads, &table, None, &mut scoring(table.rows(), watch))?;
    // Like is held against like: the model was fitted on cards whose outcome was looked for, and these are no picture of all.
    let dated = model.head.until.as_deref().and_then(time::parse);
    let since = |r: &u32| {
        let (label, t) = (table.labels[*r as usize], table.times[*r as usize]);
        label.is_some() && dated.is_none_or(|d| t.is_some_and(|t| t > d))
    };
    let later: Vec<u32> = (0..table.rows() as u32).filter(since).collect();
    let (check, _) = model.check(&table.only(&later), None)?;
    let open: Vec<usize> = (0..table.rows()).filter(|r| table.labels[*r].is_none()).collect();
    let mut all: Vec<f64> = open.iter().map(|r| probability(odds[*r])).collect();
    all.sort_by(|a, b| b.total_cmp(a));
    let high: Vec<usize> = open.into_iter().filter(|r| probability(odds[*r]) >= least).collect();
    let told = &mut scoring(high.len(), watch);
    let cards = model.explain_rows(threads, &table, None, &high, told)?.into_iter().map(scored).collect();
    let scores = Scores {
        model: check.model.clone(),
        dated: dated.map(|t| time::format_day(china_day(t))),
        at,
        cards,
        all,
    };
    Ok(Laid { scores, check })
}

/// Tells how many of so many rows are scored.
fn scoring(rows: usize, watch: Watch<'_>) -> impl FnMut(usize) {
    move |done| {
        let (done, total) = (done as u64, Some(rows as u64));
        watch(&Progress { step: Step::Score, done, total, at: String::new() });
    }
}

/// A card's score taken apart, in words.
fn scored(e: Explanation) -> Scored {
    let e = e.in_words(feature_words::words);
    let part = |p: suyuan_score::explain::Part| ScorePart { what: p.what, value: p.value, nats: p.adds };
    Scored {
        card: e.id,
        p: e.p,
        log_odds: e.log_odds,
        base: e.base,
        parts: e.parts.into_iter().map(part).collect(),
    }
}

/// The columns that a model asks for, with the numbers that the written table has.
fn wanted(cards: FeatureTable, features: &[String]) -> Result<Table, EngineError> {
    let place = |f: &String| {
        let at = cards.columns.iter().position(|c| c == f);
        at.ok_or_else(|| suyuan_score::ScoreError::NoColumn {
            file: "the table of card use".to_owned(),
            column: f.clone(),
            there: cards.columns.join(", "),
        })
    };
    let places: Vec<usize> = features.iter().map(place).collect::<Result<_, _>>()?;
    let column = |at: &usize| cards.rows.iter().map(|r| as_written(r.values[*at])).collect();
    Ok(Table {
        names: features.to_vec(),
        columns: places.iter().map(column).collect(),
        ids: cards.rows.iter().map(|r| r.card.clone()).collect(),
        labels: cards.rows.iter().map(|r| r.bad).collect(),
        times: cards.rows.iter().map(|r| Some(china_day(r.until) * DAY - time::CHINA)).collect(),
    })
}

/// A number as the table on disk has it: a model was fitted on six decimals.
fn as_written(v: Option<f64>) -> f64 {
    match v {
        None => f64::NAN,
        Some(v) if v == v.trunc() => v,
        Some(v) => format!("{v:.6}").parse().unwrap_or(v),
    }
}

/// A laid model in words.
pub fn tell_laid(laid: &Laid) -> Vec<Text> {
    let (s, check) = (&laid.scores, &laid.check);
    let date = s.dated.as_deref();
    let mut lines = vec![
        Text::new(
            format!("model {}, {}", s.model, date.map_or("not dated".to_owned(), |d| format!("dated {d}"))),
            format!("模型 {}，{}", s.model, date.map_or("无截止时间".to_owned(), |d| format!("截至{d}"))),
        ),
        Text::new(
            format!(
                "{} cards whose outcome is not known scored, {} of them as high as a rule asks",
                s.all.len(),
                s.cards.len()
            ),
            format!("已为结果未知的{}张卡评分，其中达到规则所求者{}张", s.all.len(), s.cards.len()),
        ),
    ];
    lines.extend(
        check
            .figures
            .iter()
            .filter_map(|f| figures(f, "outcomes known since its date", "截止日后已知的结果")),
    );
    lines.push(if check.rows < FEW {
        Text::new(
            format!("drift: {} outcomes known since the model's date are too few to tell", check.rows),
            format!("漂移：模型截止后已知结果仅{}个，不足以判断", check.rows),
        )
    } else {
        drifted(check)
    });
    lines
}

/// How odd the use of each row is against a baseline; no label is needed.
pub struct OddUse {
    /// The rows' ids.
    pub ids: Vec<String>,
    /// Their scores.
    pub odd: Vec<Odd>,
    signals: Vec<Signal>,
}

/// Scores a table against a baseline, or against itself where none is given.
pub fn odd(
    from: &Path,
    baseline: Option<&Path>,
    id: Option<&str>,
    given: &[String],
) -> Result<OddUse, EngineError> {
    let signals = if given.is_empty() { suyuan_score::unsupervised::of_usage() } else { signals(given)? };
    let mut columns: Vec<String> =
        signals.iter().flat_map(|s| [Some(s.above.clone()), s.below.clone()]).flatten().collect();
    columns.sort();
    columns.dedup();
    let roles = Roles { id: id.map(str::to_owned), ..Roles::default() };
    let read = |path: &Path| table(path, &roles, Features::These(&columns));
    let rows = read(from)?;
    let base = match baseline {
        Some(path) => Baseline::of(&read(path)?, &signals)?,
        None => Baseline::of(&rows, &signals)?,
    };
    Ok(OddUse { odd: base.score(&rows)?, ids: rows.ids, signals })
}

impl OddUse {
    /// Writes `id,score,share` of all rows.
    pub fn write(&self, path: &Path) -> Result<(), EngineError> {
        let mut csv = String::from("id,score,share\n");
        for (id, o) in self.ids.iter().zip(&self.odd) {
            csv += &format!("{},{},{}\n", quoted(id), o.score, o.share);
        }
        write(path, csv.as_bytes())
    }

    /// The oddest rows in words, each with the signals that say more than chance would.
    pub fn tell(&self, most: usize) -> Vec<Text> {
        let mut order: Vec<usize> = (0..self.ids.len()).collect();
        order.sort_by(|a, b| self.odd[*b].score.total_cmp(&self.odd[*a].score).then(a.cmp(b)));
        order.truncate(most);
        order.iter().map(|r| self.line(*r)).collect()
    }

    fn line(&self, row: usize) -> Text {
        let o = &self.odd[row];
        let mut why: Vec<(f64, &Signal)> = o.surprises.iter().copied().zip(&self.signals).collect();
        why.retain(|(s, _)| *s > 1.0);
        why.sort_by(|a, b| b.0.total_cmp(&a.0));
        let why = |pick: fn(&Text) -> &str, comma: &str| {
            let parts: Vec<String> = why.iter().map(|(s, x)| format!("{} {s:.1}", pick(&x.what))).collect();
            parts.join(comma)
        };
        let one_in = 1.0 / o.share;
        Text::new(
            format!("{}: {:.1} nats, 1 in {one_in:.0}: {}", self.ids[row], o.score, why(|t| &t.en, ", ")),
            format!(
                "{}：{:.1} 奈特，每 {one_in:.0} 张卡 1 张：{}",
                self.ids[row],
                o.score,
                why(|t| &t.zh, "，")
            ),
        )
    }
}

fn signals(given: &[String]) -> Result<Vec<Signal>, EngineError> {
    Ok(given.iter().map(|s| Signal::parse(s)).collect::<Result<_, _>>()?)
}

/// A day up to and with its end in China, or an instant with its offset.
fn until(text: &str) -> Result<i64, EngineError> {
    time::parse_day(text)
        .map(|d| (d + 1) * DAY - time::CHINA - 1)
        .or_else(|| time::parse(text))
        .ok_or_else(|| EngineError::NoDay { text: text.to_owned() })
}

fn table(path: &Path, roles: &Roles, want: Features<'_>) -> Result<Table, EngineError> {
    Ok(Table::read(open(path)?, &path.display().to_string(), roles, want)?)
}

fn graph(path: &Path) -> Result<Graph, EngineError> {
    Ok(Graph::read(open(path)?, &path.display().to_string())?)
}

fn unreadable(path: &Path, source: std::io::Error) -> EngineError {
    EngineError::File { path: path.to_owned(), source }
}

/// A file, unpacked where its name ends in `.gz`.
fn open(path: &Path) -> Result<Box<dyn Read>, EngineError> {
    let file = BufReader::new(File::open(path).map_err(|source| unreadable(path, source))?);
    if path.extension().is_some_and(|e| e == "gz") {
        return Ok(Box::new(flate2::bufread::MultiGzDecoder::new(file)));
    }
    Ok(Box::new(file))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    let dir = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("model");
    Outputs::open(dir)?.write(name, bytes)
}

fn quoted(id: &str) -> String {
    if id.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", id.replace('"', "\"\""))
    } else {
        id.to_owned()
    }
}

/// A fitted model in words.
pub fn tell_head(head: &Head, hash: &str) -> Vec<Text> {
    let r = &head.rows;
    let mut lines = vec![Text::new(
        format!(
            "fitted on {} rows, {} of them with label 1, {} features",
            r.fitted,
            r.with_label,
            head.features.len()
        ),
        format!(
            "用 {} 行拟合，其中标签为 1 的 {} 行，特征 {} 个",
            r.fitted,
            r.with_label,
            head.features.len()
        ),
    )];
    if r.later + r.undated > 0 {
        lines.push(Text::new(
            format!("left out: {} rows later than the date, {} without a time", r.later, r.undated),
            format!("未使用：晚于截止日 {} 行，无时间 {} 行", r.later, r.undated),
        ));
    }
    if r.unlabelled > 0 {
        let (en, zh) = match head.graph {
            true => ("served as neighbours only", "仅作为邻居使用"),
            false => ("were not used", "未使用"),
        };
        lines.push(Text::new(
            format!("{} rows without a known label {en}", r.unlabelled),
            format!("标签未知的 {} 行{zh}", r.unlabelled),
        ));
    }
    let until = head.until.as_deref().map(|u| time::parse(u).map_or(u.to_owned(), time::format_china));
    match until {
        Some(day) if head.roles.time.is_some() => {
            lines.push(Text::new(
                format!("dated: no row after {day}"),
                format!("截止时间：{day} 之后的行未使用"),
            ));
        }
        Some(day) => lines.push(Text::new(
            format!("dated {day} as told; the rows carry no time, so this was not checked"),
            format!("截止时间按所给记为 {day}；各行无时间，未能核对"),
        )),
        None => lines.push(Text::new(
            "not dated: the rows carry no time and no `--until` was given",
            "无截止时间：各行无时间，也未给出 `--until`",
        )),
    }
    lines.extend(figures(&head.cross_fit, "cross-fit", "交叉拟合"));
    lines.push(Text::new(format!("SHA-256 of the model: {hash}"), format!("模型 SHA-256：{hash}")));
    lines
}

fn figures(f: &suyuan_score::Figures, en: &str, zh: &str) -> Option<Text> {
    let (auc, ap) = (f.auc?, f.average_precision?);
    Some(Text::new(
        format!(
            "{en}, {} rows: AUC {auc:.4}, average precision {ap:.4}, Brier {:.4}, macro F1 {:.4}",
            f.rows, f.brier, f.macro_f1
        ),
        format!(
            "{zh}（{} 行）：AUC {auc:.4}，平均精度 {ap:.4}，Brier {:.4}，宏 F1 {:.4}",
            f.rows, f.brier, f.macro_f1
        ),
    ))
}

/// Features told of in words at most.
const MOST_DRIFTED: usize = 8;

/// A check in words.
pub fn tell_check(check: &Check) -> Vec<Text> {
    let mut lines = vec![Text::new(
        format!("model {}; {} rows scored", check.model, check.rows),
        format!("模型 {}；已评分 {} 行", check.model, check.rows),
    )];
    if check.fitted > 0 {
        lines.push(Text::new(
            format!("{} rows were used to fit the model and do not count below", check.fitted),
            format!("{} 行曾用于拟合，不计入下列指标", check.fitted),
        ));
    }
    if check.not_later > 0 {
        lines.push(Text::new(
            format!("{} rows are not later than the model: figures on later rows say more", check.not_later),
            format!("{} 行不晚于模型截止时间：以更晚的行检验更有说服力", check.not_later),
        ));
    }
    match &check.figures {
        Some(f) => {
            lines.extend(figures(f, "unseen", "未见过的行"));
            lines.push(Text::new(
                "probability said -> share found (95 % interval), rows",
                "所报概率 -> 实际占比（95% 区间），行数",
            ));
            for b in &check.calibration {
                let line =
                    format!("{:.3} -> {:.3} ({:.3}-{:.3}), {}", b.said, b.found, b.low, b.high, b.rows);
                lines.push(Text::new(line.clone(), line));
            }
        }
        None => lines.push(Text::new(
            "no row with a known label that the model has not seen: name the column with `--label`",
            "没有模型未见过且标签已知的行：请用 `--label` 指定标签列",
        )),
    }
    lines.push(drifted(check));
    for d in check.drift.iter().filter(|d| d.verdict > Verdict::Stable).take(MOST_DRIFTED) {
        let (en, zh) = verdict(d.verdict);
        lines.push(Text::new(
            format!("  {}: PSI {:.3}, {en}", d.feature, d.psi),
            format!("  {}：PSI {:.3}，{zh}", d.feature, d.psi),
        ));
    }
    lines
}

fn verdict(v: Verdict) -> (&'static str, &'static str) {
    match v {
        Verdict::Stable => ("stable", "稳定"),
        Verdict::Shifted => ("shifted", "有偏移"),
        Verdict::Drifted => ("drifted", "已漂移"),
    }
}

fn drifted(check: &Check) -> Text {
    let n = check.drift.iter().filter(|d| d.verdict == check.verdict).count();
    match check.verdict {
        Verdict::Stable => Text::new("drift: none told", "漂移：未见"),
        Verdict::Shifted => Text::new(
            format!("drift: {n} of the features shifted; watch them"),
            format!("漂移：{n} 个特征有偏移，请留意"),
        ),
        Verdict::Drifted => Text::new(
            format!("drift: {n} of the features are no longer what the model learnt from; fit it again"),
            format!("漂移：{n} 个特征已不同于训练时的分布，请重新拟合"),
        ),
    }
}
