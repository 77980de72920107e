//! Every test from the outside in one binary, so that it links once. The tree mirrors `src`.
//!
//! - `channels`, `http`, `cancel`, `journal`, `ozmap`, `guard`, `replies`, `config`, `cli`: the room of that name
//! - `simulator`      the OZmap simulator, which every other test relies on
//! - `crash`          the service killed at every call and every write
//! - `soak`           many callers, many faults, several replicas, for a bounded time
//! - `model`          a small model of the protocol, and the safeguards without which it breaks a promise
//! - `architecture`   rules over the sources that the compiler cannot see
//! - `third_parties`  the software of others: Node-RED, Rasa, SDKs, parsers
//! - `papers`         what the papers say is what the service does
//! - `support`        a world for a test: the real binary, a simulated OZmap, a journal
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a test may stop, print and spawn; not every test uses all of the support"
)]

mod architecture;
mod cancel;
mod channels;
mod cli;
mod config;
mod crash;
mod guard;
mod http;
mod journal;
mod model;
mod ozmap;
mod papers;
mod replies;
mod simulator;
mod soak;
mod support;
mod third_parties;
