//! The states of a cancellation's record and the kinds of its events. The journal stores the ids:
//! an id that was ever written must never change.

use super::id_enum::id_enum;

id_enum! {
    /// How far a cancellation has progressed, in order.
    pub enum State {
        /// The request is durable; no DELETE was sent.
        Accepted = "accepted",
        /// The target is recorded; a DELETE may have been sent.
        Intent = "intent",
        /// OZmap confirmed a DELETE; not yet verified.
        Acked = "acked",
        /// Ended with an outcome.
        Done = "done",
    }
}

id_enum! {
    /// The kind of an event in a cancellation's history.
    pub enum EventKind {
        /// The service accepted it.
        Accepted = "accepted",
        /// The worker recorded the target of the DELETE; the detail is its id.
        Intent = "intent",
        /// OZmap confirmed the DELETE.
        Acked = "acked",
        /// OZmap rejected the DELETE.
        DeleteRejected = "delete_rejected",
        /// The DELETE got no clear answer; the detail says why.
        DeleteUnclear = "delete_unclear",
        /// The property is still there and is not deleted again; the detail says why.
        NotDeletedAgain = "not_deleted_again",
        /// The code leads to another property now.
        ReservedAgain = "reserved_again",
        /// Several properties have the code; the detail lists their ids.
        Several = "several",
        /// The output of the splitter is free again.
        PortFree = "port_free",
        /// The output of the splitter is still taken.
        PortTaken = "port_taken",
        /// The worker released it until a later time; the detail is the reason.
        Waits = "waits",
        /// The worker panicked on it.
        Panicked = "panicked",
        /// It ended; the detail is the outcome and the reason.
        Done = "done",
    }
}
