//! What is usual among comparable cards: histograms of each measure by age and tariff.
//!
//! Every live card is counted once, with its latest values; a card that is measured again leaves its old place first. Values
//! are kept in 32 bins: shares in steps of 4 %, counts a day in half octaves. Cards are comparable when they are of
//! the same age (to 30 days, to 90, older, unknown) and, where at least [`PLAN`] cards are on it, of the same tariff.
//!
//! A measure weighs by how rare its tail is: if a farmed card's rarity `p` is spread as `a p^(a-1)` (a = 0.3), the
//! likelihood ratio to an ordinary card is that density, so ln a - (1 - a) ln p nats; a value that half of all
//! cards reach speaks against (-0.7), one in a thousand for (3.6). This is the family of bounds of Sellke, Bayarri and Berger
//! (2001), with one exponent for all measures. Measures are not independent, so each is capped and the
//! sum is held against the sums of all comparable cards rather than taken as a chance.
//!
//! State: 32 numbers a measure and stratum; 14 bytes a card.

use std::collections::BTreeMap;

/// Bins of a measure.
pub(crate) const BINS: usize = 32;
/// A tariff with fewer cards has no baseline of its own.
const PLAN: u32 = 300;
/// Fewer comparable cards than this say nothing of what is rare.
const KNOWN: u32 = 200;
/// The exponent of a farmed card's rarity.
const A: f64 = 0.3;
/// The most that one measure weighs, nats.
const CAP: f64 = 5.0;

/// Where a card stands in the histograms: a bin for each measure, 255 where it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Place<const M: usize> {
    pub stratum: u32,
    #[serde(with = "bins")]
    pub bins: [u8; M],
}

/// Arrays of any length, as a sequence.
mod bins {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub fn serialize<S: Serializer, const M: usize>(b: &[u8; M], s: S) -> Result<S::Ok, S::Error> {
        b.as_slice().serialize(s)
    }
    pub fn deserialize<'de, D: Deserializer<'de>, const M: usize>(d: D) -> Result<[u8; M], D::Error> {
        let v = Vec::<u8>::deserialize(d)?;
        v.try_into().map_err(|_| D::Error::custom("another number of measures"))
    }
}

/// No value.
pub(crate) const NONE: u8 = 255;

/// The histograms.
#[derive(Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Usual {
    /// By stratum, and there by measure: cards in each bin.
    counts: BTreeMap<u32, Vec<[u32; BINS]>>,
}

/// Age band and tariff as one number.
pub(crate) fn stratum(age: Option<i32>, plan: u32, cards_on_plan: u32) -> u32 {
    let band = match age {
        None => 3,
        Some(..=30) => 0,
        Some(..=90) => 1,
        Some(_) => 2,
    };
    band + 4 * if cards_on_plan >= PLAN { plan } else { 0 }
}

/// A share as a bin.
pub(crate) fn share_bin(part: u32, whole: u32) -> u8 {
    (u64::from(part.min(whole)) * 25 / u64::from(whole.max(1))) as u8
}

/// A count for each day as a bin: half octaves of quarters.
pub(crate) fn rate_bin(count: u32, days: u32) -> u8 {
    let x = u64::from(count) * 4 / u64::from(days.max(1));
    if x == 0 {
        return 0;
    }
    let octave = x.ilog2();
    let half = octave > 0 && x >> (octave - 1) & 1 == 1;
    (1 + 2 * octave + u32::from(half)).min(BINS as u32 - 1) as u8
}

impl Usual {
    fn add<const M: usize>(&mut self, p: &Place<M>, n: i64) {
        let counts = self.counts.entry(p.stratum).or_insert_with(|| vec![[0; BINS]; M]);
        for (counts, b) in counts.iter_mut().zip(p.bins).filter(|(_, b)| *b != NONE) {
            let c = &mut counts[usize::from(b)];
            *c = (i64::from(*c) + n).max(0) as u32;
        }
    }
    /// A card takes its place, leaving an earlier one.
    pub fn put<const M: usize>(&mut self, old: Option<&Place<M>>, new: &Place<M>) {
        if let Some(old) = old {
            self.add(old, -1);
        }
        self.add(new, 1);
    }
    /// A card is gone.
    pub fn remove<const M: usize>(&mut self, old: &Place<M>) {
        self.add(old, -1);
    }
    /// How many comparable cards reach the bin (or lie at or below it), and how many there are; `None` where too few.
    pub fn reach(&self, stratum: u32, measure: usize, bin: u8, low: bool) -> Option<(u32, u32)> {
        let c = self.counts.get(&stratum)?.get(measure)?;
        let all: u32 = c.iter().sum();
        if all < KNOWN {
            return None;
        }
        let at = usize::from(bin);
        let reach = if low { c[..=at].iter().sum() } else { c[at..].iter().sum::<u32>() };
        Some((reach.max(1), all))
    }
    /// The middle of all comparable cards.
    pub fn median(&self, stratum: u32, measure: usize) -> Option<u8> {
        let c = self.counts.get(&stratum)?.get(measure)?;
        let half = c.iter().sum::<u32>().div_ceil(2);
        let mut sum = 0;
        c.iter()
            .position(|n| {
                sum += n;
                sum >= half
            })
            .map(|b| b as u8)
    }
}

/// Nats for a rarity of `reach` in `all`.
pub(crate) fn nats(reach: u32, all: u32) -> f64 {
    let p = f64::from(reach) / f64::from(all.max(1));
    (A.ln() - (1.0 - A) * p.ln()).min(CAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rarity_weighs() {
        assert!(nats(1, 1) < -1.1 && nats(1, 1_000) > 3.5 && nats(1, 100_000_000) == CAP);
        assert_eq!((share_bin(41, 45), share_bin(45, 45), rate_bin(0, 3)), (22, 25, 0));
        assert!(rate_bin(100, 1) > rate_bin(70, 1) && rate_bin(u32::MAX, 1) == BINS as u8 - 1);
    }

    proptest::proptest! {
        /// Whatever comes and goes, the histograms count the live cards as a plain list does.
        #[test]
        fn counts_are_those_of_a_plain_list(steps in proptest::collection::vec((0usize..300, 0u8..32, 0u32..2), 200..900)) {
            let mut u = Usual::default();
            let mut list: Vec<Option<Place<1>>> = vec![None; 300];
            for (card, bin, stratum) in steps {
                let new = Place { stratum, bins: [bin] };
                if bin == 31 && let Some(old) = list[card].take() {
                    u.remove(&old);
                } else {
                    u.put(list[card].as_ref(), &new);
                    list[card] = Some(new);
                }
            }
            for bin in 0..32u8 {
                let live = list.iter().flatten().filter(|p| p.stratum == 0);
                let all = live.clone().count() as u32;
                let want = live.filter(|p| p.bins[0] >= bin).count() as u32;
                let want = (all >= KNOWN).then_some((want.max(1), all));
                proptest::prop_assert_eq!(u.reach(0, 0, bin, false), want);
            }
        }
    }
}
