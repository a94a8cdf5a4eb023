//! What a score learnt from known outcomes says of cards: it stands beside the records, dated, with the hash of its model.

use crate::outcome::Text;

/// What one model says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// SHA-256 of the model.
    pub model: String,
    /// The model was fitted on nothing later, as people read it; none where it is not dated.
    pub dated: Option<String>,
    /// The instant of the last row that the scores rest on, microseconds UTC.
    pub at: i64,
    /// Cards whose outcome is not known and that have a higher probability, in rising order of their ids.
    pub cards: Vec<Scored>,
    /// The probabilities of all cards whose outcome is not known, falling.
    pub all: Vec<f64>,
}

impl Scores {
    /// How many cards whose outcome is not known have that probability or a higher one.
    pub fn reach(&self, p: f64) -> u64 {
        self.all.partition_point(|x| *x >= p) as u64
    }
}

/// One card.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// The card.
    pub card: String,
    /// Calibrated probability of a bad outcome.
    pub p: f64,
    /// The same in log-odds: `base` and what the parts add.
    pub log_odds: f64,
    /// Log-odds of a card of which nothing is known.
    pub base: f64,
    /// What each column adds, greatest first.
    pub parts: Vec<ScorePart>,
}

/// What one column adds to a score.
#[derive(Clone, Debug, PartialEq)]
pub struct ScorePart {
    /// The column in words.
    pub what: Text,
    /// Its value; none where it is missing.
    pub value: Option<f64>,
    /// Nats.
    pub nats: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_reach_a_probability() {
        let scores = Scores { all: vec![0.9, 0.9, 0.5, 0.1], ..Scores::default() };
        assert_eq!([0.95, 0.9, 0.6, 0.1, 0.0].map(|p| scores.reach(p)), [0, 2, 2, 4, 4]);
    }
}
