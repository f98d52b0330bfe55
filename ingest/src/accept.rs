//! The accept rule: which delivered positions are taken, so that each is covered exactly once. Pure.
//!
//! Per partition there is one next position. A record there is taken; one below was had before; one above means that those between were not
//! delivered (transaction markers, aborted or compacted records), which the ledger records as skipped. But right after an assignment, a resume
//! or an error a hole may be the client's doing: it is read again from next first, and believed only when the second reading shows it too.
//! The position moves only by a record or by the offset that an end-of-partition event itself carries.

/// What to do with what was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Take it: the position has moved behind it.
    Take,
    /// It was covered before: drop it.
    AlreadyHad,
    /// Something is not as expected: assign the partition again from next, and deliver nothing more of this assignment.
    ReadAgain,
    /// The leader epoch went back, and did so again when it was read again: the log was cut and written anew.
    EpochBack,
}

/// Where reading of one partition stands.
#[derive(Debug, Clone)]
pub struct Cursor {
    next: u64,
    /// The highest leader epoch taken, −1 when unknown.
    epoch: i32,
    /// Nothing was accepted yet since the last assignment, resume or error.
    fresh: bool,
    /// The far side of the hole that made us read again.
    doubted: Option<u64>,
    /// The next restart is that second reading.
    reading_again: bool,
    epoch_doubted: bool,
}

impl Cursor {
    /// Reading goes on at `next`; `epoch` is the leader epoch of the last record taken, −1 when unknown.
    #[must_use]
    pub fn new(next: u64, epoch: i32) -> Self {
        Self { next, epoch, fresh: true, doubted: None, reading_again: false, epoch_doubted: false }
    }

    /// The next position to be covered.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The leader epoch of the last record taken, −1 when unknown.
    #[must_use]
    pub fn epoch(&self) -> i32 {
        self.epoch
    }

    /// The partition was assigned anew or resumed: the next hole is doubted. Only the restart right behind [`Step::ReadAgain`] is the second reading
    /// that can prove a hole.
    pub fn restarted(&mut self) {
        self.fresh = true;
        if !std::mem::take(&mut self.reading_again) {
            self.doubted = None;
        }
    }

    /// Positions up to `next` − 1 were covered by other means (a gap). Of what epoch they were, nobody knows.
    pub fn jump(&mut self, next: u64) {
        *self = Self::new(next, -1);
    }

    /// The leader epoch of the last record says nothing about the positions behind it.
    pub fn forget_epoch(&mut self) {
        self.epoch = -1;
    }

    /// A record was delivered.
    pub fn record(&mut self, offset: u64, epoch: i32) -> Step {
        if offset < self.next {
            return Step::AlreadyHad;
        }
        if epoch >= 0 && epoch < self.epoch {
            return if std::mem::replace(&mut self.epoch_doubted, true) { Step::EpochBack } else { Step::ReadAgain };
        }
        if self.doubts(offset) {
            return Step::ReadAgain;
        }
        self.accept(offset + 1);
        self.epoch = self.epoch.max(epoch);
        Step::Take
    }

    /// The end of the partition was reported at `end`, the position that the next record will have.
    pub fn end(&mut self, end: u64) -> Step {
        if end < self.next {
            return Step::AlreadyHad;
        }
        if end == self.next {
            // The broker itself stands at next: what follows can't have jumped.
            self.fresh = false;
            self.doubted = None;
            return Step::AlreadyHad;
        }
        if self.doubts(end) {
            return Step::ReadAgain;
        }
        self.accept(end);
        Step::Take
    }

    /// Whether what was delivered at `at` leaves a hole that was not seen twice.
    fn doubts(&mut self, at: u64) -> bool {
        if at == self.next || !self.fresh || self.doubted.is_some_and(|seen| at <= seen) {
            return false;
        }
        self.doubted = Some(at);
        self.reading_again = true;
        true
    }

    fn accept(&mut self, next: u64) {
        self.next = next;
        self.fresh = false;
        self.doubted = None;
        self.epoch_doubted = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn next_is_taken_below_is_dropped_above_is_taken_in_the_stream() {
        let mut cursor = Cursor::new(5, -1);
        assert_eq!(cursor.record(4, 0), Step::AlreadyHad);
        assert_eq!(cursor.record(5, 0), Step::Take);
        assert_eq!(cursor.record(8, 0), Step::Take);
        assert_eq!((cursor.next(), cursor.epoch()), (9, 0));
        assert_eq!(cursor.record(5, 0), Step::AlreadyHad);
    }

    #[test]
    fn a_hole_after_a_restart_is_read_again_and_believed_the_second_time() {
        let mut cursor = Cursor::new(5, -1);
        assert_eq!(cursor.record(8, 0), Step::ReadAgain);
        assert_eq!(cursor.next(), 5);
        cursor.restarted();
        assert_eq!(cursor.record(8, 0), Step::Take);
        assert_eq!(cursor.next(), 9);
    }

    #[test]
    fn a_restart_in_between_proves_nothing() {
        let mut cursor = Cursor::new(5, -1);
        assert_eq!(cursor.record(8, 0), Step::ReadAgain);
        cursor.restarted();
        cursor.restarted();
        assert_eq!(cursor.record(8, 0), Step::ReadAgain);
        cursor.restarted();
        assert_eq!(cursor.end(8), Step::Take);
    }

    #[test]
    fn a_hole_that_shrinks_was_the_client_and_one_that_grows_is_doubted_again() {
        let mut cursor = Cursor::new(5, -1);
        assert_eq!(cursor.record(8, 0), Step::ReadAgain);
        cursor.restarted();
        assert_eq!(cursor.record(5, 0), Step::Take);
        cursor.restarted();
        assert_eq!(cursor.record(8, 0), Step::ReadAgain);
        cursor.restarted();
        assert_eq!(cursor.record(9, 0), Step::ReadAgain);
        cursor.restarted();
        assert_eq!(cursor.record(9, 0), Step::Take);
    }

    #[test]
    fn the_end_moves_next_to_its_own_offset_only() {
        let mut cursor = Cursor::new(5, -1);
        assert_eq!(cursor.end(5), Step::AlreadyHad);
        assert_eq!(cursor.end(7), Step::Take);
        assert_eq!(cursor.next(), 7);
        assert_eq!(cursor.end(6), Step::AlreadyHad);
        cursor.restarted();
        assert_eq!(cursor.end(9), Step::ReadAgain);
        cursor.restarted();
        assert_eq!(cursor.end(9), Step::Take);
    }

    #[test]
    fn an_epoch_that_goes_back_twice_is_a_doubt_and_an_unknown_one_is_none() {
        let mut cursor = Cursor::new(5, 3);
        assert_eq!(cursor.record(5, -1), Step::Take);
        assert_eq!(cursor.record(6, 2), Step::ReadAgain);
        cursor.restarted();
        assert_eq!(cursor.record(6, 2), Step::EpochBack);
        assert_eq!(cursor.next(), 6);
    }

    /// A partition in which some positions hold no record, read through a client that restarts at will and, after a restart, may lose the first
    /// records of that assignment once.
    #[derive(Debug, Clone)]
    struct Run {
        present: Vec<bool>,
        /// After so many deliveries the client restarts; then it loses so many records.
        restarts: Vec<(usize, usize)>,
    }

    fn run() -> impl Strategy<Value = Run> {
        let present = prop::collection::vec(prop::bool::weighted(0.7), 0..80);
        let restarts = prop::collection::vec((0usize..12, 0usize..6), 0..20);
        (present, restarts).prop_map(|(present, restarts)| Run { present, restarts })
    }

    /// Plays a run to its end. Gives every covered range (first, last, whether its last is a record).
    fn play(run: &Run) -> Vec<(u64, u64, bool)> {
        let end = run.present.len() as u64;
        let mut cursor = Cursor::new(0, -1);
        let mut covered = Vec::new();
        let mut restarts = run.restarts.iter();
        let mut lose_next = 0;
        for _ in 0..10_000 {
            let (budget, lose_after) = restarts.next().copied().unwrap_or((usize::MAX, 0));
            // A re-reading delivers a few that were had before, too.
            let from = cursor.next().saturating_sub(2);
            let records: Vec<u64> = (from..end).filter(|at| run.present[usize::try_from(*at).unwrap()]).collect();
            let lost = lose_next.min(records.iter().filter(|at| **at >= cursor.next()).count());
            let kept: Vec<u64> = records
                .iter()
                .copied()
                .filter(|at| *at < cursor.next())
                .chain(records.iter().copied().filter(|at| *at >= cursor.next()).skip(lost))
                .collect();
            let mut again = false;
            for at in kept.into_iter().take(budget) {
                let before = cursor.next();
                match cursor.record(at, 0) {
                    Step::Take => covered.push((before, at, true)),
                    Step::AlreadyHad => assert!(at < before),
                    Step::ReadAgain => again = true,
                    Step::EpochBack => unreachable!("epochs do not go back here"),
                }
                if again {
                    break;
                }
            }
            if !again && budget == usize::MAX {
                let before = cursor.next();
                match cursor.end(end) {
                    Step::Take => covered.push((before, end - 1, false)),
                    Step::ReadAgain => again = true,
                    Step::AlreadyHad | Step::EpochBack => {}
                }
                if !again {
                    return covered;
                }
            }
            // What a client loses after one restart it does not lose in the same way again at the next.
            lose_next = if again { 0 } else { lose_after };
            cursor.restarted();
        }
        panic!("never came to the end");
    }

    proptest! {
        #[test]
        fn every_position_is_covered_once_and_every_record_is_taken(run in run()) {
            let mut next = 0;
            let mut taken = Vec::new();
            for (first, last, record) in play(&run) {
                prop_assert_eq!(first, next);
                prop_assert!(last >= first);
                next = last + 1;
                if record {
                    taken.push(last);
                }
            }
            prop_assert_eq!(next, run.present.len() as u64);
            let records: Vec<u64> = (0..next).filter(|at| run.present[usize::try_from(*at).unwrap()]).collect();
            prop_assert_eq!(taken, records);
        }
    }
}
