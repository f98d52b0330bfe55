//! Feeds entries to the projectors and writes what comes of them.

mod cache;
mod overlay;

use sha2::{Digest, Sha256};

pub use overlay::Overlay;

use crate::project;
use crate::read::ReadEntry;
use crate::rows::Row;
use crate::store::{Then, ViewError, ViewStore};
use crate::tables::{RowKey, Table};

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
        self.overlay.write(size, root)?;
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
