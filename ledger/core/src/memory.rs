//! A store in memory, for tests and bundles. It takes named faults, "failed but persisted" among them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use modeltrail_tlog::tree::TreeSize;

use crate::store::{
    PositionRow, SealBatch, Store, StoreError, VisitCheckpoint, VisitId, VisitRow, VisitTile, VisitTrail,
};
use crate::types::EntryIndex;

/// What goes wrong at the next seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is written, and the caller is told so.
    Fails,
    /// Everything is written, and the caller is told that it failed.
    FailsButPersists,
}

#[derive(Default)]
struct Rows {
    headers: BTreeMap<u64, Vec<u8>>,
    openings: BTreeMap<u64, Vec<u8>>,
    ids: BTreeMap<[u8; 32], EntryIndex>,
    trails: BTreeMap<(String, u64), EntryIndex>,
    tiles: BTreeMap<(u8, u64), Vec<u8>>,
    checkpoints: BTreeMap<u64, String>,
    positions: BTreeMap<(String, u32), PositionRow>,
    fault: Option<Fault>,
}

/// A store in memory.
#[derive(Default)]
pub struct MemoryStore {
    rows: Mutex<Rows>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the next seal fail in this way.
    pub fn fail_next(&self, fault: Fault) {
        self.rows().fault = Some(fault);
    }

    /// Replaces stored header bytes, as somebody with the disk would.
    pub fn tamper_header(&self, index: u64, bytes: Vec<u8>) {
        self.rows().headers.insert(index, bytes);
    }

    /// Replaces or removes a stored opening (salt ‖ record).
    pub fn tamper_opening(&self, index: u64, bytes: Option<Vec<u8>>) {
        let mut rows = self.rows();
        match bytes {
            Some(bytes) => rows.openings.insert(index, bytes),
            None => rows.openings.remove(&index),
        };
    }

    /// Scans work on a copy: a visitor may ask the store, or wait for somebody who does.
    fn rows(&self) -> MutexGuard<'_, Rows> {
        // Every change below is a plain insert, so a panic of another thread leaves whole rows.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    fn apply(&mut self, batch: &SealBatch) {
        for (offset, entry) in batch.entries.iter().enumerate() {
            let index = batch.first + offset as u64;
            self.headers.insert(index, entry.header.clone());
            if let Some(opening) = &entry.opening {
                self.openings.insert(index, opening.clone());
            }
        }
        self.ids.extend(batch.ids.iter().copied());
        self.trails.extend(batch.trails.iter().map(|(subject, n, index)| ((subject.clone(), *n), *index)));
        self.tiles.extend(batch.tiles.iter().map(|(id, bytes)| ((id.level, id.index), bytes.clone())));
        for size in &batch.drop_checkpoints {
            self.checkpoints.remove(size);
        }
        self.checkpoints.insert(batch.size, batch.checkpoint.clone());
        for row in &batch.positions {
            self.positions.insert((row.source.clone(), row.partition), row.clone());
        }
    }
}

impl Store for MemoryStore {
    fn seal(&self, batch: &SealBatch) -> Result<(), StoreError> {
        let mut rows = self.rows();
        let fault = rows.fault.take();
        if fault != Some(Fault::Fails) {
            rows.apply(batch);
        }
        match fault {
            Some(_) => Err(StoreError::Io { doing: "seal", detail: "injected fault".to_owned() }),
            None => Ok(()),
        }
    }

    fn header(&self, index: EntryIndex) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.rows().headers.get(&index.get()).cloned())
    }

    fn opening(&self, index: EntryIndex) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.rows().openings.get(&index.get()).cloned())
    }

    fn id(&self, hash: &[u8; 32]) -> Result<Option<EntryIndex>, StoreError> {
        Ok(self.rows().ids.get(hash).copied())
    }

    fn trail_head(&self, subject: &str) -> Result<Option<(u64, EntryIndex)>, StoreError> {
        let rows = self.rows();
        let range = (subject.to_owned(), 0)..=(subject.to_owned(), u64::MAX);
        Ok(rows.trails.range(range).next_back().map(|((_, n), index)| (*n, *index)))
    }

    fn trail(&self, subject: &str, from: u64, limit: usize) -> Result<Vec<EntryIndex>, StoreError> {
        let rows = self.rows();
        let range = (subject.to_owned(), from)..=(subject.to_owned(), u64::MAX);
        Ok(rows.trails.range(range).take(limit).map(|(_, index)| *index).collect())
    }

    fn subjects(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        let rows = self.rows();
        let mut found: Vec<String> = Vec::new();
        for (subject, _) in rows.trails.keys() {
            let wanted = subject.starts_with(prefix) && after.is_none_or(|after| subject.as_str() > after);
            if wanted && found.last() != Some(subject) {
                found.push(subject.clone());
                if found.len() == limit {
                    break;
                }
            }
        }
        Ok(found)
    }

    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.rows().tiles.get(&(level, index)).cloned())
    }

    fn checkpoint(&self, size: TreeSize) -> Result<Option<String>, StoreError> {
        Ok(self.rows().checkpoints.get(&size.get()).cloned())
    }

    fn checkpoint_up_to(&self, size: TreeSize) -> Result<Option<(TreeSize, String)>, StoreError> {
        let rows = self.rows();
        Ok(rows.checkpoints.range(..=size.get()).next_back().map(|(size, note)| (TreeSize::new(*size), note.clone())))
    }

    fn positions(&self) -> Result<Vec<PositionRow>, StoreError> {
        Ok(self.rows().positions.values().cloned().collect())
    }

    fn scan_headers(&self, from: EntryIndex, visit: VisitRow<'_>) -> Result<(), StoreError> {
        let rows = self.rows().headers.clone();
        let mut all = rows.range(from.get()..);
        all.try_for_each(|(index, bytes)| visit(EntryIndex(*index), bytes.as_slice())).discard()
    }

    fn scan_openings(&self, from: EntryIndex, visit: VisitRow<'_>) -> Result<(), StoreError> {
        let rows = self.rows().openings.clone();
        let mut all = rows.range(from.get()..);
        all.try_for_each(|(index, bytes)| visit(EntryIndex(*index), bytes.as_slice())).discard()
    }

    fn scan_ids(&self, visit: VisitId<'_>) -> Result<(), StoreError> {
        let rows = self.rows().ids.clone();
        let mut all = rows.iter();
        all.try_for_each(|(hash, index)| visit(hash.as_slice(), *index)).discard()
    }

    fn scan_trails(&self, visit: VisitTrail<'_>) -> Result<(), StoreError> {
        let rows = self.rows().trails.clone();
        let mut all = rows.iter();
        all.try_for_each(|((subject, n), index)| visit(subject.as_str(), *n, *index)).discard()
    }

    fn scan_tiles(&self, visit: VisitTile<'_>) -> Result<(), StoreError> {
        let rows = self.rows().tiles.clone();
        let mut all = rows.iter();
        all.try_for_each(|((level, index), bytes)| visit(*level, *index, bytes.as_slice())).discard()
    }

    fn scan_checkpoints(&self, visit: VisitCheckpoint<'_>) -> Result<(), StoreError> {
        let rows = self.rows().checkpoints.clone();
        let mut all = rows.iter();
        all.try_for_each(|(size, note)| visit(TreeSize::new(*size), note.as_str())).discard()
    }
}

/// A visitor that broke off is no error.
trait Discard {
    fn discard(self) -> Result<(), StoreError>;
}

impl Discard for ControlFlow<()> {
    fn discard(self) -> Result<(), StoreError> {
        Ok(())
    }
}
