//! Tokens: their form, their kinds, what stands beside them, and why a value has none.

use std::fmt;

use suyuan_model::identity::IdNumber;
use suyuan_model::outcome::Text;
use suyuan_model::{mask, time};
use thiserror::Error;

use crate::text;

/// Years of age from which the month of birth is not told.
const ADULT_FOR_MONTH: i32 = 16;

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenKind {
    /// A citizen identity number.
    Idn,
    /// A telephone number.
    Tel,
    /// A name.
    Nam,
    /// An address.
    Adr,
    /// Another document or account: passport, permit, credit code.
    Doc,
}

impl TokenKind {
    pub(crate) const COUNT: usize = 5;
    pub(crate) const ALL: [TokenKind; Self::COUNT] = [Self::Idn, Self::Tel, Self::Nam, Self::Adr, Self::Doc];

    /// The three letters that a token begins with.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idn => "idn",
            Self::Tel => "tel",
            Self::Nam => "nam",
            Self::Adr => "adr",
            Self::Doc => "doc",
        }
    }

    pub(crate) fn mask(self, original: &str) -> String {
        match self {
            Self::Idn | Self::Doc => mask::mask_id(original),
            Self::Tel => mask::mask_phone(original),
            Self::Nam => mask::mask_name(original),
            Self::Adr => mask::mask_address(original),
        }
    }
}

/// A sealed original. Its bytes say nothing but the original's length.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// A value's token with the columns beside it. Holds nothing in clear that tells who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// `idn1-` (kind, epoch) and 26 characters.
    pub text: String,
    /// What it stands for.
    pub kind: TokenKind,
    /// Of an identity number, where it was given, if its birth year could carry the code; of an address, where it is.
    pub region6: Option<String>,
    /// Year of birth.
    pub birth_year: Option<i64>,
    /// Month of birth, of those under sixteen when the row happened.
    pub birth_month: Option<i64>,
    /// `m` or `f`.
    pub sex: Option<&'static str>,
    /// Of an 18-digit identity number, whether its date exists and its check digit holds.
    pub valid: Option<bool>,
    /// Of a Chinese mobile number, its first seven digits.
    pub segment: Option<String>,
    /// Of a Chinese personal name, the surname's token (`sur1-...`).
    pub surname: Option<String>,
    /// The sealed original.
    pub seal: Sealed,
}

impl Token {
    pub(crate) fn new(kind: TokenKind, text: String) -> Token {
        Token {
            text,
            kind,
            region6: None,
            birth_year: None,
            birth_month: None,
            sex: None,
            valid: None,
            segment: None,
            surname: None,
            seal: Sealed::default(),
        }
    }

    /// Fills the columns of an identity number; `None` is one whose birth date does not exist.
    pub(crate) fn read_id(&mut self, id: Option<&IdNumber>, ts: i64) {
        let Some(id) = id else {
            self.valid = Some(false);
            return;
        };
        self.valid = id.check_ok;
        self.sex = Some(id.sex.as_str());
        self.birth_year = Some(i64::from(id.birth.0));
        if (0..ADULT_FOR_MONTH).contains(&id.age_on(time::china_day(ts))) {
            self.birth_month = Some(i64::from(id.birth.1));
        }
        self.region6 = id.region_known.then(|| id.region6().to_owned());
    }
}

/// The kind, epoch and bytes of a token's text.
pub(crate) fn parse(token: &str) -> Option<(TokenKind, u32, [u8; 16])> {
    let (head, tail) = token.split_once('-')?;
    let kind = TokenKind::ALL.into_iter().find(|k| head.starts_with(k.as_str()))?;
    let epoch = &head[3..];
    let plain = epoch.bytes().all(|c| c.is_ascii_digit()) && !epoch.starts_with('0');
    Some((kind, epoch.parse().ok().filter(|_| plain)?, text::unbase32(tail)?))
}

/// Why a value has no token. Never holds the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum PiiFault {
    /// Nothing in it.
    #[error("the value is empty; leave an unknown value out")]
    Empty,
    /// Stars in it: many people share a masked value.
    #[error(
        "the value is masked (`*`), so it does not tell one person from another; ask the source for the whole value"
    )]
    Masked,
    /// A word that says there is none.
    #[error("the value is a placeholder (say `unknown`); leave an unknown value out")]
    Placeholder,
    /// Too long to be one.
    #[error("the value is longer than {} bytes; is the column the right one?", crate::normal::MAX_VALUE)]
    TooLong,
    /// Not a telephone number.
    #[error(
        "the value is not a telephone number (5 to 15 digits, `+` and country code in front if not of China)"
    )]
    NotAPhone,
}

impl PiiFault {
    /// What is wrong, in both languages.
    pub fn reason(self) -> Text {
        match self {
            Self::Empty => Text::new("the value is empty", "值为空"),
            Self::Masked => Text::new("the value is masked with `*`", "值已用 `*` 脱敏，无法区分不同的人"),
            Self::Placeholder => {
                Text::new("the value is a placeholder such as `unknown`", "值是“未知”之类的占位词")
            }
            Self::TooLong => Text::new("the value is too long for a person's data", "值过长，不像个人信息"),
            Self::NotAPhone => Text::new("the value is not a telephone number", "值不是电话号码"),
        }
    }

    /// What to do about it, in both languages.
    pub fn remedy(self) -> Text {
        match self {
            Self::Empty | Self::Placeholder => Text::new("leave an unknown value out", "未知的值请留空"),
            Self::Masked => Text::new(
                "ask the source for the unmasked value; it is tokenised on the way in",
                "请向来源系统索取未脱敏的值；入库时即转为令牌",
            ),
            Self::TooLong => {
                Text::new("check that the mapping names the right column", "请检查映射所指的列是否正确")
            }
            Self::NotAPhone => Text::new(
                "give 5 to 15 digits, with `+` and the country code for numbers outside China",
                "请填写5至15位数字，境外号码前加 `+` 和国家代码",
            ),
        }
    }
}
