//! Feeds any bytes to the check `tlog_proof`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    modeltrail_tlog::fuzzing::tlog_proof(data);
});
