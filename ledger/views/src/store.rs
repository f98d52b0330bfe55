//! What the views need of a database, and one in memory.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::tables::RowKey;

/// How far the rows are folded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Entries folded: all below this index.
    pub size: u64,
    /// The root of the tree of that size, 64 hex digits; empty where nobody knows it (a bundle's entries are not all).
    pub root: String,
}

/// Why the views can't answer.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The database below failed.
    #[error("the views could not {doing}: {detail}")]
    Store {
        /// What was being done.
        doing: &'static str,
        /// What the layer below says.
        detail: String,
    },
    /// A row can't be read: other code wrote it, or the disk changed it.
    #[error("a row of the views is damaged ({key}): {detail}; run `modeltraild rebuild`")]
    Damaged {
        /// Which row.
        key: String,
        /// What is wrong with it.
        detail: String,
    },
}

/// What a visitor wants next.
#[derive(Debug, PartialEq, Eq)]
pub enum Then {
    /// The row after this one.
    Next,
    /// The first row at or after these bytes; they must lie behind the row just shown.
    Seek(Vec<u8>),
    /// Nothing more.
    Stop,
}

/// Is shown stored keys and values.
pub type Visit<'v> = &'v mut dyn FnMut(&[u8], &[u8]) -> Then;

/// Versions of rows that are written together, by full key.
#[derive(Default)]
pub struct Rows {
    /// Where each value lies.
    places: BTreeMap<Vec<u8>, Range<usize>>,
    /// All values, one behind the other: thousands of them are one piece of memory, which the next batch uses again.
    bytes: Vec<u8>,
}

/// What stays allocated between batches; common ones take less.
const KEPT_BYTES: usize = 4 << 20;

impl Rows {
    /// A row whose value `write` appends; gives the value's length.
    pub fn insert(&mut self, key: Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let place = start..self.bytes.len();
        let length = place.len();
        self.places.insert(key, place);
        length
    }

    /// The rows from `key` on, in key order.
    pub(crate) fn range(&self, key: Vec<u8>) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.places.range(key..).map(|(key, place)| (key.as_slice(), self.value(place)))
    }

    /// Keys and values, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.places.iter().map(|(key, place)| (key.as_slice(), self.value(place)))
    }

    fn value(&self, place: &Range<usize>) -> &[u8] {
        self.bytes.get(place.clone()).unwrap_or_default()
    }

    pub(crate) fn clear(&mut self) {
        self.places.clear();
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_BYTES);
    }
}

/// An ordered map of bytes, written in atomic batches. Rows are only ever added.
pub trait ViewStore: Send + Sync {
    /// Visits rows in byte order from the first at or after `from`, as long as they start with `prefix`.
    ///
    /// # Errors
    /// The database fails.
    fn scan(&self, prefix: &[u8], from: &[u8], visit: Visit<'_>) -> Result<(), ViewError>;

    /// Adds rows and moves the cursor, both or neither. Need not be synced: what is lost is folded again.
    ///
    /// # Errors
    /// The database fails; then nothing was written.
    fn write(&self, rows: &Rows, cursor: &Cursor) -> Result<(), ViewError>;

    /// The cursor; `None` when nothing was ever written.
    ///
    /// # Errors
    /// The database fails.
    fn cursor(&self) -> Result<Option<Cursor>, ViewError>;
}

/// Views in memory.
#[derive(Default)]
pub struct MemoryViews {
    inner: RwLock<(BTreeMap<Vec<u8>, Vec<u8>>, Option<Cursor>)>,
}

impl MemoryViews {
    /// Empty views.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl ViewStore for MemoryViews {
    fn scan(&self, prefix: &[u8], from: &[u8], visit: Visit<'_>) -> Result<(), ViewError> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        scan_map(&inner.0, prefix, from, visit);
        Ok(())
    }

    fn write(&self, rows: &Rows, cursor: &Cursor) -> Result<(), ViewError> {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.0.extend(rows.iter().map(|(key, value)| (key.to_vec(), value.to_vec())));
        inner.1 = Some(cursor.clone());
        Ok(())
    }

    fn cursor(&self) -> Result<Option<Cursor>, ViewError> {
        Ok(self.inner.read().unwrap_or_else(PoisonError::into_inner).1.clone())
    }
}

/// The newest version of a row that an entry up to `last` made, through `read`.
pub(crate) fn newest<T>(
    store: &dyn ViewStore,
    key: &RowKey,
    last: u64,
    read: impl FnOnce(&[u8]) -> T,
) -> Result<Option<T>, ViewError> {
    let (mut read, mut found) = (Some(read), None);
    store.scan(key.as_bytes(), &key.version(last), &mut |stored, value| {
        if key.is_of(stored) {
            found = read.take().map(|read| read(value));
        }
        Then::Stop
    })?;
    Ok(found)
}

/// Visits of each row that starts with `prefix`, from `start` on, the newest version that an entry up to `last` made, until `visit` says no more.
pub(crate) fn each_newest(
    store: &dyn ViewStore,
    prefix: &[u8],
    start: &[u8],
    last: u64,
    visit: &mut dyn FnMut(RowKey, &[u8]) -> bool,
) -> Result<(), ViewError> {
    store.scan(prefix, start, &mut |stored, value| {
        let Some((row, version)) = RowKey::split(stored) else { return Then::Next };
        if version > last {
            // Too new: the first version of this row that holds at that size, or the next row.
            return Then::Seek(row.version(last));
        }
        let past = row.behind();
        if visit(row, value) { Then::Seek(past) } else { Then::Stop }
    })
}

/// [`ViewStore::scan`] over a map.
pub(crate) fn scan_map(map: &BTreeMap<Vec<u8>, Vec<u8>>, prefix: &[u8], from: &[u8], visit: Visit<'_>) {
    let mut start = from.max(prefix).to_vec();
    'seek: loop {
        for (key, value) in map.range::<[u8], _>((Bound::Included(start.as_slice()), Bound::Unbounded)) {
            if !key.starts_with(prefix) {
                return;
            }
            match visit(key, value) {
                Then::Next => {}
                Then::Seek(to) => {
                    start = to;
                    continue 'seek;
                }
                Then::Stop => return,
            }
        }
        return;
    }
}
