//! `ozmap-cancel` cancels a reservation in OZmap from a chatbot or a phone menu, and never lies
//! about it.
//!
//! # The four promises
//! 1. It never deletes the wrong thing: it deletes only one property, whose client has exactly the
//!    requested code and is not installed.
//! 2. It never says "cancelled" unless OZmap shows that the reservation is gone, and never says
//!    "not cancelled" while a delete may still take effect.
//! 3. It never loses an accepted request: every accepted request ends in a recorded outcome,
//!    whatever process is killed.
//! 4. It always answers in time, with one of a few fixed outcomes; the same request gets the same
//!    outcome again.
//!
//! # The path of a webhook
//! [`http`] reads the request and finds the channel; [`channels`] authenticates the caller and
//! parses the request; [`cancel`] persists it and starts the worker; [`replies`] selects the
//! sentence; [`channels`] renders the answer.
//!
//! # The path of a cancellation
//! One row of the [`journal`] goes `accepted -> intent -> acked -> done(outcome)`. One function,
//! `advance`, moves a record one step from any state; a new request and recovery after a crash both
//! call it. It looks the code up, lets the [`guard`] judge, records the target, deletes through
//! [`ozmap`], and checks again by the recorded id.
//!
//! # Where to look
//! - [`clock`], [`trace`]: time, and the ids that link log lines and calls
//! - [`domain`]: code, property, outcome, refusal, reason, language: plain values
//! - [`guard`]: the rules that keep a property, pure
//! - [`journal`]: SQLite or PostgreSQL; acceptance, transitions, leases, migrations
//! - [`ozmap`]: the client, its circuit breaker, and the only DELETE
//! - [`cancel`]: intake, worker, recovery
//! - [`channels`]: authenticate, parse and render, for every platform
//! - [`replies`]: the sentences, and how long they take to say
//! - [`http`]: the public listener and its route table
//! - [`config`]: defaults, files, environment
//! - `main.rs` and `cli/`: the commands
//! - `testing/`: the code above under simulated time
//!
//! The `mod.rs` of each folder says what each of its files is for.
//!
//! # Why a deletion is safe
//! The types enforce the order. Only [`guard::judge`] creates a [`guard::Deletable`]. Only
//! [`journal::Journal::intend`] turns it into a [`journal::Intent`], after it is on disk.
//! [`ozmap::Session::delete`] contains the only DELETE of the crate and consumes an intent. No code
//! path bypasses the guard or the disk.
//!
//! # Dependencies between modules
//! `clock, trace, domain <- guard <- journal <- ozmap <- cancel <- http`; `channels` and `replies`
//! depend only on `domain`; `config` depends on every module that it builds settings for, and only
//! the binary depends on `config`. The simulator is a separate crate, so that it cannot share the
//! mistakes of the service. A test enforces these rules.

pub mod cancel;
pub mod channels;
pub mod clock;
pub mod config;
pub mod domain;
pub mod guard;
pub mod http;
pub mod journal;
pub mod ozmap;
pub mod replies;
#[cfg(test)]
mod testing;
pub mod trace;
