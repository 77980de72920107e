//! Placeholder of the architecture page.
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
pub mod simulator;
