//! The rows as projectors see them: what is made in a batch, over what is written already.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use serde::Serialize;

use super::cache::Cache;
use super::decode;
use crate::rows::Row;
use crate::store::{Cursor, Rows, ViewError, ViewStore, each_newest, newest};
use crate::tables::{RowKey, Table};

/// Rows of one batch that nothing has written yet, over the store. What projectors read and write.
pub struct Overlay<'s> {
    store: &'s dyn ViewStore,
    /// Versions made in this batch, by full key.
    pending: Rows,
    /// Rows as they stand, across batches.
    cache: Cache,
    /// Rows that are surely there, across batches: what is asked of every entry is answered without the store.
    known: HashSet<RowKey>,
    /// Version and digest of registrations that stand for good, across batches.
    registered: HashSet<(String, String)>,
}

/// Rows remembered as there; then it is forgotten and learnt anew. 128 Ki keys of about 100 bytes are some 20 MiB.
const MAX_KNOWN: usize = 128 * 1024;
/// Versions in use at a time that are observed again and again; some MiB.
const MAX_REGISTERED: usize = 16 * 1024;

impl<'s> Overlay<'s> {
    pub(super) fn new(store: &'s dyn ViewStore) -> Self {
        Self {
            store,
            pending: Rows::default(),
            cache: Cache::default(),
            known: HashSet::new(),
            registered: HashSet::new(),
        }
    }

    /// Writes what was made in this batch, with the cursor.
    pub(super) fn write(&mut self, size: u64, root: &str) -> Result<(), ViewError> {
        self.store.write(&self.pending, &Cursor { size, root: root.to_owned() })?;
        self.pending.clear();
        Ok(())
    }

    /// The newest version of a row.
    ///
    /// # Errors
    /// The store fails, or holds what is no row.
    pub fn get<R: Row>(&mut self, parts: &[&str]) -> Result<Option<Arc<R>>, ViewError> {
        let key = RowKey::new(R::TABLE, parts);
        if let Some(found) = self.cache.get(&key) {
            return Ok(found);
        }
        let (row, bytes) = self.read(&key)?;
        let row = row.map(Arc::new);
        self.cache.put(key, row.clone(), bytes);
        Ok(row)
    }

    /// The newest version of a row, to be changed and put back.
    ///
    /// # Errors
    /// The store fails, or holds what is no row.
    pub fn take<R: Row>(&mut self, parts: &[&str]) -> Result<Option<R>, ViewError> {
        let key = RowKey::new(R::TABLE, parts);
        match self.cache.take(&key) {
            Some(found) => Ok(found.map(Arc::unwrap_or_clone)),
            None => Ok(self.read(&key)?.0),
        }
    }

    /// The newest version of a row out of this batch, else out of the store, and the bytes that it takes.
    fn read<R: Row>(&self, key: &RowKey) -> Result<(Option<R>, usize), ViewError> {
        let read = |bytes: &[u8]| decode(key, bytes).map(|row| (Some(row), bytes.len()));
        match self.pending_of(key) {
            Some(bytes) => read(bytes),
            None => newest(self.store, key, u64::MAX, read)?.unwrap_or(Ok((None, 0))),
        }
    }

    fn pending_of(&self, key: &RowKey) -> Option<&[u8]> {
        let (stored, bytes) = self.pending.range(key.version(u64::MAX)).next()?;
        key.is_of(stored).then_some(bytes)
    }

    /// A new version of a row, from entry `from` on.
    pub fn put<R: Row>(&mut self, parts: &[&str], from: u64, row: R) {
        let key = RowKey::new(R::TABLE, parts);
        let bytes = self.pend(&key, from, &row);
        self.cache.put(key, Some(Arc::new(row)), bytes);
    }

    /// A row that the projectors never look at again, from entry `from` on; it may be borrowed.
    pub fn add(&mut self, table: Table, parts: &[&str], from: u64, row: &impl Serialize) {
        self.pend(&RowKey::new(table, parts), from, row);
    }

    /// Gives the bytes that the row takes.
    fn pend(&mut self, key: &RowKey, from: u64, row: &impl Serialize) -> usize {
        self.pending.insert(key.version(from), |bytes| {
            serde_json::to_writer(bytes, row)
                .expect("rows hold text keys, numbers and JSON values, which always serialise");
        })
    }

    /// Whether any version of the row with exactly these parts is there.
    ///
    /// # Errors
    /// The store fails.
    pub fn has(&mut self, table: Table, parts: &[&str]) -> Result<bool, ViewError> {
        self.there(&RowKey::new(table, parts))
    }

    fn there(&mut self, key: &RowKey) -> Result<bool, ViewError> {
        if self.known.contains(key) {
            return Ok(true);
        }
        let there = match self.cache.there(key) {
            Some(there) => there,
            None => self.pending_of(key).is_some() || newest(self.store, key, u64::MAX, |_| ())?.is_some(),
        };
        if there {
            self.know(key.clone());
        }
        Ok(there)
    }

    fn know(&mut self, key: RowKey) {
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        self.known.insert(key);
    }

    /// Whether this digest is known to be the one that the version was first registered with, by a statement that counts. `false` says nothing.
    #[must_use]
    pub fn knows_registered(&self, version: &str, digest: &str) -> bool {
        self.registered.contains(&(version.to_owned(), digest.to_owned()))
    }

    /// Remembers the digest of a version's first registration that counts, which nothing changes any more.
    pub fn know_registered(&mut self, version: &str, digest: &str) {
        if self.registered.len() >= MAX_REGISTERED {
            self.registered.clear();
        }
        self.registered.insert((version.to_owned(), digest.to_owned()));
    }

    /// An empty row, once: a later call changes nothing.
    ///
    /// # Errors
    /// The store fails.
    pub fn mark(&mut self, table: Table, parts: &[&str], from: u64) -> Result<(), ViewError> {
        self.mark_with(table, parts, from, b"")
    }

    /// An empty row that was surely not there before: nothing is looked up.
    pub fn mark_new(&mut self, table: Table, parts: &[&str], from: u64) {
        self.pending.insert(RowKey::new(table, parts).version(from), |_| {});
    }

    /// A row of plain bytes, once: a later call changes nothing.
    ///
    /// # Errors
    /// The store fails.
    pub fn mark_with(&mut self, table: Table, parts: &[&str], from: u64, value: &[u8]) -> Result<(), ViewError> {
        let key = RowKey::new(table, parts);
        if self.there(&key)? {
            return Ok(());
        }
        self.pending.insert(key.version(from), |bytes| bytes.extend_from_slice(value));
        self.know(key);
        Ok(())
    }

    /// The parts of all rows whose first parts are these, in key order, at most `limit`.
    ///
    /// # Errors
    /// The store fails.
    pub fn keys(&mut self, table: Table, parts: &[&str], limit: usize) -> Result<Vec<Vec<String>>, ViewError> {
        let prefix = RowKey::prefix(table, parts);
        let mut found: BTreeSet<RowKey> = BTreeSet::new();
        each_newest(self.store, &prefix, &prefix, u64::MAX, &mut |row, _| {
            found.insert(row);
            found.len() < limit
        })?;
        found.extend(self.pending_newest(&prefix).into_iter().map(|(row, _)| row));
        Ok(found.iter().take(limit).map(RowKey::parts).collect())
    }

    /// The newest versions of all rows whose first parts are these, in key order, at most `limit`.
    ///
    /// # Errors
    /// The store fails, or holds what is no row.
    pub fn list<R: Row>(&mut self, parts: &[&str], limit: usize) -> Result<Vec<R>, ViewError> {
        let prefix = RowKey::prefix(R::TABLE, parts);
        let mut found: BTreeMap<RowKey, Vec<u8>> = BTreeMap::new();
        each_newest(self.store, &prefix, &prefix, u64::MAX, &mut |row, value| {
            found.insert(row, value.to_vec());
            found.len() <= limit
        })?;
        found.extend(self.pending_newest(&prefix).into_iter().map(|(row, value)| (row, value.to_vec())));
        found.iter().take(limit).map(|(key, bytes)| decode(key, bytes)).collect()
    }

    /// Of each row that starts with `prefix`, the newest version made in this batch.
    fn pending_newest(&self, prefix: &[u8]) -> Vec<(RowKey, &[u8])> {
        let pending = self.pending.range(prefix.to_vec()).take_while(|(key, _)| key.starts_with(prefix));
        let mut found: Vec<(RowKey, &[u8])> =
            pending.filter_map(|(key, value)| Some((RowKey::split(key)?.0, value))).collect();
        // Versions of one row stand newest first.
        found.dedup_by(|later, first| later.0 == first.0);
        found
    }
}
