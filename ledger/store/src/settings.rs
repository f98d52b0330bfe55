//! What both databases have in common: the log's, and that of the views.

use rocksdb::{BlockBasedIndexType, BlockBasedOptions, Cache, LogLevel, Options};

/// Ten bits a key: one look-up in a hundred for an absent key reads a block.
const BLOOM_BITS: f64 = 10.0;
/// A piece of an index or a filter.
const METADATA_BYTES: usize = 4 << 10;

/// A database that is made anew, or must be there.
pub(crate) fn database(create: bool) -> Options {
    let mut options = Options::default();
    options.create_if_missing(create);
    options.set_error_if_exists(create);
    options.set_paranoid_checks(true);
    options.set_bytes_per_sync(1 << 20);
    options.set_max_background_jobs(2);
    options.set_log_level(LogLevel::Warn);
    options
}

/// For reading beside a running writer: every file is held open from the start, so that none is gone when it is needed.
pub(crate) fn beside_a_writer(mut options: Options) -> Options {
    options.set_max_open_files(-1);
    options
}

/// Blocks of that size in that cache.
pub(crate) fn blocks(cache: &Cache, bytes: usize) -> BlockBasedOptions {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    blocks.set_block_size(bytes);
    blocks.set_format_version(5);
    // Indexes and filters count against the cache too, so that memory does not grow with the rows.
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    // In pieces, since a large file's whole index or filter is more than what a shard of the cache has left, and was read and unpacked again for
    // every look-up.
    blocks.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    blocks.set_partition_filters(true);
    blocks.set_metadata_block_size(METADATA_BYTES);
    blocks.set_pin_top_level_index_and_filter(true);
    blocks
}

/// Filters for keys, or parts of keys, that mostly aren't there.
pub(crate) fn filter(blocks: &mut BlockBasedOptions) {
    blocks.set_bloom_filter(BLOOM_BITS, false);
}
