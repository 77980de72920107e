//! The wire: accepting connections, and how an answer or a fault looks to the other side.
//!
//! Responsible for keep-alive, pipelining, resets and bodies that do not arrive as announced. It
//! must never look at the world, and it must drop every connection when the simulator stops.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Interval;
use tracing::warn;

use super::answer::Answer;
use super::control;
use super::exchange::{End, exchange};
use super::kinds::Delivery;
use super::request::{Request, Unreadable};
use super::shared::Shared;

/// How long to wait after an accept that failed, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What `huge` adds to a body: blanks, so that a client without a cap still reads good JSON.
const HUGE_BYTES: usize = 3 * 1024 * 1024;

/// Accepts connections until the simulator stops.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                // Without this a small answer may wait for the acknowledgement of the one before it.
                let _ = stream.set_nodelay(true);
                shared.tasks.spawn(serve(stream, Arc::clone(&shared)));
            }
            Err(error) => {
                warn!(%error, "the simulator could not accept a connection: {error}");
                if shared.pause(ACCEPT_PAUSE).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// The transport of a connection.
pub(super) trait Line: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Makes the end of the connection a reset.
    fn reset(&self);
}

impl Line for TcpStream {
    fn reset(&self) {
        let _ = self.set_zero_linger();
    }
}

/// Serves one connection. An exchange that ends in a reset ends it with a real one.
pub(super) async fn serve(stream: impl Line, shared: Arc<Shared>) {
    let service = service_fn(|request| Box::pin(answer(Arc::clone(&shared), request)));
    let mut connection = http1::Builder::new()
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(stream), service);
    let served = tokio::select! {
        served = std::future::poll_fn(|context| connection.poll_without_shutdown(context)) => served,
        () = shared.stop.cancelled() => return,
    };
    let is_reset = served.is_err_and(|error| {
        std::error::Error::source(&error).is_some_and(|source| source.is::<Reset>())
    });
    if is_reset {
        connection.into_parts().io.into_inner().reset();
    }
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the exchange ends in a reset")]
struct Reset;

async fn answer(
    shared: Arc<Shared>,
    request: hyper::Request<Incoming>,
) -> Result<Response<WireBody>, Reset> {
    let request = match Request::read(request).await {
        Ok(request) => request,
        Err(Unreadable::Gone) => return Err(Reset),
        Err(Unreadable::Encoding) => {
            let refused = Answer::plain(StatusCode::BAD_REQUEST, "Failed to decode param");
            return Ok(whole(&refused));
        }
    };
    match request.segments.first().map(String::as_str) {
        Some("__sim") => Ok(whole(&control::answer(&shared, &request))),
        Some("health") if request.method == "GET" => Ok(whole(&health(&request))),
        Some("login") if request.segments.len() == 1 => Ok(whole(&Answer::login_page())),
        Some(_) | None => match exchange(&shared, request).await {
            End::Answer(answer) => Ok(whole(&answer)),
            End::Damaged(answer, delivery) => Ok(damaged(&answer, delivery)),
            End::Reset => Err(Reset),
        },
    }
}

/// Liveness of the simulator itself; not part of OZmap's API.
fn health(request: &Request) -> Answer {
    match request.segments.get(1).map(String::as_str) {
        Some("ready") => Answer::ok(json!({"status": "ready"})),
        Some("live") => Answer::ok(json!({"status": "alive"})),
        Some(_) | None => Answer::cannot(&request.method, &request.path),
    }
}

fn whole(answer: &Answer) -> Response<WireBody> {
    let (content_type, text) = Answer::encode(&answer.payload);
    respond(answer, content_type, WireBody::whole(text))
}

fn damaged(answer: &Answer, delivery: Delivery) -> Response<WireBody> {
    let (content_type, mut text) = Answer::encode(&answer.payload);
    match delivery {
        Delivery::Drip(every) => respond(answer, content_type, WireBody::drip(text, every)),
        Delivery::Truncated => respond(answer, content_type, WireBody::cut(&text)),
        Delivery::TruncatedClose => {
            let half = text.as_bytes().get(..text.len() / 2).unwrap_or_default();
            let body = WireBody::Unannounced(Some(Bytes::copy_from_slice(half)));
            let mut response = respond(answer, content_type, body);
            // Only HTTP/1.0 may end a body by closing the connection, as old proxies still do.
            *response.version_mut() = Version::HTTP_10;
            response
        }
        Delivery::WrongContentType => respond(
            answer,
            content_type.and(Some("text/html")),
            WireBody::whole(text),
        ),
        Delivery::Huge => {
            text.push_str(&" ".repeat(HUGE_BYTES));
            respond(answer, content_type, WireBody::whole(text))
        }
    }
}

fn respond(
    answer: &Answer,
    content_type: Option<&'static str>,
    body: WireBody,
) -> Response<WireBody> {
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    if let Some(content_type) = content_type {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in &answer.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// A body as it leaves.
enum WireBody {
    /// At once, with its length.
    Whole(Option<Bytes>),
    /// At once, without a length.
    Unannounced(Option<Bytes>),
    /// One byte per tick, with the length of all of them.
    Drip { rest: Bytes, tick: Interval },
    /// Half of what was announced, then the end of the connection.
    Cut { step: CutStep, announced: u64 },
}

/// The half must have left before the connection ends, or the other side sees no byte of it.
enum CutStep {
    Half(Bytes),
    Flush,
    End,
}

impl WireBody {
    fn whole(text: String) -> WireBody {
        WireBody::Whole(Some(Bytes::from(text)).filter(|bytes| !bytes.is_empty()))
    }

    fn drip(text: String, every: Duration) -> WireBody {
        WireBody::Drip {
            rest: Bytes::from(text),
            tick: tokio::time::interval(every.max(Duration::from_millis(1))),
        }
    }

    fn cut(text: &str) -> WireBody {
        let half = text.as_bytes().get(..text.len() / 2).unwrap_or_default();
        WireBody::Cut {
            step: CutStep::Half(Bytes::copy_from_slice(half)),
            announced: u64::try_from(text.len()).unwrap_or(u64::MAX),
        }
    }
}

impl Body for WireBody {
    type Data = Bytes;
    type Error = Reset;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Reset>>> {
        match &mut *self {
            WireBody::Whole(bytes) | WireBody::Unannounced(bytes) => {
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))))
            }
            WireBody::Drip { rest, .. } if rest.is_empty() => Poll::Ready(None),
            WireBody::Drip { rest, tick } => tick
                .poll_tick(context)
                .map(|_| Some(Ok(Frame::data(rest.split_to(1))))),
            WireBody::Cut { step, .. } => match std::mem::replace(step, CutStep::End) {
                CutStep::Half(half) => {
                    *step = CutStep::Flush;
                    Poll::Ready(Some(Ok(Frame::data(half))))
                }
                CutStep::Flush => {
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                CutStep::End => Poll::Ready(Some(Err(Reset))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            WireBody::Whole(bytes) => bytes.is_none(),
            WireBody::Drip { rest, .. } => rest.is_empty(),
            WireBody::Unannounced(_) | WireBody::Cut { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        let length = |bytes: &Bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        match self {
            WireBody::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, length)),
            WireBody::Unannounced(_) => SizeHint::default(),
            WireBody::Drip { rest, .. } => SizeHint::with_exact(length(rest)),
            WireBody::Cut { announced, .. } => SizeHint::with_exact(*announced),
        }
    }
}
