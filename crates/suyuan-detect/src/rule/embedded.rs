//! The rules that come with the program, as text.

/// Path in the folder of rules, and text.
pub(crate) static FILES: &[(&str, &str)] = &[];
