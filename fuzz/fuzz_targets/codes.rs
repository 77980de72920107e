//! Feeds bytes to the check `codes`; what is checked stands in `../checks/codes.rs`.
#![no_main]

#[allow(dead_code, reason = "a target uses one of the checks")]
#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::codes::check(bytes));
