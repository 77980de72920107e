//! The client of OZmap against a server that lies, cuts, drips, redirects and closes: what it believes and what it
//! sends.
//!
//! The server is this folder's own, over raw sockets, and shares nothing with the simulator: a misunderstanding that
//! the client and the simulator have in common would not be seen otherwise.

#[path = "ozmap/answers.rs"]
mod answers;
#[path = "ozmap/binary.rs"]
mod binary;
#[path = "ozmap/deletes.rs"]
mod deletes;
#[path = "ozmap/documents.rs"]
mod documents;
#[path = "ozmap/fuzz.rs"]
mod fuzz;
#[path = "ozmap/gone.rs"]
mod gone;
#[path = "ozmap/lost.rs"]
mod lost;
#[path = "ozmap/nothing_there.rs"]
mod nothing_there;
#[path = "ozmap/rig.rs"]
pub mod rig;
#[path = "ozmap/rows.rs"]
mod rows;
#[path = "ozmap/secrecy.rs"]
mod secrecy;
#[path = "ozmap/stand_in.rs"]
pub mod stand_in;
#[path = "ozmap/wire.rs"]
mod wire;
#[path = "ozmap/witness.rs"]
mod witness;
#[path = "ozmap/wrong.rs"]
mod wrong;
