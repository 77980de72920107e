//! The public listener from the outside.
//!
//! - `conversations` questions and their answers across several messages, restarts and replicas
//! - `limits`        bodies, heads, overload, health, stop, and what must not be logged
//! - `refusals`      requests that are refused, in the platform's own form

mod conversations;
mod limits;
mod refusals;
