//! The words of a cancellation's record and of its history.

use super::id_enum::id_enum;

id_enum! {
    /// How far a cancellation has come, in the order of its life.
    pub enum State {
        /// Promised; nothing was sent.
        Accepted = "accepted",
        /// The target is written down; a DELETE may have been sent.
        Intent = "intent",
        /// OZmap confirmed a DELETE; not yet verified.
        Acked = "acked",
        /// Ended with an outcome.
        Done = "done",
    }
}

id_enum! {
    /// What happened to a cancellation: the kind of a line in its history.
    pub enum EventKind {
        /// It was accepted.
        Accepted = "accepted",
        /// The target of the DELETE was written down; its id.
        Intent = "intent",
        /// OZmap confirmed the DELETE.
        Acked = "acked",
        /// OZmap rejected the DELETE.
        DeleteRejected = "delete_rejected",
        /// The DELETE got no clear answer; why.
        DeleteUnclear = "delete_unclear",
        /// The property is still there and is not deleted again; why.
        NotDeletedAgain = "not_deleted_again",
        /// The code leads to another property now.
        ReservedAgain = "reserved_again",
        /// Several properties have the code; their ids.
        Several = "several",
        /// The output of the splitter is free again.
        PortFree = "port_free",
        /// The output of the splitter is still taken.
        PortTaken = "port_taken",
        /// It was given back until later; the reason.
        Waits = "waits",
        /// The work on it panicked.
        Panicked = "panicked",
        /// It ended; the outcome and the reason.
        Done = "done",
    }
}
