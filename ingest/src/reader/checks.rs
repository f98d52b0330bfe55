//! Asking the brokers on time, and taking in their answers.

use super::Reader;
use super::lane::{Source, State};
use crate::identity::{Marks, Seen};
use crate::prober::Job;
use crate::timing::{Duration, Instant, now};
use crate::witness::WitnessVerdict;

/// How soon a check that failed, or one that doubts, is made again.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

impl Reader {
    pub(super) fn ask_checks(&mut self, at: Instant) {
        let (size, _) = self.sink.head();
        for (number, source) in self.sources.iter_mut().enumerate() {
            if source.check_under_way || source.refused.is_some() || at < source.check_due {
                continue;
            }
            source.check += 1;
            source.check_under_way = true;
            source.check_due = at + self.check_every;
            source.asked_at_size = size;
            let (topic, topic_ids) = (source.config.topic.clone(), source.config.topic_ids);
            let job =
                Job::Identity { source: number, check: source.check, topic, topic_ids, client: self.client.clone() };
            // The prober ends only with the reader.
            drop(self.jobs.send(job));
        }
    }

    pub(super) fn ask_marks(&mut self) {
        for (number, source) in self.sources.iter_mut().enumerate() {
            let reads = source.lanes.values().any(|lane| lane.state == State::Reading);
            if source.marks_under_way || !reads {
                continue;
            }
            source.marks_under_way = true;
            let partitions = u32::try_from(source.lanes.len()).unwrap_or(u32::MAX);
            drop(self.jobs.send(Job::Marks {
                source: number,
                topic: source.config.topic.clone(),
                partitions,
                client: self.client.clone(),
            }));
        }
    }

    pub(super) fn ask_commit(&mut self, at: Instant) {
        let (size, _) = self.sink.head();
        let due = self
            .committed
            .is_none_or(|(before, when)| size > before || at.duration_since(when) >= super::COMMIT_AT_LEAST);
        if !due || !self.sources.iter().any(|source| source.opened) {
            return;
        }
        let Some(by) = self.committer() else { return };
        self.commit_under_way = true;
        self.committed = Some((size, at));
        let sources = self.sources.iter().map(|source| source.config.name.clone()).collect();
        drop(self.jobs.send(Job::Commit { sources, client: self.client.clone(), by }));
    }

    pub(super) fn committed(&mut self, done: Result<WitnessVerdict, String>) {
        self.commit_under_way = false;
        match done {
            Ok(WitnessVerdict::Mismatch(mismatch)) => {
                tracing::error!("{mismatch}");
                self.sources.iter_mut().for_each(|source| source.error = Some(mismatch.to_string()));
                self.sink.poison(mismatch.to_string());
            }
            Ok(_) => {}
            // A commit is a courtesy: reading goes on, and the next one tries again.
            Err(error) => {
                tracing::warn!(servers = self.client.servers(), "committing to Kafka failed: {error}");
                self.committed = None;
                self.commit_due = now() + AGAIN.saturating_mul(5);
            }
        }
    }

    pub(super) fn marked(&mut self, at: usize, marks: Result<Vec<Marks>, String>) {
        let Some(source) = self.sources.get_mut(at) else { return };
        source.marks_under_way = false;
        if let Ok(marks) = marks {
            note_marks(source, &marks);
        }
    }

    pub(super) fn checked(&mut self, at: usize, check: u64, seen: Result<Seen, String>) {
        let Some(source) = self.sources.get_mut(at) else { return };
        source.check_under_way = false;
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => {
                let error = self.client.words().explain(error);
                if source.error.as_ref() != Some(&error) {
                    tracing::warn!(source = source.config.name, "the check of identity failed: {error}");
                }
                source.check_due = source.check_due.min(now() + AGAIN);
                source.error = Some(error.clone());
                self.refuse_rebase(at, &error);
                return;
            }
        };
        source.error = None;
        self.client.words().forget();
        note_marks(source, &seen.marks);
        let asked_at = source.asked_at_size;
        let done = if source.opened { self.keep_up(at, &seen) } else { self.open(at, &seen) };
        if let Err(error) = done {
            return self.check_later(at, error);
        }
        if self.sources.get(at).is_some_and(|source| source.opened) {
            self.judge_all(at, check, &seen);
            self.rebase_with(at, &seen);
        }
        if let Some(source) = self.sources.get_mut(at) {
            if source.lanes.values().all(|lane| lane.doubt.is_none() && lane.disorder.is_none()) {
                source.good = Some((asked_at, self.sink.now()));
            }
            source.seen = Some(seen);
        }
    }

    pub(super) fn check_later(&mut self, at: usize, error: String) {
        if let Some(source) = self.sources.get_mut(at) {
            source.check_due = source.check_due.min(now() + AGAIN);
            source.error = Some(error.clone());
        }
        self.refuse_rebase(at, &error);
    }
}

/// Keeps the watermarks of a source's partitions.
pub(super) fn note_marks(source: &mut Source, marks: &[Marks]) {
    for lane in source.lanes.values_mut() {
        let Some(marks) = usize::try_from(lane.id.partition).ok().and_then(|at| marks.get(at)) else { continue };
        lane.marks = Some(*marks);
        if marks.high <= lane.cursor.next() {
            // With nothing to read, silence is no lack of progress.
            lane.progress = now();
        }
    }
}
