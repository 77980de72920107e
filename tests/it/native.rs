//! The native JSON channel, from the outside: what it takes, what it answers, and what it refuses to guess.

#[path = "native/accept.rs"]
mod accept;
#[path = "native/auth.rs"]
mod auth;
#[path = "native/captures.rs"]
mod captures;
#[path = "native/keys.rs"]
mod keys;
#[path = "native/malformed.rs"]
mod malformed;
#[path = "native/members.rs"]
mod members;
#[path = "native/outcomes.rs"]
mod outcomes;
