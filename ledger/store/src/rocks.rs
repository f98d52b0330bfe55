//! The log in RocksDB. The only place that knows RocksDB's interface.
//!
//! What the settings rest on was measured: with RocksDB's default recovery mode a flipped bit in the middle of the write-ahead log reopens the database with half
//! the entries gone and no error; `TolerateCorruptedTailRecords` refuses, and still opens after a write that was cut off at the tail.

mod options;
mod scan;

use std::path::{Path, PathBuf};

use modeltrail_core::store::{
    PositionRow, SealBatch, Store, StoreError, VisitCheckpoint, VisitId, VisitRow, VisitTile, VisitTrail,
};
use modeltrail_core::types::EntryIndex;
use modeltrail_tlog::tree::TreeSize;
use rocksdb::{ColumnFamily, DB, Direction, IteratorMode, ReadOptions, WriteBatch, WriteOptions};
pub use scan::VisitEntry;

use crate::keys;

/// The write-ahead log's limit; below twice this much free disk, writes pause.
pub const WAL_LIMIT_BYTES: u64 = 256 << 20;

/// The log.
pub struct RocksStore {
    db: DB,
    path: PathBuf,
    read_only: bool,
}

/// How a database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It must not exist yet.
    Create,
    /// It must exist.
    Write,
    /// It must exist; nothing is written, not even a recovery.
    Read,
}

fn io(doing: &'static str) -> impl Fn(rocksdb::Error) -> StoreError {
    move |error| StoreError::Io { doing, detail: error.into_string() }
}

fn damaged(what: impl Into<String>, detail: impl Into<String>) -> StoreError {
    StoreError::Damaged { what: what.into(), detail: detail.into() }
}

impl RocksStore {
    /// Opens the database in `path`.
    ///
    /// # Errors
    /// It exists or does not exist against expectation, another process has it, or it is damaged.
    pub fn open(path: &Path, access: Access) -> Result<Self, StoreError> {
        let families = keys::ALL.map(options::family);
        let exists = path.join("CURRENT").exists();
        if (access == Access::Create) == exists {
            let detail =
                if exists { "it already exists" } else { "there is no database; `modeltraild init` makes one" };
            return Err(StoreError::Io { doing: "open the log", detail: format!("{}: {detail}", path.display()) });
        }
        let db = match access {
            Access::Read => {
                let families = families.into_iter();
                DB::open_cf_descriptors_read_only(&options::reading(), path, families, false)
                    .map_err(io("open the log"))?
            }
            Access::Create | Access::Write => {
                DB::open_cf_descriptors(&options::database(access == Access::Create), path, families)
                    .map_err(io("open the log"))?
            }
        };
        Ok(Self { db, path: path.to_owned(), read_only: access == Access::Read })
    }

    /// Where the database lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes on disk of all column families, as RocksDB estimates them, by family.
    ///
    /// # Errors
    /// The property can't be read.
    pub fn sizes(&self) -> Result<Vec<(&'static str, u64)>, StoreError> {
        let of = |name| {
            let family = self.family(name)?;
            let live =
                self.db.property_int_value_cf(family, "rocksdb.live-sst-files-size").map_err(io("read a size"))?;
            let blobs =
                self.db.property_int_value_cf(family, "rocksdb.live-blob-file-size").map_err(io("read a size"))?;
            Ok((name, live.unwrap_or(0) + blobs.unwrap_or(0)))
        };
        keys::ALL.into_iter().map(of).collect()
    }

    /// Writes memory tables to disk, so that sizes can be told.
    ///
    /// # Errors
    /// The write fails.
    pub fn flush(&self) -> Result<(), StoreError> {
        keys::ALL.into_iter().try_for_each(|name| self.db.flush_cf(self.family(name)?).map_err(io("flush")))
    }

    /// Visits the entries `from..to` in order: index, header, opening.
    ///
    /// # Errors
    /// The store can't answer, or a header is missing.
    pub fn scan_entries(&self, from: u64, to: u64, visit: VisitEntry<'_>) -> Result<(), StoreError> {
        scan::entries(self, from, to, visit)
    }

    fn family(&self, name: &'static str) -> Result<&ColumnFamily, StoreError> {
        self.db.cf_handle(name).ok_or_else(|| damaged(name, "the column family is missing"))
    }

    fn get(&self, name: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get_cf(self.family(name)?, key).map_err(io("read"))
    }

    fn get_index(&self, name: &'static str, key: &[u8]) -> Result<Option<EntryIndex>, StoreError> {
        let found = self.db.get_pinned_cf(self.family(name)?, key).map_err(io("read"))?;
        found.map(|bytes| keys::parse_index(&bytes).ok_or_else(|| damaged(name, "a value is not an index"))).transpose()
    }

    /// Up to which index a source's entries were copied to its dead-letter topic; 0 when none ever were.
    ///
    /// # Errors
    /// The store can't answer.
    pub fn copied_to(&self, source: &str) -> Result<u64, StoreError> {
        Ok(self.get_index(keys::OUTBOX, &keys::dead_letter(source))?.map_or(0, EntryIndex::get))
    }

    /// Remembers that. Not synced by itself: a seal behind it takes it along, and what a crash forgets is only copied again.
    ///
    /// # Errors
    /// The write fails, or the database is open for reading only.
    pub fn note_copied(&self, source: &str, index: u64) -> Result<(), StoreError> {
        if self.read_only {
            return Err(StoreError::ReadOnly);
        }
        let key = keys::dead_letter(source);
        self.db.put_cf(self.family(keys::OUTBOX)?, key, keys::number(index)).map_err(io("note what was copied"))
    }

    fn write_batch(&self, batch: &SealBatch) -> Result<WriteBatch, StoreError> {
        let (headers, records) = (self.family(keys::HEADERS)?, self.family(keys::RECORDS)?);
        let mut rows = WriteBatch::default();
        for (offset, entry) in batch.entries.iter().enumerate() {
            let key = keys::number(batch.first + offset as u64);
            rows.put_cf(headers, key, &entry.header);
            if let Some(opening) = &entry.opening {
                rows.put_cf(records, key, opening);
            }
        }
        let (ids, trails, tiles) = (self.family(keys::IDS)?, self.family(keys::TRAILS)?, self.family(keys::TILES)?);
        for (hash, index) in &batch.ids {
            rows.put_cf(ids, hash, keys::number(index.get()));
        }
        for (subject, n, index) in &batch.trails {
            rows.put_cf(trails, keys::trail(subject, *n), keys::number(index.get()));
        }
        for (id, hashes) in &batch.tiles {
            rows.put_cf(tiles, keys::tile(id.level, id.index), hashes);
        }
        let (sources, checkpoints) = (self.family(keys::SOURCES)?, self.family(keys::CHECKPOINTS)?);
        for row in &batch.positions {
            let value = serde_json::to_vec(row).map_err(|error| damaged("position row", error.to_string()))?;
            rows.put_cf(sources, keys::source(&row.source, row.partition), value);
        }
        for size in &batch.drop_checkpoints {
            rows.delete_cf(checkpoints, keys::number(*size));
        }
        rows.put_cf(checkpoints, keys::number(batch.size), &batch.checkpoint);
        Ok(rows)
    }
}

impl Store for RocksStore {
    fn seal(&self, batch: &SealBatch) -> Result<(), StoreError> {
        if self.read_only {
            return Err(StoreError::ReadOnly);
        }
        let rows = self.write_batch(batch)?;
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.db.write_opt(rows, &options).map_err(io("seal"))
    }

    fn header(&self, index: EntryIndex) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(keys::HEADERS, &keys::number(index.get()))
    }

    fn opening(&self, index: EntryIndex) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(keys::RECORDS, &keys::number(index.get()))
    }

    fn id(&self, hash: &[u8; 32]) -> Result<Option<EntryIndex>, StoreError> {
        self.get_index(keys::IDS, hash)
    }

    fn trail_head(&self, subject: &str) -> Result<Option<(u64, EntryIndex)>, StoreError> {
        // Most subjects that aren't in the cache are new: the bloom filter answers for their first step without a seek.
        if self.get_index(keys::TRAILS, &keys::trail(subject, 0))?.is_none() {
            return Ok(None);
        }
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(keys::trail_prefix(subject));
        options.set_total_order_seek(true);
        let from = keys::trail(subject, u64::MAX);
        let mode = IteratorMode::From(&from, Direction::Reverse);
        let Some(row) = self.db.iterator_cf_opt(self.family(keys::TRAILS)?, options, mode).next() else {
            return Ok(None);
        };
        let (key, value) = row.map_err(io("read a trail"))?;
        let (_, n) = keys::parse_trail(&key).ok_or_else(|| damaged("trails", "a key is none"))?;
        let index = keys::parse_index(&value).ok_or_else(|| damaged("trails", "a value is not an index"))?;
        Ok(Some((n, index)))
    }

    fn trail(&self, subject: &str, from: u64, limit: usize) -> Result<Vec<EntryIndex>, StoreError> {
        let start = keys::trail(subject, from);
        let prefix = keys::trail_prefix(subject);
        let mut options = ReadOptions::default();
        options.set_total_order_seek(true);
        let rows = self.db.iterator_cf_opt(
            self.family(keys::TRAILS)?,
            options,
            IteratorMode::From(&start, Direction::Forward),
        );
        let mut found = Vec::new();
        for row in rows.take(limit) {
            let (key, value) = row.map_err(io("read a trail"))?;
            if !key.starts_with(&prefix) {
                break;
            }
            found.push(keys::parse_index(&value).ok_or_else(|| damaged("trails", "a value is not an index"))?);
        }
        Ok(found)
    }

    fn subjects(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        scan::subjects(self, prefix, after, limit)
    }

    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(keys::TILES, &keys::tile(level, index))
    }

    fn checkpoint(&self, size: TreeSize) -> Result<Option<String>, StoreError> {
        let bytes = self.get(keys::CHECKPOINTS, &keys::number(size.get()))?;
        bytes
            .map(|bytes| String::from_utf8(bytes).map_err(|error| damaged("checkpoints", error.to_string())))
            .transpose()
    }

    fn checkpoint_up_to(&self, size: TreeSize) -> Result<Option<(TreeSize, String)>, StoreError> {
        let from = keys::number(size.get());
        let mode = IteratorMode::From(&from, Direction::Reverse);
        let Some(row) = self.db.iterator_cf(self.family(keys::CHECKPOINTS)?, mode).next() else { return Ok(None) };
        let (key, value) = row.map_err(io("read a checkpoint"))?;
        let size = keys::parse_number(&key).ok_or_else(|| damaged("checkpoints", "a key is not a size"))?;
        let note = String::from_utf8(value.into_vec()).map_err(|error| damaged("checkpoints", error.to_string()))?;
        Ok(Some((TreeSize::new(size), note)))
    }

    fn positions(&self) -> Result<Vec<PositionRow>, StoreError> {
        let rows = self.db.iterator_cf(self.family(keys::SOURCES)?, IteratorMode::Start);
        rows.map(|row| {
            let (key, value) = row.map_err(io("read positions"))?;
            serde_json::from_slice(&value)
                .map_err(|error| damaged(format!("position row {}", String::from_utf8_lossy(&key)), error.to_string()))
        })
        .collect()
    }

    fn scan_headers(&self, from: EntryIndex, visit: VisitRow<'_>) -> Result<(), StoreError> {
        scan::indexed(self, keys::HEADERS, from, visit)
    }

    fn scan_openings(&self, from: EntryIndex, visit: VisitRow<'_>) -> Result<(), StoreError> {
        scan::indexed(self, keys::RECORDS, from, visit)
    }

    fn scan_ids(&self, visit: VisitId<'_>) -> Result<(), StoreError> {
        scan::ids(self, visit)
    }

    fn scan_trails(&self, visit: VisitTrail<'_>) -> Result<(), StoreError> {
        scan::trails(self, visit)
    }

    fn scan_tiles(&self, visit: VisitTile<'_>) -> Result<(), StoreError> {
        scan::tiles(self, visit)
    }

    fn scan_checkpoints(&self, visit: VisitCheckpoint<'_>) -> Result<(), StoreError> {
        scan::checkpoints(self, visit)
    }
}
