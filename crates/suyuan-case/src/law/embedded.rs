//! The packs built into the program, one line each; a test compares the list with the folder.

/// File name and text.
pub(super) const TEXTS: &[(&str, &str)] = &[
    ("anti-fraud-law.yml", include_str!("../../../../laws/cn/anti-fraud-law.yml")),
    ("criminal-law-253-1.yml", include_str!("../../../../laws/cn/criminal-law-253-1.yml")),
    ("criminal-law-266.yml", include_str!("../../../../laws/cn/criminal-law-266.yml")),
    ("criminal-law-287-2.yml", include_str!("../../../../laws/cn/criminal-law-287-2.yml")),
    ("fafa-2016-32.yml", include_str!("../../../../laws/cn/fafa-2016-32.yml")),
    ("fafa-2025-12.yml", include_str!("../../../../laws/cn/fafa-2025-12.yml")),
    ("fashi-2017-10.yml", include_str!("../../../../laws/cn/fashi-2017-10.yml")),
    ("fashi-2019-15.yml", include_str!("../../../../laws/cn/fashi-2019-15.yml")),
    ("joint-discipline-2024.yml", include_str!("../../../../laws/cn/joint-discipline-2024.yml")),
    ("miit-real-name.yml", include_str!("../../../../laws/cn/miit-real-name.yml")),
    ("opinion-2021-fraud-2.yml", include_str!("../../../../laws/cn/opinion-2021-fraud-2.yml")),
    ("pipl.yml", include_str!("../../../../laws/cn/pipl.yml")),
];
