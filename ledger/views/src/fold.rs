//! Feeds entries to the projectors and writes what comes of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sha2::{Digest, Sha256};

use crate::project;
use crate::read::ReadEntry;
use crate::rows::Row;
use crate::store::{Cursor, Then, ViewError, ViewStore, each_newest, newest};
use crate::tables::{RowKey, Table};

/// Rows of one batch that nothing has written yet, over the store. What projectors read and write.
pub struct Overlay<'s> {
    store: &'s dyn ViewStore,
    /// Versions made in this batch, by full key.
    pending: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The newest value of rows touched or read in this batch; a hash map that is only ever asked by key.
    newest: HashMap<RowKey, Option<Vec<u8>>>,
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
    fn new(store: &'s dyn ViewStore) -> Self {
        Self {
            store,
            pending: BTreeMap::new(),
            newest: HashMap::new(),
            known: HashSet::new(),
            registered: HashSet::new(),
        }
    }

    /// The newest version of a row.
    ///
    /// # Errors
    /// The store fails, or holds what is no row.
    pub fn get<R: Row>(&mut self, parts: &[&str]) -> Result<Option<R>, ViewError> {
        let key = RowKey::new(R::TABLE, parts);
        if !self.newest.contains_key(&key) {
            let found = newest(self.store, &key, u64::MAX, <[u8]>::to_vec)?;
            self.newest.insert(key.clone(), found);
        }
        let bytes = self.newest.get(&key).and_then(Option::as_ref);
        bytes.map(|bytes| decode(&key, bytes)).transpose()
    }

    /// A new version of a row, from entry `from` on.
    pub fn put<R: Row>(&mut self, parts: &[&str], from: u64, row: &R) {
        self.put_at(RowKey::new(R::TABLE, parts), from, row);
    }

    /// A new version of a row under a key of its own: for the second table that holds the same rows.
    pub fn put_at<R: Row>(&mut self, key: RowKey, from: u64, row: &R) {
        let bytes =
            serde_json::to_vec(row).expect("rows hold text keys, numbers and JSON values, which always serialise");
        self.put_bytes(key, from, bytes);
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
        let there = match self.newest.get(key) {
            Some(bytes) => bytes.is_some(),
            None => newest(self.store, key, u64::MAX, |_| ())?.is_some(),
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

    /// A row of plain bytes, once: a later call changes nothing.
    ///
    /// # Errors
    /// The store fails.
    pub fn mark_with(&mut self, table: Table, parts: &[&str], from: u64, value: &[u8]) -> Result<(), ViewError> {
        let key = RowKey::new(table, parts);
        if self.there(&key)? {
            return Ok(());
        }
        self.know(key.clone());
        self.pending.insert(key.version(from), value.to_vec());
        self.newest.insert(key, Some(value.to_vec()));
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
        let pending = self.pending.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix));
        let mut found: Vec<(RowKey, &[u8])> =
            pending.filter_map(|(key, value)| Some((RowKey::split(key)?.0, value.as_slice()))).collect();
        // Versions of one row stand newest first.
        found.dedup_by(|later, first| later.0 == first.0);
        found
    }

    fn put_bytes(&mut self, key: RowKey, from: u64, bytes: Vec<u8>) {
        self.pending.insert(key.version(from), bytes.clone());
        self.newest.insert(key, Some(bytes));
    }
}

pub(crate) fn decode<R: Row>(key: &RowKey, bytes: &[u8]) -> Result<R, ViewError> {
    serde_json::from_slice(bytes).map_err(|error| ViewError::Damaged {
        key: format!("{:?} {}", R::TABLE, key.parts().join(" ")),
        detail: error.to_string(),
    })
}

/// Entries of one batch at most: what stays in memory before it is written.
pub const BATCH_ENTRIES: usize = 1_024;

/// Folds entries into a store, in order.
pub struct Folder<'s> {
    overlay: Overlay<'s>,
    next: u64,
}

impl<'s> Folder<'s> {
    /// Goes on where the store stands.
    ///
    /// # Errors
    /// The store fails.
    pub fn new(store: &'s dyn ViewStore) -> Result<Self, ViewError> {
        let next = store.cursor()?.map_or(0, |cursor| cursor.size);
        Ok(Self { overlay: Overlay::new(store), next })
    }

    /// The index from which on entries are wanted.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Folds one entry. Of a bundle not all entries are there: an index may be skipped, never repeated.
    ///
    /// # Errors
    /// The store fails.
    pub fn entry(&mut self, entry: &ReadEntry) -> Result<(), ViewError> {
        if entry.index() < self.next {
            return Ok(());
        }
        project::entry(&mut self.overlay, entry)?;
        self.next = entry.index() + 1;
        Ok(())
    }

    /// Writes what was folded, with the cursor at `size`, whose root is `root` (empty where nobody knows it).
    ///
    /// # Errors
    /// The store fails; nothing was written.
    pub fn write(&mut self, size: u64, root: &str) -> Result<(), ViewError> {
        self.overlay.store.write(&self.overlay.pending, &Cursor { size, root: root.to_owned() })?;
        self.overlay.pending.clear();
        self.overlay.newest.clear();
        self.next = size;
        Ok(())
    }
}

/// The state digest: SHA-256, in hex, over every stored row in key order (`be32` length and bytes of key and value each), then the cursor's size.
/// Two views at one cursor are equal when their digests are.
///
/// # Errors
/// The store fails.
pub fn state_digest(store: &dyn ViewStore) -> Result<String, ViewError> {
    let mut hasher = Sha256::new();
    let mut framed = |bytes: &[u8]| {
        hasher.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(bytes);
    };
    for table in Table::ALL {
        store.scan(&[table as u8], &[table as u8], &mut |key, value| {
            framed(key);
            framed(value);
            Then::Next
        })?;
    }
    framed(&store.cursor()?.map_or(0, |cursor| cursor.size).to_be_bytes());
    Ok(hex::encode(hasher.finalize()))
}
