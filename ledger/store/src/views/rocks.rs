//! Views in RocksDB: one column family, one batch a write, the cursor in it.
//!
//! Nothing is synced and the write-ahead log is off: what a crash takes is folded again. It takes whole batches only, the newest ones. A batch goes into one memory
//! table, memory tables become files in the order in which they were filled, and the manifest names a file when it is whole; with a single column family there is no
//! other that could be ahead or behind. So what is found after a crash is a prefix of the batches, and the cursor in it is that of the last of them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use modeltrail_views::store::{Cursor, Rows, Then, ViewError, ViewStore, Visit};
use rocksdb::{DB, DBRawIterator, Snapshot, WriteBatch, WriteOptions};

use super::options;
use crate::{failpoint, settings};

/// Where the cursor lies: before all rows, whose first byte is their table's number from 1.
const CURSOR: &[u8] = &[0];
/// Steps that are tried before a seek: versions of a row lie side by side, and a step costs a tenth of a seek.
const NEAR: usize = 8;

/// Views in a database of their own.
pub struct RocksViews {
    // Dropped in this order: a database is closed before its folder goes.
    db: DB,
    grave: Grave,
}

/// Takes the folder away when the last reader is done, if it was said to.
struct Grave {
    path: PathBuf,
    doomed: AtomicBool,
}

impl Drop for Grave {
    fn drop(&mut self) {
        if self.doomed.load(Ordering::Acquire)
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "could not remove views that nobody uses; the next start tries again");
        }
    }
}

pub(super) fn io(doing: &'static str) -> impl Fn(rocksdb::Error) -> ViewError {
    move |error| ViewError::Store { doing, detail: error.into_string() }
}

impl RocksViews {
    /// Makes an empty database in `path`, which must hold none.
    ///
    /// # Errors
    /// It exists or can't be made.
    pub fn create(path: &Path) -> Result<Self, ViewError> {
        Ok(Self::of(DB::open(&options::database(true)?, path).map_err(io("make a database"))?, path))
    }

    /// Opens the database in `path`.
    ///
    /// # Errors
    /// There is none, it is damaged, or another process has it.
    pub fn open(path: &Path) -> Result<Self, ViewError> {
        Ok(Self::of(DB::open(&options::database(false)?, path).map_err(io("open the database"))?, path))
    }

    /// Opens the database in `path` for reading only; beside another process, too.
    ///
    /// # Errors
    /// There is none, or it is damaged.
    pub fn open_read_only(path: &Path) -> Result<Self, ViewError> {
        let options = settings::beside_a_writer(options::database(false)?);
        let db = DB::open_for_read_only(&options, path, false).map_err(io("open the database"))?;
        Ok(Self::of(db, path))
    }

    fn of(db: DB, path: &Path) -> Self {
        Self { db, grave: Grave { path: path.to_owned(), doomed: AtomicBool::new(false) } }
    }

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// The write fails.
    pub fn flush(&self) -> Result<(), ViewError> {
        self.db.flush().map_err(io("flush"))
    }

    /// Lets the folder vanish with the last handle.
    pub(super) fn doom(&self) {
        self.grave.doomed.store(true, Ordering::Release);
    }

    /// The views as they stand now, whatever is written from here on.
    #[must_use]
    pub fn frozen(&self) -> Frozen<'_> {
        Frozen { snapshot: self.db.snapshot() }
    }

    /// Bytes of memory that the views of this process use, as RocksDB counts them.
    #[must_use]
    pub fn memory_bytes() -> usize {
        options::Shared::get().map_or(0, options::Shared::used_bytes)
    }
}

impl ViewStore for RocksViews {
    fn scan(&self, prefix: &[u8], from: &[u8], visit: Visit<'_>) -> Result<(), ViewError> {
        walk(self.db.raw_iterator_opt(options::reading(prefix)), prefix, from, visit)
    }

    fn write(&self, rows: &Rows, cursor: &Cursor) -> Result<(), ViewError> {
        let mut batch = WriteBatch::default();
        for (key, value) in rows.iter() {
            batch.put(key, value);
        }
        batch.put(CURSOR, serde_json::to_vec(cursor).expect("a number and a text always serialise"));
        let mut options = WriteOptions::default();
        options.disable_wal(true);
        failpoint::hit("views.before_write");
        self.db.write_opt(batch, &options).map_err(io("write"))?;
        failpoint::hit("views.after_write");
        Ok(())
    }

    fn cursor(&self) -> Result<Option<Cursor>, ViewError> {
        parse_cursor(self.db.get(CURSOR).map_err(io("read the cursor"))?)
    }
}

/// Views as they stood at one moment. For reading every row: they leave the cache alone, and are slow to find one.
pub struct Frozen<'d> {
    snapshot: Snapshot<'d>,
}

impl ViewStore for Frozen<'_> {
    fn scan(&self, prefix: &[u8], from: &[u8], visit: Visit<'_>) -> Result<(), ViewError> {
        walk(self.snapshot.raw_iterator_opt(options::sweeping(prefix)), prefix, from, visit)
    }

    fn write(&self, _: &Rows, _: &Cursor) -> Result<(), ViewError> {
        Err(ViewError::Store { doing: "write", detail: "these are views of a past moment".to_owned() })
    }

    fn cursor(&self) -> Result<Option<Cursor>, ViewError> {
        parse_cursor(self.snapshot.get(CURSOR).map_err(io("read the cursor"))?)
    }
}

fn parse_cursor(bytes: Option<Vec<u8>>) -> Result<Option<Cursor>, ViewError> {
    let parse = |bytes: Vec<u8>| {
        serde_json::from_slice(&bytes)
            .map_err(|error| ViewError::Damaged { key: "cursor".to_owned(), detail: error.to_string() })
    };
    bytes.map(parse).transpose()
}

fn walk(mut rows: DBRawIterator<'_>, prefix: &[u8], from: &[u8], visit: Visit<'_>) -> Result<(), ViewError> {
    let start = from.max(prefix);
    if !start.starts_with(prefix) {
        return Ok(());
    }
    rows.seek(start);
    while let Some((key, value)) = rows.item() {
        if !key.starts_with(prefix) {
            break;
        }
        if key == CURSOR {
            // It is no row.
            rows.next();
            continue;
        }
        match visit(key, value) {
            Then::Next => rows.next(),
            Then::Seek(to) if to.starts_with(prefix) => go_to(&mut rows, &to),
            Then::Seek(_) | Then::Stop => return Ok(()),
        }
    }
    // An iterator that ends on an error is not at its end.
    rows.status().map_err(io("scan"))
}

fn go_to(rows: &mut DBRawIterator<'_>, to: &[u8]) {
    for _ in 0..NEAR {
        rows.next();
        if rows.key().is_none_or(|key| key >= to) {
            return;
        }
    }
    rows.seek(to);
}
