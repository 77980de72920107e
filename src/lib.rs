//! `ozmap-cancel` cancels a reservation in OZmap from a chatbot or a phone menu, and never lies about it.
//!
//! # The four promises
//! 1. It never deletes what it should not: only one property, whose client has exactly the asked code and is not
//!    installed.
//! 2. It never says "cancelled" unless OZmap shows that the reservation is gone, and never says "not cancelled" while
//!    a delete may still take effect.
//! 3. It never loses an accepted request: what was accepted ends in a recorded outcome, whatever is killed.
//! 4. It always answers in time, with one of a few fixed outcomes; the same request gets the same outcome again.
//!
//! # The way of a webhook
//! [`http`] takes the bytes and finds the channel; [`channels`] proves who is calling and reads what is wanted;
//! [`cancel`] makes it durable and has it worked on; [`replies`] finds the sentence; [`channels`] writes the answer.
//!
//! # The way of a cancellation
//! One row of the [`journal`] goes `accepted -> intent -> acked -> done(outcome)`. One function, `advance`, moves a
//! record one step from any state; a fresh request and a recovery after a crash call the same. It looks up by code,
//! lets the [`guard`] judge, writes the target down, deletes through [`ozmap`], and looks again by the recorded id.
//!
//! # Why a deletion is safe
//! The argument is in the types. [`guard::judge`] alone makes a [`guard::Deletable`]; [`journal::Journal::intend`]
//! alone makes a [`journal::Intent`] of it, after it is on the disk; [`ozmap::Session::delete`] holds the only DELETE of
//! the crate and uses an intent up. No path leads around the guard or the disk.
//!
//! # Who may know whom
//! `clock, trace, domain <- guard <- journal <- ozmap <- cancel <- http`; `channels` and `replies` see only `domain`;
//! `config` sees everything that it makes settings for, and only the binary sees `config`. The simulator
//! is a crate of its own, so that it cannot share the mistakes of the service. A test keeps it so.

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
