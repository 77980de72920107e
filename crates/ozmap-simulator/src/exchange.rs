//! One API call, from the request to the bytes on the wire.
//!
//! Responsible for the moment at which a fault acts: before the call is applied, while it is, or
//! after. Every call is recorded, and its end is recorded even if the client leaves in the middle.
//! It must never hold the lock while it waits.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;

use super::act::{self, Act};
use super::answer::Answer;
use super::endpoints;
use super::habits;
use super::kinds::{Canned, Cut, Deletion, Delivery, Kind};
use super::plan::Fate;
use super::records::{Call, Held};
use super::request::Request;
use super::routes::Route;
use super::shared::Shared;

/// How an exchange ends.
#[derive(Debug)]
pub(super) enum End {
    /// The answer arrives whole.
    Answer(Answer),
    /// The answer arrives damaged.
    Damaged(Answer, Delivery),
    /// The connection is reset without a byte.
    Reset,
}

/// Answers one API call.
pub(super) async fn exchange(shared: &Arc<Shared>, request: Request) -> End {
    let route = Route::of(&request);
    let mut open = OpenCall::begin(shared, request, route);
    let mut end = open.run().await;
    if let End::Answer(answer) | End::Damaged(answer, _) = &mut end {
        habits::word(answer, shared.state().quirks.errors);
    }
    match &end {
        End::Answer(answer) | End::Damaged(answer, _) => open.status = Some(answer.status),
        End::Reset => {}
    }
    end
}

/// A call that has begun. Dropping it, as hyper does when the client leaves, records its end.
struct OpenCall {
    shared: Arc<Shared>,
    request: Arc<Request>,
    route: Route,
    seq: u64,
    fate: Fate,
    status: Option<StatusCode>,
}

impl OpenCall {
    fn begin(shared: &Arc<Shared>, request: Request, route: Route) -> OpenCall {
        let began_ms = shared.now().unix_ms();
        let group = route.group();
        let state = &mut *shared.state();
        let about = act::about(&state.world, &route, &request);
        let mut fate = state.plan.draw(group, about.as_deref());
        let seq = state.records.next();
        let note = fate
            .kind
            .as_ref()
            .map(Kind::note)
            .or_else(|| (!fate.delay.is_zero()).then(|| Kind::Delay(fate.delay).note()));
        state.records.begin(Call {
            seq,
            method: request.method.clone(),
            route: group.name(),
            path: request.path.clone(),
            status: None,
            fault: note.unwrap_or_default(),
            began_ms,
            ended_ms: None,
        });
        if route.is_write() {
            let act = Act {
                seq,
                request: &request,
                route: &route,
                kind: fate.kind.as_ref(),
                keys: &shared.options.keys,
            };
            state.open_change(&act, began_ms);
        }
        fate.delay += shared.options.latency.draw(group);
        OpenCall {
            shared: Arc::clone(shared),
            request: Arc::new(request),
            route,
            seq,
            fate,
            status: None,
        }
    }

    async fn run(&self) -> End {
        let Some(kind) = &self.fate.kind else {
            return self.applied().await;
        };
        match kind {
            Kind::Canned(canned) => {
                if self.shared.pause(self.fate.delay).await.is_err() {
                    return End::Reset;
                }
                End::Answer(self.canned(canned))
            }
            Kind::Cut(cut) => self.cut(*cut).await,
            Kind::Deletion(Deletion::Delayed(pause)) => {
                self.apply_later(*pause);
                End::Reset
            }
            Kind::Delivery(delivery) => match self.applied().await {
                End::Answer(answer) => End::Damaged(answer, *delivery),
                end @ (End::Damaged(..) | End::Reset) => end,
            },
            Kind::Delay(_)
            | Kind::Tamper(_)
            | Kind::Deletion(Deletion::Ignored | Deletion::Stale(_))
            | Kind::Aftermath(_) => self.applied().await,
        }
    }

    /// What answers in OZmap's place.
    fn canned(&self, canned: &Canned) -> Answer {
        match canned {
            Canned::Status {
                status,
                retry_after_s,
            } => {
                let answer = match *status {
                    StatusCode::BAD_GATEWAY => Answer::nginx(*status),
                    StatusCode::UNAUTHORIZED => Answer::unauthorized(),
                    StatusCode::FORBIDDEN => Answer::forbidden(),
                    _ => Answer::plain(*status, status.canonical_reason().unwrap_or("Error")),
                };
                match retry_after_s {
                    None => answer,
                    Some(seconds) => answer.header("retry-after", seconds.to_string()),
                }
            }
            Canned::Html404 => Answer::nginx(StatusCode::NOT_FOUND),
            Canned::Express404 => Answer::cannot(&self.request.method, &self.request.path),
            Canned::Html200 => Answer::login_page(),
            Canned::Redirect { status, location } => {
                Answer::empty(*status).header("location", location.clone())
            }
            Canned::ErrorString200 => {
                Answer::refusal(StatusCode::OK, "Ocorreu um erro interno no servidor.")
            }
            Canned::Empty200 => Answer::empty(StatusCode::OK),
            Canned::Nothing(words) => {
                let quirks = self.shared.state().quirks.clone();
                endpoints::nothing(&self.route, &self.request, *words, &quirks)
            }
        }
    }

    async fn cut(&self, cut: Cut) -> End {
        match cut {
            Cut::ResetBefore => End::Reset,
            Cut::TimeoutBefore => std::future::pending().await,
            Cut::HoldBefore => {
                self.hold("hold_before").await;
                self.applied().await
            }
            Cut::ResetAfter => {
                self.applied().await;
                End::Reset
            }
            Cut::TimeoutAfter => {
                self.applied().await;
                std::future::pending().await
            }
            Cut::HoldAfter => {
                let end = self.applied().await;
                self.hold("hold_after").await;
                end
            }
        }
    }

    /// Applies the call after its delay, even if the client leaves during it: a server that works
    /// slowly does not notice.
    async fn applied(&self) -> End {
        if self.fate.delay.is_zero() {
            return End::Answer(self.work().apply(&self.shared));
        }
        let shared = Arc::clone(&self.shared);
        let work = self.work();
        let delay = self.fate.delay;
        let task = self.shared.tasks.spawn(async move {
            match shared.pause(delay).await {
                Ok(()) => End::Answer(work.apply(&shared)),
                Err(_) => End::Reset,
            }
        });
        task.await.unwrap_or(End::Reset)
    }

    fn apply_later(&self, pause: Duration) {
        let shared = Arc::clone(&self.shared);
        let work = self.work();
        self.shared.tasks.spawn(async move {
            if shared.pause(pause).await.is_ok() {
                work.apply(&shared);
            }
        });
    }

    fn work(&self) -> Work {
        Work {
            request: Arc::clone(&self.request),
            route: self.route.clone(),
            kind: self.fate.kind.clone(),
            seq: self.seq,
        }
    }

    /// Waits for `POST /__sim/release`; until then `GET /__sim/held` lists the call.
    async fn hold(&self, fault: &'static str) {
        let released = self.shared.released.notified();
        tokio::pin!(released);
        {
            // Under the lock, because a release must not come between being seen and waiting.
            let mut state = self.shared.state();
            released.as_mut().enable();
            state.records.hold(Held {
                seq: self.seq,
                method: self.request.method.clone(),
                route: self.route.group().name(),
                path: self.request.path.clone(),
                fault,
            });
        }
        released.await;
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let status = self.status.map(|status| status.as_u16());
        let at_ms = self.shared.now().unix_ms();
        self.shared.state().records.end(self.seq, status, at_ms);
    }
}

/// Everything that applying a call needs, so that it can be applied later or by another task.
struct Work {
    request: Arc<Request>,
    route: Route,
    kind: Option<Kind>,
    seq: u64,
}

impl Work {
    fn apply(&self, shared: &Shared) -> Answer {
        let act = Act {
            seq: self.seq,
            request: &self.request,
            route: &self.route,
            kind: self.kind.as_ref(),
            keys: &shared.options.keys,
        };
        shared.state().perform(&act, shared.now())
    }
}
