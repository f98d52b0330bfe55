//! Feeds any bytes to the check `signer_key`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    modeltrail_tlog::fuzzing::signer_key(data);
});
