//! Several questions at the same time, answered when the last answer is there.
//!
//! For the few questions of one look; it must never be used over many reservations, which is what slots are for.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// A question, and its answer once there is one.
type Asked<F> = (Pin<Box<F>>, Option<<F as Future>::Output>);

/// The answers to all questions, in their order.
pub(super) async fn all<F: Future>(questions: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut asked: Vec<Asked<F>> = questions
        .into_iter()
        .map(|question| (Box::pin(question), None))
        .collect();
    poll_fn(|context| {
        let mut is_over = true;
        for (question, answer) in &mut asked {
            if answer.is_some() {
                continue;
            }
            match question.as_mut().poll(context) {
                Poll::Ready(answered) => *answer = Some(answered),
                Poll::Pending => is_over = false,
            }
        }
        match is_over {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    asked.into_iter().filter_map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::all;

    #[tokio::test(start_paused = true)]
    async fn the_answers_keep_their_order_and_the_waits_overlap() {
        let began = Instant::now();
        let answers = all([3_u64, 1, 2].map(|seconds| async move {
            sleep(Duration::from_secs(seconds)).await;
            seconds
        }));
        assert_eq!(answers.await, [3, 1, 2]);
        assert_eq!(began.elapsed(), Duration::from_secs(3));
        assert!(all(Vec::<std::future::Ready<()>>::new()).await.is_empty());
    }
}
