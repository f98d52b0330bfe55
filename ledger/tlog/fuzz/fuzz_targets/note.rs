//! Feeds any bytes to the check `note`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    modeltrail_tlog::fuzzing::note(data);
});
