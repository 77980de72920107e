//! Requests that are easy to misread: no misunderstanding may cause a deletion.
//!
//! The tests apply every kind of mistake to every preset where it can occur. They change the
//! captured requests (`tests/it/channels/cases`) that a preset parses as a cancellation, so the
//! captured requests alone cover a new preset.

mod bases;
mod codes;
mod instructions;
mod outside;
mod refused;
mod strays;
