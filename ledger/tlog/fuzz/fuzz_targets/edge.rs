//! Feeds any bytes to the check `edge`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    modeltrail_tlog::fuzzing::edge(data);
});
