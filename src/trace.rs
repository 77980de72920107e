//! The ids that link the log lines and the OZmap calls of one request: its request id and its W3C
//! trace.
//!
//! The ids travel with the task that works on the request, so that no function on the way to a call
//! needs a parameter for them. They must never influence a decision. They hold only random numbers
//! and a request id that was checked when the request arrived.
//!
//! `traceparent` follows W3C Trace Context, level 1. `tracestate` is not passed on: the platform's
//! vendor wrote its text, OZmap is another company's service, and the standard lets a service drop
//! it at a trust boundary.

use std::future::Future;

use rand::RngExt;

/// The only version of `traceparent` that the service writes.
const VERSION: &str = "00";

/// The length of a `traceparent` of that version.
const LENGTH: usize = 55;

/// The only flag that this version defines: the caller may have recorded the trace.
const SAMPLED: u8 = 0x01;

tokio::task_local! {
    // Local to the task, not to the process: the value is dropped when the work ends.
    static CURRENT: RequestIds;
}

/// The ids of the request that a task is working on.
#[derive(Clone, Debug)]
pub struct RequestIds {
    /// The `x-request-id` of the webhook; `None` for work that no webhook is waiting for.
    pub request_id: Option<String>,
    /// The trace that the request belongs to.
    pub trace: Trace,
}

impl RequestIds {
    /// Ids for work that no webhook is waiting for: a cancellation that recovery resumes.
    #[must_use]
    pub fn fresh() -> Self {
        Self {
            request_id: None,
            trace: Trace::fresh(),
        }
    }

    /// The ids of the running task, if it is working on a request.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs a future under these ids.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }
}

/// Gives a task that is about to be spawned the ids of the task that spawns it.
pub fn carry<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let ids = RequestIds::current();
    // Boxed: the future of a whole cancellation is too large to be moved on the stack again.
    let work = Box::pin(work);
    async move {
        match ids {
            Some(ids) => ids.scope(work).await,
            None => work.await,
        }
    }
}

/// One W3C trace, as the service passes it on to OZmap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    id: u128,
    flags: u8,
}

impl Trace {
    /// Starts a new trace. It is not marked as sampled, because the service exports no spans.
    #[must_use]
    pub fn fresh() -> Self {
        Self {
            // The standard forbids an id of zero.
            id: rand::rng().random::<u128>().max(1),
            flags: 0,
        }
    }

    /// Parses a `traceparent`; `None` where W3C Trace Context requires a new trace.
    #[must_use]
    pub fn parse(traceparent: &str) -> Option<Self> {
        let (version, rest) = traceparent.split_once('-')?;
        let version = hex::<2>(version)?;
        if version == 0xff || (version == 0 && traceparent.len() != LENGTH) {
            return None;
        }
        // A later version may append more fields.
        let mut fields = rest.split('-');
        let (id, parent, flags) = (fields.next()?, fields.next()?, fields.next()?);
        let (id, parent, flags) = (hex::<32>(id)?, hex::<16>(parent)?, hex::<2>(flags)?);
        if id == 0 || parent == 0 {
            return None;
        }
        Some(Self {
            id,
            flags: u8::try_from(flags).ok()? & SAMPLED,
        })
    }

    /// The id of the trace, as tracing tools show it.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{:032x}", self.id)
    }

    /// The `traceparent` of one call: the same trace, with a new id for the call.
    #[must_use]
    pub fn traceparent(&self) -> String {
        let call = rand::rng().random::<u64>().max(1);
        let Self { id, flags } = self;
        format!("{VERSION}-{id:032x}-{call:016x}-{flags:02x}")
    }
}

/// Parses exactly `DIGITS` lower-case hexadecimal digits.
fn hex<const DIGITS: usize>(text: &str) -> Option<u128> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != DIGITS || !text.bytes().all(is_hex) {
        return None;
    }
    u128::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn parsed(traceparent: &str) -> Option<(String, u8)> {
        Trace::parse(traceparent).map(|trace| (trace.id(), trace.flags))
    }

    #[test]
    fn a_valid_traceparent_is_continued() {
        for (traceparent, flags) in [
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", 1),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", 0),
            // Flags that this version does not define are not passed on.
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", 1),
            // Of later versions only the known fields are read.
            ("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", 1),
            (
                "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-brings",
                1,
            ),
            (
                "fe-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02-",
                0,
            ),
        ] {
            let expected = Some((TRACE.to_owned(), flags));
            assert_eq!(parsed(traceparent), expected, "{traceparent}");
        }
    }

    #[test]
    fn an_invalid_traceparent_is_ignored() {
        for traceparent in [
            "",
            "-",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
            // Version 00 ends here; `ff` is not a valid version.
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "000-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what",
            // An id of zero is invalid.
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-011",
            "00-4bf92f3577b34da6a3ce929d0e0e4736a-00f067aa0ba902b7-1",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01",
            "0A-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0é",
        ] {
            assert_eq!(parsed(traceparent), None, "{traceparent}");
        }
    }

    #[test]
    fn every_call_of_a_trace_has_an_id_of_its_own() {
        let trace = Trace::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        let calls = [(); 3].map(|()| trace.map(|trace| trace.traceparent()).unwrap_or_default());
        for call in &calls {
            assert!(
                call.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"),
                "{call}"
            );
            assert!(call.ends_with("-01"), "{call}");
            assert!(!call.contains("00f067aa0ba902b7"), "{call}");
            assert_eq!(Trace::parse(call), trace);
        }
        assert_ne!(calls[0], calls[1]);
        assert_ne!(Trace::fresh(), Trace::fresh());
    }

    #[tokio::test]
    async fn the_ids_travel_with_the_task_and_to_a_task_that_carries_them() {
        assert!(RequestIds::current().is_none());
        let ids = RequestIds::fresh();
        let trace = ids.trace;
        let (here, carried, bare) = ids
            .scope(async {
                let seen = || async { RequestIds::current().map(|ids| ids.trace) };
                let carried = tokio::task::JoinSet::from_iter([carry(seen())])
                    .join_all()
                    .await;
                let bare = tokio::task::JoinSet::from_iter([seen()]).join_all().await;
                (seen().await, carried, bare)
            })
            .await;
        assert_eq!(here, Some(trace));
        assert_eq!(carried, [Some(trace)]);
        assert_eq!(bare, [None]);
        assert!(RequestIds::current().is_none());
    }
}
