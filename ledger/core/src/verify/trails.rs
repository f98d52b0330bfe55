//! Trails: that ordinals and links agree among all entries seen, and that a claimed trail is whole.

use std::collections::HashMap;

use crate::bundle::manifest::TrailClaim;
use crate::header::TrailStep;

/// What was seen of one trail.
#[derive(Clone, Copy, Debug)]
struct Seen {
    count: u64,
    n: u64,
    last: u64,
    /// n = 0, 1, 2, … so far.
    whole: bool,
}

/// All trails of the entries seen so far, which come by index.
#[derive(Debug, Default)]
pub(super) struct Trails {
    rows: HashMap<Box<str>, Seen>,
    /// Every entry of the log is seen, so that nothing may be missing between two.
    all: bool,
}

impl Trails {
    /// For a log of which every entry will be seen.
    pub(super) fn of_all() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// Takes in one step of entry `index`.
    ///
    /// # Errors
    /// How it contradicts the entry before it on this trail.
    pub(super) fn step(&mut self, index: u64, step: &TrailStep) -> Result<(), String> {
        let subject = &step.subject;
        let prev = step.prev.map(|prev| prev.get());
        let known = self.rows.get_mut(subject.as_str());
        let before = known.as_deref().copied();
        let row = Seen {
            count: before.map_or(0, |before| before.count) + 1,
            n: step.n,
            last: index,
            whole: before.map_or(step.n == 0, |before| before.whole && step.n == before.n + 1),
        };
        match known {
            Some(known) => *known = row,
            None => drop(self.rows.insert(subject.as_str().into(), row)),
        }
        if step.n > index {
            return Err(format!("has ordinal {} on the trail of {subject}, more than entries before it", step.n));
        }
        let Some(before) = before else {
            return if self.all && step.n != 0 {
                Err(format!("has ordinal {} on the trail of {subject}, on which no entry stands before", step.n))
            } else {
                Ok(())
            };
        };
        let fits = match step.n.checked_sub(before.n) {
            None | Some(0) => false,
            Some(1) => prev == Some(before.last),
            Some(_) if self.all => false,
            Some(steps) => steps <= index - before.last && prev.is_some_and(|prev| prev > before.last && prev < index),
        };
        if fits {
            return Ok(());
        }
        let said = prev.map_or_else(|| "none".to_owned(), |prev| prev.to_string());
        Err(format!(
            "has ordinal {} and prev {said} on the trail of {subject}, but entry {} before it there has ordinal {}",
            step.n, before.last, before.n
        ))
    }

    /// Whether exactly the claimed entries were seen.
    ///
    /// # Errors
    /// What is claimed and what was seen instead.
    pub(super) fn hold(&self, claim: &TrailClaim) -> Result<(), String> {
        let seen = self.rows.get(claim.subject.as_str());
        let subject = &claim.subject;
        let (count, last) = seen.map_or((0, None), |seen| (seen.count, Some(seen.last)));
        if count != claim.count || last != claim.last {
            let shown = |last: Option<u64>| last.map_or_else(String::new, |last| format!(" up to entry {last}"));
            return Err(format!(
                "claims {}{} on the trail of {subject}, but there are {count}{}",
                claim.count,
                shown(claim.last),
                shown(last)
            ));
        }
        match seen {
            Some(seen) if !seen.whole => {
                Err(format!("claims the trail of {subject}, but its ordinals are not 0, 1, 2, … without a gap"))
            }
            _ => Ok(()),
        }
    }

    /// How many trails were seen.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::EntryIndex;

    fn step(n: u64, prev: Option<u64>) -> TrailStep {
        TrailStep { n, prev: prev.map(EntryIndex), role: "about".to_owned(), subject: "model/m".to_owned() }
    }

    fn claim(count: u64, last: Option<u64>) -> TrailClaim {
        TrailClaim { count, last, subject: "model/m".to_owned() }
    }

    #[test]
    fn a_whole_trail_holds() {
        let mut trails = Trails::default();
        for (index, step) in [(3, step(0, None)), (5, step(1, Some(3))), (9, step(2, Some(5)))] {
            trails.step(index, &step).unwrap();
        }
        assert_eq!(trails.hold(&claim(3, Some(9))), Ok(()));
        for wrong in [claim(2, Some(9)), claim(3, Some(5)), claim(0, None)] {
            assert!(trails.hold(&wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(Trails::default().hold(&claim(0, None)), Ok(()));
    }

    #[test]
    fn contradictions_between_neighbours_are_named() {
        for (second, index) in [
            (step(0, None), 5),    // a doubled ordinal
            (step(1, Some(2)), 5), // another predecessor
            (step(2, Some(3)), 5), // one left out, but its prev is the neighbour
            (step(4, Some(4)), 5), // more between than there is room for
            (step(2, Some(5)), 5), // its own predecessor
        ] {
            let mut trails = Trails::default();
            trails.step(3, &step(0, None)).unwrap();
            assert!(trails.step(index, &second).is_err(), "{second:?}");
        }
        let mut trails = Trails::default();
        trails.step(3, &step(1, Some(2))).unwrap();
        trails.step(9, &step(3, Some(8))).unwrap();
        assert!(trails.hold(&claim(2, Some(9))).is_err(), "ordinals with a gap");
        assert!(Trails::default().step(3, &step(4, Some(1))).is_err(), "more ordinals than entries");
    }

    #[test]
    fn with_all_entries_nothing_may_be_missing() {
        let mut trails = Trails::of_all();
        assert!(trails.step(3, &step(1, Some(2))).is_err(), "no beginning");
        let mut trails = Trails::of_all();
        trails.step(3, &step(0, None)).unwrap();
        assert!(trails.step(9, &step(2, Some(5))).is_err(), "a gap");
    }
}
