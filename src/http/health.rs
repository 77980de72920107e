//! Whether the service lives, is ready, and how it does. Never a code, a name or a secret.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use serde::Serialize;
use tokio::time::timeout;

use super::App;
use super::respond::respond;
use crate::channels::Rendered;
use crate::clock::Moment;
use crate::journal::{self, Stats};

/// For how long the journal's state is believed, so that probes cannot load it.
const JOURNAL_AGE_MS_MAX: u64 = 1_000;

/// How long the journal may take to prove that it can be written.
const JOURNAL_WITHIN: Duration = Duration::from_secs(3);

/// What the journal said when it was last asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct JournalSeen {
    state: JournalState,
    stats: Stats,
}

/// What can be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum JournalState {
    Writable,
    /// What is running is written down, and nothing new is taken.
    NoRoom,
    NotWritable,
}

impl JournalState {
    /// The word for it; without one it is ready.
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
    version: &'a str,
    uptime_s: u64,
    draining: bool,
    paused: bool,
    in_flight: usize,
    journal: JournalDetail<'a>,
    ozmap: OzmapDetail<'a>,
}

#[derive(Serialize)]
struct JournalDetail<'a> {
    status: &'a str,
    store: &'a str,
    active: i64,
    oldest_active_ms: i64,
    needs_human: i64,
}

#[derive(Serialize)]
struct OzmapDetail<'a> {
    status: &'a str,
    heard_s_ago: Option<u64>,
    /// Seconds until OZmap is probed again, while it is left alone.
    left_alone_s: Option<u64>,
    deletes_refused: bool,
    /// How long the last look for a code took, in milliseconds.
    lookup_ms: Option<u64>,
    /// Whether looks take so long that nothing can be deleted.
    too_slow: bool,
}

pub(super) async fn live() -> Response<Body> {
    json(StatusCode::OK, &Simple { status: "alive" })
}

pub(super) async fn ready(State(app): State<Arc<App>>) -> Response<Body> {
    match unready(&app).await {
        None => json(StatusCode::OK, &Simple { status: "ready" }),
        Some(status) => json(StatusCode::SERVICE_UNAVAILABLE, &Simple { status }),
    }
}

/// OZmap being down does not make the service unready: it still promises, and keeps what it promised.
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

pub(super) async fn detail(State(app): State<Arc<App>>) -> Response<Body> {
    let seen = journal(&app).await;
    let stats = seen.stats;
    let ozmap = ozmap(&app);
    let unready = unready(&app).await;
    let paused = app.cancellations.is_paused();
    let status = match unready {
        Some(_) => "unready",
        None if paused || ozmap.deletes_refused || ozmap.too_slow => "degraded",
        None if !matches!(ozmap.status, "ok" | "unknown") => "degraded",
        None => "ok",
    };
    let detail = Detail {
        status,
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: app.started_at.age_ms() / 1_000,
        draining: app.draining.is_cancelled(),
        paused,
        in_flight: app.cancellations.in_flight(),
        journal: JournalDetail {
            status: seen.state.trouble().unwrap_or("ok"),
            store: app.cancellations.journal().place().store(),
            active: stats.active,
            oldest_active_ms: stats.oldest_ms,
            needs_human: stats.needs_human,
        },
        ozmap,
    };
    let code = if unready.is_some() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    json(code, &detail)
}

fn ozmap(app: &App) -> OzmapDetail<'static> {
    let ozmap = app.cancellations.ozmap();
    let (heard, shut) = (ozmap.heard(), ozmap.shut());
    let status = match (shut, heard.map(|heard| heard.trouble)) {
        (Some(shut), _) => shut.why.id(),
        (None, None) => "unknown",
        (None, Some(None)) => "ok",
        (None, Some(Some(trouble))) => trouble.id(),
    };
    OzmapDetail {
        status,
        heard_s_ago: heard.map(|heard| heard.at.age_ms() / 1_000),
        left_alone_s: shut.map(|shut| shut.wait.as_secs()),
        deletes_refused: ozmap.are_deletes_refused(),
        lookup_ms: ozmap.look_ms(),
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
    // What cannot be written may still be read.
    let asked = timeout(JOURNAL_WITHIN, async {
        let proven = journal.prove_writable().await;
        (proven, journal.stats().await)
    });
    let (proven, stats) = match asked.await {
        Ok((proven, Ok(stats))) => (proven, stats),
        Ok((proven, Err(error))) => (proven.and(Err(error)), Stats::default()),
        Err(_) => {
            let silent = "it does not answer in time".to_owned();
            (Err(journal::Error::Unavailable(silent)), Stats::default())
        }
    };
    let state = match &proven {
        Ok(()) => JournalState::Writable,
        Err(journal::Error::NoRoom(_)) => JournalState::NoRoom,
        Err(_) => JournalState::NotWritable,
    };
    // Probes come every few seconds; a person needs it once.
    if let Err(error) = proven
        && kept.is_none_or(|(_, before)| before.state != state)
    {
        tracing::error!("nothing new is accepted: {error}");
    }
    let seen = JournalSeen { state, stats };
    *app.journal_seen
        .lock()
        .unwrap_or_else(PoisonError::into_inner) = Some((Moment::now(), seen));
    seen
}

fn json(status: StatusCode, body: &impl Serialize) -> Response<Body> {
    let rendered = Rendered {
        content_type: "application/json".to_owned(),
        // Only texts, flags and numbers are written, which cannot fail.
        body: serde_json::to_string(body).unwrap_or_else(|_| "{}".to_owned()),
    };
    respond(status, rendered)
}
