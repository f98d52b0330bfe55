//! RocksDB's settings, each with its reason.

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode, LogLevel, Options,
    SliceTransform,
};

use super::WAL_LIMIT_BYTES;
use crate::keys;

/// Memory tables of all families together.
const WRITE_BUFFERS_BYTES: usize = 96 << 20;
/// One family's memory table.
const WRITE_BUFFER_BYTES: usize = 32 << 20;
/// The block cache, shared by all families.
const CACHE_BYTES: usize = 64 << 20;
/// Larger values lie in blob files, so that compaction does not copy them.
const MIN_BLOB_BYTES: u64 = 32 << 10;
/// Ten bits a key: one look-up in a hundred for an absent key reads a block.
const BLOOM_BITS: f64 = 10.0;

pub(super) fn database(create: bool) -> Options {
    let mut options = Options::default();
    options.create_if_missing(create);
    options.create_missing_column_families(create);
    options.set_error_if_exists(create);
    // The default would silently drop everything behind a damaged record.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_paranoid_checks(true);
    // A recycled log file can bring old records back after a crash.
    options.set_recycle_log_file_num(0);
    options.set_manual_wal_flush(false);
    options.set_max_total_wal_size(WAL_LIMIT_BYTES);
    options.set_db_write_buffer_size(WRITE_BUFFERS_BYTES);
    options.set_bytes_per_sync(1 << 20);
    options.set_max_background_jobs(2);
    options.set_max_open_files(512);
    options.set_keep_log_file_num(3);
    options.set_max_log_file_size(4 << 20);
    options.set_log_level(LogLevel::Warn);
    options
}

/// For reading beside a running writer: every file is held open from the start, so that none is gone when it is needed.
pub(super) fn reading() -> Options {
    let mut options = database(false);
    options.set_max_open_files(-1);
    options
}

pub(super) fn family(name: &'static str) -> ColumnFamilyDescriptor {
    let mut options = Options::default();
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    options.set_compression_type(DBCompressionType::Lz4);
    // Rows are evidence: nothing is rewritten only because it is old.
    options.set_periodic_compaction_seconds(0);
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(shared_cache());
    blocks.set_block_size(16 << 10);
    blocks.set_format_version(5);
    // Indexes and filters count against the cache too, so that memory does not grow with the ledger.
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    match name {
        keys::IDS => {
            blocks.set_bloom_filter(BLOOM_BITS, false);
            options.set_memtable_whole_key_filtering(true);
            options.set_memtable_prefix_bloom_ratio(0.02);
            // Hashes do not compress.
            options.set_compression_type(DBCompressionType::None);
        }
        keys::TRAILS => {
            blocks.set_bloom_filter(BLOOM_BITS, false);
            options.set_prefix_extractor(SliceTransform::create("modeltrail.trail", keys::trail_bloom, None));
            options.set_memtable_whole_key_filtering(true);
            options.set_memtable_prefix_bloom_ratio(0.02);
        }
        keys::RECORDS => {
            options.set_enable_blob_files(true);
            options.set_min_blob_size(MIN_BLOB_BYTES);
            options.set_blob_compression_type(DBCompressionType::Lz4);
            options.set_bottommost_compression_type(DBCompressionType::Zstd);
        }
        keys::HEADERS => options.set_bottommost_compression_type(DBCompressionType::Zstd),
        keys::TILES => options.set_compression_type(DBCompressionType::None),
        _ => {}
    }
    options.set_block_based_table_factory(&blocks);
    ColumnFamilyDescriptor::new(name, options)
}

fn shared_cache() -> &'static Cache {
    static CACHE: std::sync::OnceLock<Cache> = std::sync::OnceLock::new();
    CACHE.get_or_init(|| Cache::new_lru_cache(CACHE_BYTES))
}
