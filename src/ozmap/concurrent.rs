//! Several requests at the same time.
//!
//! For the few requests of one lookup. It must never be used over many reservations: sessions limit
//! those.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

/// A future, and its output once it is ready.
type Polled<F> = (Pin<Box<F>>, Option<<F as Future>::Output>);

/// The outputs of all futures, in their order.
pub(super) async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut polled: Vec<Polled<F>> = futures
        .into_iter()
        .map(|future| (Box::pin(future), None))
        .collect();
    poll_fn(|context| {
        let mut all_ready = true;
        for (future, output) in &mut polled {
            if output.is_some() {
                continue;
            }
            match future.as_mut().poll(context) {
                Poll::Ready(ready) => *output = Some(ready),
                Poll::Pending => all_ready = false,
            }
        }
        if all_ready {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    polled
        .into_iter()
        .filter_map(|(_, output)| output)
        .collect()
}

/// Runs `other` alongside `main`, and returns when `main` is ready: with the output of `other` if
/// that was ready too.
pub(crate) async fn alongside<T, U>(
    main: impl Future<Output = T>,
    other: impl Future<Output = U>,
) -> (T, Option<U>) {
    let (mut main, mut other) = (pin!(main), pin!(other));
    let mut optional = None;
    loop {
        tokio::select! {
            biased;
            // First, so that an output of the same moment is not lost.
            output = &mut other, if optional.is_none() => optional = Some(output),
            output = &mut main => return (output, optional),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::{alongside, join_all};

    #[tokio::test(start_paused = true)]
    async fn the_outputs_keep_their_order_and_the_waits_overlap() {
        let began = Instant::now();
        let answers = join_all([3_u64, 1, 2].map(|seconds| async move {
            sleep(Duration::from_secs(seconds)).await;
            seconds
        }));
        assert_eq!(answers.await, [3, 1, 2]);
        assert_eq!(began.elapsed(), Duration::from_secs(3));
        assert!(
            join_all(Vec::<std::future::Ready<()>>::new())
                .await
                .is_empty()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_main_future_does_not_wait_for_the_other() {
        let after = |seconds| sleep(Duration::from_secs(seconds));
        assert_eq!(alongside(after(1), after(2)).await, ((), None));
        assert_eq!(alongside(after(2), after(1)).await, ((), Some(())));
        assert_eq!(alongside(after(1), after(1)).await, ((), Some(())));
    }
}
