//! What follows from a check for each partition: it is read, has a gap, or is halted.

use modeltrail_core::sequencer::Halt;
use modeltrail_core::types::EntryIndex;
use modeltrail_store::Act;

use super::Reader;
use super::checks::AGAIN;
use super::lane::State;
use crate::client::From;
use crate::identity::{Doubt, Seen, Verdict, judge, sightings};
use crate::timing::{Instant, now};

impl Reader {
    /// Looks at every lane: reads those that are good, records gaps, halts those in doubt.
    pub(super) fn judge_all(&mut self, at: usize, check: u64, seen: &Seen) {
        let mut ready = Vec::new();
        let partitions: Vec<u32> =
            self.sources.get(at).map(|source| source.lanes.keys().copied().collect()).unwrap_or_default();
        let elsewhere = self.elsewhere(at);
        for partition in partitions {
            if self.stopping() {
                return;
            }
            let Some(lane) = self.sources.get_mut(at).and_then(|source| source.lanes.get_mut(&partition)) else {
                continue;
            };
            let due = match lane.state {
                // Looked at once the group gives it to us.
                State::Waiting { .. } if elsewhere.contains(&partition) => continue,
                State::Waiting { after, not_before } => check > after && now() >= not_before,
                State::Reading => false,
                State::Halted | State::Stopped => continue,
            };
            let reads = lane.state == State::Reading;
            if !due && !reads {
                continue;
            }
            match judge(&lane.row, due.then(|| lane.cursor.next()), seen) {
                Verdict::Doubt(doubt) => self.doubt(at, partition, doubt),
                _ if reads => lane.doubt = None,
                verdict => {
                    lane.doubt = None;
                    if self.settle(at, partition, &verdict) {
                        ready.push(partition);
                    }
                }
            }
        }
        self.assign(at, &ready);
        // Lanes that wait for a later check.
        let elsewhere = self.elsewhere(at);
        if let Some(source) = self.sources.get_mut(at) {
            let waits = source.lanes.values().filter_map(|lane| match lane.state {
                State::Waiting { not_before, .. } if !elsewhere.contains(&lane.id.partition) => Some(not_before),
                _ => None,
            });
            source.check_due = waits.fold(source.check_due, Instant::min);
        }
    }

    /// Whether a lane in which identity is good may be read now.
    fn settle(&mut self, at: usize, partition: u32, verdict: &Verdict) -> bool {
        let Some(lane) = self.sources.get_mut(at).and_then(|source| source.lanes.get_mut(&partition)) else {
            return false;
        };
        if let Some(doubt) = lane.disorder.clone() {
            self.halt(at, partition, doubt);
            return false;
        }
        let Verdict::Gone { last } = *verdict else { return true };
        let (id, first) = (lane.id.clone(), lane.cursor.next());
        match self.act(Act::Gap { partition: id, last, cause: "retention".to_owned() }) {
            Ok(index) => {
                tracing::warn!(
                    source = self.sources[at].config.name,
                    partition,
                    first,
                    last,
                    index,
                    "positions were gone before they could be read"
                );
                let Some(lane) = self.sources.get_mut(at).and_then(|source| source.lanes.get_mut(&partition)) else {
                    return false;
                };
                lane.cursor.jump(last + 1);
                lane.counts.gaps += 1;
                lane.counts.gap_positions += last + 1 - first;
                true
            }
            Err(error) => {
                self.check_later(at, error);
                false
            }
        }
    }

    /// A doubt: reading stops at once; it is halted when the doubt was seen often enough in a row.
    fn doubt(&mut self, at: usize, partition: u32, doubt: Doubt) {
        let Some(source) = self.sources.get_mut(at) else { return };
        let Some(lane) = source.lanes.get_mut(&partition) else { return };
        let reads = lane.state == State::Reading;
        let times = match lane.doubt.take() {
            Some((before, times)) if before.cause == doubt.cause => times + 1,
            _ => 1,
        };
        let enough = times >= sightings(doubt.cause);
        lane.doubt = Some((doubt.clone(), times));
        source.wait(partition, now() + AGAIN);
        if reads {
            self.release(at, partition);
        }
        if enough {
            self.halt(at, partition, doubt);
        }
    }

    fn halt(&mut self, at: usize, partition: u32, doubt: Doubt) {
        let Some(source) = self.sources.get(at) else { return };
        let Some(lane) = source.lanes.get(&partition) else { return };
        let (size, _) = self.sink.head();
        let in_doubt =
            source.good.filter(|(good, _)| *good < size).map(|(good, _)| (EntryIndex(good), EntryIndex(size - 1)));
        let last_good_at = source.good.map(|(_, when)| when.to_string());
        let (id, next) = (lane.id.clone(), lane.cursor.next());
        let Doubt { cause, stored, seen } = doubt;
        let text = format!(
            "source {:?} partition {partition} is halted ({cause}): the ledger has {stored:?} and stands at position {next}, the broker says {seen:?}; nothing more of it is read. \
             When you know which log to go on with: modeltraild source rebase {} {partition} earliest|latest|<position>",
            id.source, id.source
        );
        match self.act(Act::Halt { partition: id, halt: Halt { cause, stored, seen, in_doubt, last_good_at } }) {
            Ok(_) => {
                tracing::error!("{text}");
                let Some(lane) = self.sources.get_mut(at).and_then(|source| source.lanes.get_mut(&partition)) else {
                    return;
                };
                lane.state = State::Halted;
                lane.row.halted = Some(cause.to_owned());
                lane.last_error = Some(text);
                lane.doubt = None;
                lane.disorder = None;
            }
            // The lane waits, unread, and the next check tries again.
            Err(error) => self.check_later(at, error),
        }
    }

    /// Reads partitions from where the ledger stands. Those that the group took away meanwhile wait.
    pub(super) fn assign(&mut self, at: usize, partitions: &[u32]) {
        let elsewhere = self.elsewhere(at);
        let partitions: Vec<u32> = partitions.iter().copied().filter(|number| !elsewhere.contains(number)).collect();
        let Some(source) = self.sources.get_mut(at) else { return };
        let mut parts = Vec::with_capacity(partitions.len());
        for partition in &partitions {
            let Some(lane) = source.lanes.get_mut(partition) else { continue };
            lane.cursor.restarted();
            lane.state = State::Reading;
            lane.progress = now();
            parts.push(From {
                topic: &source.config.topic,
                partition: *partition,
                next: lane.cursor.next(),
                epoch: lane.cursor.epoch(),
            });
        }
        if parts.is_empty() {
            return;
        }
        if let Err(error) = self.client.assign(&parts) {
            // Not at once again: a partition may still be on its way out of the last assignment.
            tracing::warn!(source = source.config.name, "assigning partitions failed, it is tried again: {error}");
            for partition in partitions {
                self.read_again(at, partition, AGAIN);
            }
        } else {
            let assigned = parts.iter().map(|part| (part.topic.to_owned(), part.partition)).collect();
            self.pause_also(assigned);
        }
    }
}
