//! One HTTP exchange with OZmap: what was sent, what came back, and whether OZmap may have acted on it.
//!
//! It never retries, follows no redirect, uses no proxy from the environment and reads no more than a cap. Its
//! errors never hold an address (a code stands in it), a key or a body.

use std::error::Error as _;
use std::pin::Pin;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Request, StatusCode, Url, redirect, retry};

use super::error::{Error, FailureKind};
use super::settings::{Key, Settings, SetupError};
use super::tls;
use crate::trace::RequestIds;

/// The longest that a connection for a DELETE may take: the guard's reading ages during it.
const CONNECT_TO_DELETE_MS_MAX: u64 = 2_000;

/// How long after its intent was written a DELETE may still be waiting for its connection, with a margin for the journal.
pub const SEND_MS_MAX: u64 = CONNECT_TO_DELETE_MS_MAX + 3_000;

/// The most bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A connection that has not answered for this long is not used again.
///
/// A server that closes idle connections loses half of the requests that are sent on them just then.
const IDLE_MS_MAX: u64 = 2_000;

/// The longest that a `Retry-After` is obeyed.
const RETRY_AFTER_S_MAX: u64 = 60;

/// The shortest: a server that says `0` does not want to be asked again in the same moment.
const RETRY_AFTER_S_MIN: u64 = 1;

/// An exchange that may be awaited.
pub(crate) type ExchangeFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send + 'a>>;

/// One request and its whole answer, within a time.
pub(crate) trait Transport: Send + Sync {
    /// Sends a request without a body. It must tell whether OZmap may have acted.
    fn exchange(&self, method: Method, url: Url, within: Duration) -> ExchangeFuture<'_>;
}

/// The wire of the world: HTTP/1.1 over TCP, mostly with TLS.
pub(super) struct HttpTransport {
    http: Client,
    /// For what must not be lost on a connection that the server is about to close: each on a new one.
    deleting: Client,
    key: Key,
}

/// What came back, before anyone made sense of it.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// Whether a person's page came back instead of an answer: a login, a proxy's error, a moved site.
    ///
    /// By its body alone: OZmap labels a plain text `text/html` too.
    pub(super) fn is_html(&self) -> bool {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf");
        let start = body.unwrap_or(&self.body).trim_ascii_start();
        start.starts_with(b"<")
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.body.trim_ascii().is_empty()
    }

    /// Express answers so when the route itself is not there.
    pub(super) fn is_missing_route(&self) -> bool {
        self.body.windows(11).any(|window| window == b"Cannot GET ")
    }
}

impl HttpTransport {
    pub(super) fn new(settings: &Settings, key: Key) -> Result<Self, SetupError> {
        let trust = tls::client_config(&settings.trust)?;
        let careful = || {
            Client::builder()
                .tls_backend_preconfigured(trust.clone())
                .redirect(redirect::Policy::none())
                .no_proxy()
                .http1_only()
                .retry(retry::never())
                .user_agent(concat!("ozmap-cancel/", env!("CARGO_PKG_VERSION")))
        };
        let failed = |error| SetupError::Client(describe(&error));
        let http = careful()
            .connect_timeout(settings.connect)
            .pool_idle_timeout(Duration::from_millis(IDLE_MS_MAX))
            .build()
            .map_err(failed)?;
        let to_delete = Duration::from_millis(CONNECT_TO_DELETE_MS_MAX).min(settings.connect);
        let deleting = careful()
            .connect_timeout(to_delete)
            .pool_max_idle_per_host(0)
            .build()
            .map_err(failed)?;
        Ok(Self {
            http,
            deleting,
            key,
        })
    }

    async fn send(&self, method: Method, url: Url, within: Duration) -> Result<Reply, Error> {
        let http = match method.is_safe() {
            true => &self.http,
            false => &self.deleting,
        };
        let mut request = Request::new(method, url);
        *request.timeout_mut() = Some(within);
        request
            .headers_mut()
            .insert(AUTHORIZATION, self.key.header());
        request
            .headers_mut()
            .insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(traceparent) = traceparent() {
            request.headers_mut().insert("traceparent", traceparent);
        }
        let mut response = http
            .execute(request)
            .await
            .map_err(|error| failed(&error))?;
        let mut arriving = PartialReply::new(response.status(), response.headers());
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
            arriving.take(&chunk)?;
        }
        arriving.whole()
    }
}

/// Links the call to the trace of the request that it is made for. A probe has none.
fn traceparent() -> Option<HeaderValue> {
    let ids = RequestIds::current()?;
    HeaderValue::from_str(&ids.trace.traceparent()).ok()
}

impl Transport for HttpTransport {
    fn exchange(&self, method: Method, url: Url, within: Duration) -> ExchangeFuture<'_> {
        Box::pin(self.send(method, url, within))
    }
}

/// An answer while it is read.
pub(crate) struct PartialReply {
    reply: Reply,
    retry_after: Option<Duration>,
}

impl PartialReply {
    pub(crate) fn new(status: StatusCode, headers: &HeaderMap) -> Self {
        Self {
            reply: Reply {
                status,
                body: Vec::new(),
            },
            retry_after: headers.get(RETRY_AFTER).and_then(retry_after),
        }
    }

    /// Takes a part of the body.
    pub(crate) fn take(&mut self, chunk: &[u8]) -> Result<(), Error> {
        if self.reply.body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(Error::maybe(
                FailureKind::Size,
                "the answer is larger than 1 MiB",
            ));
        }
        self.reply.body.extend_from_slice(chunk);
        Ok(())
    }

    /// What arrived, when it is whole.
    pub(crate) fn whole(self) -> Result<Reply, Error> {
        match kind_of(self.reply.status) {
            None => Ok(self.reply),
            Some(kind) => Err(Error::answered(kind, self.reply.status, self.retry_after)),
        }
    }
}

/// What a status means by itself. 2xx, 404 and 422 need their body to be understood; 206 is a part of one, by definition.
fn kind_of(status: StatusCode) -> Option<FailureKind> {
    match status.as_u16() {
        200..=205 | 207..=299 | 404 | 422 => None,
        300..=399 => Some(FailureKind::Redirect),
        401 => Some(FailureKind::Unauthorized),
        403 => Some(FailureKind::Forbidden),
        429 => Some(FailureKind::RateLimited),
        500..=599 => Some(FailureKind::Server),
        _ => Some(FailureKind::Status),
    }
}

fn failed(error: &reqwest::Error) -> Error {
    let detail = describe(error);
    // Only these happen before the first byte of the request is written.
    if error.is_connect() || error.is_builder() {
        let tls =
            detail.contains("certificate") || detail.contains("tls") || detail.contains("TLS");
        return Error::not_acted(
            if tls {
                FailureKind::Tls
            } else {
                FailureKind::Connect
            },
            detail,
        );
    }
    Error::maybe(
        if error.is_timeout() {
            FailureKind::Timeout
        } else {
            FailureKind::Lost
        },
        detail,
    )
}

/// The causes of an error without the address, which has the code in it.
fn describe(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes.dedup();
    match causes.is_empty() {
        true if error.is_timeout() => "no answer in time".to_owned(),
        true => "the request failed".to_owned(),
        false => causes.join(": "),
    }
}

/// Seconds, or a date, which is not worth a parser: then the cap.
fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let seconds = text.parse().unwrap_or(RETRY_AFTER_S_MAX);
    Some(Duration::from_secs(
        seconds.clamp(RETRY_AFTER_S_MIN, RETRY_AFTER_S_MAX),
    ))
}
