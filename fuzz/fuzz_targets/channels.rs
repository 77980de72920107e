//! Feeds bytes to the check `channels`; what is checked stands in `../checks/channels.rs`.
#![no_main]

#[allow(dead_code, reason = "a target uses one of the checks")]
#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::channels::check(bytes));
