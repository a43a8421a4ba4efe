#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gateway::fuzzed::p1(bytes));
