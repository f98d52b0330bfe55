//! What was sent to each partition and how far it is durable, so that nothing falls out of the embedded broker unread.

use std::collections::{BTreeMap, VecDeque};

use modeltrail_ingest::broker::PARTITION_BYTES;
use modeltrail_ingest::producer::Delivered;

use crate::error::DemoError;

/// Unread bytes that a partition may hold. The broker drops what is over its own bound without a word, and counts framing that
/// is not counted here.
pub(crate) const MAX_UNREAD_BYTES: usize = PARTITION_BYTES * 2 / 5;
/// What a record takes in the broker besides names, values, key and body.
pub(crate) const FRAMING_BYTES: usize = 64;

/// A partition of a topic.
pub(crate) type LaneId = (String, u32);

/// One partition. Nobody else writes to it, so the next position is the number of records sent.
#[derive(Debug, Default)]
struct Lane {
    sent: u64,
    acknowledged: u64,
    durable: u64,
    /// The sizes of the records from `durable` on.
    waiting: VecDeque<usize>,
    waiting_bytes: usize,
}

/// All partitions of the story's topics.
#[derive(Debug, Default)]
pub(crate) struct Lanes(BTreeMap<LaneId, Lane>);

impl Lanes {
    pub(crate) fn new(ids: impl IntoIterator<Item = LaneId>) -> Self {
        Self(ids.into_iter().map(|id| (id, Lane::default())).collect())
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &LaneId> {
        self.0.keys()
    }

    /// Whether a record of this size still fits; one always does in an empty partition.
    pub(crate) fn has_room(&self, id: &LaneId, bytes: usize) -> bool {
        self.0.get(id).is_none_or(|lane| lane.waiting.is_empty() || lane.waiting_bytes + bytes <= MAX_UNREAD_BYTES)
    }

    /// A record was sent. Gives its position.
    pub(crate) fn sent(&mut self, id: &LaneId, bytes: usize) -> u64 {
        let lane = self.0.entry(id.clone()).or_default();
        lane.waiting.push_back(bytes);
        lane.waiting_bytes += bytes;
        lane.sent += 1;
        lane.sent - 1
    }

    /// The broker has a record, at the position where it belongs.
    pub(crate) fn acknowledged(&mut self, delivered: Delivered) -> Result<(), DemoError> {
        let Delivered { topic, partition, offset, .. } = delivered;
        let lane = self.0.entry((topic.clone(), partition)).or_default();
        if offset != lane.acknowledged {
            let fault = format!("a record has position {offset}, but it is the {}th that was sent", lane.acknowledged);
            return Err(DemoError::NotAlone { topic, partition, fault });
        }
        lane.acknowledged += 1;
        Ok(())
    }

    /// Positions below `next` are durable. Whether that is news.
    pub(crate) fn durable(&mut self, id: &LaneId, next: u64) -> Result<bool, DemoError> {
        let Some(lane) = self.0.get_mut(id).filter(|lane| next > lane.durable) else { return Ok(false) };
        if next > lane.sent {
            let fault = format!("the ledger is at position {next}, but {} records were sent", lane.sent);
            return Err(DemoError::NotAlone { topic: id.0.clone(), partition: id.1, fault });
        }
        let passed = usize::try_from(next - lane.durable).unwrap_or(usize::MAX).min(lane.waiting.len());
        lane.waiting_bytes -= lane.waiting.drain(..passed).sum::<usize>();
        lane.durable = next;
        Ok(true)
    }

    /// Whether this position is durable.
    pub(crate) fn has(&self, id: &LaneId, position: u64) -> bool {
        self.0.get(id).is_some_and(|lane| lane.durable > position)
    }

    /// The first partition of which something is not durable.
    pub(crate) fn behind(&self) -> Option<String> {
        let (id, lane) = self.0.iter().find(|(_, lane)| lane.durable < lane.sent)?;
        Some(format!("position {} of topic {} partition {}", lane.durable, id.0, id.1))
    }

    /// Records sent, by partition.
    pub(crate) fn counts(&self) -> BTreeMap<LaneId, u64> {
        self.0.iter().map(|(id, lane)| (id.clone(), lane.sent)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> LaneId {
        ("t".to_owned(), 0)
    }

    #[test]
    fn unread_bytes_are_bounded() {
        let mut lanes = Lanes::new([id()]);
        assert!(lanes.has_room(&id(), 10 * MAX_UNREAD_BYTES), "one record fits in an empty partition");
        assert_eq!(lanes.sent(&id(), MAX_UNREAD_BYTES / 2), 0);
        assert_eq!(lanes.sent(&id(), MAX_UNREAD_BYTES / 2), 1);
        assert!(!lanes.has_room(&id(), 2));
        assert!(lanes.durable(&id(), 1).unwrap() && !lanes.durable(&id(), 1).unwrap());
        assert!(lanes.has_room(&id(), 2) && lanes.has(&id(), 0) && !lanes.has(&id(), 1));
        assert_eq!(lanes.behind().unwrap(), "position 1 of topic t partition 0");
        lanes.durable(&id(), 2).unwrap();
        assert!(lanes.behind().is_none());
    }

    #[test]
    fn somebody_else_on_the_topic_is_seen() {
        let mut lanes = Lanes::new([id()]);
        lanes.sent(&id(), 1);
        let delivered = |offset| Delivered { topic: "t".to_owned(), partition: 0, offset, tag: 0 };
        assert!(lanes.acknowledged(delivered(0)).is_ok());
        assert!(matches!(lanes.acknowledged(delivered(3)), Err(DemoError::NotAlone { partition: 0, .. })));
        assert!(matches!(lanes.durable(&id(), 2), Err(DemoError::NotAlone { .. })));
    }
}
