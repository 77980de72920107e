//! What must hold for whatever bytes come in, written once: the fuzz targets feed it, and so do the stable tests in
//! `tests/it/channels/properties/mod.rs`.
//!
//! A check stops (panics) when something does not hold, and takes nothing but bytes, so that what a fuzzer found can be
//! kept as a file of `fuzz/seeds`. It looks at the library from the outside only.

pub mod channels;
pub mod codes;
pub mod configuration;
pub mod documents;
pub mod request;
pub mod signatures;
pub mod traces;
pub mod wellformed;

/// Stops when something does not hold.
pub type Check = fn(&[u8]);

/// Every check by the name of its fuzz target.
pub const ALL: [(&str, Check); 5] = [
    ("channels", channels::check),
    ("codes", codes::check),
    ("configuration", configuration::check),
    ("documents", documents::check),
    ("signatures", signatures::check),
];
