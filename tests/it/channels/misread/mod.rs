//! Requests that are easy to misread: none deletes by a misunderstanding.
//!
//! Every kind of mistake is played on every preset where it can occur, from data: the requests that a preset understands
//! as a cancellation (`tests/it/channels/cases`) are changed, so that a new preset is covered by its captured requests alone.

mod bases;
mod codes;
mod instructions;
mod outside;
mod refused;
mod strays;
