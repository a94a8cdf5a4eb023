//! The rules that come with the program, as text.

/// Path in the folder of rules, and text; in the order of paths.
pub(crate) static FILES: &[(&str, &str)] = &[
    ("access/bulk-export.yml", include_str!("../../../../rules/access/bulk-export.yml")),
    (
        "access/cards-replaced-without-customer.yml",
        include_str!("../../../../rules/access/cards-replaced-without-customer.yml"),
    ),
    ("access/colleagues-as-a-habit.yml", include_str!("../../../../rules/access/colleagues-as-a-habit.yml")),
    ("access/colleagues-looked-up.yml", include_str!("../../../../rules/access/colleagues-looked-up.yml")),
    (
        "access/data-nobody-else-takes.yml",
        include_str!("../../../../rules/access/data-nobody-else-takes.yml"),
    ),
    ("access/days-of-many-persons.yml", include_str!("../../../../rules/access/days-of-many-persons.yml")),
    ("access/export-without-order.yml", include_str!("../../../../rules/access/export-without-order.yml")),
    ("access/household-looked-up.yml", include_str!("../../../../rules/access/household-looked-up.yml")),
    ("access/idle-account-reads.yml", include_str!("../../../../rules/access/idle-account-reads.yml")),
    (
        "access/look-ups-without-reason.yml",
        include_str!("../../../../rules/access/look-ups-without-reason.yml"),
    ),
    ("access/more-than-peers.yml", include_str!("../../../../rules/access/more-than-peers.yml")),
    ("access/one-number-segment.yml", include_str!("../../../../rules/access/one-number-segment.yml")),
    (
        "access/one-track-without-request.yml",
        include_str!("../../../../rules/access/one-track-without-request.yml"),
    ),
    ("access/own-approval.yml", include_str!("../../../../rules/access/own-approval.yml")),
    (
        "access/password-reset-without-customer.yml",
        include_str!("../../../../rules/access/password-reset-without-customer.yml"),
    ),
    ("access/replaced-then-codes.yml", include_str!("../../../../rules/access/replaced-then-codes.yml")),
    (
        "access/reset-then-call-details.yml",
        include_str!("../../../../rules/access/reset-then-call-details.yml"),
    ),
    ("access/reviewer-acts.yml", include_str!("../../../../rules/access/reviewer-acts.yml")),
    (
        "access/running-total-of-call-details.yml",
        include_str!("../../../../rules/access/running-total-of-call-details.yml"),
    ),
    (
        "access/running-total-of-sensitive-data.yml",
        include_str!("../../../../rules/access/running-total-of-sensitive-data.yml"),
    ),
    (
        "access/same-surname-looked-up.yml",
        include_str!("../../../../rules/access/same-surname-looked-up.yml"),
    ),
    (
        "access/service-account-at-a-counter.yml",
        include_str!("../../../../rules/access/service-account-at-a-counter.yml"),
    ),
    ("access/tracks-over-a-month.yml", include_str!("../../../../rules/access/tracks-over-a-month.yml")),
    (
        "access/tracks-without-legal-request.yml",
        include_str!("../../../../rules/access/tracks-without-legal-request.yml"),
    ),
    (
        "access/woken-account-takes-data.yml",
        include_str!("../../../../rules/access/woken-account-takes-data.yml"),
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
    (
        "device/engineer-on-unlisted-device.yml",
        include_str!("../../../../rules/device/engineer-on-unlisted-device.yml"),
    ),
    ("device/new-device-openings.yml", include_str!("../../../../rules/device/new-device-openings.yml")),
    (
        "device/unlisted-device-openings.yml",
        include_str!("../../../../rules/device/unlisted-device-openings.yml"),
    ),
    (
        "identity/face-of-an-earlier-day.yml",
        include_str!("../../../../rules/identity/face-of-an-earlier-day.yml"),
    ),
    ("identity/faint-liveness.yml", include_str!("../../../../rules/identity/faint-liveness.yml")),
    ("identity/late-capture.yml", include_str!("../../../../rules/identity/late-capture.yml")),
    ("identity/one-background.yml", include_str!("../../../../rules/identity/one-background.yml")),
    (
        "identity/one-face-many-persons.yml",
        include_str!("../../../../rules/identity/one-face-many-persons.yml"),
    ),
    (
        "identity/one-face-two-persons.yml",
        include_str!("../../../../rules/identity/one-face-two-persons.yml"),
    ),
    (
        "identity/one-image-two-persons.yml",
        include_str!("../../../../rules/identity/one-image-two-persons.yml"),
    ),
    (
        "identity/quick-and-used-elsewhere.yml",
        include_str!("../../../../rules/identity/quick-and-used-elsewhere.yml"),
    ),
    ("identity/quick-opening.yml", include_str!("../../../../rules/identity/quick-opening.yml")),
    ("identity/taken-under-pretext.yml", include_str!("../../../../rules/identity/taken-under-pretext.yml")),
    ("identity/typed-as-a-habit.yml", include_str!("../../../../rules/identity/typed-as-a-habit.yml")),
    ("identity/typed-by-hand.yml", include_str!("../../../../rules/identity/typed-by-hand.yml")),
    (
        "location/declared-against-cell.yml",
        include_str!("../../../../rules/location/declared-against-cell.yml"),
    ),
    (
        "location/override-before-opening.yml",
        include_str!("../../../../rules/location/override-before-opening.yml"),
    ),
    ("location/override-habit.yml", include_str!("../../../../rules/location/override-habit.yml")),
    (
        "location/position-against-cell.yml",
        include_str!("../../../../rules/location/position-against-cell.yml"),
    ),
    ("login/changed-hands.yml", include_str!("../../../../rules/login/changed-hands.yml")),
    ("login/faster-than-travel.yml", include_str!("../../../../rules/login/faster-than-travel.yml")),
    ("login/off-shift-elsewhere.yml", include_str!("../../../../rules/login/off-shift-elsewhere.yml")),
    ("login/two-places-at-once.yml", include_str!("../../../../rules/login/two-places-at-once.yml")),
    (
        "money/commission-to-a-stranger.yml",
        include_str!("../../../../rules/money/commission-to-a-stranger.yml"),
    ),
    (
        "money/given-up-after-assessment.yml",
        include_str!("../../../../rules/money/given-up-after-assessment.yml"),
    ),
    (
        "money/hardly-used-then-given-up.yml",
        include_str!("../../../../rules/money/hardly-used-then-given-up.yml"),
    ),
    (
        "opening/beyond-the-limit-at-one-account.yml",
        include_str!("../../../../rules/opening/beyond-the-limit-at-one-account.yml"),
    ),
    (
        "opening/bulk-day-for-one-employer.yml",
        include_str!("../../../../rules/opening/bulk-day-for-one-employer.yml"),
    ),
    (
        "opening/cards-that-nobody-uses.yml",
        include_str!("../../../../rules/opening/cards-that-nobody-uses.yml"),
    ),
    (
        "opening/many-for-one-employer.yml",
        include_str!("../../../../rules/opening/many-for-one-employer.yml"),
    ),
    (
        "opening/more-cards-than-allowed.yml",
        include_str!("../../../../rules/opening/more-cards-than-allowed.yml"),
    ),
    ("opening/more-than-peers.yml", include_str!("../../../../rules/opening/more-than-peers.yml")),
    (
        "opening/one-contact-many-persons.yml",
        include_str!("../../../../rules/opening/one-contact-many-persons.yml"),
    ),
    (
        "opening/one-device-many-persons.yml",
        include_str!("../../../../rules/opening/one-device-many-persons.yml"),
    ),
    (
        "opening/one-device-unusual-days.yml",
        include_str!("../../../../rules/opening/one-device-unusual-days.yml"),
    ),
    (
        "opening/one-identity-many-outlets.yml",
        include_str!("../../../../rules/opening/one-identity-many-outlets.yml"),
    ),
    (
        "opening/order-that-does-not-hold.yml",
        include_str!("../../../../rules/opening/order-that-does-not-hold.yml"),
    ),
    ("opening/out-of-hours.yml", include_str!("../../../../rules/opening/out-of-hours.yml")),
    (
        "opening/reopened-after-objection.yml",
        include_str!("../../../../rules/opening/reopened-after-objection.yml"),
    ),
    (
        "opening/reopened-at-one-account.yml",
        include_str!("../../../../rules/opening/reopened-at-one-account.yml"),
    ),
    (
        "opening/seen-elsewhere-days-before.yml",
        include_str!("../../../../rules/opening/seen-elsewhere-days-before.yml"),
    ),
    (
        "opening/several-cards-in-a-day.yml",
        include_str!("../../../../rules/opening/several-cards-in-a-day.yml"),
    ),
    (
        "opening/strangers-at-one-account.yml",
        include_str!("../../../../rules/opening/strangers-at-one-account.yml"),
    ),
    (
        "opening/strangers-at-one-outlet.yml",
        include_str!("../../../../rules/opening/strangers-at-one-outlet.yml"),
    ),
    ("org/never-visited.yml", include_str!("../../../../rules/org/never-visited.yml")),
    ("org/one-terminal-two-agents.yml", include_str!("../../../../rules/org/one-terminal-two-agents.yml")),
    ("org/one-terminal-two-outlets.yml", include_str!("../../../../rules/org/one-terminal-two-outlets.yml")),
    (
        "org/opened-away-from-the-address.yml",
        include_str!("../../../../rules/org/opened-away-from-the-address.yml"),
    ),
    ("org/outlet-not-in-the-books.yml", include_str!("../../../../rules/org/outlet-not-in-the-books.yml")),
    (
        "outcome/fraud-cards-at-one-account.yml",
        include_str!("../../../../rules/outcome/fraud-cards-at-one-account.yml"),
    ),
    (
        "outcome/fraud-cards-at-one-outlet.yml",
        include_str!("../../../../rules/outcome/fraud-cards-at-one-outlet.yml"),
    ),
    (
        "outcome/looked-up-before-harm.yml",
        include_str!("../../../../rules/outcome/looked-up-before-harm.yml"),
    ),
    (
        "person/children-at-one-account.yml",
        include_str!("../../../../rules/person/children-at-one-account.yml"),
    ),
    ("person/elderly-at-one-outlet.yml", include_str!("../../../../rules/person/elderly-at-one-outlet.yml")),
    ("person/implausible-age.yml", include_str!("../../../../rules/person/implausible-age.yml")),
    ("person/under-fourteen.yml", include_str!("../../../../rules/person/under-fourteen.yml")),
    ("person/young-at-one-outlet.yml", include_str!("../../../../rules/person/young-at-one-outlet.yml")),
    (
        "stock/opened-away-from-custodian.yml",
        include_str!("../../../../rules/stock/opened-away-from-custodian.yml"),
    ),
    (
        "stock/opened-in-another-province.yml",
        include_str!("../../../../rules/stock/opened-in-another-province.yml"),
    ),
    (
        "stock/opened-without-custodian.yml",
        include_str!("../../../../rules/stock/opened-without-custodian.yml"),
    ),
    ("use/calling-box.yml", include_str!("../../../../rules/use/calling-box.yml")),
    (
        "use/cards-on-a-foreign-network.yml",
        include_str!("../../../../rules/use/cards-on-a-foreign-network.yml"),
    ),
    ("use/cards-on-one-path.yml", include_str!("../../../../rules/use/cards-on-one-path.yml")),
    (
        "use/changing-devices-at-one-account.yml",
        include_str!("../../../../rules/use/changing-devices-at-one-account.yml"),
    ),
    ("use/changing-devices.yml", include_str!("../../../../rules/use/changing-devices.yml")),
    ("use/code-farm.yml", include_str!("../../../../rules/use/code-farm.yml")),
    (
        "use/codes-on-the-day-of-opening.yml",
        include_str!("../../../../rules/use/codes-on-the-day-of-opening.yml"),
    ),
    ("use/codes-only.yml", include_str!("../../../../rules/use/codes-only.yml")),
    ("use/device-pool.yml", include_str!("../../../../rules/use/device-pool.yml")),
    ("use/first-used-elsewhere.yml", include_str!("../../../../rules/use/first-used-elsewhere.yml")),
    ("use/first-used-late.yml", include_str!("../../../../rules/use/first-used-late.yml")),
    ("use/gateway-at-one-cell.yml", include_str!("../../../../rules/use/gateway-at-one-cell.yml")),
    ("use/learnt-score.yml", include_str!("../../../../rules/use/learnt-score.yml")),
    ("use/nurtured-at-one-cell.yml", include_str!("../../../../rules/use/nurtured-at-one-cell.yml")),
    (
        "use/one-outlets-cards-in-one-far-county.yml",
        include_str!("../../../../rules/use/one-outlets-cards-in-one-far-county.yml"),
    ),
    ("use/outlet-cards-abroad.yml", include_str!("../../../../rules/use/outlet-cards-abroad.yml")),
    (
        "use/outlet-cards-in-one-far-place.yml",
        include_str!("../../../../rules/use/outlet-cards-in-one-far-place.yml"),
    ),
    (
        "use/short-calls-on-a-new-card.yml",
        include_str!("../../../../rules/use/short-calls-on-a-new-card.yml"),
    ),
    ("use/silent-then-calling-many.yml", include_str!("../../../../rules/use/silent-then-calling-many.yml")),
    ("use/unusual-card.yml", include_str!("../../../../rules/use/unusual-card.yml")),
    (
        "use/unusual-cards-one-account.yml",
        include_str!("../../../../rules/use/unusual-cards-one-account.yml"),
    ),
    ("use/unusual-cards-one-cell.yml", include_str!("../../../../rules/use/unusual-cards-one-cell.yml")),
    ("use/woken-cards-at-one-cell.yml", include_str!("../../../../rules/use/woken-cards-at-one-cell.yml")),
    (
        "use/woken-cards-of-one-account.yml",
        include_str!("../../../../rules/use/woken-cards-of-one-account.yml"),
    ),
    (
        "use/woken-cards-of-one-outlet.yml",
        include_str!("../../../../rules/use/woken-cards-of-one-outlet.yml"),
    ),
];

#[cfg(test)]
mod tests {
    use super::FILES;

    fn walk(dir: &std::path::Path, out: &mut Vec<String>, base: &std::path::Path) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out, base);
            } else if path.extension().is_some_and(|e| e == "yml") && dir != base {
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
