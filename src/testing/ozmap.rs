//! OZmap under simulated time: real HTTP through in-memory pipes to the simulator, below the
//! production client. It logs every DELETE as it leaves, with the last lookup of the process before
//! it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, HOST};
use hyper_util::rt::TokioIo;
use reqwest::{Method, StatusCode, Url};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

use super::journal::SimDatabase;
use super::points::{Point, Points};
use super::{Process, Rng};
use crate::ozmap::seam::{Error, ExchangeFuture, FailureKind, Key, PartialReply, Reply, Transport};
use crate::ozmap::{Ozmap, Settings, SetupError};
use ozmap_simulator::in_process::InProcess;

/// The last lookup of a code or a property by a process before a DELETE.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The time of the lookup.
    pub(crate) at: Instant,
    /// How long the machine had been suspended by then.
    pub(crate) slept: Duration,
    /// The properties under the code.
    pub(crate) held: Vec<String>,
}

/// A DELETE as it left.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) property: String,
    /// The remaining lease of this process in the journal; `None` when it held none.
    pub(crate) covered_for: Option<Duration>,
    /// The last lookup of its code or of itself by this process.
    pub(crate) seen: Option<Seen>,
    /// How long the machine had been suspended by then.
    pub(crate) slept: Duration,
    /// The process was frozen between its last check and this call.
    pub(crate) stood_still: bool,
    /// The rules of the process forbid deletions.
    pub(crate) is_forbidden: bool,
    /// OZmap confirmed it.
    pub(crate) is_confirmed: bool,
    /// OZmap refused it, so it has no effect.
    pub(crate) is_refused: bool,
}

/// The DELETEs of every process of a scenario.
#[derive(Clone, Default)]
pub(crate) struct SentLog(Arc<Mutex<Vec<Sent>>>);

impl SentLog {
    pub(crate) fn all(&self) -> Vec<Sent> {
        lock(&self.0).clone()
    }

    fn note(&self, sent: Sent) -> usize {
        let mut all = lock(&self.0);
        all.push(sent);
        all.len() - 1
    }

    fn answered(&self, index: usize, answer: &Result<Reply, Error>) {
        if let Some(sent) = lock(&self.0).get_mut(index) {
            sent.is_confirmed = answer.as_ref().is_ok_and(confirms);
            sent.is_refused = match answer {
                Ok(reply) => reply.status == StatusCode::UNPROCESSABLE_ENTITY,
                Err(error) => error.is_refusal(),
            };
        }
    }
}

/// Whether the answer confirms the deletion: a success with an empty body or an object. A text is
/// no confirmation, whatever its status.
fn confirms(reply: &Reply) -> bool {
    let body = String::from_utf8_lossy(&reply.body);
    let body = body.trim();
    reply.status.is_success() && (body.is_empty() || body == "null" || body.starts_with('{'))
}

/// The connection of one process to the simulator.
pub(crate) struct SimWire {
    pub(crate) simulator: InProcess,
    pub(crate) process: Process,
    pub(crate) rng: Rng,
    pub(crate) sent: SentLog,
    pub(crate) points: Points,
    pub(crate) key: String,
    pub(crate) database: Arc<SimDatabase>,
    /// The name under which this process holds leases.
    pub(crate) owner: String,
    /// The rules of the process forbid deletions.
    pub(crate) is_forbidden: bool,
    /// The last lookups, by the last segment of the path: a code or an id.
    pub(crate) seen: Mutex<HashMap<String, Seen>>,
}

impl Ozmap {
    /// The production client over a simulated wire.
    pub(crate) fn simulated(wire: SimWire, settings: Settings) -> Result<Self, SetupError> {
        let key = Key::of(&settings)?;
        Self::over(Box::new(wire), settings, key)
    }
}

impl Transport for SimWire {
    fn exchange(&self, method: Method, url: Url, within: Duration) -> ExchangeFuture<'_> {
        Box::pin(async move {
            // A process that is frozen here has already made all its checks.
            let stood_still = !self.process.is_running();
            self.process.runs().await;
            self.process.may_panic();
            let call = Call::of(&method, &url);
            let sent = self.leave(&call, stood_still);
            let answer = timeout(within, self.talk(&method, &url)).await;
            let answer = answer
                .unwrap_or_else(|_| Err(Error::maybe(FailureKind::Timeout, "no answer in time")));
            if let Some(index) = sent {
                self.sent.answered(index, &answer);
            }
            call.answered()
                .into_iter()
                .for_each(|point| self.points.pass(point));
            // A task that waits for the answer runs before the process learns of it.
            yield_now().await;
            self.process.runs().await;
            answer
        })
    }
}

/// The purpose of a call.
enum Call {
    LookUp(String),
    Get(String),
    Delete(String),
    Other,
}

impl Call {
    fn of(method: &Method, url: &Url) -> Self {
        let segments: Vec<&str> = url
            .path_segments()
            .map(Iterator::collect)
            .unwrap_or_default();
        match (method, segments.as_slice()) {
            (&Method::DELETE, [.., id]) => Self::Delete((*id).to_owned()),
            (_, [.., "properties", "client", code]) => Self::LookUp((*code).to_owned()),
            (_, [.., "properties", id]) => Self::Get((*id).to_owned()),
            _ => Self::Other,
        }
    }

    fn answered(&self) -> Vec<Point> {
        match self {
            Self::LookUp(_) => vec![Point::LookUpAnswered, Point::ReadAnswered],
            Self::Get(_) => vec![Point::GetAnswered, Point::ReadAnswered],
            Self::Delete(_) => vec![Point::DeleteAnswered],
            Self::Other => vec![Point::ReadAnswered],
        }
    }
}

impl SimWire {
    /// Records a call as it leaves. Returns the index of a DELETE in the log.
    fn leave(&self, call: &Call, stood_still: bool) -> Option<usize> {
        match call {
            Call::LookUp(code) => {
                self.see(code, self.simulator.held(code));
                self.points.pass(Point::LookUpSent);
                None
            }
            Call::Get(id) => {
                self.see(id, vec![id.clone()]);
                self.points.pass(Point::GetSent);
                None
            }
            Call::Delete(id) => {
                let index = self.sent.note(self.witness(id, stood_still));
                self.points.pass(Point::DeleteSent);
                Some(index)
            }
            Call::Other => None,
        }
    }

    fn see(&self, what: &str, held: Vec<String>) {
        let seen = Seen {
            at: Instant::now(),
            slept: self.database.slept(),
            held,
        };
        lock(&self.seen).insert(what.to_owned(), seen);
    }

    fn witness(&self, property: &str, stood_still: bool) -> Sent {
        let (code, covered_for) = self.right_to(property);
        let seen = lock(&self.seen);
        let by_code = code.as_ref().and_then(|code| seen.get(code));
        let last = by_code.into_iter().chain(seen.get(property));
        let last = last.max_by_key(|seen| seen.at).cloned();
        // Only the lookup by code tells whether the code had another property.
        let last = last.map(|last| Seen {
            held: by_code.map(|seen| seen.held.clone()).unwrap_or_default(),
            ..last
        });
        Sent {
            at: Instant::now(),
            property: property.to_owned(),
            covered_for,
            seen: last,
            slept: self.database.slept(),
            stood_still,
            is_forbidden: self.is_forbidden,
            is_confirmed: false,
            is_refused: false,
        }
    }

    /// The code of the cancellation with this target, and the remaining lease of this process on
    /// it.
    fn right_to(&self, property: &str) -> (Option<String>, Option<Duration>) {
        let rows = self.database.rows(
            "SELECT property_id, code, lease_owner, lease_until - {NOW} FROM op WHERE state IN ('intent','acked')",
        );
        let rows = rows.unwrap_or_default();
        let row = rows
            .iter()
            .find(|row| row.first().is_some_and(|target| target == property));
        let Some([_, code, owner, left]) = row.map(Vec::as_slice) else {
            return (None, None);
        };
        let left = left
            .parse()
            .ok()
            .filter(|ms: &u64| *ms > 0 && *owner == self.owner);
        (Some(code.clone()), left.map(Duration::from_millis))
    }

    async fn talk(&self, method: &Method, url: &Url) -> Result<Reply, Error> {
        let lost = |what: &str| Error::maybe(FailureKind::Lost, what);
        sleep(self.rng.millis(0..=400)).await;
        if self.database.fails_by_chance(&self.rng, 80) {
            return Err(Error::not_acted(FailureKind::Connect, "simulated"));
        }
        let stream = TokioIo::new(self.simulator.connect());
        let (mut sender, connection) = http1::handshake(stream)
            .await
            .map_err(|_| lost("no connection"))?;
        let request = hyper::Request::builder()
            .method(method.clone())
            .uri(target(url))
            .header(HOST, "ozmap")
            .header(AUTHORIZATION, self.key.as_str())
            .body(Empty::<Bytes>::new())
            .map_err(|_| Error::not_acted(FailureKind::Shape, "no request"))?;
        let exchange = async {
            let mut response = sender
                .send_request(request)
                .await
                .map_err(|_| lost("no answer"))?;
            let mut arriving = PartialReply::new(response.status(), response.headers());
            while let Some(frame) = response.frame().await {
                let frame = frame.map_err(|_| lost("cut off"))?;
                if let Some(chunk) = frame.data_ref() {
                    arriving.take(chunk)?;
                }
            }
            sleep(self.rng.millis(0..=200)).await;
            arriving.whole()
        };
        tokio::pin!(exchange, connection);
        tokio::select! {
            biased;
            answer = &mut exchange => return answer,
            _ = &mut connection => {}
        }
        exchange.await
    }
}

fn target(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
