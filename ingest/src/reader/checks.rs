//! Asking the brokers on time, and what follows from their answers: sources are opened, grow, change, lose records, halt, and are read.

use std::collections::BTreeMap;

use modeltrail_core::sequencer::{Halt, NewPartition};
use modeltrail_core::store::PositionRow;
use modeltrail_core::types::EntryIndex;
use modeltrail_store::Act;
use serde_json::{Map, Value};

use super::Reader;
use super::lane::{Lane, Source, State};
use crate::client::From;
use crate::config::Start;
use crate::identity::{Doubt, Marks, Seen, Verdict, judge, sightings};
use crate::prober::Job;
use crate::timing::{Duration, Instant, now};
use crate::witness::WitnessVerdict;

/// How soon a check that failed, or one that doubts, is made again.
const AGAIN: Duration = Duration::from_secs(1);

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
            let job = Job::Identity { source: number, check: source.check, topic, topic_ids, client: self.client.clone() };
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
            drop(self.jobs.send(Job::Marks { source: number, topic: source.config.topic.clone(), partitions, client: self.client.clone() }));
        }
    }

    pub(super) fn ask_commit(&mut self, at: Instant) {
        let (size, _) = self.sink.head();
        let due = self.committed.is_none_or(|(before, when)| size > before || at.duration_since(when) >= super::COMMIT_AT_LEAST);
        if !due || !self.sources.iter().any(|source| source.opened) {
            return;
        }
        self.commit_under_way = true;
        self.committed = Some((size, at));
        let sources = self.sources.iter().map(|source| source.config.name.clone()).collect();
        drop(self.jobs.send(Job::Commit { sources, client: self.client.clone() }));
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
                let error = self.client.complaint().map_or(error.clone(), |said| format!("{error} ({said})"));
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

    fn check_later(&mut self, at: usize, error: String) {
        if let Some(source) = self.sources.get_mut(at) {
            source.check_due = source.check_due.min(now() + AGAIN);
            source.error = Some(error.clone());
        }
        self.refuse_rebase(at, &error);
    }

    /// Opens a source that was never read, or was closed.
    fn open(&mut self, at: usize, seen: &Seen) -> Result<(), String> {
        let Some(source) = self.sources.get(at) else { return Ok(()) };
        let compacted = seen.cleanup_policy.as_ref().is_some_and(|policy| policy.contains("compact"));
        if compacted && !source.config.allow_compacted {
            return Err(format!("topic {:?} is compacted: records may vanish from it before they are read; set allow_compacted = true to read it all the same", source.config.topic));
        }
        let new = firsts(source, seen)?;
        let template = PositionRow {
            source: source.config.name.clone(),
            partition: 0,
            generation: 1,
            next: 0,
            cluster: seen.cluster.clone(),
            topic: source.config.topic.clone(),
            topic_id: seen.topic_id.clone(),
            leader_epoch: -1,
            halted: None,
            closed: false,
        };
        let mut extra = Map::new();
        if let Some(policy) = &seen.cleanup_policy {
            extra.insert("cleanup_policy".to_owned(), policy.as_str().into());
        }
        if let Some(millis) = seen.retention_ms.and_then(|millis| u64::try_from(millis).ok()).filter(|millis| *millis < 1 << 53) {
            extra.insert("retention_ms".to_owned(), millis.into());
        }
        let rows: Vec<PositionRow> = new.iter().map(|part| PositionRow { partition: part.partition, next: part.first, leader_epoch: part.leader_epoch, ..template.clone() }).collect();
        self.act(Act::OpenSource { template, new, extra: Value::Object(extra) })?;
        if let Some(source) = self.sources.get_mut(at) {
            tracing::info!(source = source.config.name, topic = source.config.topic, topic_id = seen.topic_id, "source opened");
            source.lanes = rows.into_iter().map(|row| (row.partition, Lane::new(row, now()))).collect();
            source.opened = true;
            source.policy.clone_from(&seen.cleanup_policy);
            note_marks(source, &seen.marks);
        }
        Ok(())
    }

    /// Records that a source grew or changed its policy.
    fn keep_up(&mut self, at: usize, seen: &Seen) -> Result<(), String> {
        let Some(source) = self.sources.get(at) else { return Ok(()) };
        let Some(template) = source.lanes.values().next().map(|lane| lane.row.clone()) else { return Ok(()) };
        if matches!(judge(&template, None, seen), Verdict::Doubt(_)) {
            return Ok(());
        }
        let (name, policy) = (source.config.name.clone(), source.policy.clone());
        let (old, new) = (source.lanes.len(), seen.marks.len());
        if let (Some(before), Some(after)) = (policy, &seen.cleanup_policy)
            && before != *after
        {
            self.act(Act::ChangeSource { source: name, key: "cleanup_policy".to_owned(), old: before.into(), new: after.as_str().into() })?;
        }
        if let (Ok(from), Ok(to), true) = (u32::try_from(old), u32::try_from(new), new > old) {
            let template = PositionRow { halted: None, closed: false, topic_id: seen.topic_id.clone(), cluster: seen.cluster.clone(), ..template };
            self.act(Act::AddPartitions { template: template.clone(), old: from, new: to })?;
            let Some(source) = self.sources.get_mut(at) else { return Ok(()) };
            for partition in from..to {
                let row = PositionRow { partition, generation: 1, next: 0, leader_epoch: -1, ..template.clone() };
                source.lanes.insert(partition, Lane::new(row, now()));
            }
            note_marks(source, &seen.marks);
        }
        if let Some(source) = self.sources.get_mut(at)
            && seen.cleanup_policy.is_some()
        {
            source.policy.clone_from(&seen.cleanup_policy);
        }
        Ok(())
    }

    /// Looks at every lane: reads those that are good, records gaps, halts those in doubt.
    fn judge_all(&mut self, at: usize, check: u64, seen: &Seen) {
        let mut ready = Vec::new();
        let partitions: Vec<u32> = self.sources.get(at).map(|source| source.lanes.keys().copied().collect()).unwrap_or_default();
        for partition in partitions {
            if self.stopping() {
                return;
            }
            let Some(lane) = self.sources.get_mut(at).and_then(|source| source.lanes.get_mut(&partition)) else { continue };
            let due = match lane.state {
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
        if let Some(source) = self.sources.get_mut(at) {
            let waits = source.lanes.values().filter_map(|lane| if let State::Waiting { not_before, .. } = lane.state { Some(not_before) } else { None });
            source.check_due = waits.fold(source.check_due, Instant::min);
        }
    }

    /// Whether a lane in which identity is good may be read now.
    fn settle(&mut self, at: usize, partition: u32, verdict: &Verdict) -> bool {
        let Some(lane) = self.sources.get_mut(at).and_then(|source| source.lanes.get_mut(&partition)) else { return false };
        if let Some(doubt) = lane.disorder.clone() {
            self.halt(at, partition, doubt);
            return false;
        }
        let Verdict::Gone { last } = *verdict else { return true };
        let (id, first) = (lane.id.clone(), lane.cursor.next());
        match self.act(Act::Gap { partition: id, last, cause: "retention".to_owned() }) {
            Ok(index) => {
                tracing::warn!(source = self.sources[at].config.name, partition, first, last, index, "positions were gone before they could be read");
                let Some(lane) = self.sources.get_mut(at).and_then(|source| source.lanes.get_mut(&partition)) else { return false };
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
        let in_doubt = source.good.filter(|(good, _)| *good < size).map(|(good, _)| (EntryIndex(good), EntryIndex(size - 1)));
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
                let Some(lane) = self.sources.get_mut(at).and_then(|source| source.lanes.get_mut(&partition)) else { return };
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

    pub(super) fn assign(&mut self, at: usize, partitions: &[u32]) {
        let Some(source) = self.sources.get_mut(at) else { return };
        let mut parts = Vec::with_capacity(partitions.len());
        for partition in partitions {
            let Some(lane) = source.lanes.get_mut(partition) else { continue };
            lane.cursor.restarted();
            lane.state = State::Reading;
            lane.progress = now();
            parts.push(From { topic: &source.config.topic, partition: *partition, next: lane.cursor.next(), epoch: lane.cursor.epoch() });
        }
        if parts.is_empty() {
            return;
        }
        if let Err(error) = self.client.assign(&parts) {
            // Not at once again: a partition may still be on its way out of the last assignment.
            tracing::warn!(source = source.config.name, "assigning partitions failed, it is tried again: {error}");
            for partition in partitions {
                self.read_again(at, *partition, AGAIN);
            }
        } else if self.paused {
            self.pause();
        }
    }
}

fn note_marks(source: &mut Source, marks: &[Marks]) {
    for lane in source.lanes.values_mut() {
        let Some(marks) = usize::try_from(lane.id.partition).ok().and_then(|at| marks.get(at)) else { continue };
        lane.marks = Some(*marks);
        if marks.high <= lane.cursor.next() {
            // With nothing to read, silence is no lack of progress.
            lane.progress = now();
        }
    }
}

/// From where each partition of a source is read that is not open.
fn firsts(source: &Source, seen: &Seen) -> Result<Vec<NewPartition>, String> {
    let positions: &BTreeMap<u32, u64> = match &source.config.start {
        Start::At(positions) => positions,
        Start::Earliest | Start::Latest => &BTreeMap::new(),
    };
    if let Some(partition) = positions.keys().find(|partition| **partition as usize >= seen.marks.len()) {
        return Err(format!("start names partition {partition}, but topic {:?} has {} partitions", source.config.topic, seen.marks.len()));
    }
    let first = |(partition, marks): (u32, &Marks)| {
        // A source that was closed goes on where it stopped, if it is still the same log.
        let same = |lane: &&Lane| lane.row.topic == source.config.topic;
        let before = source.lanes.get(&partition).filter(same).filter(|lane| !matches!(judge(&lane.row, None, seen), Verdict::Doubt(_)));
        let (first, leader_epoch) = match (before, &source.config.start, positions.get(&partition)) {
            (Some(lane), _, _) => (lane.cursor.next(), lane.cursor.epoch()),
            (None, _, Some(position)) if *position < marks.low || *position > marks.high => {
                return Err(format!("start names position {position} of partition {partition}, which has positions {} to {}", marks.low, marks.high));
            }
            (None, _, Some(position)) => (*position, -1),
            (None, Start::Latest, None) => (marks.high, -1),
            (None, _, None) => (marks.low, -1),
        };
        Ok(NewPartition { partition, first, leader_epoch })
    };
    (0..).zip(&seen.marks).map(first).collect()
}
