//! Views in memory, for a data directory that may not be written.

use std::sync::atomic::{AtomicUsize, Ordering};

use modeltrail_views::store::{Cursor, MemoryViews, Rows, ViewError, ViewStore, Visit};

/// What a process that only reads keeps in memory at most, as bytes of keys and values. The tree around them takes about as much again.
pub(super) const LIMIT_BYTES: usize = 96 << 20;

/// As many views as fit.
#[derive(Default)]
pub(super) struct BoundedViews {
    views: MemoryViews,
    bytes: AtomicUsize,
}

impl BoundedViews {
    /// Whether nothing more is taken.
    pub(super) fn full(&self) -> bool {
        self.bytes.load(Ordering::Acquire) >= LIMIT_BYTES
    }
}

impl ViewStore for BoundedViews {
    fn scan(&self, prefix: &[u8], from: &[u8], visit: Visit<'_>) -> Result<(), ViewError> {
        self.views.scan(prefix, from, visit)
    }

    fn write(&self, rows: &Rows, cursor: &Cursor) -> Result<(), ViewError> {
        let bytes = rows.iter().map(|(key, value)| key.len() + value.len()).sum();
        self.views.write(rows, cursor)?;
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
        Ok(())
    }

    fn cursor(&self) -> Result<Option<Cursor>, ViewError> {
        self.views.cursor()
    }
}
