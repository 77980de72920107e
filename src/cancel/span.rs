//! The span of a cancellation: every log line that is written while a worker runs it carries its
//! fields.
//!
//! It must never name the customer or the code. It has no parent: a cancellation outlives the
//! webhook that began it.

use tracing::Span;

use crate::journal::Record;
use crate::trace::RequestIds;

/// The span of a cancellation, under the trace that its calls to OZmap belong to.
///
/// An error span, so that log lines carry its fields whatever `log.filter` suppresses.
pub(super) fn span_of(record: &Record, ids: Option<&RequestIds>) -> Span {
    tracing::error_span!(
        parent: None,
        "cancellation",
        op = %record.id,
        protocol = %record.protocol,
        channel = record.channel,
        trace_id = ids.map(|ids| ids.trace.id()),
    )
}
