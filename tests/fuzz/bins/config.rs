#![no_main]
#![allow(dead_code, clippy::unwrap_used, reason = "one target of several, a test")]

#[path = "../targets/mod.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::config::target(data));
