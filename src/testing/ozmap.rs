//! OZmap under simulated time: real HTTP through pipes to the simulator, and the production client on top.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, HOST};
use hyper_util::rt::TokioIo;
use reqwest::{Method, Url};
use tokio::time::{Instant, sleep, timeout};

use super::journal::Book;
use super::{Dice, Process};
use crate::ozmap::seam::{Error, ExchangeFuture, FailureKind, Key, PartialReply, Reply, Transport};
use crate::ozmap::{Ozmap, Settings, SetupError};
use ozmap_simulator::in_process::InProcess;

/// A DELETE as it left.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) property: String,
    /// The journal gave this process the right to it in this moment, and it has it written down.
    pub(crate) is_covered: bool,
    /// How long before it this process last asked OZmap anything.
    pub(crate) since_asked: Duration,
    /// It stood still between its last check and this.
    pub(crate) stood_still: bool,
}

/// What left, of every process of a schedule.
#[derive(Clone, Default)]
pub(crate) struct SentLog(Arc<Mutex<Vec<Sent>>>);

impl SentLog {
    pub(crate) fn all(&self) -> Vec<Sent> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, sent: Sent) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(sent);
    }
}

/// The wire of one process.
pub(crate) struct Pipes {
    pub(crate) memory: InProcess,
    pub(crate) process: Process,
    pub(crate) dice: Dice,
    pub(crate) sent: SentLog,
    pub(crate) key: String,
    pub(crate) book: Arc<Book>,
    /// The name under which this process holds leases.
    pub(crate) owner: String,
    pub(crate) asked: Mutex<Option<Instant>>,
}

impl Ozmap {
    /// The production client on pipes.
    pub(crate) fn simulated(pipes: Pipes, settings: Settings) -> Result<Self, SetupError> {
        let key = Key::of(&settings)?;
        Self::over(Box::new(pipes), settings, key)
    }
}

impl Transport for Pipes {
    fn exchange(&self, method: Method, url: Url, within: Duration) -> ExchangeFuture<'_> {
        Box::pin(async move {
            // A process that is frozen here has checked everything already.
            let stood_still = !self.process.is_running();
            self.process.runs().await;
            self.process.may_panic();
            self.witness(&method, &url, stood_still);
            let answer = timeout(within, self.talk(&method, &url)).await;
            self.process.runs().await;
            answer.unwrap_or_else(|_| Err(Error::maybe(FailureKind::Timeout, "no answer in time")))
        })
    }
}

impl Pipes {
    /// What a bystander sees of a call in the moment in which it leaves.
    fn witness(&self, method: &Method, url: &Url, stood_still: bool) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if method != Method::DELETE {
            *asked = Some(Instant::now());
            return;
        }
        let property = url.path_segments().and_then(Iterator::last);
        let property = property.unwrap_or_default().to_owned();
        let rows = self.book.rows(
            "SELECT property_id, lease_owner FROM op WHERE state IN ('intent','acked') AND lease_until > {NOW}",
        );
        let is_covered =
            rows.is_ok_and(|rows| rows.contains(&vec![property.clone(), self.owner.clone()]));
        self.sent.note(Sent {
            at: Instant::now(),
            property,
            is_covered,
            since_asked: asked.map(|at| at.elapsed()).unwrap_or(Duration::MAX),
            stood_still,
        });
    }

    async fn talk(&self, method: &Method, url: &Url) -> Result<Reply, Error> {
        let lost = |what: &str| Error::maybe(FailureKind::Lost, what);
        sleep(self.dice.ms(0..=400)).await;
        if self.dice.one_in(80) {
            return Err(Error::not_acted(FailureKind::Connect, "simulated"));
        }
        let stream = TokioIo::new(self.memory.connect());
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
            sleep(self.dice.ms(0..=200)).await;
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
