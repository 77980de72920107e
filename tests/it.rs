//! Every test in one binary, so that it links once. Each module is named after what it asserts about.
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

#[path = "it/support/mod.rs"]
mod support;

#[path = "it/architecture.rs"]
mod architecture;
#[path = "it/calls.rs"]
mod calls;
#[path = "it/cancel.rs"]
mod cancel;
#[path = "it/channels.rs"]
mod channels;
#[path = "it/cli.rs"]
mod cli;
#[path = "it/config.rs"]
mod config;
#[path = "it/conversations.rs"]
mod conversations;
#[path = "it/crash.rs"]
mod crash;
#[path = "it/door.rs"]
mod door;
#[path = "it/guard.rs"]
mod guard;
#[path = "it/journal.rs"]
mod journal;
#[path = "it/limits.rs"]
mod limits;
#[path = "it/model.rs"]
mod model;
#[path = "it/native.rs"]
mod native;
#[path = "it/ozmap.rs"]
mod ozmap;
#[path = "it/platforms.rs"]
mod platforms;
#[path = "it/postgres.rs"]
mod postgres;
#[path = "it/presets.rs"]
mod presets;
#[path = "it/proofs.rs"]
mod proofs;
#[path = "it/properties.rs"]
mod properties;
#[path = "it/readme.rs"]
mod readme;
#[path = "it/refusals.rs"]
mod refusals;
#[path = "it/replies.rs"]
mod replies;
#[path = "it/signatures.rs"]
mod signatures;
#[path = "it/simulator.rs"]
mod simulator;
#[path = "it/storm.rs"]
mod storm;
#[path = "it/third_parties.rs"]
mod third_parties;
#[path = "it/tls.rs"]
mod tls;
