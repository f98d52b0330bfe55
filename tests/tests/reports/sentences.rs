//! Every entry of the story has a sentence that a person can read.

use modeltrail_compliance::words::sentence;
use modeltrail_core::bundle::source::LedgerRead as _;
use modeltrail_core::types::EntryIndex;
use modeltrail_views::read::ReadEntry;

use crate::dry;

#[test]
fn every_entry_is_told_in_one_line() {
    let ledger = dry::story();
    let view = dry::view(&ledger);
    let mut lines = Vec::new();
    for index in (0..view.size().get()).map(EntryIndex) {
        let opening = view.opening(index).unwrap();
        let entry = ReadEntry::new(&view.header(index).unwrap(), opening.as_deref()).unwrap();
        let line = sentence(&entry);
        assert!(
            !line.is_empty() && !line.contains(['{', '}', '\n']) && !line.contains("Event of type"),
            "{index}: {line}"
        );
        assert_eq!(line.starts_with("Kept aside"), entry.quarantined(), "{index}: {line}");
        lines.push(line);
        // A header without its record still says what it can.
        let bare = sentence(&ReadEntry::new(&view.header(index).unwrap(), None).unwrap());
        assert!(entry.quarantined() || bare.contains("not at hand"), "{bare}");
    }
    for said in [
        "model/risk/pd-mortgage@1.1.0 approved for deployment/production-eu/mortgage-scoring by p-04ab9d as head of model risk, until 31 May 2027 22:00 UTC; approvers p-04ab9d, p-6d1f58",
        "deployment/production-eu/mortgage-scoring now runs model/risk/pd-mortgage@1.1.0 (serving, 100 per cent) in place of model/risk/pd-mortgage@1.0.0 (serving, 100 per cent), from 18 May 2026 05:30 UTC",
        "The change to model/risk/pd-mortgage@1.1.0 from 1.0.0 classified as minor under model risk policy, annex C, by p-13c7da",
    ] {
        assert!(lines.iter().any(|line| line == said), "{said}");
    }
    let with = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!(with("does not count: its signature does not verify"), 1);
    assert_eq!(with("does not count: signed by a key that nobody registered"), 1);
    assert_eq!(with("another event with the same id and other content was there before"), 1);
    assert_eq!(with("what only the ledger itself may speak of"), 1);
}
