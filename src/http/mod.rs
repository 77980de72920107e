//! The public listener: from the bytes of a request to the bytes of its answer.
//!
//! It asks a channel what a request means, submits it, and lets the channel write the answer. It
//! must never decide about a cancellation, nor put anything of a request into a log line or an
//! error.
//!
//! A webhook passes `server` -> `routes` -> `request_context` -> `edge` -> `webhook` -> `dispatch`,
//! which submits it to [`crate::cancel`].
//!
//! | file | responsible for |
//! | --- | --- |
//! | `server` | connections, their limits, the stop |
//! | `routes` | the one table of routes, and the router made of it |
//! | `request_context` | `x-request-id`, `traceparent`, the span of a request |
//! | `edge` | ambiguous requests, addresses that are nearly right, CORS preflights |
//! | `webhook` | one webhook: body, authentication, parsing, answer |
//! | `dispatch` | what a parsed webhook leads to: a cancellation, a lookup, a prompt |
//! | `conversation` | the open question and the failures of a free-text conversation |
//! | `rate_limit` | the token bucket of a channel |
//! | `access_log` | the access line of a webhook |
//! | `problem` | answers without an outcome |
//! | `response` | answers as bytes |
//! | `health` | `/health`, `/health/live`, `/health/ready` |
//! | `openapi` | `/openapi.json` |
//! | `local_turn` | a turn typed at the terminal, for `channels try` |

mod access_log;
mod conversation;
mod dispatch;
mod edge;
mod health;
mod local_turn;
mod openapi;
mod problem;
mod rate_limit;
mod request_context;
mod response;
mod routes;
mod server;
mod webhook;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use local_turn::TurnReply;
use rate_limit::TokenBucket;
pub use routes::paths;
pub use server::{Server, Stopped};
use tokio_util::sync::CancellationToken;

use crate::cancel::Cancellations;
use crate::channels::Channel;
use crate::clock::Moment;
use crate::domain::Locale;
use crate::replies::Replies;

/// How much of the service a caller may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes of a body.
    pub body_bytes_max: usize,
    /// The most bytes of a request's head.
    pub head_bytes_max: usize,
    /// The timeout for the head of a request.
    pub head: Duration,
    /// The timeout for the body of a request.
    pub body: Duration,
    /// The most connections at the same time.
    pub connections_max: usize,
    /// The time between the announcement of a stop and the stop; requests are still accepted.
    pub stop_notice: Duration,
    /// The time that a stop may take after that.
    pub drain: Duration,
}

/// The state that all handlers share.
pub struct App {
    /// The channels, by name.
    pub channels: BTreeMap<String, Channel>,
    cancellations: Arc<Cancellations>,
    replies: Replies,
    /// The language of a caller that no channel knows.
    locale: Locale,
    limits: Limits,
    started_at: Moment,
    draining: CancellationToken,
    journal_seen: Mutex<Option<(Moment, health::JournalSeen)>>,
    rate_limits: BTreeMap<String, TokenBucket>,
    /// How many members a platform did not fill in, by channel.
    not_filled_in: BTreeMap<String, AtomicU64>,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        channels: BTreeMap<String, Channel>,
        cancellations: Arc<Cancellations>,
        replies: Replies,
        locale: Locale,
        limits: Limits,
    ) -> Arc<Self> {
        let started_at = Moment::now();
        let rate_limits = channels.values().filter_map(|channel| {
            let bucket = TokenBucket::new(channel.per_second_max, started_at.instant())?;
            Some((channel.name.clone(), bucket))
        });
        Arc::new(Self {
            rate_limits: rate_limits.collect(),
            not_filled_in: channels
                .keys()
                .map(|name| (name.clone(), AtomicU64::new(0)))
                .collect(),
            channels,
            cancellations,
            replies,
            locale,
            limits,
            started_at,
            draining: CancellationToken::new(),
            journal_seen: Mutex::new(None),
        })
    }

    /// Counts a member that a platform did not fill in.
    fn count_not_filled_in(&self, channel: &str) {
        if let Some(count) = self.not_filled_in.get(channel) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts one request of a channel against its rate limit.
    fn check_rate_limit(&self, channel: &Channel, at: Moment) -> Result<(), Duration> {
        self.rate_limits
            .get(&channel.name)
            .map_or(Ok(()), |bucket| bucket.take(at.instant()))
    }
}
