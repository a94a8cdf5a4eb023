//! The rules that come with the program, as text.

/// Path in the folder of rules, and text; in the order of paths.
pub(crate) static FILES: &[(&str, &str)] = &[
    ("access/bulk-export.yml", include_str!("../../../../rules/access/bulk-export.yml")),
    ("access/export-without-order.yml", include_str!("../../../../rules/access/export-without-order.yml")),
    (
        "access/look-ups-without-reason.yml",
        include_str!("../../../../rules/access/look-ups-without-reason.yml"),
    ),
    ("audit/listed-then-read-out.yml", include_str!("../../../../rules/audit/listed-then-read-out.yml")),
    ("audit/logging-turned-off.yml", include_str!("../../../../rules/audit/logging-turned-off.yml")),
    ("audit/many-objects-at-once.yml", include_str!("../../../../rules/audit/many-objects-at-once.yml")),
    ("audit/many-refusals.yml", include_str!("../../../../rules/audit/many-refusals.yml")),
    (
        "audit/one-address-two-identities.yml",
        include_str!("../../../../rules/audit/one-address-two-identities.yml"),
    ),
    (
        "audit/one-session-two-addresses.yml",
        include_str!("../../../../rules/audit/one-session-two-addresses.yml"),
    ),
    ("audit/rights-and-credentials.yml", include_str!("../../../../rules/audit/rights-and-credentials.yml")),
    ("device/new-device-openings.yml", include_str!("../../../../rules/device/new-device-openings.yml")),
    (
        "device/unlisted-device-openings.yml",
        include_str!("../../../../rules/device/unlisted-device-openings.yml"),
    ),
    ("identity/late-capture.yml", include_str!("../../../../rules/identity/late-capture.yml")),
    ("identity/one-background.yml", include_str!("../../../../rules/identity/one-background.yml")),
    ("identity/taken-under-pretext.yml", include_str!("../../../../rules/identity/taken-under-pretext.yml")),
    (
        "location/declared-against-cell.yml",
        include_str!("../../../../rules/location/declared-against-cell.yml"),
    ),
    (
        "location/override-before-opening.yml",
        include_str!("../../../../rules/location/override-before-opening.yml"),
    ),
    ("location/override-habit.yml", include_str!("../../../../rules/location/override-habit.yml")),
    ("login/faster-than-travel.yml", include_str!("../../../../rules/login/faster-than-travel.yml")),
    ("login/off-shift-elsewhere.yml", include_str!("../../../../rules/login/off-shift-elsewhere.yml")),
    ("login/two-places-at-once.yml", include_str!("../../../../rules/login/two-places-at-once.yml")),
    (
        "opening/bulk-day-for-one-employer.yml",
        include_str!("../../../../rules/opening/bulk-day-for-one-employer.yml"),
    ),
    (
        "opening/many-for-one-employer.yml",
        include_str!("../../../../rules/opening/many-for-one-employer.yml"),
    ),
    (
        "opening/one-device-many-persons.yml",
        include_str!("../../../../rules/opening/one-device-many-persons.yml"),
    ),
    (
        "opening/order-that-does-not-hold.yml",
        include_str!("../../../../rules/opening/order-that-does-not-hold.yml"),
    ),
    (
        "outcome/fraud-cards-at-one-account.yml",
        include_str!("../../../../rules/outcome/fraud-cards-at-one-account.yml"),
    ),
    (
        "stock/opened-away-from-custodian.yml",
        include_str!("../../../../rules/stock/opened-away-from-custodian.yml"),
    ),
    ("use/code-farm.yml", include_str!("../../../../rules/use/code-farm.yml")),
    ("use/device-pool.yml", include_str!("../../../../rules/use/device-pool.yml")),
];

#[cfg(test)]
mod tests {
    use super::FILES;

    fn walk(dir: &std::path::Path, out: &mut Vec<String>, base: &std::path::Path) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out, base);
            } else if path.extension().is_some_and(|e| e == "yml") {
                out.push(path.strip_prefix(base).unwrap().to_string_lossy().replace('\\', "/"));
            }
        }
    }

    #[test]
    fn every_file_is_registered() {
        let base = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules"));
        let mut files = Vec::new();
        walk(base, &mut files, base);
        files.sort();
        let listed: Vec<&str> = FILES.iter().map(|f| f.0).collect();
        assert_eq!(files, listed, "a rule's file is not in the list, or the list is out of order");
    }
}
