//! Contains panics: a bug that one cancellation runs into must not take the others down.
//!
//! The panic message is dropped: it may quote what a customer sent.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// The future panicked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panicked;

/// Runs a future until it completes or panics. What it borrowed may be half changed after a panic:
/// read it again.
pub(super) async fn catch_panic<F: Future>(work: F) -> Result<F::Output, Panicked> {
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
