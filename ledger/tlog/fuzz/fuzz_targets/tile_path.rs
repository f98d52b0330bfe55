//! Feeds any bytes to the check `tile_path`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    modeltrail_tlog::fuzzing::tile_path(data);
});
