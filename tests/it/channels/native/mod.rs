//! The native JSON channel, from the outside: what it takes, what it answers, and what it refuses to guess.

mod accept;
mod auth;
mod captures;
mod keys;
mod malformed;
mod members;
mod outcomes;
