//! How much of a question's harm no recorded account explains, as the outcome tells it.

use suyuan_model::outcome::{Outside, Question};

use crate::attribute::{Problem, Scored, outside};

/// Of `harmed` things in all, of which the problem holds those that stand in the records.
pub fn told(question: Question, harmed: usize, asked: Option<(&Problem, &[Scored])>) -> Outside {
    let Some((p, scored)) = asked else {
        let n = harmed as f64;
        return Outside { question, harmed: harmed as u64, untouched: 0, expected: n, low: 0.0, high: n };
    };
    let (mean, low, high) = outside(p.harmed.len(), scored);
    let unseen = (harmed - p.harmed.len()) as f64;
    Outside {
        question,
        harmed: harmed as u64,
        untouched: (harmed - touched(p)) as u64,
        expected: unseen + mean,
        low: unseen + low,
        high: unseen + high,
    }
}

/// Harmed things that a column touched before their harm.
fn touched(p: &Problem) -> usize {
    let mut seen = vec![false; p.harmed.len()];
    for t in &p.touches {
        let h = t.harmed as usize;
        seen[h] |= p.harmed[h].day > t.day;
    }
    seen.iter().filter(|s| **s).count()
}
