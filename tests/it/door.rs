//! The door: what a request may look like, and that none deletes by a misunderstanding.
//!
//! Every kind of mistake is played on every preset where it can occur, from data: the requests that a preset understands
//! as a cancellation (`tests/it/channels`) are changed, so that a new preset is covered by its captured requests alone.

#[path = "door/bases.rs"]
mod bases;
#[path = "door/codes.rs"]
mod codes;
#[path = "door/instructions.rs"]
mod instructions;
#[path = "door/outside.rs"]
mod outside;
#[path = "door/refused.rs"]
mod refused;
#[path = "door/strays.rs"]
mod strays;
