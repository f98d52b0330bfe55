//! Feeds any bytes to the check `verifier_key`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    modeltrail_tlog::fuzzing::verifier_key(data);
});
