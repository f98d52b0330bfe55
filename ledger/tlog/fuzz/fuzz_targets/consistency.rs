//! Feeds any bytes to the check `consistency`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    modeltrail_tlog::fuzzing::consistency(data);
});
