//! Feeds any bytes to the check `entries_path`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    modeltrail_tlog::fuzzing::entries_path(data);
});
