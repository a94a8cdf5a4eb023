//! Which language messages are in.

use suyuan_model::outcome::Lang;

/// Reads `en` or `zh`.
pub fn parse(text: &str) -> Result<Lang, String> {
    match text {
        "en" => Ok(Lang::En),
        "zh" | "zh-CN" | "zh_CN" => Ok(Lang::Zh),
        _ => Err("there is `en` and `zh`".to_owned()),
    }
}

/// Chinese where the environment's locale is Chinese, else English.
pub fn from_environment() -> Lang {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
        .unwrap_or_default();
    if locale.starts_with("zh") { Lang::Zh } else { Lang::En }
}
