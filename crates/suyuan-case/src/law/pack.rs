//! The form of a law pack's file.

use serde::{Deserialize, Deserializer, de::Error};
use suyuan_model::outcome::{Confidence, Text};
use suyuan_model::time;

/// One law, interpretation or opinion.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// Its id: the file's stem.
    pub id: String,
    /// Its title.
    pub title: Text,
    /// What kind of text it is.
    pub rank: Rank,
    /// First day in force, in China.
    pub from: Day,
    /// First day no longer in force.
    #[serde(default)]
    pub until: Option<Day>,
    /// How sure the text is.
    pub confidence: Confidence,
    /// Where it was read.
    pub source: Text,
    /// Its items.
    pub items: Vec<Item>,
}

/// What kind of text a pack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// A law.
    Statute,
    /// A judicial interpretation.
    Interpretation,
    /// An opinion of courts, procuratorates, police.
    Opinion,
    /// A measure of an authority.
    Measure,
}

/// A day, as days since 1970-01-01; `YYYY-MM-DD` in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub i64);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        time::parse_day(&text).map(Day).ok_or_else(|| D::Error::custom(format!("`{text}` is not a day")))
    }
}

/// Whether an item's Chinese text is quoted or summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wording {
    /// The words of the text.
    Quoted,
    /// What it says, in other words.
    Summary,
}

/// One provision.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its id within the pack.
    pub id: String,
    /// Article, paragraph, item.
    pub cite: Text,
    /// Quoted or summed up.
    pub wording: Wording,
    /// The text in Chinese and an English reading.
    pub text: Text,
    /// What is counted against it.
    #[serde(default)]
    pub test: Option<Test>,
}

/// The class of records that a line counts, strictest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Tier {
    /// 50 records.
    T50,
    /// 500 records.
    T500,
    /// 5,000 records.
    T5000,
}

/// Whose cards are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// Other persons' cards.
    Others,
    /// One's own or others'.
    Any,
}

/// Whom a duty binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The carrier.
    Carrier,
    /// Whoever handles the personal data.
    Holder,
    /// The police.
    Police,
    /// The procuratorate.
    Procuratorate,
}

impl Bound {
    /// In both languages.
    pub(crate) fn name(self) -> (&'static str, &'static str) {
        match self {
            Bound::Carrier => ("the carrier", "电信企业"),
            Bound::Holder => ("whoever handles the data", "个人信息处理者"),
            Bound::Police => ("the police", "公安机关"),
            Bound::Procuratorate => ("the procuratorate", "检察机关"),
        }
    }
}

/// When a duty matters to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// In every case.
    Always,
    /// When cards were used in fraud cases.
    Fraud,
    /// When identities were captured under a pretext.
    Pretext,
}

impl When {
    /// Whether it matters to a case with or without fraud cases and captures under a pretext.
    pub(crate) fn matters(self, fraud: bool, pretext: bool) -> bool {
        match self {
            When::Always => true,
            When::Fraud => fraud,
            When::Pretext => pretext,
        }
    }
}

/// What is counted against an item. Amounts are whole yuan.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "measure", rename_all = "snake_case", deny_unknown_fields)]
pub enum Test {
    /// Records of a tier.
    Records {
        /// Which tier.
        tier: Tier,
        /// The categories of `access` rows that fall under it; none for "all others".
        categories: Vec<String>,
        /// Whether the law's list of categories is closed.
        closed_list: bool,
        /// Serious circumstances.
        serious: u64,
        /// Especially serious circumstances.
        especially: u64,
    },
    /// Shares of several lines added up.
    ProRata {
        /// The lines.
        of: Vec<String>,
    },
    /// Unlawful income.
    Income {
        /// Serious circumstances.
        serious_cny: u64,
        /// Especially serious circumstances, where the text has them.
        #[serde(default)]
        especially_cny: Option<u64>,
    },
    /// The lines divided for those who got the information in duty or service.
    Insider {
        /// By what.
        divisor: u64,
        /// Which lines.
        of: Vec<String>,
    },
    /// Knowing that others use the information for crime; nothing to count.
    Knowledge,
    /// How records are counted.
    Counting,
    /// Phone cards bought, sold or let.
    PhoneCards {
        /// Whose.
        whose: Whose,
        /// The line.
        serious: u64,
    },
    /// Targets helped.
    Targets {
        /// The line.
        serious: u64,
    },
    /// Loss by fraud.
    FraudLoss {
        /// Large.
        large_cny: u64,
        /// Huge.
        huge_cny: u64,
        /// Especially huge.
        especially_huge_cny: u64,
    },
    /// Cards a person may have at one carrier.
    CardsPerPerson {
        /// The limit.
        limit: u64,
        /// How many carriers a person may have cards at, for lower bounds of persons.
        carriers: u64,
    },
    /// A duty: named among the requests, never counted.
    Duty {
        /// When it matters.
        when: When,
        /// Whom it binds.
        who: Bound,
    },
}

impl Test {
    /// Ids of items it leans on.
    pub(super) fn refers(&self) -> &[String] {
        match self {
            Test::ProRata { of } | Test::Insider { of, .. } => of,
            _ => &[],
        }
    }

    /// Its thresholds, which must rise.
    pub(super) fn lines(&self) -> Vec<u64> {
        match self {
            Test::Records { serious, especially, .. } => vec![*serious, *especially],
            Test::Income { serious_cny, especially_cny } => {
                [Some(*serious_cny), *especially_cny].into_iter().flatten().collect()
            }
            Test::Insider { divisor, .. } => vec![1, *divisor],
            Test::PhoneCards { serious, .. } | Test::Targets { serious } => vec![*serious],
            Test::FraudLoss { large_cny, huge_cny, especially_huge_cny } => {
                vec![*large_cny, *huge_cny, *especially_huge_cny]
            }
            Test::CardsPerPerson { limit, carriers } => {
                if *carriers == 0 {
                    vec![0]
                } else {
                    vec![*limit]
                }
            }
            Test::ProRata { .. } | Test::Knowledge | Test::Counting | Test::Duty { .. } => vec![],
        }
    }
}
