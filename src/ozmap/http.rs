//! One HTTP exchange with OZmap: the request, the response, and whether OZmap may have acted on it.
//!
//! It must never retry, follow a redirect, use a proxy from the environment or read more than a
//! limit. Its errors must never contain a URL (which contains a code), a key or a body.

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

/// How long after its intent was written a DELETE may still be waiting for its connection, with a
/// margin for the journal.
pub const SEND_MS_MAX: u64 = CONNECT_TO_DELETE_MS_MAX + 3_000;

/// The most bytes of a response that are read.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A connection that was idle for this long is not reused: the server may be about to close it, and
/// a request sent in that moment is lost.
const IDLE_MS_MAX: u64 = 2_000;

/// The longest `Retry-After` that is honoured.
const RETRY_AFTER_S_MAX: u64 = 60;

/// The shortest wait: `Retry-After: 0` does not ask for an immediate retry.
const RETRY_AFTER_S_MIN: u64 = 1;

/// A running exchange.
pub(crate) type ExchangeFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send + 'a>>;

/// Sends one request and reads its whole response within a timeout.
pub(crate) trait Transport: Send + Sync {
    /// Sends a request without a body. An error must say whether OZmap may have acted.
    fn exchange(&self, method: Method, url: Url, within: Duration) -> ExchangeFuture<'_>;
}

/// HTTP/1.1 over TCP, usually with TLS.
pub(super) struct HttpTransport {
    http: Client,
    /// Opens a new connection for each DELETE, which must not be lost on one that the server is
    /// about to close.
    deleting: Client,
    key: Key,
}

/// A response, not interpreted.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// Whether the response is a page for people: a login, a proxy's error, a moved site.
    ///
    /// Only the body decides, because OZmap labels plain text `text/html` too.
    pub(super) fn is_html(&self) -> bool {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf");
        let start = body.unwrap_or(&self.body).trim_ascii_start();
        start.starts_with(b"<")
    }

    /// Whether the body is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.body.trim_ascii().is_empty()
    }

    /// Whether Express answered that the route itself does not exist.
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
        let http = if method.is_safe() {
            &self.http
        } else {
            &self.deleting
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

/// A response while it is read.
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

    /// Adds a part of the body.
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

    /// The complete response.
    pub(crate) fn whole(self) -> Result<Reply, Error> {
        match kind_of(self.reply.status) {
            None => Ok(self.reply),
            Some(kind) => Err(Error::answered(kind, self.reply.status, self.retry_after)),
        }
    }
}

/// The failure that a status means by itself. 2xx, 404 and 422 depend on their body; 206 is partial
/// by definition.
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

/// The causes of an error without the URL, which contains the code.
fn describe(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes.dedup();
    if !causes.is_empty() {
        return causes.join(": ");
    }
    if error.is_timeout() {
        return "timeout".to_owned();
    }
    "the request failed".to_owned()
}

/// The seconds of a `Retry-After`; a date counts as the maximum.
fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let seconds = text.parse().unwrap_or(RETRY_AFTER_S_MAX);
    Some(Duration::from_secs(
        seconds.clamp(RETRY_AFTER_S_MIN, RETRY_AFTER_S_MAX),
    ))
}
