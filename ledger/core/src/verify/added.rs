//! Subjects beyond the 64 of a header: that the `ledger.trails_added` entries directly behind it have exactly them.

use modeltrail_schemas::reading::Role;
use serde_json::Value;

use crate::derive::{ADDED_SUBJECTS, added_member};

/// What must or may follow the entry before.
#[derive(Debug, Default)]
pub(super) struct Added {
    of: u64,
    next: u64,
    rest: Vec<(Role, String)>,
    /// The record of `of` is absent, so what follows it is the ledger's word.
    unknown: bool,
}

impl Added {
    /// Takes in an entry that is no `trails_added`: what it lacks, and what is missing of the one before.
    pub(super) fn entry(&mut self, index: u64, further: Vec<(Role, String)>, absent: bool) -> Result<(), String> {
        let ended = self.end();
        *self = Self { of: index, next: index + 1, rest: further, unknown: absent };
        ended
    }

    /// Takes in a `trails_added` entry.
    pub(super) fn added(&mut self, index: u64, data: &Value) -> Result<(), String> {
        let of = data.get("of").and_then(Value::as_u64);
        if of != Some(self.of) || index != self.next {
            return Err(format!(
                "adds trails to entry {}, which it does not directly follow",
                of.map_or_else(|| "?".to_owned(), |of| of.to_string())
            ));
        }
        self.next += 1;
        if self.unknown {
            return Ok(());
        }
        if self.rest.is_empty() {
            return Err(format!("adds trails to entry {}, whose record has no more", self.of));
        }
        let count = self.rest.len().min(ADDED_SUBJECTS);
        let now: Vec<_> = self.rest.drain(..count).collect();
        let same = Role::ALL.iter().all(|role| {
            let expected = now.iter().filter(|(of, _)| of == role).map(|(_, subject)| subject.as_str());
            let listed = data.get(added_member(*role)).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            listed.iter().map(|subject| subject.as_str().unwrap_or_default()).eq(expected)
        });
        if same { Ok(()) } else { Err(format!("adds other trails to entry {} than its record says", self.of)) }
    }

    /// What is missing when nothing more follows.
    pub(super) fn end(&mut self) -> Result<(), String> {
        match std::mem::take(&mut self.rest).len() {
            0 => Ok(()),
            missing => Err(format!(
                "entry {} has {missing} more subjects; no ledger.trails_added entry at {} has them",
                self.of, self.next
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn further(count: usize) -> Vec<(Role, String)> {
        (0..count).map(|at| (if at < 2 { Role::Input } else { Role::Evidence }, format!("dataset/d{at}"))).collect()
    }

    fn data(of: u64, from: usize, to: usize) -> Value {
        let (input, evidence): (Vec<_>, Vec<_>) =
            further(to).into_iter().skip(from).partition(|(role, _)| *role == Role::Input);
        let list = |all: Vec<(Role, String)>| all.into_iter().map(|(_, subject)| subject).collect::<Vec<_>>();
        json!({"of": of, "input": list(input), "evidence_subjects": list(evidence)})
    }

    #[test]
    fn exactly_the_rest_must_follow() {
        let mut added = Added::default();
        added.entry(7, further(33), false).unwrap();
        added.added(8, &data(7, 0, 31)).unwrap();
        added.added(9, &data(7, 31, 33)).unwrap();
        added.entry(10, vec![], false).unwrap();
        assert!(added.added(11, &data(10, 0, 1)).is_err(), "nothing is left to add");
    }

    #[test]
    fn what_is_missing_moved_or_changed_is_named() {
        for broken in [data(7, 0, 30), data(7, 1, 32), data(6, 0, 31)] {
            let mut added = Added::default();
            added.entry(7, further(33), false).unwrap();
            assert!(added.added(8, &broken).is_err(), "{broken}");
        }
        let mut added = Added::default();
        added.entry(7, further(33), false).unwrap();
        assert!(added.added(9, &data(7, 0, 31)).is_err(), "not directly behind");
        added.entry(7, further(1), false).unwrap_err();
        assert!(added.entry(8, vec![], false).is_err(), "none follows");
        added.entry(9, vec![], true).unwrap();
        added.added(10, &data(9, 0, 2)).unwrap();
    }
}
