//! Any bytes as a manifest file.

#![no_main]

#[path = "../../tests/corpus/harness.rs"]
#[allow(dead_code)] // the other target's half
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::manifests(bytes));
