//! An operator sets where reading of a partition goes on.

use std::sync::mpsc::SyncSender;

use modeltrail_store::Act;

use super::Reader;
use super::lane::{Lane, State};
use crate::error::IngestError;
use crate::identity::Seen;
use crate::timing::{Duration, now};

/// Where to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebaseTo {
    /// At the oldest record that is there.
    Earliest,
    /// Behind the newest stable record.
    Latest,
    /// At this position.
    Position(u64),
}

/// A command of an operator.
pub(crate) struct Command {
    pub(crate) source: String,
    pub(crate) partition: u32,
    pub(crate) to: RebaseTo,
    /// Gets the index of the entry.
    pub(crate) reply: SyncSender<Result<u64, IngestError>>,
}

/// A command that waits for a check made after it was given.
pub(super) struct Pending {
    command: Command,
    source: usize,
    after: u64,
}

impl Reader {
    pub(super) fn command(&mut self, command: Command) {
        let place = self.sources.iter().position(|source| source.config.name == command.source);
        let known = place
            .and_then(|at| self.sources.get(at).map(|source| (at, source)))
            .filter(|(_, source)| source.lanes.contains_key(&command.partition));
        let fault = match known {
            None => Some("was never opened"),
            Some(_) if self.rebase.is_some() => Some("another rebase is under way"),
            Some(_) => None,
        };
        let (Some((at, source)), None) = (known, fault) else {
            return answer(&command, Err(fault.unwrap_or_default().to_owned()));
        };
        let (after, reads) =
            (source.check, source.lanes.get(&command.partition).is_some_and(|lane| lane.state == State::Reading));
        if reads {
            // What comes from now on belongs to the next generation.
            self.read_again(at, command.partition, super::MARKS_EVERY);
        }
        if let Some(source) = self.sources.get_mut(at) {
            source.check_due = now();
        }
        self.rebase = Some(Pending { command, source: at, after });
    }

    /// The check that a rebase waits for failed.
    pub(super) fn refuse_rebase(&mut self, at: usize, why: &str) {
        if let Some(pending) = self.rebase.take_if(|pending| pending.source == at) {
            answer(&pending.command, Err(format!("can't be re-based now: {why}")));
        }
    }

    /// A check came: a rebase that waited for it is done.
    pub(super) fn rebase_with(&mut self, at: usize, seen: &Seen) {
        let made = self.sources.get(at).map_or(0, |source| source.check);
        let Some(pending) = self.rebase.take_if(|pending| pending.source == at && made > pending.after) else { return };
        let done = self.rebase_to(at, &pending.command, seen);
        answer(&pending.command, done);
    }

    fn rebase_to(&mut self, at: usize, command: &Command, seen: &Seen) -> Result<u64, String> {
        let marks = usize::try_from(command.partition)
            .ok()
            .and_then(|number| seen.marks.get(number))
            .ok_or("the topic has no such partition")?;
        let position = match command.to {
            RebaseTo::Earliest => marks.low,
            RebaseTo::Latest => marks.high,
            RebaseTo::Position(position) if (marks.low..=marks.high).contains(&position) => position,
            RebaseTo::Position(position) => {
                return Err(format!(
                    "position {position} is not there: the partition has {} to {}",
                    marks.low, marks.high
                ));
            }
        };
        let lane =
            self.sources.get(at).and_then(|source| source.lanes.get(&command.partition)).ok_or("was never opened")?;
        let (id, reads) = (lane.id.clone(), lane.state == State::Reading);
        if reads {
            self.release(at, command.partition);
        }
        let act =
            Act::Rebase { partition: id, position, topic_id: seen.topic_id.clone(), cluster: seen.cluster.clone() };
        let done = self.act(act);
        let source = self.sources.get_mut(at).ok_or("is gone")?;
        let old = source.lanes.get(&command.partition).ok_or("is gone")?;
        if let Ok(index) = &done {
            let mut row = old.row.clone();
            row.generation += 1;
            (row.next, row.leader_epoch, row.halted) = (position, -1, None);
            (row.topic_id, row.cluster) = (seen.topic_id.clone(), seen.cluster.clone());
            tracing::warn!(source = command.source, partition = command.partition, position, index, "re-based");
            let counts = old.counts;
            let mut lane = Lane::new(row, now());
            lane.counts = counts;
            lane.marks = Some(*marks);
            source.lanes.insert(command.partition, lane);
            self.assign(at, &[command.partition]);
        } else if reads {
            self.read_again(at, command.partition, Duration::ZERO);
        }
        done
    }
}

fn answer(command: &Command, done: Result<u64, String>) {
    let refuse =
        |fault| IngestError::Partition { source_name: command.source.clone(), partition: command.partition, fault };
    // Whoever asked may have gone; what was done stands.
    drop(command.reply.try_send(done.map_err(refuse)));
}
