//! Small helpers for what people read.

use suyuan_model::outcome::Text;

/// A text in both languages.
pub fn text(en: impl Into<String>, zh: impl Into<String>) -> Text {
    Text::new(en, zh)
}

/// A figure with as many decimals as help.
pub fn number(x: f64) -> String {
    if x == 0.0 || x.abs() >= 100.0 {
        format!("{x:.0}")
    } else if x.abs() >= 10.0 {
        format!("{x:.1}")
    } else {
        format!("{x:.2}")
    }
}
