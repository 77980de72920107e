//! The public listener: routes, limits, and the way of a webhook through the service.
//!
//! It asks a channel what a request means, has it worked on, and lets the channel write the answer. It must never
//! decide about a cancellation, and never put anything of a request into a log or an error.

mod conversation;
mod edge;
mod health;
mod line;
mod openapi;
mod pace;
mod respond;
mod server;
mod webhook;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::{any, get};
use pace::Pace;
pub use server::{Server, Stopped};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::cancel::Cancellations;
use crate::channels::Channel;
use crate::clock::Moment;
use crate::domain::Locale;
use crate::replies::Replies;

/// What a caller may take of the service.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes of a body.
    pub body_bytes_max: usize,
    /// The most bytes of a request's head.
    pub head_bytes_max: usize,
    /// The time to send the head of a request.
    pub head: Duration,
    /// The time to send the body of a request.
    pub body: Duration,
    /// The most connections at the same time.
    pub connections_max: usize,
    /// The time between the announcement of a stop and the stop: requests are still taken.
    pub stop_notice: Duration,
    /// The time that a stop may take after that.
    pub drain: Duration,
}

/// Everything that the handlers need.
pub struct App {
    /// The ways in, by name.
    pub channels: BTreeMap<String, Channel>,
    /// Who works on cancellations.
    pub cancellations: Arc<Cancellations>,
    /// The sentences.
    pub replies: Replies,
    /// The language where no channel says one.
    pub locale: Locale,
    /// What a caller may take.
    pub limits: Limits,
    started_at: Moment,
    draining: CancellationToken,
    journal_seen: Mutex<Option<(Moment, health::JournalSeen)>>,
    paces: BTreeMap<String, Pace>,
    /// How often a member was not filled in, by channel.
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
        let paces = channels.values().filter_map(|channel| {
            let pace = Pace::new(channel.per_second_max, started_at.instant())?;
            Some((channel.name.clone(), pace))
        });
        Arc::new(Self {
            paces: paces.collect(),
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

    /// Counts one request of a channel.
    fn pace(&self, channel: &Channel, at: Moment) -> Result<(), Duration> {
        self.paces
            .get(&channel.name)
            .map_or(Ok(()), |pace| pace.take(at.instant()))
    }
}

/// The routes of the public listener.
fn router(app: Arc<App>) -> Router {
    Router::new()
        .route(
            "/webhooks/{name}",
            any(webhook::webhook).options(edge::preflight),
        )
        .route("/health", get(health::detail))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/openapi.json", get(openapi::document))
        .fallback(edge::nearly_right)
        .method_not_allowed_fallback(respond::only_get)
        .layer(axum::middleware::from_fn_with_state(
            app.clone(),
            edge::unambiguous,
        ))
        .layer(CatchPanicLayer::custom(respond::Panicked))
        .layer(axum::middleware::map_response(respond::harden))
        .with_state(app)
}
