//! Several questions at the same time, answered when the last answer is there.
//!
//! For the few questions of one look; it must never be used over many reservations, which is what slots are for.

use std::future::poll_fn;
use std::pin::{Pin, pin};
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

/// What a question is answered, and what another one has been answered by then.
pub(crate) async fn beside<T, U>(
    question: impl Future<Output = T>,
    other: impl Future<Output = U>,
) -> (T, Option<U>) {
    let (mut question, mut other) = (pin!(question), pin!(other));
    let mut answered = None;
    loop {
        tokio::select! {
            biased;
            // First, so that what came in the same moment is not lost.
            answer = &mut other, if answered.is_none() => answered = Some(answer),
            answer = &mut question => return (answer, answered),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::{all, beside};

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

    #[tokio::test(start_paused = true)]
    async fn a_question_does_not_wait_for_the_one_beside_it() {
        let after = |seconds| sleep(Duration::from_secs(seconds));
        assert_eq!(beside(after(1), after(2)).await, ((), None));
        assert_eq!(beside(after(2), after(1)).await, ((), Some(())));
        assert_eq!(beside(after(1), after(1)).await, ((), Some(())));
    }
}
