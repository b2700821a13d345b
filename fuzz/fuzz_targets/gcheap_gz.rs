#![no_main]

#[path = "../../workloads/tests/fuzz_claims/mod.rs"]
mod claims;
mod within;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| within::bounded_memory(|| claims::gcheap_gz(bytes)));
