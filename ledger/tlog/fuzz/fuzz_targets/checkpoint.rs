//! Feeds any bytes to the check `checkpoint`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    modeltrail_tlog::fuzzing::checkpoint(data);
});
