//! The durable memory: what it refuses, what is on the disk when, and who may read it.

#[path = "journal/file.rs"]
pub mod file;
