//! RocksDB's settings, each with its reason.

use rocksdb::{Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode, Options, SliceTransform};

use super::WAL_LIMIT_BYTES;
use crate::{keys, settings};

/// Memory tables of all families together.
const WRITE_BUFFERS_BYTES: usize = 96 << 20;
/// One family's memory table.
const WRITE_BUFFER_BYTES: usize = 32 << 20;
/// The block cache, shared by all families.
const CACHE_BYTES: usize = 64 << 20;
/// Larger values lie in blob files, so that compaction does not copy them.
const MIN_BLOB_BYTES: u64 = 32 << 10;

pub(super) fn database(create: bool) -> Options {
    let mut options = settings::database(create);
    options.create_missing_column_families(create);
    // The default would silently drop everything behind a damaged record.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_track_and_verify_wals_in_manifest(true);
    // A recycled log file can bring old records back after a crash.
    options.set_recycle_log_file_num(0);
    options.set_manual_wal_flush(false);
    options.set_max_total_wal_size(WAL_LIMIT_BYTES);
    options.set_db_write_buffer_size(WRITE_BUFFERS_BYTES);
    options.set_max_open_files(512);
    options.set_keep_log_file_num(3);
    options.set_max_log_file_size(4 << 20);
    options
}

/// For reading beside a running writer.
pub(super) fn reading() -> Options {
    settings::beside_a_writer(database(false))
}

pub(super) fn family(name: &'static str) -> ColumnFamilyDescriptor {
    let mut options = Options::default();
    options.set_write_buffer_size(WRITE_BUFFER_BYTES);
    options.set_compression_type(DBCompressionType::Lz4);
    // Rows are evidence: nothing is rewritten only because it is old.
    options.set_periodic_compaction_seconds(0);
    let mut blocks = settings::blocks(shared_cache(), 16 << 10);
    match name {
        keys::IDS => {
            settings::filter(&mut blocks);
            options.set_memtable_whole_key_filtering(true);
            options.set_memtable_prefix_bloom_ratio(0.02);
            // Hashes do not compress.
            options.set_compression_type(DBCompressionType::None);
        }
        keys::TRAILS => {
            settings::filter(&mut blocks);
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
