//! How good a score is: ranks, precision, squared error, a calibration table.

/// Area under the ROC curve: the chance that a row with the label stands above one without; ties count half.
/// None where only one of both occurs.
pub fn auc(scores: &[f64], labels: &[bool]) -> Option<f64> {
    let order = descending(scores);
    let (mut ahead, mut sum, mut i) = (0.0, 0.0, 0);
    let all = labels.iter().filter(|l| **l).count() as f64;
    while i < order.len() {
        let end = tie(scores, &order, i);
        let yes = order[i..end].iter().filter(|r| labels[**r]).count() as f64;
        let no = (end - i) as f64 - yes;
        sum += no * (ahead + yes / 2.0);
        ahead += yes;
        i = end;
    }
    let none = labels.len() as f64 - all;
    (all > 0.0 && none > 0.0).then(|| sum / (all * none))
}

/// Average precision: precision at each row with the label, rows tied taken together.
pub fn average_precision(scores: &[f64], labels: &[bool]) -> Option<f64> {
    let order = descending(scores);
    let all = labels.iter().filter(|l| **l).count() as f64;
    let (mut found, mut sum, mut i) = (0.0, 0.0, 0);
    while i < order.len() {
        let end = tie(scores, &order, i);
        let yes = order[i..end].iter().filter(|r| labels[**r]).count() as f64;
        found += yes;
        sum += yes * found / end as f64;
        i = end;
    }
    (all > 0.0).then(|| sum / all)
}

/// Mean squared distance of probability and outcome.
pub fn brier(p: &[f64], labels: &[bool]) -> f64 {
    let sum: f64 = p.iter().zip(labels).map(|(p, l)| (p - f64::from(u8::from(*l))).powi(2)).sum();
    sum / p.len().max(1) as f64
}

/// Mean of both classes' F1 at a threshold.
pub fn macro_f1(p: &[f64], labels: &[bool], threshold: f64) -> f64 {
    let count = |yes: bool, said: bool| {
        p.iter().zip(labels).filter(|(p, l)| (**p > threshold) == said && **l == yes).count() as f64
    };
    let (tp, fp, missed, tn) =
        (count(true, true), count(false, true), count(true, false), count(false, false));
    let f1 = |t: f64| if t == 0.0 { 0.0 } else { 2.0 * t / (2.0 * t + fp + missed) };
    (f1(tp) + f1(tn)) / 2.0
}

/// Wilson's 95 % interval of a share.
pub fn wilson(yes: usize, of: usize) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    const Z: f64 = 1.959_963_984_540_054;
    let (n, p) = (of as f64, yes as f64 / of as f64);
    let middle = p + Z * Z / (2.0 * n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let whole = 1.0 + Z * Z / n;
    (((middle - half) / whole).max(0.0), ((middle + half) / whole).min(1.0))
}

fn descending(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    order
}

fn tie(scores: &[f64], order: &[usize], from: usize) -> usize {
    order[from..].iter().position(|r| scores[*r] != scores[order[from]]).map_or(order.len(), |n| from + n)
}
