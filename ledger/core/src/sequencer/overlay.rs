//! What is decided but not yet synced, over the store; and the bounded cache of trail heads.
//!
//! Invariant: a row with an index at or above `synced` is never evicted. Below it the store answers.

use std::collections::{HashMap, VecDeque};

use crate::store::{Store, StoreError};
use crate::types::EntryIndex;

/// Trail heads kept per generation of the cache; at about 100 bytes a head two generations stay near 25 MB.
const HEADS_PER_GENERATION: usize = 1 << 17;

/// An event id that is not yet synced.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdRow {
    pub(super) index: EntryIndex,
    pub(super) admitted: bool,
    pub(super) fingerprint: [u8; 32],
}

#[derive(Default)]
struct Generation {
    /// All rows of this generation are below this size.
    end: u64,
    ids: HashMap<[u8; 32], IdRow>,
}

#[derive(Default)]
pub(super) struct Overlay {
    synced: u64,
    /// Ids of closed batches that are being written, oldest first.
    closed: VecDeque<Generation>,
    /// Ids of the batch that is being built.
    open: Generation,
    young: HashMap<String, (u64, EntryIndex)>,
    old: HashMap<String, (u64, EntryIndex)>,
}

impl Overlay {
    pub(super) fn new(synced: u64) -> Self {
        Self { synced, ..Self::default() }
    }

    pub(super) fn id(&self, hash: &[u8; 32]) -> Option<IdRow> {
        self.open
            .ids
            .get(hash)
            .copied()
            .or_else(|| self.closed.iter().rev().find_map(|generation| generation.ids.get(hash).copied()))
    }

    pub(super) fn put_id(&mut self, hash: [u8; 32], row: IdRow) {
        self.open.ids.insert(hash, row);
    }

    /// The last step of a trail, synced or not.
    pub(super) fn head<S: Store>(&mut self, store: &S, subject: &str) -> Result<Option<(u64, EntryIndex)>, StoreError> {
        if let Some(head) = self.young.get(subject) {
            return Ok(Some(*head));
        }
        if let Some((subject, head)) = self.old.remove_entry(subject) {
            self.put_head(subject, head);
            return Ok(Some(head));
        }
        store.trail_head(subject)
    }

    pub(super) fn put_head(&mut self, subject: String, head: (u64, EntryIndex)) {
        self.young.insert(subject, head);
        if self.young.len() >= HEADS_PER_GENERATION {
            let synced = self.synced;
            let unsynced = std::mem::take(&mut self.old).into_iter().filter(|(_, (_, index))| index.get() >= synced);
            let kept: HashMap<_, _> = unsynced.collect();
            self.old = std::mem::replace(&mut self.young, kept);
        }
    }

    /// The batch that was being built ends at `end` and is being written.
    pub(super) fn close(&mut self, end: u64) {
        let mut generation = std::mem::take(&mut self.open);
        generation.end = end;
        self.closed.push_back(generation);
    }

    pub(super) fn synced(&mut self, size: u64) {
        self.synced = self.synced.max(size);
        while self.closed.front().is_some_and(|generation| generation.end <= self.synced) {
            self.closed.pop_front();
        }
    }
}
