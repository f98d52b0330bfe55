//! Sources that are opened, grow, or change.

use std::collections::BTreeMap;

use modeltrail_core::sequencer::NewPartition;
use modeltrail_core::store::PositionRow;
use modeltrail_store::Act;
use serde_json::{Map, Value};

use super::Reader;
use super::checks::note_marks;
use super::lane::{Lane, Source};
use crate::config::Start;
use crate::identity::{Marks, Seen, Verdict, judge};
use crate::timing::now;

impl Reader {
    /// Opens a source that was never read, or was closed.
    pub(super) fn open(&mut self, at: usize, seen: &Seen) -> Result<(), String> {
        let Some(source) = self.sources.get(at) else { return Ok(()) };
        let compacted = seen.cleanup_policy.as_ref().is_some_and(|policy| policy.contains("compact"));
        if compacted && !source.config.allow_compacted {
            return Err(format!(
                "topic {:?} is compacted: records may vanish from it before they are read; set allow_compacted = true to read it all the same",
                source.config.topic
            ));
        }
        let new = firsts(source, seen)?;
        let (template, extra) = (template(source, seen), extra(seen));
        let rows: Vec<PositionRow> = new
            .iter()
            .map(|part| PositionRow {
                partition: part.partition,
                next: part.first,
                leader_epoch: part.leader_epoch,
                ..template.clone()
            })
            .collect();
        self.act(Act::OpenSource { template, new, extra })?;
        if let Some(source) = self.sources.get_mut(at) {
            tracing::info!(
                source = source.config.name,
                topic = source.config.topic,
                topic_id = seen.topic_id,
                "source opened"
            );
            source.lanes = rows.into_iter().map(|row| (row.partition, Lane::new(row, now()))).collect();
            source.opened = true;
            source.policy.clone_from(&seen.cleanup_policy);
            note_marks(source, &seen.marks);
        }
        Ok(())
    }

    /// Records that a source grew or changed its policy.
    pub(super) fn keep_up(&mut self, at: usize, seen: &Seen) -> Result<(), String> {
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
            self.act(Act::ChangeSource {
                source: name,
                key: "cleanup_policy".to_owned(),
                old: before.into(),
                new: after.as_str().into(),
            })?;
        }
        if let (Ok(from), Ok(to), true) = (u32::try_from(old), u32::try_from(new), new > old) {
            let template = PositionRow {
                halted: None,
                closed: false,
                topic_id: seen.topic_id.clone(),
                cluster: seen.cluster.clone(),
                ..template
            };
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
}

/// From where each partition of a source is read that is not open.
fn firsts(source: &Source, seen: &Seen) -> Result<Vec<NewPartition>, String> {
    let positions: &BTreeMap<u32, u64> = match &source.config.start {
        Start::At(positions) => positions,
        Start::Earliest | Start::Latest => &BTreeMap::new(),
    };
    if let Some(partition) = positions.keys().find(|partition| **partition as usize >= seen.marks.len()) {
        return Err(format!(
            "start names partition {partition}, but topic {:?} has {} partitions",
            source.config.topic,
            seen.marks.len()
        ));
    }
    let first = |(partition, marks): (u32, &Marks)| {
        // A source that was closed goes on where it stopped, if it is still the same log.
        let same = |lane: &&Lane| lane.row.topic == source.config.topic;
        let before = source
            .lanes
            .get(&partition)
            .filter(same)
            .filter(|lane| !matches!(judge(&lane.row, None, seen), Verdict::Doubt(_)));
        let (first, leader_epoch) = match (before, &source.config.start, positions.get(&partition)) {
            (Some(lane), _, _) => (lane.cursor.next(), lane.cursor.epoch()),
            (None, _, Some(position)) if *position < marks.low || *position > marks.high => {
                return Err(format!(
                    "start names position {position} of partition {partition}, which has positions {} to {}",
                    marks.low, marks.high
                ));
            }
            (None, _, Some(position)) => (*position, -1),
            (None, Start::Latest, None) => (marks.high, -1),
            (None, _, None) => (marks.low, -1),
        };
        Ok(NewPartition { partition, first, leader_epoch })
    };
    (0..).zip(&seen.marks).map(first).collect()
}

/// The identity that a source is opened with.
fn template(source: &Source, seen: &Seen) -> PositionRow {
    PositionRow {
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
    }
}

/// What else `source.opened` says, as far as it is known.
fn extra(seen: &Seen) -> Value {
    let mut extra = Map::new();
    if let Some(policy) = &seen.cleanup_policy {
        extra.insert("cleanup_policy".to_owned(), policy.as_str().into());
    }
    let millis = seen.retention_ms.and_then(|millis| u64::try_from(millis).ok());
    // Without an end it is −1, which the ledger's numbers can't be.
    if let Some(millis) = millis.filter(|millis| *millis < 1 << 53) {
        extra.insert("retention_ms".to_owned(), millis.into());
    }
    Value::Object(extra)
}
