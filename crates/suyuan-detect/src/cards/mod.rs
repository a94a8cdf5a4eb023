//! What several detectors of card use share: chances, who opened a card, and the rows of a group.
//!
//! A group is made of cards that share something (a device, a cell, the outlet that opened them). It speaks when more of
//! them show a sign than chance explains: with `n` cards linked, `k` of them showing it and a share `q` of all other cards
//! showing it anyway, the chance is the upper tail of a binomial law, and times the number of links looked at it is
//! the number of such groups that chance would make. Cards that are linked but do not show the sign are no part of it.

pub(crate) mod chance;
pub(crate) mod links;
pub(crate) mod origin;
pub(crate) mod profile;
pub(crate) mod usual;

use suyuan_model::outcome::{Contribution, Text};

/// Days between two sweeps of what is past: sweeping touches every shard, which a snapshot then has to save.
pub(crate) const SWEEP: i64 = 7;

/// A contribution.
pub(crate) fn said(
    en: impl Into<String>,
    zh: impl Into<String>,
    value: impl Into<String>,
    threshold: Option<String>,
    nats: f64,
) -> Contribution {
    Contribution {
        what: Text::new(en, zh),
        value: value.into(),
        threshold,
        nats: (nats * 100.0).round() / 100.0,
    }
}

/// "1 : 3,000", from a count of those that reach it among all.
pub(crate) fn one_in(reach: u64, all: u64) -> String {
    let n = all.max(1) / reach.max(1);
    let digits = n.to_string();
    let mut out = String::from("1 : ");
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A small expectation as people read it.
pub(crate) fn expected(x: f64) -> String {
    match () {
        () if x >= 10.0 => format!("{x:.0}"),
        () if x >= 0.05 => format!("{x:.1}"),
        () if x >= 1e-6 => format!("{x:.0e}"),
        () => "< 1e-6".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn figures_as_people_read_them() {
        assert_eq!(super::one_in(2, 6_001), "1 : 3,000");
        assert_eq!(super::one_in(0, 1_234_567), "1 : 1,234,567");
        assert_eq!(super::expected(0.26), "0.3");
        assert_eq!(super::expected(1e-9), "< 1e-6");
    }
}
