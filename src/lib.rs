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
