//! The OZmap client against a server that lies, truncates, drips, redirects and closes: what it
//! believes and what it sends.
//!
//! The server is a stand-in over raw sockets that shares nothing with the simulator. It reveals
//! misunderstandings that the client and the simulator have in common.

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
