//! The native JSON channel, from the outside: its requests, its answers, and the ambiguous input
//! that it refuses.
//!
//! - `accept`    JSON or text
//! - `auth`      bearer tokens and signatures
//! - `captures`  requests of real platforms
//! - `keys`      idempotency keys and duplicates
//! - `malformed` bodies that are not JSON
//! - `members`   the members of a request
//! - `outcomes`  the table of outcomes, lookups, dry runs

mod accept;
mod auth;
mod captures;
mod keys;
mod malformed;
mod members;
mod outcomes;
