//! Source positions: which are covered by what, and the ledger's entries about sources (`docs/FORMAT.md` section 4.1).
//!
//! Positions of a partition are covered strictly in order. What gave no entry waits in `pending` until the partition's next entry, one second or 4,096 ranges;
//! the stored position stays before it, so a crash only reads it again.

use serde_json::{Value, json};

use super::{Sequencer, SequencerError};
use crate::store::{PositionRow, Store};
use crate::types::EntryIndex;

/// Ranges that wait at most in one partition; as an `ingest.positions` record they stay well under the record limit.
const MAX_PENDING_RANGES: usize = 4_096;
/// How long covered positions wait at most for the partition's next entry.
const PENDING_MICROS: i64 = 1_000_000;

/// A partition of a configured source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId {
    /// The source.
    pub source: String,
    /// The partition.
    pub partition: u32,
}

/// A partition that begins to be read.
#[derive(Debug, Clone, Copy)]
pub struct NewPartition {
    /// Its number.
    pub partition: u32,
    /// The first position that is read.
    pub first: u64,
    /// The leader epoch then, −1 when unknown.
    pub leader_epoch: i32,
}

/// Why reading stopped.
#[derive(Debug, Clone)]
pub struct Halt {
    /// `topic_id`, `cluster_id`, `epoch_back`, `position_past_end` or `other`.
    pub cause: &'static str,
    /// What the ledger has stored.
    pub stored: String,
    /// What the broker says.
    pub seen: String,
    /// The first and last entry sealed since the last check that was good.
    pub in_doubt: Option<(EntryIndex, EntryIndex)>,
    /// When that check was.
    pub last_good_at: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Class {
    Duplicate(EntryIndex),
    Erased(EntryIndex),
    Undelivered,
}

#[derive(Debug, Clone)]
struct Range {
    first: u64,
    last: u64,
    class: Class,
}

impl Range {
    fn to_json(&self) -> Value {
        match self.class {
            Class::Duplicate(of) => {
                json!({"class": "duplicate", "first": self.first, "last": self.last, "of": of.get()})
            }
            Class::Erased(of) => json!({"class": "erased", "first": self.first, "last": self.last, "of": of.get()}),
            Class::Undelivered => json!({"class": "undelivered", "first": self.first, "last": self.last}),
        }
    }
}

/// One partition as the writer knows it.
#[derive(Debug, Clone)]
pub struct Partition {
    row: PositionRow,
    pending: Vec<Range>,
    pending_since: Option<i64>,
}

impl Partition {
    pub(super) fn new(row: PositionRow) -> Self {
        Self { row, pending: Vec::new(), pending_since: None }
    }

    /// The next position that is not covered yet, pending ones counted as covered.
    #[must_use]
    pub fn cursor(&self) -> u64 {
        self.pending.last().map_or(self.row.next, |range| range.last + 1)
    }

    /// The row as it would be stored.
    #[must_use]
    pub fn row(&self) -> &PositionRow {
        &self.row
    }

    fn wait(&mut self, range: Range, now: i64) {
        self.pending_since.get_or_insert(now);
        match self.pending.last_mut() {
            Some(last) if last.class == range.class && last.last + 1 == range.first => last.last = range.last,
            _ => self.pending.push(range),
        }
    }
}

impl<S: Store> Sequencer<S> {
    /// All partitions, by source and number.
    pub fn partitions(&self) -> impl Iterator<Item = (&PartitionId, &Partition)> {
        self.partitions.iter()
    }

    pub(super) fn partition(&mut self, id: &PartitionId) -> Result<&mut Partition, SequencerError> {
        let refuse =
            |fault| SequencerError::Partition { source_name: id.source.clone(), partition: id.partition, fault };
        let partition = self.partitions.get_mut(id).ok_or_else(|| refuse("is not open"))?;
        match &partition.row {
            row if row.halted.is_some() => Err(refuse("is halted; see `modeltraild source rebase`")),
            row if row.closed => Err(refuse("is closed")),
            _ => Ok(partition),
        }
    }

    fn touch(&mut self, id: &PartitionId) {
        if !self.touched.contains(id) {
            self.touched.push(id.clone());
        }
    }

    /// Covers the position of an entry, and those right before it that the broker did not deliver. Gives generation and how many those are.
    pub(super) fn cover_entry(
        &mut self,
        id: &PartitionId,
        offset: u64,
        leader_epoch: i32,
    ) -> Result<(u64, u64), SequencerError> {
        let partition = self.partition(id)?;
        if partition.pending.iter().any(|range| range.class != Class::Undelivered) {
            self.flush(id)?;
        }
        let partition = self.partition(id)?;
        partition.pending.clear();
        partition.pending_since = None;
        let skipped = offset - partition.row.next;
        partition.row.next = offset + 1;
        partition.row.leader_epoch = leader_epoch;
        let generation = partition.row.generation;
        self.touch(id);
        Ok((generation, skipped))
    }

    pub(super) fn cover_duplicate(
        &mut self,
        id: &PartitionId,
        offset: u64,
        epoch: i32,
        of: EntryIndex,
        erased: bool,
    ) -> Result<(), SequencerError> {
        let now = self.clock.monotonic();
        let partition = self.partition(id)?;
        let cursor = partition.cursor();
        if offset > cursor {
            partition.wait(Range { first: cursor, last: offset - 1, class: Class::Undelivered }, now);
        }
        let class = if erased { Class::Erased(of) } else { Class::Duplicate(of) };
        partition.wait(Range { first: offset, last: offset, class }, now);
        partition.row.leader_epoch = epoch;
        if partition.pending.len() >= MAX_PENDING_RANGES {
            self.flush(id)?;
        }
        Ok(())
    }

    /// The partition's end was seen at `end`: positions before it that gave no record will never give one.
    ///
    /// # Errors
    /// The partition is not open.
    pub fn cover_end(&mut self, id: &PartitionId, end: u64) -> Result<(), SequencerError> {
        let now = self.clock.monotonic();
        let partition = self.partition(id)?;
        let cursor = partition.cursor();
        if end > cursor {
            partition.wait(Range { first: cursor, last: end - 1, class: Class::Undelivered }, now);
        }
        Ok(())
    }

    /// Writes `ingest.positions` for partitions that waited long enough (`all`: for every one that waits).
    ///
    /// # Errors
    /// As [`Sequencer::own`].
    pub fn flush_positions(&mut self, all: bool) -> Result<(), SequencerError> {
        let now = self.clock.monotonic();
        let due =
            |partition: &Partition| partition.pending_since.is_some_and(|since| all || now - since >= PENDING_MICROS);
        let due: Vec<PartitionId> =
            self.partitions.iter().filter(|(_, partition)| due(partition)).map(|(id, _)| id.clone()).collect();
        due.iter().try_for_each(|id| self.flush(id))
    }

    /// Whether any covered position waits to be written.
    #[must_use]
    pub fn positions_wait(&self) -> bool {
        self.partitions.values().any(|partition| partition.pending_since.is_some())
    }

    fn flush(&mut self, id: &PartitionId) -> Result<(), SequencerError> {
        let partition = self.partition(id)?;
        let pending = std::mem::take(&mut partition.pending);
        partition.pending_since = None;
        let Some(last) = pending.last().map(|range| range.last) else { return Ok(()) };
        partition.row.next = last + 1;
        let generation = partition.row.generation;
        let ranges: Vec<Value> = pending.iter().map(Range::to_json).collect();
        self.touch(id);
        let data = json!({"generation": generation, "partition": id.partition, "ranges": ranges, "source": id.source});
        self.own("modeltrail.ingest.positions.v1", data)?;
        Ok(())
    }

    /// A configured source is read for the first time, or again after it was closed (as one more generation, from where it stopped).
    ///
    /// # Errors
    /// As [`Sequencer::own`]; or another open source reads that topic.
    pub fn open_source(
        &mut self,
        template: &PositionRow,
        new: &[NewPartition],
        extra: Value,
    ) -> Result<EntryIndex, SequencerError> {
        let same_topic = |row: &PositionRow| {
            row.source != template.source
                && row.cluster == template.cluster
                && row.topic == template.topic
                && !row.closed
        };
        if self.partitions.values().any(|partition| same_topic(&partition.row)) {
            let fault = "is on a topic that another source already reads";
            return Err(SequencerError::Partition { source_name: template.source.clone(), partition: 0, fault });
        }
        let mut partitions = Vec::new();
        for part in new {
            let id = PartitionId { source: template.source.clone(), partition: part.partition };
            let generation = self.partitions.get(&id).map_or(1, |old| old.row.generation + 1);
            let mut named = json!({"first": part.first, "generation": generation, "partition": part.partition});
            if let (Ok(epoch), Some(named)) = (u32::try_from(part.leader_epoch), named.as_object_mut()) {
                named.insert("leader_epoch".to_owned(), epoch.into());
            }
            partitions.push(named);
            self.start(id, template, generation, part);
        }
        let mut data = json!({"cluster": template.cluster, "partitions": partitions, "source": template.source, "topic": template.topic, "topic_id": template.topic_id});
        if let (Some(data), Value::Object(extra)) = (data.as_object_mut(), extra) {
            data.extend(extra);
        }
        self.own("modeltrail.source.opened.v1", data)
    }

    fn start(&mut self, id: PartitionId, template: &PositionRow, generation: u64, part: &NewPartition) {
        let row = PositionRow {
            partition: part.partition,
            generation,
            next: part.first,
            leader_epoch: part.leader_epoch,
            halted: None,
            closed: false,
            ..template.clone()
        };
        self.touch(&id);
        self.partitions.insert(id, Partition::new(row));
    }

    /// The topic grew: partitions from `old` to `new` − 1 are read from position 0.
    ///
    /// # Errors
    /// As [`Sequencer::own`].
    pub fn add_partitions(&mut self, template: &PositionRow, old: u32, new: u32) -> Result<EntryIndex, SequencerError> {
        for partition in old..new {
            let id = PartitionId { source: template.source.clone(), partition };
            self.start(id, template, 1, &NewPartition { partition, first: 0, leader_epoch: -1 });
        }
        self.change_source(&template.source, "partitions", json!(old), json!(new))
    }

    /// A property of a source changed that matters for completeness.
    ///
    /// # Errors
    /// As [`Sequencer::own`].
    pub fn change_source(
        &mut self,
        source: &str,
        key: &str,
        old: Value,
        new: Value,
    ) -> Result<EntryIndex, SequencerError> {
        self.own("modeltrail.source.changed.v1", json!({"key": key, "new": new, "old": old, "source": source}))
    }

    /// Reading of a partition stops until an operator re-bases it.
    ///
    /// # Errors
    /// The partition is not open, or already halted.
    pub fn halt(&mut self, id: &PartitionId, halt: &Halt) -> Result<EntryIndex, SequencerError> {
        self.flush(id)?;
        self.partition(id)?.row.halted = Some(halt.cause.to_owned());
        self.touch(id);
        let mut data = json!({"cause": halt.cause, "partition": id.partition, "seen": halt.seen, "source": id.source, "stored": halt.stored});
        if let Some(members) = data.as_object_mut() {
            if let Some((first, last)) = halt.in_doubt {
                members.insert("sealed_in_doubt".to_owned(), json!({"first": first.get(), "last": last.get()}));
            }
            if let Some(at) = &halt.last_good_at {
                members.insert("last_good_at".to_owned(), at.as_str().into());
            }
        }
        self.own("modeltrail.source.halted.v1", data)
    }

    /// An operator sets where reading of a partition goes on, as a new generation, halted or not.
    ///
    /// # Errors
    /// The partition was never opened.
    pub fn rebase(
        &mut self,
        id: &PartitionId,
        position: u64,
        topic_id: &str,
        cluster: &str,
    ) -> Result<EntryIndex, SequencerError> {
        if self.partitions.get(id).is_some_and(|partition| partition.row.halted.is_none() && !partition.row.closed) {
            self.flush(id)?;
        }
        let refuse = SequencerError::Partition {
            source_name: id.source.clone(),
            partition: id.partition,
            fault: "was never opened",
        };
        let partition = self.partitions.get_mut(id).ok_or(refuse)?;
        let row = &mut partition.row;
        let old = json!({"generation": row.generation, "position": row.next, "topic_id": row.topic_id});
        row.generation += 1;
        row.next = position;
        row.topic_id = topic_id.to_owned();
        row.cluster = cluster.to_owned();
        row.leader_epoch = -1;
        row.halted = None;
        let new = json!({"generation": row.generation, "position": position, "topic_id": topic_id});
        self.touch(id);
        self.own(
            "modeltrail.source.rebased.v1",
            json!({"new": new, "old": old, "partition": id.partition, "source": id.source}),
        )
    }

    /// Positions up to `last` were gone before they could be read.
    ///
    /// # Errors
    /// The partition is not open.
    pub fn gap(&mut self, id: &PartitionId, last: u64, cause: &str) -> Result<EntryIndex, SequencerError> {
        self.flush(id)?;
        let partition = self.partition(id)?;
        let (first, generation) = (partition.row.next, partition.row.generation);
        partition.row.next = last + 1;
        self.touch(id);
        let data = json!({"cause": cause, "first": first, "generation": generation, "last": last, "partition": id.partition, "source": id.source});
        self.own("modeltrail.source.gap.v1", data)
    }

    /// A source was removed from the configuration.
    ///
    /// # Errors
    /// As [`Sequencer::own`].
    pub fn close_source(&mut self, source: &str) -> Result<EntryIndex, SequencerError> {
        let ids: Vec<PartitionId> = self.partitions.keys().filter(|id| id.source == source).cloned().collect();
        let mut partitions = Vec::new();
        for id in ids {
            if self.partitions.get(&id).is_some_and(|partition| partition.row.halted.is_none() && !partition.row.closed)
            {
                self.flush(&id)?;
            }
            if let Some(partition) = self.partitions.get_mut(&id) {
                partition.row.closed = true;
                partitions.push(json!({"generation": partition.row.generation, "next": partition.row.next, "partition": id.partition}));
                self.touch(&id);
            }
        }
        self.own("modeltrail.source.closed.v1", json!({"partitions": partitions, "source": source}))
    }

    pub(super) fn position_rows(&mut self) -> Vec<PositionRow> {
        let touched = std::mem::take(&mut self.touched);
        touched.iter().filter_map(|id| self.partitions.get(id)).map(|partition| partition.row.clone()).collect()
    }
}
