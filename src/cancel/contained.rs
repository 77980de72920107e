//! Work whose panics stay in it: one cancellation that meets a mistake of ours must not take the others with it.
//!
//! The words of a panic are not kept: nobody knows what they were made of.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// The work ended in a panic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panicked;

/// Runs work to its end or to its panic. What it borrowed may be half-changed after one: read it again.
pub(super) async fn contained<F: Future>(work: F) -> Result<F::Output, Panicked> {
    let mut work = pin!(work);
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(_) => Poll::Ready(Err(Panicked)),
        },
    )
    .await
}
