//! `check`: reports what would fail in production: configuration, replies, journal, address, OZmap.
//!
//! It only reads. It must never change the journal or OZmap.

use std::net::SocketAddr;
use std::process::ExitCode;

use ozmap_cancel::channels::{Channel, SelfCheck};
use ozmap_cancel::config::{self, Config, Sources};
use ozmap_cancel::domain::Locale;
use ozmap_cancel::journal::{self, Inspection, JournalUrl, Stats};
use ozmap_cancel::ozmap::Ozmap;
use ozmap_cancel::replies::Replies;

use super::holds::DeletionHolds;
use super::listener::{self, Examined};
use super::{Done, Problem, block_on, serve, tell};

/// How many look-ups are timed.
const TIMED_LOOKUPS: usize = 3;

/// Prints findings and counts the problems.
#[derive(Default)]
struct Findings {
    problems: usize,
}

impl Findings {
    fn good(&mut self, what: &str) -> Result<(), Problem> {
        tell(&format!("ok       {what}"))
    }

    fn warn(&mut self, what: &str) -> Result<(), Problem> {
        tell(&format!("warning  {what}"))
    }

    fn bad(&mut self, what: &str) -> Result<(), Problem> {
        self.problems += 1;
        tell(&format!("problem  {what}"))
    }

    fn code(&self) -> ExitCode {
        match self.problems {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }
}

pub(crate) fn run(sources: &Sources) -> Done {
    let mut findings = Findings::default();
    let config = match Config::load(sources) {
        Ok(config) => config,
        Err(error) => return without_configuration(sources, &error, findings),
    };
    findings.good("configuration")?;
    for warning in &config.warnings {
        findings.warn(warning)?;
    }
    for channel in config.channels.values() {
        check_channel(channel, &mut findings)?;
    }
    match serve::log_filter(&config) {
        Err(problem) => findings.bad(&problem.0)?,
        Ok(_) => {
            if let Some(silence) = serve::silence(&config) {
                findings.warn(&silence)?;
            }
        }
    }
    match Replies::load(&config.replies_directory, config.time_zone.clone()) {
        Ok(replies) => {
            findings.good("replies: every sentence renders in every language")?;
            check_spoken(&replies, &mut findings)?;
        }
        Err(error) => findings.bad(&error.to_string())?,
    }
    let stats = check_journal(&config.journal, &mut findings)?;
    let rules = &config.rules;
    let left = |stats: Stats| i64::from(rules.deletes_per_hour_max) - stats.deletes_this_hour;
    let holds = DeletionHolds {
        paused: rules.paused,
        dry_run: rules.dry_run,
        deletes_left: stats.map(|stats| left(stats).max(0)),
    };
    for warning in holds.warnings() {
        findings.warn(&warning)?;
    }
    block_on(async move {
        check_listen(config.listen, &mut findings).await?;
        match Ozmap::new(config.ozmap) {
            Err(error) => findings.bad(&error.to_string())?,
            Ok(ozmap) => check_ozmap(&ozmap, &mut findings).await?,
        }
        Ok(findings.code())
    })
}

/// Without a valid configuration the journal can still be checked: one run reports as much as
/// possible.
fn without_configuration(sources: &Sources, error: &config::Error, mut findings: Findings) -> Done {
    for problem in error.problems() {
        findings.bad(problem)?;
    }
    if let Ok(place) = config::journal_place(sources) {
        check_journal(&place, &mut findings)?;
    }
    Ok(findings.code())
}

fn check_channel(channel: &Channel, findings: &mut Findings) -> Result<(), Problem> {
    findings.good(&format!(
        "channel {}: POST /webhooks/{}, answers within {} ms",
        channel.name, channel.name, channel.answer_ms_max
    ))?;
    match channel.self_check() {
        SelfCheck::Believed | SelfCheck::NotTried => Ok(()),
        SelfCheck::Refused(why) => findings.bad(&format!(
            "channel {}: a request with the channel's own secret fails authentication: {why}; every caller would get 401",
            channel.name
        )),
    }
}

/// How long each sentence takes when spoken.
fn check_spoken(replies: &Replies, findings: &mut Findings) -> Result<(), Problem> {
    for locale in Locale::ALL {
        let sentences = replies.aloud(locale);
        let shown: Vec<String> = sentences
            .iter()
            .map(|sentence| format!("{} {:.0}", sentence.id, sentence.takes.as_secs_f64()))
            .collect();
        let (locale, shown) = (locale.id(), shown.join(", "));
        findings.good(&format!("replies: {locale}, seconds when spoken: {shown}"))?;
        for sentence in sentences {
            let at_most = sentence.place.at_most();
            if sentence.takes > at_most {
                findings.warn(&format!(
                    "replies: {locale}, {} takes about {:.1} seconds when spoken, longer than the {} a caller can follow; shorten its `voice` text",
                    sentence.id,
                    sentence.takes.as_secs_f64(),
                    at_most.as_secs(),
                ))?;
            }
        }
    }
    Ok(())
}

async fn check_listen(address: SocketAddr, findings: &mut Findings) -> Result<(), Problem> {
    match listener::examine(address).await {
        Examined::Free => findings.good(&format!("listen: {address} is free")),
        Examined::Ours => findings.good(&format!("listen: a running ozmap-cancel uses {address}")),
        Examined::Problem(problem) => findings.bad(&problem),
    }
}

async fn check_ozmap(ozmap: &Ozmap, findings: &mut Findings) -> Result<(), Problem> {
    if let Err(error) = ozmap.probe().await {
        return findings.bad(&format!("OZmap: {error}; {}", advice(&error)));
    }
    findings.good("OZmap answers and accepts the key")?;
    check_times(ozmap, findings).await?;
    match ozmap.can_cross_check().await {
        Ok(true) => return findings.good("OZmap: the list of clients confirms that a code does not exist"),
        Ok(false) => findings.warn(
            "OZmap: the key cannot list clients, so \"not found\" depends on the look-up alone, and \"422\" and \"empty\" in ozmap.not_found_answers are ignored; allow the key to view clients",
        )?,
        Err(error) => findings.warn(&format!(
            "OZmap: listing clients failed ({error}); {}",
            advice(&error)
        ))?,
    }
    match ozmap.probe_nothing().await {
        Ok(()) => Ok(()),
        // Not a problem yet: an OZmap that answers 404 for an unknown code needs no list.
        Err(error) => findings.warn(&format!(
            "OZmap: listing projects failed ({error}), so only a 404 or an empty list counts as \"not found\"; allow the key to list projects, or write ozmap.not_found_answers = [\"404\"] if that is what OZmap answers"
        )),
    }
}

/// How long look-ups take, measured with a code that does not exist.
async fn check_times(ozmap: &Ozmap, findings: &mut Findings) -> Result<(), Problem> {
    let mut times = Vec::new();
    for _ in 0..TIMED_LOOKUPS {
        match ozmap.time_lookup().await {
            Ok(ms) => times.push(ms),
            Err(error) => {
                return findings.warn(&format!(
                    "OZmap: a look-up of a code that does not exist failed ({error}), so no customer can be told \"not found\"; {}",
                    advice(&error)
                ));
            }
        }
    }
    let slowest = times.iter().copied().max().unwrap_or_default();
    let shown: Vec<String> = times.iter().map(u64::to_string).collect();
    let shown = shown.join(", ");
    // Reading the client is a second call of about the same length.
    if slowest.saturating_mul(2) > ozmap.guard_age_ms() {
        findings.bad(&format!(
            "OZmap answers look-ups in {shown} ms, too slow for any deletion with journal.guard_age_ms_max = {}; write at least {}",
            ozmap.guard_age_ms(),
            slowest.saturating_mul(2).saturating_add(1_000)
        ))
    } else {
        findings.good(&format!("OZmap answers look-ups in {shown} ms"))
    }
}

fn check_journal(place: &JournalUrl, findings: &mut Findings) -> Result<Option<Stats>, Problem> {
    match journal::inspect(place) {
        Ok(Inspection::NotThere) => {
            findings.good(&format!(
                "journal: {place} will be created at the first start"
            ))?;
            Ok(None)
        }
        Ok(Inspection::Usable { stats, in_use }) => {
            let running = if in_use {
                "; in use by a running instance"
            } else {
                ""
            };
            findings.good(&format!(
                "journal: {place}, {} cancellations in progress, {} need an operator{running}",
                stats.active, stats.needs_human
            ))?;
            Ok(Some(stats))
        }
        Ok(Inspection::Incomplete { why }) => {
            findings.bad(&format!(
                "journal: {place}: {why}: the newest requests are missing. Put its journal.db-wal back next to it if you have it; \
                 otherwise the next start hands what had not begun to an operator"
            ))?;
            Ok(None)
        }
        Err(error) => {
            findings.bad(&format!("journal: {place}: {error}"))?;
            Ok(None)
        }
    }
}

/// What the operator can do about an error.
fn advice(error: &ozmap_cancel::ozmap::Error) -> &'static str {
    use ozmap_cancel::ozmap::FailureKind;
    match error.kind {
        FailureKind::Connect => {
            "check ozmap.base_url, and whether OZmap's firewall allows this machine (ask OZmap's support to open port 9994 for it)"
        }
        FailureKind::Tls => {
            "if this is your OZmap's own certificate, set ozmap.tls_ca_file or ozmap.tls_pin_sha256"
        }
        FailureKind::Unauthorized => {
            "check that ozmap.api_key is complete and still exists in OZmap"
        }
        FailureKind::Forbidden => "give the key's user the role and the projects that it needs",
        FailureKind::Redirect | FailureKind::Html | FailureKind::Status | FailureKind::Shape => {
            "check that ozmap.base_url is the address of the API, with its port (usually 9994)"
        }
        FailureKind::Timeout
        | FailureKind::Lost
        | FailureKind::RateLimited
        | FailureKind::Server
        | FailureKind::Size
        | FailureKind::Stale => "try again later",
    }
}
