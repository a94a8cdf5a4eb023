//! Dated law packs: what the law counts, from when to when, and how sure its text is.
//!
//! A pack is one law, interpretation or opinion: a YAML file of `laws/`. It says when it is in force
//! (`from` inclusive, `until` exclusive, days in China), from which source it was read and how sure
//! that reading is, and holds its items with the text in Chinese and an English reading. An item
//! with a `test` is held against counts; the others are cited in notes.
//!
//! What always holds of a loaded set: ids are unique; both languages are there; an item that names
//! others finds them in its own pack; thresholds are above 0 and `especially` is above `serious`;
//! each category of data stands in one tier at most and is one that the `access` record knows.
//! A pack that breaks any of this does not load.
//!
//! Blind to: case law, local standards of amounts, and anything the packs do not hold.

mod embedded;
mod pack;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use suyuan_model::{FieldType, Kind, time};

pub use pack::{Bound, Day, Item, Pack, Rank, Test, Tier, When, Whose, Wording};

use crate::CaseError;

/// Whether the halved lines for insiders (法释〔2017〕10号 art. 5(1)(8)) are shown beside the full ones.
///
/// Whether somebody obtained the information "while performing duties or providing services" is for
/// the court; so it is a switch and never a fact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Halving {
    /// Shown as a line of its own, marked as arguable.
    #[default]
    Shown,
    /// Left out.
    Off,
}

/// The packs that a case is held against.
#[derive(Clone, Debug)]
pub struct LawSet {
    packs: Vec<Pack>,
    hashes: Vec<(String, String)>,
    halving: Halving,
}

impl LawSet {
    /// The packs built into the program.
    ///
    /// # Errors
    /// When a pack breaks a rule of this module's head.
    pub fn embedded() -> Result<LawSet, CaseError> {
        Self::from_texts(embedded::TEXTS.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())))
    }

    /// Packs from `(path, YAML)` pairs, in any order.
    ///
    /// # Errors
    /// When a text is not a pack or breaks a rule of this module's head; the message names the path.
    pub fn from_texts(texts: impl IntoIterator<Item = (String, String)>) -> Result<LawSet, CaseError> {
        let mut loaded: BTreeMap<String, (Pack, String)> = BTreeMap::new();
        for (path, text) in texts {
            let pack: Pack = serde_saphyr::from_str(&text)
                .map_err(|e| CaseError::Law { path: path.clone(), reason: e.to_string() })?;
            check(&pack).map_err(|reason| CaseError::Law { path: path.clone(), reason })?;
            let hash: String =
                Sha256::digest(text.as_bytes()).iter().take(8).map(|b| format!("{b:02x}")).collect();
            if loaded.insert(pack.id.clone(), (pack, hash)).is_some() {
                return Err(CaseError::Law { path, reason: "a pack of this id was read before".into() });
            }
        }
        let hashes = loaded.iter().map(|(id, (_, hash))| (id.clone(), hash.clone())).collect();
        let mut packs: Vec<Pack> = loaded.into_values().map(|(pack, _)| pack).collect();
        packs.sort_by(|a, b| (a.from, &a.id).cmp(&(b.from, &b.id)));
        Ok(LawSet { packs, hashes, halving: Halving::default() })
    }

    /// The same packs with the insiders' half lines shown or left out.
    #[must_use]
    pub fn with_halving(mut self, halving: Halving) -> Self {
        self.halving = halving;
        self
    }

    /// Whether insiders' half lines are shown.
    pub fn halving(&self) -> Halving {
        self.halving
    }

    /// The packs, oldest first.
    pub fn packs(&self) -> &[Pack] {
        &self.packs
    }

    /// Pack ids with the first 16 hex digits of the SHA-256 of their text, for `run.json`.
    pub fn hashes(&self) -> &[(String, String)] {
        &self.hashes
    }

    /// Every item with its pack.
    pub(crate) fn items(&self) -> impl Iterator<Item = (&Pack, &Item)> {
        self.packs.iter().flat_map(|p| p.items.iter().map(move |i| (p, i)))
    }

    /// The tier of a set of data categories (`;` between them): the strictest that any of them has.
    pub fn tier_of(&self, categories: &str) -> Tier {
        let of = |category: &str| {
            self.items().find_map(|(_, item)| match &item.test {
                Some(Test::Records { tier, categories, .. }) if categories.iter().any(|c| c == category) => {
                    Some(*tier)
                }
                _ => None,
            })
        };
        categories.split(';').filter_map(of).min().unwrap_or(Tier::T5000)
    }
}

/// The categories of data that an `access` row may state.
fn known_categories() -> &'static [&'static str] {
    match Kind::Access.spec().field("categories").map(|f| f.ty) {
        Some(FieldType::Set(names)) => names,
        _ => &[],
    }
}

fn check(pack: &Pack) -> Result<(), String> {
    let ids: BTreeSet<&str> = pack.items.iter().map(|i| i.id.as_str()).collect();
    if ids.len() != pack.items.len() || pack.items.is_empty() {
        return Err(format!("`{}` has no items, or two with one id", pack.id));
    }
    if pack.until.is_some_and(|until| until <= pack.from) {
        return Err(format!("`{}` ends before it begins", pack.id));
    }
    let texts = pack.items.iter().flat_map(|i| [&i.cite, &i.text]).chain([&pack.title, &pack.source]);
    if texts.into_iter().any(|t| t.en.trim().is_empty() || t.zh.trim().is_empty()) {
        return Err(format!("`{}` has an empty text; each is given in `zh` and `en`", pack.id));
    }
    let mut placed = BTreeSet::new();
    for item in &pack.items {
        let Some(test) = &item.test else { continue };
        let bad = |why: String| Err(format!("item `{}`: {why}", item.id));
        if let Some(missing) = test.refers().iter().find(|r| !ids.contains(r.as_str())) {
            return bad(format!("no item `{missing}` in this pack"));
        }
        let lines = test.lines();
        if lines.contains(&0) || lines.windows(2).any(|w| w[0] >= w[1]) {
            return bad(format!("thresholds must be above 0 and rise: {lines:?}"));
        }
        if let Test::Records { categories, .. } = test {
            for c in categories {
                if !known_categories().contains(&c.as_str()) {
                    return bad(format!(
                        "unknown category `{c}`; known are {}",
                        known_categories().join(", ")
                    ));
                }
                if !placed.insert(c.clone()) {
                    return bad(format!("category `{c}` stands in two tiers"));
                }
            }
        }
    }
    Ok(())
}

/// The days on which acts were done, in China.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// First act, microseconds UTC.
    pub first: i64,
    /// Last act, microseconds UTC.
    pub last: i64,
}

/// How a pack's time in force stands to the time of the acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// In force during all of it.
    Throughout,
    /// In force for a part of it.
    Partly,
    /// It came later.
    Later,
    /// It had ended before.
    Ended,
}

impl Pack {
    /// Whether an act at `ts` fell into the time in force.
    pub fn covers(&self, ts: i64) -> bool {
        let day = time::china_day(ts);
        self.from.0 <= day && self.until.is_none_or(|until| day < until.0)
    }

    /// How the time in force stands to the acts.
    pub fn force(&self, acts: Period) -> Force {
        let (first, last) = (time::china_day(acts.first), time::china_day(acts.last));
        match self.until {
            _ if self.from.0 > last => Force::Later,
            Some(until) if until.0 <= first => Force::Ended,
            Some(until) if until.0 <= last => Force::Partly,
            _ if self.from.0 > first => Force::Partly,
            _ => Force::Throughout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_laws_is_embedded_and_loads() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../laws/cn");
        let files = std::fs::read_dir(dir).unwrap().count();
        assert_eq!(files, embedded::TEXTS.len(), "a file of laws/cn is not in the list");
        let laws = LawSet::embedded().unwrap();
        assert_eq!(laws.packs().len(), files);
        for (path, text) in embedded::TEXTS {
            assert!(text.starts_with(&format!("id: {}", path.trim_end_matches(".yml"))), "{path}");
        }
    }

    #[test]
    fn the_table_of_tiers_is_the_one_of_the_interpretation() {
        let laws = LawSet::embedded().unwrap();
        let divisor = laws.items().find_map(|(_, i)| match i.test {
            Some(Test::Insider { divisor, .. }) => Some(divisor),
            _ => None,
        });
        let got: Vec<(Tier, u64, u64, u64, u64)> = laws
            .items()
            .filter_map(|(_, i)| match i.test {
                Some(Test::Records { tier, serious, especially, .. }) => {
                    let half = divisor.unwrap();
                    Some((tier, serious, especially, serious / half, especially / half))
                }
                _ => None,
            })
            .collect();
        assert_eq!(
            got,
            [
                (Tier::T50, 50, 500, 25, 250),
                (Tier::T500, 500, 5000, 250, 2500),
                (Tier::T5000, 5000, 50_000, 2500, 25_000)
            ]
        );
        assert_eq!(laws.tier_of("phone;credit;face"), Tier::T50);
        assert_eq!(laws.tier_of("face;phone"), Tier::T500);
        assert_eq!(laws.tier_of("phone"), Tier::T5000);
    }

    #[test]
    fn time_in_force() {
        let laws = LawSet::embedded().unwrap();
        let at = |t: &str| time::parse(t).unwrap();
        let acts = Period { first: at("2019-12-01T00:00:00+08:00"), last: at("2020-11-20T23:00:00+08:00") };
        let force: BTreeMap<&str, Force> =
            laws.packs().iter().map(|p| (p.id.as_str(), p.force(acts))).collect();
        assert_eq!(force["fashi-2017-10"], Force::Throughout);
        assert_eq!(force["fashi-2019-15"], Force::Throughout);
        assert_eq!(force["opinion-2021-fraud-2"], Force::Later);
        assert_eq!(force["pipl"], Force::Later);
        assert_eq!(force["anti-fraud-law"], Force::Later);
        let late = Period { first: at("2025-07-01T00:00:00+08:00"), last: at("2025-09-01T00:00:00+08:00") };
        let of = |id: &str, p| laws.packs().iter().find(|x| x.id == id).unwrap().force(p);
        assert_eq!(of("fafa-2025-12", late), Force::Partly);
        assert_eq!(of("opinion-2021-fraud-2", late), Force::Partly);
        let after = Period { first: at("2025-07-28T00:00:00+08:00"), last: at("2025-09-01T00:00:00+08:00") };
        assert_eq!(of("opinion-2021-fraud-2", after), Force::Ended);
    }

    #[test]
    fn a_faulty_pack_is_refused_with_its_path() {
        let good = embedded::TEXTS.iter().find(|(p, _)| *p == "fashi-2017-10.yml").unwrap().1;
        for (from, to, says) in [
            ("serious: 500, especially: 5000", "serious: 5000, especially: 500", "and rise"),
            ("of: [a5.1.3, a5.1.4, a5.1.5]", "of: [a9]", "no item `a9`"),
            ("credit, property", "credit, proprety", "unknown category `proprety`"),
            ("call_detail, health", "credit, health", "two tiers"),
            ("measure: counting", "measure: countng", "countng"),
            ("rank: interpretation", "rank: interpretation\ncolour: red", "colour"),
            ("from: 2017-06-01", "from: 2017-06-31", "2017-06-31"),
            ("id: a11", "id: a4", "two with one id"),
        ] {
            assert!(good.contains(from), "{from}");
            let text = good.replacen(from, to, 1);
            let error = LawSet::from_texts([("x/faulty.yml".to_owned(), text)]).unwrap_err().to_string();
            assert!(error.contains("x/faulty.yml") && error.contains(says), "{says}: {error}");
        }
        let twice = [("a".to_owned(), good.to_owned()), ("b".to_owned(), good.to_owned())];
        assert!(LawSet::from_texts(twice).unwrap_err().to_string().contains("`b`"));
    }
}
