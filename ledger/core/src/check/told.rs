//! What a check found, as an event of the ledger's own: so that when it was last checked, and what came of it, stands in the log.

use serde_json::{Value, json};

use super::{INVARIANTS, Report};

/// Everything that was checked holds.
pub const VERIFIED: &str = "modeltrail.ledger.verified.v1";
/// Something does not hold.
pub const FAILED: &str = "modeltrail.ledger.verification_failed.v1";

impl Report {
    /// Type and data of the event that tells of this check. `by` is which check it was, `software` what made it.
    #[must_use]
    pub fn told(&self, origin: &str, by: &str, software: &str) -> (&'static str, Value) {
        let checkpoint = json!({"origin": origin, "root": format!("sha256:{}", self.root), "size": self.size});
        let mut data = json!({"by": by, "checkpoint": checkpoint, "software": software});
        let Some(first) = self.broken.first() else {
            let judged: Vec<&str> =
                INVARIANTS.into_iter().filter(|id| !self.not_judged.iter().any(|known| known == id)).collect();
            data["invariants"] = json!(judged);
            if let Some(last) = self.entries.checked_sub(1) {
                data["range"] = json!({"first": 0, "last": last});
            }
            if !self.not_judged.is_empty() {
                data["could_not_judge"] = json!(self.not_judged);
            }
            return (VERIFIED, data);
        };
        data["invariants"] = self.broken.iter().map(|broken| broken.invariant).collect();
        data["detail"] = format!("{}: {}: {}", first.invariant, first.damage, first.detail).into();
        if let Some(entry) = self.broken.iter().filter_map(|broken| broken.entry).min() {
            data["first_broken"] = entry.get().into();
        }
        (FAILED, data)
    }
}

#[cfg(test)]
mod tests {
    use modeltrail_schemas::catalogue;

    use super::super::{Broken, Damage};
    use super::*;
    use crate::types::EntryIndex;

    fn report() -> Report {
        Report { entries: 40, size: 40, root: "ab".repeat(32), ..Report::default() }
    }

    #[test]
    fn what_holds_names_what_was_judged() {
        let report = Report { not_judged: vec!["L-10".to_owned(), "L-12".to_owned()], ..report() };
        let (event_type, data) = report.told("example.com/ml", "fsck", "test 1");
        assert_eq!(event_type, VERIFIED);
        assert_eq!(catalogue::validate(event_type, &data), Ok(()));
        assert_eq!(data["invariants"].as_array().map(Vec::len), Some(10));
        assert_eq!((&data["range"]["last"], &data["could_not_judge"]), (&json!(39), &json!(["L-10", "L-12"])));
    }

    #[test]
    fn what_does_not_names_the_first_broken_entry() {
        let mut report = report();
        report.note("L-2", Some(EntryIndex(9)), Damage::Changed, "another hash".to_owned());
        report.note("L-10", Some(EntryIndex(7)), Damage::Missing, "no record".to_owned());
        let (event_type, data) = report.told("example.com/ml", "fsck", "test 1");
        assert_eq!(event_type, FAILED);
        assert_eq!(catalogue::validate(event_type, &data), Ok(()));
        assert_eq!((&data["invariants"], &data["first_broken"]), (&json!(["L-2", "L-10"]), &json!(7)));
        assert_eq!(data["detail"], "L-2: changed: another hash");
        let broken = |broken: &Broken| broken.count == 1;
        assert!(report.broken.iter().all(broken));
    }
}
