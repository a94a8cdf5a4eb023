//! A rule as SQL: the slow, plain way to the same alerts.
//!
//! Windows are self-joins on the total order and nothing is incremental, so that the text can be read beside the
//! definitions of `rule/correlation.rs` and run by an engine that shares no code with the evaluator (DataFusion in the
//! tests; DuckDB takes it too). It is an oracle, not a plan for production: cost grows with the square of a group.
//!
//! Printed are rules over columns of the records; fields that operators derive, detectors, `rearm` and sequences of
//! other shapes than "one row, then so many" are refused by name. A table per record kind is expected, with the
//! records' columns, `ts` as whole microseconds, days as whole days and money as whole fen.

use std::fmt::Write;

use suyuan_model::Kind;

use crate::kernel::{Cmp, Test};
use crate::pattern::{Pattern, Piece};
use crate::rule::{Correlation, Detection, Emit, Expr, Feed, FieldRef, Input, Leaf, MICRO, Measure, Rule};

/// Why a rule has no SQL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{rule}` cannot be written as SQL: {what}")]
pub struct NoSql {
    /// The rule.
    pub rule: String,
    /// What stands in the way.
    pub what: String,
}

/// A query whose rows are the rule's alerts: `kind, ts, source, seq` of the triggering row and the group's values as
/// `g0, g1, ...` (texts; whole numbers as such).
pub fn sql(rule: &Rule) -> Result<String, NoSql> {
    let no = |what: String| NoSql { rule: rule.id.clone(), what };
    if rule.detector.is_some() {
        return Err(no("it has a detector".into()));
    }
    let mut out = String::new();
    for (n, c) in rule.correlations().enumerate() {
        if c.rearm.is_some() {
            return Err(no("it has `rearm`".into()));
        }
        let p = Printer { rule, c, n };
        let text = p.correlation().map_err(no)?;
        let _ = write!(out, "{}{text}", if n == 0 { "WITH " } else { ",\n" });
    }
    let last = rule.correlations().count() - 1;
    let groups: String = (0..groups(&rule.correlation)).map(|g| format!(", g{g}")).collect();
    let _ = write!(
        out,
        "\nSELECT DISTINCT kind, ts, source, seq{groups} FROM alert{last} WHERE entity IS NOT NULL"
    );
    Ok(out)
}

fn groups(c: &Correlation) -> usize {
    c.feeds.first().map_or(0, |f| f.group.len())
}

struct Printer<'a> {
    rule: &'a Rule,
    c: &'a Correlation,
    n: usize,
}

type Printed = Result<String, String>;

impl Printer<'_> {
    fn detection(&self, at: usize) -> &Detection {
        &self.rule.detections[at]
    }

    /// The tables of one correlation: its rows `ev`, those where it is asked, those where it alerts.
    fn correlation(&self) -> Printed {
        let n = self.n;
        let mut out = String::new();
        let feeds: Vec<String> = self.c.feeds.iter().map(|f| self.feed(f)).collect::<Result<_, _>>()?;
        // A row that leads to several steps reaches the last one first.
        let _ = writeln!(
            out,
            "ev{n} AS (SELECT *, dense_rank() OVER (ORDER BY ts, source, seq, kindno, -step, detection) AS ord,\n  \
             dense_rank() OVER (ORDER BY ts, source, seq, kindno) AS rown FROM (\n  {}))",
            feeds.join("\n  UNION ALL ")
        );
        let asked = match self.c.measure {
            Measure::Each => format!("asked{n} AS (SELECT *, true AS holds FROM ev{n})"),
            Measure::Temporal => self.temporal()?,
            Measure::TemporalOrdered => self.ordered(),
            Measure::Sequence => self.sequence()?,
            Measure::Absence => self.absence(),
            Measure::ValueMedian | Measure::ValuePercentile(_) => self.ranked()?,
            _ => self.counted()?,
        };
        let _ = writeln!(out, ", {asked}");
        let every = self.c.emit == Emit::Every || matches!(self.c.measure, Measure::Each | Measure::Absence);
        let same = self.partition();
        let w = self.c.timespan;
        let _ = match every {
            true => write!(out, ", alert{n} AS (SELECT * FROM asked{n} WHERE holds)"),
            false => write!(
                out,
                ", alert{n} AS (SELECT * FROM (SELECT *, lag(holds) OVER ({same} ORDER BY ord) AS held,\n  \
                 lag(ts) OVER ({same} ORDER BY ord) AS before FROM asked{n}) AS q\n  \
                 WHERE holds AND (held IS NULL OR NOT held OR before <= ts - {w}))"
            ),
        };
        Ok(out)
    }

    /// Rows of one detection that reach a step.
    fn feed(&self, f: &Feed) -> Printed {
        let d = self.detection(f.detection);
        let kind = d.kind;
        let mut wheres = vec![self.expr(d, &d.expr)?];
        let mut columns = String::new();
        for (g, field) in f.group.iter().enumerate() {
            let name = column(field)?;
            wheres.push(format!("{name} IS NOT NULL"));
            let _ = write!(columns, ", {name} AS g{g}");
        }
        let values: Vec<&str> = f.value.iter().map(column).collect::<Result<_, _>>()?;
        wheres.extend(values.iter().map(|v| format!("{v} IS NOT NULL")));
        let value = match values.as_slice() {
            [] => "NULL".to_owned(),
            [one] => (*one).to_owned(),
            many => {
                many.iter().map(|v| format!("CAST({v} AS VARCHAR)")).collect::<Vec<_>>().join(" || '|' || ")
            }
        };
        for (n, field) in f.captured.iter().enumerate() {
            let _ = write!(columns, ", {} AS f{n}", column(field)?);
        }
        // Every part of a union has the same columns.
        let most = self.c.feeds.iter().map(|f| f.captured.len()).max().unwrap_or(0);
        for n in f.captured.len()..most {
            let _ = write!(columns, ", CAST(NULL AS VARCHAR) AS f{n}");
        }
        let entity = &self.rule.entity.field;
        if crate::field::column(kind, entity).is_none() {
            return Err(format!("`{entity}` is derived"));
        }
        let (step, detection, no) = (f.step, f.detection, kind as usize);
        let from = match f.from {
            Input::Detection(_) => kind.name().to_owned(),
            Input::Correlation(inner) => {
                // The rows of this detection at which the inner one alerted.
                format!(
                    "(SELECT r.* FROM {k} AS r JOIN (SELECT DISTINCT kind, ts, source, seq FROM alert{inner} \
                     WHERE detection = {detection}) AS i ON i.kind = '{k}' AND i.ts = r.ts AND i.source = r.source \
                     AND i.seq = r.seq) AS x",
                    k = kind.name()
                )
            }
        };
        Ok(format!(
            "SELECT '{}' AS kind, {no} AS kindno, ts, source, seq, {step} AS step, {detection} AS detection, \
             {entity} AS entity, {value} AS v{columns} FROM {from} WHERE {}",
            kind.name(),
            wheres.join(" AND ")
        ))
    }

    fn partition(&self) -> String {
        match groups(self.c) {
            0 => "PARTITION BY 1".to_owned(),
            n => format!("PARTITION BY {}", (0..n).map(|g| format!("g{g}")).collect::<Vec<_>>().join(", ")),
        }
    }

    /// Of the same group as `e`, not after it in the order, and within its window.
    fn window(&self, p: &str) -> String {
        let same: String = (0..groups(self.c)).map(|g| format!(" AND {p}.g{g} = e.g{g}")).collect();
        format!("{p}.ord <= e.ord AND {p}.ts > e.ts - {}{same}", self.c.timespan)
    }

    fn conditions(&self, what: &str) -> String {
        let parts: Vec<String> =
            self.c.conditions.iter().map(|(c, x)| format!("{what} {} {x}", op(*c))).collect();
        parts.join(" AND ")
    }

    /// A row that several rules match counts once, with the value of the one whose step comes last.
    fn once(&self) -> String {
        let n = self.n;
        let g: String = (0..groups(self.c)).map(|g| format!(", g{g}")).collect();
        format!(
            "one{n} AS (SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY rown{g} ORDER BY ord) AS nth FROM ev{n}) AS q WHERE nth = 1)"
        )
    }

    fn counted(&self) -> Printed {
        let n = self.n;
        let figure = match self.c.measure {
            Measure::EventCount => format!("count(p.ord) * {MICRO}"),
            Measure::ValueCount => format!("count(DISTINCT p.v) * {MICRO}"),
            Measure::ValueSum => format!("sum(p.v) * {MICRO}"),
            Measure::ValueAvg => {
                format!("CAST(floor(CAST(sum(p.v) AS DECIMAL(38, 0)) * {MICRO} / count(p.v)) AS BIGINT)")
            }
            m => return Err(format!("`{}`", m.name())),
        };
        let holds = self.conditions("w.figure");
        let once = self.once();
        let window = self.window("p");
        Ok(format!(
            "{once}\n, asked{n} AS (SELECT e.*, {holds} AS holds FROM one{n} AS e JOIN (SELECT e.ord AS o, {figure} AS figure \
             FROM one{n} AS e JOIN one{n} AS p ON {window} GROUP BY e.ord) AS w ON w.o = e.ord)"
        ))
    }

    /// The value at a rank, by numbering the values of each window.
    fn ranked(&self) -> Printed {
        let n = self.n;
        let window = self.window("p");
        let once = self.once();
        let (pick, figure) = match self.c.measure {
            Measure::ValuePercentile(p) => (
                format!("rk = CAST(ceil(CAST(cnt AS DOUBLE) * {p} / 100000) AS BIGINT)"),
                format!("max(v) * {MICRO}"),
            ),
            _ => (
                "(2 * rk - 1 = cnt OR 2 * rk = cnt OR 2 * rk - 2 = cnt)".to_owned(),
                format!("(max(v) + min(v)) * {}", MICRO / 2),
            ),
        };
        let holds = self.conditions("w.figure");
        Ok(format!(
            "{once}\n, rank{n} AS (SELECT e.ord AS o, p.v AS v, row_number() OVER (PARTITION BY e.ord ORDER BY p.v, p.ord) AS rk, \
             count(*) OVER (PARTITION BY e.ord) AS cnt FROM one{n} AS e JOIN one{n} AS p ON {window})\n\
             , asked{n} AS (SELECT e.*, {holds} AS holds FROM one{n} AS e JOIN (SELECT o, {figure} AS figure FROM rank{n} \
             WHERE {pick} GROUP BY o) AS w ON w.o = e.ord)"
        ))
    }

    /// Per row and step: whether a row of the step lies in the window.
    fn temporal(&self) -> Printed {
        let n = self.n;
        // A row that leads to several steps has reached all of them when it is asked.
        let window = self.window("p").replacen("p.ord <= e.ord", "p.rown <= e.rown", 1);
        let steps = self.c.inputs.len();
        let flags: String =
            (0..steps).map(|s| format!(", max(CASE WHEN p.step = {s} THEN 1 ELSE 0 END) AS s{s}")).collect();
        let holds = match &self.c.present {
            Some(e) => presence(e),
            None => (0..steps).map(|s| format!("w.s{s} = 1")).collect::<Vec<_>>().join(" AND "),
        };
        Ok(format!(
            "asked{n} AS (SELECT e.*, {holds} AS holds FROM ev{n} AS e JOIN (SELECT e.ord AS o{flags} FROM ev{n} AS e \
             JOIN ev{n} AS p ON {window} GROUP BY e.ord) AS w ON w.o = e.ord)"
        ))
    }

    /// Chains of rows: for each row of a step the latest start of a chain that ends in it.
    fn ordered(&self) -> String {
        let n = self.n;
        let last = self.c.inputs.len() - 1;
        let mut out = format!("c{n}_0 AS (SELECT *, ts AS start FROM ev{n} WHERE step = 0)");
        for s in 1..=last {
            let same: String = (0..groups(self.c)).map(|g| format!(" AND p.g{g} = e.g{g}")).collect();
            let _ = write!(
                out,
                "\n, c{n}_{s} AS (SELECT e.*, w.start AS start FROM ev{n} AS e JOIN (SELECT e.ord AS o, max(p.start) AS start \
                 FROM ev{n} AS e JOIN c{n}_{b} AS p ON p.rown < e.rown{same} WHERE e.step = {s} GROUP BY e.ord) AS w ON w.o = e.ord)",
                b = s - 1
            );
        }
        let _ = write!(
            out,
            "\n, asked{n} AS (SELECT e.*, coalesce(c.start > e.ts - {w}, false) AS holds FROM ev{n} AS e \
             LEFT JOIN c{n}_{last} AS c ON c.ord = e.ord WHERE e.step = {last})",
            w = self.c.timespan
        );
        out
    }

    fn sequence(&self) -> Printed {
        let n = self.n;
        let [first, second] = self.c.stages.as_slice() else {
            return Err("a sequence of more than two steps".into());
        };
        if first.least > 1 || !first.across.is_empty() {
            return Err("a sequence whose first step is more than one row".into());
        }
        let across = |q: &str| -> String {
            let one = |x: &crate::rule::Across| {
                let sign = if x.equal { "=" } else { "<>" };
                format!(" AND {q}.f{} {sign} p.f{}", x.mine, x.theirs)
            };
            second.across.iter().map(one).collect()
        };
        let same =
            |q: &str| -> String { (0..groups(self.c)).map(|g| format!(" AND {q}.g{g} = e.g{g}")).collect() };
        let w = self.c.timespan;
        Ok(format!(
            "found{n} AS (SELECT e.ord AS o, p.ord AS first FROM ev{n} AS e \
             JOIN ev{n} AS p ON p.step = 0 AND p.rown < e.rown AND p.ts > e.ts - {w}{gp}{ep} \
             JOIN ev{n} AS q ON q.step = 1 AND q.rown > p.rown AND q.rown <= e.rown{gq}{qp} \
             WHERE e.step = 1 GROUP BY e.ord, p.ord HAVING count(DISTINCT q.rown) >= {least})\n\
             , asked{n} AS (SELECT e.*, w.o IS NOT NULL AS holds FROM ev{n} AS e \
             LEFT JOIN (SELECT DISTINCT o FROM found{n}) AS w ON w.o = e.ord WHERE e.step = 1)",
            gp = same("p"),
            gq = same("q"),
            ep = across("e"),
            qp = across("q"),
            least = second.least
        ))
    }

    /// Rows that nothing followed, their deadline lying within the records.
    fn absence(&self) -> String {
        let n = self.n;
        let w = self.c.timespan;
        let same: String = (0..groups(self.c)).map(|g| format!(" AND p.g{g} = e.g{g}")).collect();
        let mut kinds: Vec<Kind> = self.rule.detections.iter().map(|d| d.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let ends: Vec<String> =
            kinds.iter().map(|k| format!("SELECT max(ts) AS t FROM {}", k.name())).collect();
        format!(
            "last{n} AS (SELECT max(t) AS t FROM ({ends}) AS x)\n, asked{n} AS (SELECT e.*, true AS holds FROM ev{n} AS e \
             CROSS JOIN last{n} AS l WHERE e.step = 0 AND e.ts + {w} <= l.t AND NOT EXISTS (SELECT 1 FROM ev{n} AS p \
             WHERE p.step = 1 AND p.rown > e.rown AND p.ts <= e.ts + {w}{same}))",
            ends = ends.join(" UNION ALL ")
        )
    }

    fn expr(&self, d: &Detection, e: &Expr) -> Printed {
        let many = |list: &[Expr], word: &str, none: &str| -> Printed {
            let parts: Vec<String> = list.iter().map(|e| self.expr(d, e)).collect::<Result<_, _>>()?;
            Ok(if parts.is_empty() { none.to_owned() } else { format!("({})", parts.join(word)) })
        };
        match e {
            Expr::Leaf(i) => leaf(&d.leaves[*i]),
            Expr::Not(e) => Ok(format!("NOT {}", self.expr(d, e)?)),
            Expr::All(list) => many(list, " AND ", "true"),
            Expr::Any(list) => many(list, " OR ", "false"),
        }
    }
}

fn presence(e: &Expr) -> String {
    let many =
        |list: &[Expr], word: &str| format!("({})", list.iter().map(presence).collect::<Vec<_>>().join(word));
    match e {
        Expr::Leaf(s) => format!("w.s{s} = 1"),
        Expr::Not(e) => format!("NOT ({})", presence(e)),
        Expr::All(list) => many(list, " AND "),
        Expr::Any(list) => many(list, " OR "),
    }
}

fn column(f: &FieldRef) -> Result<&'static str, String> {
    match f {
        FieldRef::Column(name) => Ok(name),
        FieldRef::Derived { .. } => Err("it uses a derived field".into()),
    }
}

fn op(c: Cmp) -> &'static str {
    match c {
        Cmp::Lt => "<",
        Cmp::Lte => "<=",
        Cmp::Ne => "<>",
        Cmp::Gt => ">",
        Cmp::Gte => ">=",
    }
}

/// A predicate that is never NULL: an absent value satisfies only "absent".
fn leaf(l: &Leaf) -> Printed {
    let name = column(&l.field)?;
    if l.same_as.is_some() {
        return Err("it compares two fields of a row".into());
    }
    let list = |values: Vec<String>, word: &str| format!("({})", values.join(word));
    let test = match &l.test {
        Test::Absent => return Ok(format!("({name} IS NULL)")),
        Test::Present => return Ok(format!("({name} IS NOT NULL)")),
        Test::Text { patterns, all } => {
            let parts = patterns.iter().map(|p| pattern(name, p)).collect::<Result<Vec<_>, _>>()?;
            list(parts, if *all { " AND " } else { " OR " })
        }
        Test::IntIn(values) => list(values.iter().map(|v| format!("{name} = {v}")).collect(), " OR "),
        Test::Int(c, v) => format!("{name} {} {v}", op(*c)),
        Test::Real(c, v) => format!("{name} {} {v}", op(*c)),
        Test::Bool(b) => format!("{name} = {b}"),
        other => return Err(format!("a test of `{}` ({})", l.name, test_name(other))),
    };
    Ok(format!("coalesce({test}, false)"))
}

fn test_name(t: &Test) -> &'static str {
    match t {
        Test::Re { .. } => "re",
        Test::Cidr(_) => "cidr",
        Test::Holds { .. } => "set",
        Test::Part { .. } => "part of a time",
        _ => "other",
    }
}

fn pattern(name: &str, p: &Pattern) -> Printed {
    let (pieces, cased) = p.parts();
    let quote = |t: &str| t.replace('\'', "''");
    let lower = |t: String| if cased { t } else { format!("lower({t})") };
    if let [Piece::Text(t)] = pieces {
        return Ok(format!("{} = {}", lower(name.to_owned()), lower(format!("'{}'", quote(t)))));
    }
    let mut like = String::new();
    for piece in pieces {
        match piece {
            Piece::Any => like.push('%'),
            Piece::One => like.push('_'),
            Piece::Text(t) if !t.contains(['%', '_', '\\']) => like += &quote(t),
            _ => return Err("a pattern with signs of LIKE".into()),
        }
    }
    Ok(format!("{} LIKE {}", lower(name.to_owned()), lower(format!("'{like}'"))))
}
