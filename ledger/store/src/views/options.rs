//! RocksDB's settings for views: disposable rows, so nothing is synced and nothing is logged ahead; bounded memory, so that ingest keeps its own.

use std::sync::OnceLock;

use modeltrail_views::store::ViewError;
use rocksdb::{
    Cache, DBCompactionStyle, DBCompressionType, Env, Options, ReadOptions, SliceTransform, WriteBufferManager,
};

use super::rocks::io;
use crate::settings;

/// Blocks, indexes, filters and memory tables of all views of this process, those of a rebuild too.
const CACHE_BYTES: usize = 96 << 20;
/// Memory tables among them.
const WRITE_BUFFERS_BYTES: usize = 40 << 20;
/// One memory table: what a crash lets fold again is at most what fits into two.
const WRITE_BUFFER_BYTES: usize = 16 << 20;
/// Read ahead this much where every row is read.
const READAHEAD_BYTES: usize = 2 << 20;
/// Files that may overlap before they are merged: what a query looks through at most, behind their filters.
const SORTED_RUNS: i32 = 8;
/// Threads that compact, for all databases of the process. Each takes one: the log's never wait for those of the views.
const COMPACTING_THREADS: i32 = 2;
/// Threads that write memory tables out, likewise.
const FLUSHING_THREADS: i32 = 2;

/// What all views of this process share.
pub(super) struct Shared {
    cache: Cache,
    buffers: WriteBufferManager,
    env: Env,
}

impl Shared {
    pub(super) fn get() -> Result<&'static Self, ViewError> {
        static SHARED: OnceLock<Shared> = OnceLock::new();
        if let Some(shared) = SHARED.get() {
            return Ok(shared);
        }
        let cache = Cache::new_lru_cache(CACHE_BYTES);
        // Never a stall here: a projector that waited for itself would wait for ever. The bound is kept by flushing early.
        let buffers =
            WriteBufferManager::new_write_buffer_manager_with_cache(WRITE_BUFFERS_BYTES, false, cache.clone());
        let mut env = Env::new().map_err(io("ask for threads"))?;
        env.set_background_threads(COMPACTING_THREADS);
        env.set_high_priority_background_threads(FLUSHING_THREADS);
        Ok(SHARED.get_or_init(|| Self { cache, buffers, env }))
    }

    /// Bytes in use now: the cache counts memory tables as its own.
    pub(super) fn used_bytes(&self) -> usize {
        self.cache.get_usage()
    }
}

pub(super) fn database(create: bool) -> Result<Options, ViewError> {
    let shared = Shared::get()?;
    let mut options = settings::database(create);
    options.set_env(&shared.env);
    options.set_write_buffer_manager(&shared.buffers);
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    options.set_max_open_files(256);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(1 << 20);
    options.set_compression_type(DBCompressionType::Lz4);
    // Rows are only added and every version stays, so merging frees nothing: fewer merges of more files, for up to twice the disk while one lasts.
    options.set_compaction_style(DBCompactionStyle::Universal);
    options.set_level_zero_file_num_compaction_trigger(SORTED_RUNS);
    options.set_periodic_compaction_seconds(0);
    options.set_prefix_extractor(SliceTransform::create("modeltrail.row", first_part, Some(has_first_part)));
    options.set_memtable_prefix_bloom_ratio(0.05);
    let mut blocks = settings::blocks(&shared.cache, 8 << 10);
    settings::filter(&mut blocks);
    // Rows are looked for by their first part, never by a whole key.
    blocks.set_whole_key_filtering(false);
    options.set_block_based_table_factory(&blocks);
    Ok(options)
}

/// A key up to the end of its first part: what the filters know. Every query gives at least that much, but for whole tables and search.
pub(super) fn first_part(key: &[u8]) -> &[u8] {
    end_of_first_part(key).map_or(key, |end| &key[..end])
}

pub(super) fn has_first_part(key: &[u8]) -> bool {
    end_of_first_part(key).is_some()
}

fn end_of_first_part(key: &[u8]) -> Option<usize> {
    // The first byte is the table.
    key.iter().skip(1).position(|byte| *byte == 0).map(|zero| zero + 2)
}

/// For rows that start with `prefix`.
pub(super) fn reading(prefix: &[u8]) -> ReadOptions {
    let mut options = ReadOptions::default();
    if has_first_part(prefix) {
        options.set_prefix_same_as_start(true);
    } else {
        options.set_total_order_seek(true);
    }
    if let Some(end) = behind(prefix) {
        options.set_iterate_upper_bound(end);
    }
    options
}

/// For every row, once: the cache is left to others.
pub(super) fn sweeping(prefix: &[u8]) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_total_order_seek(true);
    options.fill_cache(false);
    options.set_readahead_size(READAHEAD_BYTES);
    if let Some(end) = behind(prefix) {
        options.set_iterate_upper_bound(end);
    }
    options
}

/// The first bytes that come after all those that start with `prefix`.
fn behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_part_ends_behind_its_zero() {
        for (key, part) in [
            (&b"\x01model/a\0\xff\xff"[..], &b"\x01model/a\0"[..]),
            (b"\x1ba\0b\0used\0\0\0\0\0\0\0\0\x01", b"\x1ba\0"),
            (b"\x01", b"\x01"),
            (b"\x01model", b"\x01model"),
            (b"\0", b"\0"),
        ] {
            assert_eq!(first_part(key), part);
        }
        assert!(has_first_part(b"\x01a\0"));
        assert!(!has_first_part(b"\x01a"));
        assert!(!has_first_part(b"\0"));
    }

    #[test]
    fn what_lies_behind_a_prefix() {
        assert_eq!(behind(b"\x01a\0"), Some(b"\x01a\x01".to_vec()));
        assert_eq!(behind(b"a\xff\xff"), Some(b"b".to_vec()));
        assert_eq!(behind(b"\xff"), None);
        assert_eq!(behind(b""), None);
    }
}
