//! The client of OZmap against a server that lies, cuts, drips, redirects and closes: what it believes and what it
//! sends.
//!
//! The server is this folder's own, over raw sockets, and shares nothing with the simulator: a misunderstanding that
//! the client and the simulator have in common would not be seen otherwise.

mod answers;
mod binary;
mod cross_check;
mod deletes;
mod documents;
mod fuzz;
mod gone;
mod lost;
mod nothing_there;
pub mod rig;
mod rows;
mod secrecy;
pub mod stand_in;
mod tls;
mod wire;
mod wrong;
