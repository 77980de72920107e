//! `check`: finds what would go wrong before a customer does. Reads only.

use std::net::SocketAddr;
use std::process::ExitCode;

use ozmap_cancel::channels::{Channel, Rehearsed};
use ozmap_cancel::config::{self, Config, Sources};
use ozmap_cancel::domain::Locale;
use ozmap_cancel::journal::{self, Inspection, Place, Stats};
use ozmap_cancel::ozmap::Ozmap;
use ozmap_cancel::replies::Replies;

use super::held::Held;
use super::listen::{self, Examined};
use super::{Done, Problem, block_on, serve, tell};

/// How many look-ups are timed.
const TIMED_LOOKS: usize = 3;

/// How many findings are problems.
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
            findings.good("replies: every sentence of every language was rendered")?;
            check_spoken(&replies, &mut findings)?;
        }
        Err(error) => findings.bad(&error.to_string())?,
    }
    let stats = check_journal(&config.journal, &mut findings)?;
    let rules = &config.rules;
    let left = |stats: Stats| i64::from(rules.deletes_per_hour_max) - stats.deletes_this_hour;
    let held = Held {
        paused: rules.paused,
        dry_run: rules.dry_run,
        deletes_left: stats.map(|stats| left(stats).max(0)),
    };
    for warning in held.warnings() {
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

/// Looks at what can be looked at all the same: one run is to find as much as it can.
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
    match channel.rehearse() {
        Rehearsed::Believed | Rehearsed::NotTried => Ok(()),
        Rehearsed::Refused(why) => findings.bad(&format!(
            "channel {}: a request with its own secret is not believed: {why}; every caller would get 401",
            channel.name
        )),
    }
}

/// How long a caller listens to each sentence.
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
                    "replies: {locale}, {} takes about {:.1} seconds when spoken, and a caller follows {} at most; shorten its `voice`",
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
    match listen::examine(address).await {
        Examined::Free => findings.good(&format!("listen: {address} is free")),
        Examined::Ours => findings.good(&format!("listen: a running ozmap-cancel has {address}")),
        Examined::Problem(problem) => findings.bad(&problem),
    }
}

async fn check_ozmap(ozmap: &Ozmap, findings: &mut Findings) -> Result<(), Problem> {
    if let Err(error) = ozmap.probe().await {
        return findings.bad(&format!("OZmap: {error}; {}", advice(&error)));
    }
    findings.good("OZmap answers and accepts the key")?;
    check_times(ozmap, findings).await?;
    match ozmap.has_witness().await {
        Ok(true) => return findings.good("OZmap: the list of clients shows whether a code is nobody's"),
        Ok(false) => findings.warn(
            "OZmap: the list of clients cannot be used, so \"not found\" rests on the look-up alone and \"422\" and \"empty\" of ozmap.not_found_answers are not believed; let the key view clients",
        )?,
        Err(error) => findings.warn(&format!(
            "OZmap: the list of clients could not be tried ({error}); {}",
            advice(&error)
        ))?,
    }
    match ozmap.probe_nothing().await {
        Ok(()) => Ok(()),
        // Not a problem yet: an OZmap that says 404 for a code that it does not know needs no list.
        Err(error) => findings.warn(&format!(
            "OZmap says nothing about the key, or its list of projects cannot be read ({error}): only a 404 or an empty list will be taken for \"not found\"; let the key list projects, or write ozmap.not_found_answers = [\"404\"] if OZmap answers that"
        )),
    }
}

/// How long looks take, for a code that nobody has.
async fn check_times(ozmap: &Ozmap, findings: &mut Findings) -> Result<(), Problem> {
    let mut times = Vec::new();
    for _ in 0..TIMED_LOOKS {
        match ozmap.time_look().await {
            Ok(ms) => times.push(ms),
            Err(error) => {
                return findings.warn(&format!(
                    "OZmap: a look-up of a code that nobody has got no usable answer ({error}), so no customer can hear \"not found\"; {}",
                    advice(&error)
                ));
            }
        }
    }
    let slowest = times.iter().copied().max().unwrap_or_default();
    let shown: Vec<String> = times.iter().map(u64::to_string).collect();
    let shown = shown.join(", ");
    // The client may have to be read too, and that takes as long again.
    match slowest.saturating_mul(2) > ozmap.guard_age_ms() {
        false => findings.good(&format!("OZmap answers look-ups in {shown} ms")),
        true => findings.bad(&format!(
            "OZmap answers look-ups in {shown} ms: so slow a reading allows no deletion, because journal.guard_age_ms_max = {}; write at least {}",
            ozmap.guard_age_ms(),
            slowest.saturating_mul(2).saturating_add(1_000)
        )),
    }
}

fn check_journal(place: &Place, findings: &mut Findings) -> Result<Option<Stats>, Problem> {
    match journal::inspect(place) {
        Ok(Inspection::NotThere) => {
            findings.good(&format!(
                "journal: {place} will be created at the first start"
            ))?;
            Ok(None)
        }
        Ok(Inspection::Usable { stats, in_use }) => {
            let running = if in_use {
                "; a running instance has it"
            } else {
                ""
            };
            findings.good(&format!(
                "journal: {place}, {} cancellations not ended, {} for a person to look at{running}",
                stats.active, stats.needs_human
            ))?;
            Ok(Some(stats))
        }
        Ok(Inspection::Incomplete { why }) => {
            findings.bad(&format!(
                "journal: {place}: {why}: what was accepted last is not in it; put its journal.db-wal back beside it if that is \
                 somewhere, otherwise the next start leaves what had not begun to a person"
            ))?;
            Ok(None)
        }
        Err(error) => {
            findings.bad(&format!("journal: {place}: {error}"))?;
            Ok(None)
        }
    }
}

/// What to do about it.
fn advice(error: &ozmap_cancel::ozmap::Error) -> &'static str {
    use ozmap_cancel::ozmap::FailureKind;
    match error.kind {
        FailureKind::Connect => {
            "is ozmap.base_url right, and may this machine's address reach OZmap's port (ask OZmap's support to open 9994 for it)?"
        }
        FailureKind::Tls => {
            "is it your OZmap's own certificate? then set ozmap.tls_ca_file or ozmap.tls_pin_sha256"
        }
        FailureKind::Unauthorized => "is ozmap.api_key complete, and was it not deleted in OZmap?",
        FailureKind::Forbidden => "give the key's user the role and the projects it needs",
        FailureKind::Redirect | FailureKind::Html | FailureKind::Status | FailureKind::Shape => {
            "is ozmap.base_url the address of the interface, with its port (usually 9994)?"
        }
        FailureKind::Timeout
        | FailureKind::Lost
        | FailureKind::Throttled
        | FailureKind::Server
        | FailureKind::Size
        | FailureKind::Stale => "try again in a moment",
    }
}
