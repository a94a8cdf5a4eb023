//! Real trails: all events in, none lost.

use crate::*;

#[test]
fn every_cloudtrail_event_becomes_a_row() {
    let mapping = Mapping::shipped("aws-cloudtrail").unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cloudtrail");
    let wanted = [
        ("invictus", 2_900, 55, [("access", 2_732), ("account_change", 116), ("login", 52)]),
        ("otrf", 103, 1, [("access", 98), ("account_change", 0), ("login", 5)]),
    ];
    for (folder, events, files, kinds) in wanted {
        let place = Place::new();
        let kept = run(&place.vault, &[data.join(folder)], Some(&mapping), options(2));
        assert!(kept.rejects.is_empty(), "{:?}", kept.rejects[0]);
        assert_eq!((kept.all_rows(), kept.files.len()), (events, files), "{folder}");
        let by_kind = kept.by_kind();
        let found = kinds.map(|(k, _)| (k, by_kind.get(k).copied().unwrap_or(0)));
        assert_eq!(found, kinds, "{folder}");
        let mut events_seen = std::collections::BTreeSet::new();
        for kind in [Kind::Access, Kind::Login, Kind::AccountChange] {
            events_seen.extend(kept.numbers(kind, "seq"));
        }
        assert_eq!(events_seen.len(), events, "each event has its own number");
    }
}

#[test]
fn a_trail_taken_in_twice_gives_the_same_rows() {
    let mapping = Mapping::shipped("aws-cloudtrail").unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cloudtrail/otrf");
    let place = Place::new();
    let (one, two) = (
        run(&place.vault, std::slice::from_ref(&data), Some(&mapping), options(1)),
        run(&place.vault, &[data], Some(&mapping), options(4)),
    );
    assert_eq!(one.calls, two.calls);
    assert!(one.batches == two.batches);
}
