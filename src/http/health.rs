//! Liveness, readiness and health in detail.
//!
//! It must never show a code, a name or a secret, and a probe must never load the journal.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use serde::Serialize;
use tokio::time::timeout;

use super::App;
use super::response::json;
use crate::clock::Moment;
use crate::domain::Reason;
use crate::journal::{self, Stats};

/// How long the state of the journal is cached, so that probes cannot load it.
const JOURNAL_AGE_MS_MAX: u64 = 1_000;

/// The timeout for the journal to prove that it can be written.
const JOURNAL_WITHIN: Duration = Duration::from_secs(3);

/// The state of the journal when it was last asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct JournalSeen {
    state: JournalState,
    stats: Stats,
    incomplete: Option<&'static str>,
}

/// Whether the journal accepts new requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JournalState {
    Writable,
    /// Running work is still written, and nothing new is accepted.
    NoRoom,
    NotWritable,
}

impl JournalState {
    /// Its id in `/health`; `None` when it can be written.
    fn trouble(self) -> Option<&'static str> {
        match self {
            Self::Writable => None,
            Self::NoRoom => Some("disk_nearly_full"),
            Self::NotWritable => Some("not_writable"),
        }
    }
}

#[derive(Serialize)]
struct Simple<'a> {
    status: &'a str,
}

#[derive(Serialize)]
struct Detail<'a> {
    status: &'a str,
    /// Why it is not `ok`.
    reasons: Vec<&'a str>,
    version: &'a str,
    uptime_s: u64,
    draining: bool,
    paused: bool,
    dry_run: bool,
    deletes_left_this_hour: i64,
    in_flight: usize,
    journal: JournalDetail<'a>,
    ozmap: OzmapDetail<'a>,
    channels: BTreeMap<&'a str, ChannelDetail>,
}

#[derive(Serialize)]
struct ChannelDetail {
    /// Members that the platform did not fill in since the start: a mistake in its configuration.
    not_filled_in: u64,
}

#[derive(Serialize)]
struct JournalDetail<'a> {
    status: &'a str,
    store: &'a str,
    /// Why the journal may lack accepted requests, as found at the start.
    incomplete: Option<&'a str>,
    active: i64,
    oldest_active_ms: i64,
    needs_human: i64,
}

#[derive(Serialize)]
struct OzmapDetail<'a> {
    status: &'a str,
    /// Seconds since OZmap itself last answered.
    last_response_s_ago: Option<u64>,
    /// Seconds until OZmap is probed again, while the circuit breaker is open.
    circuit_open_s: Option<u64>,
    deletes_refused: bool,
    /// How long the last lookup by code took, in milliseconds.
    lookup_ms: Option<u64>,
    /// Whether lookups take so long that nothing can be deleted.
    too_slow: bool,
}

/// `GET /health/live`: 200 while the process answers.
pub(super) async fn live() -> Response<Body> {
    json(StatusCode::OK, &Simple { status: "alive" })
}

/// `GET /health/ready`: whether to send traffic here.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response<Body> {
    match unready(&app).await {
        None => json(StatusCode::OK, &Simple { status: "ready" }),
        Some(status) => json(StatusCode::SERVICE_UNAVAILABLE, &Simple { status }),
    }
}

/// An outage of OZmap does not make the service unready: it still accepts requests and completes
/// them later.
async fn unready(app: &App) -> Option<&'static str> {
    if app.draining.is_cancelled() {
        return Some("draining");
    }
    match journal(app).await.state {
        JournalState::Writable => None,
        JournalState::NoRoom => Some("disk_nearly_full"),
        JournalState::NotWritable => Some("journal_not_writable"),
    }
}

/// `GET /health`: everything that an operator looks at first.
pub(super) async fn detail(State(app): State<Arc<App>>) -> Response<Body> {
    let seen = journal(&app).await;
    let stats = seen.stats;
    let ozmap = ozmap(&app);
    let unready = unready(&app).await;
    let deletes_left = app.cancellations.deletes_left(stats.deletes_this_hour);
    let reasons: Vec<&str> = unready
        .into_iter()
        .chain(held_back(&app, &seen, deletes_left, &ozmap))
        .collect();
    let status = match (unready, reasons.is_empty()) {
        (Some(_), _) => "unready",
        (None, false) => "degraded",
        (None, true) => "ok",
    };
    let detail = Detail {
        status,
        reasons,
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: app.started_at.age_ms() / 1_000,
        draining: app.draining.is_cancelled(),
        paused: app.cancellations.is_paused(),
        dry_run: app.cancellations.is_dry_run(),
        deletes_left_this_hour: deletes_left,
        in_flight: app.cancellations.in_flight(),
        journal: JournalDetail {
            status: seen.state.trouble().unwrap_or("ok"),
            store: app.cancellations.journal().place().store(),
            incomplete: seen.incomplete,
            active: stats.active,
            oldest_active_ms: stats.oldest_ms,
            needs_human: stats.needs_human,
        },
        ozmap,
        channels: channels(&app),
    };
    let code = if unready.is_some() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    json(code, &detail)
}

/// Why deletions wait although requests are accepted.
fn held_back<'a>(
    app: &App,
    seen: &JournalSeen,
    deletes_left: i64,
    ozmap: &OzmapDetail<'a>,
) -> Vec<&'a str> {
    let is_trouble = !matches!(ozmap.status, "ok" | "unknown");
    [
        app.cancellations.is_paused().then_some("paused"),
        app.cancellations.is_dry_run().then_some("dry_run"),
        (deletes_left == 0).then_some("deletes_of_the_hour_spent"),
        ozmap.deletes_refused.then_some("deletes_refused"),
        seen.incomplete.map(|_| "journal_incomplete"),
        ozmap.too_slow.then_some("ozmap_too_slow"),
        is_trouble.then_some(ozmap.status),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn channels(app: &App) -> BTreeMap<&str, ChannelDetail> {
    app.not_filled_in
        .iter()
        .map(|(name, count)| {
            let not_filled_in = count.load(Ordering::Relaxed);
            (name.as_str(), ChannelDetail { not_filled_in })
        })
        .collect()
}

fn ozmap(app: &App) -> OzmapDetail<'static> {
    let ozmap = app.cancellations.ozmap();
    let (heard, shut) = (ozmap.last_response(), ozmap.circuit_open());
    let status = match (shut, heard.map(|heard| heard.failure)) {
        (Some(shut), _) => shut.why.id(),
        (None, None) => "unknown",
        (None, Some(None)) => "ok",
        (None, Some(Some(trouble))) => trouble.id(),
    };
    OzmapDetail {
        status,
        last_response_s_ago: heard
            .and_then(|heard| heard.at)
            .map(|at| at.age_ms() / 1_000),
        circuit_open_s: shut.map(|shut| shut.wait.as_secs()),
        deletes_refused: ozmap.are_deletes_refused(),
        lookup_ms: ozmap.lookup_ms(),
        too_slow: ozmap.is_too_slow(),
    }
}

async fn journal(app: &App) -> JournalSeen {
    let kept = *app
        .journal_seen
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some((at, seen)) = kept
        && at.age_ms() < JOURNAL_AGE_MS_MAX
    {
        return seen;
    }
    let journal = app.cancellations.journal();
    // A journal that cannot be written may still be readable.
    let asked = timeout(JOURNAL_WITHIN, async {
        let proven = journal.prove_writable().await;
        let incomplete = journal.incomplete().await.ok().flatten().map(Reason::id);
        (proven, journal.stats().await, incomplete)
    });
    let mut incomplete = None;
    let (proven, stats) = match asked.await {
        Ok((proven, Ok(stats), why)) => {
            incomplete = why;
            (proven, stats)
        }
        Ok((proven, Err(error), _)) => (proven.and(Err(error)), Stats::default()),
        Err(_) => {
            let timed_out = format!("timeout after {} ms", JOURNAL_WITHIN.as_millis());
            (
                Err(journal::Error::Unavailable(timed_out)),
                Stats::default(),
            )
        }
    };
    let state = match &proven {
        Ok(()) => JournalState::Writable,
        Err(journal::Error::NoRoom(_)) => JournalState::NoRoom,
        Err(_) => JournalState::NotWritable,
    };
    // Probes come every few seconds; the operator needs the line once.
    if let Err(error) = proven
        && kept.is_none_or(|(_, before)| before.state != state)
    {
        tracing::error!("nothing new is accepted: {error}");
    }
    let seen = JournalSeen {
        state,
        stats,
        incomplete,
    };
    *app.journal_seen
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = Some((Moment::now(), seen));
    seen
}
