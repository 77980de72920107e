//! `journal list`, `show` and `backup`: finds one cancellation among thousands, and copies the
//! journal.
//!
//! It only reads, also while the service runs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use ozmap_cancel::config::{self, Sources};
use ozmap_cancel::domain::{Mode, Outcome, Reason, State};
use ozmap_cancel::journal::{self, DeliveryNote, Event, Filter, Found, JournalUrl, Reader, Record};
use serde_json::{Value, json};

use super::{Done, Problem, complain, tell};

/// A subcommand of `journal`.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists the newest cancellations, one per line
    List(List),
    /// Shows a cancellation and its history, by protocol number, id, reservation code or property
    /// id
    Show(Show),
    /// Copies the whole journal into a new file that can replace a lost one
    Backup(Backup),
}

#[derive(Args)]
pub(crate) struct Backup {
    /// The file to create; an existing one is never overwritten
    file: PathBuf,
}

#[derive(Args)]
pub(crate) struct List {
    /// Only cancellations in this state
    #[arg(long, value_parser = PossibleValuesParser::new(State::ALL.map(State::id)))]
    state: Option<String>,
    /// Only cancellations with this outcome
    #[arg(long, value_parser = PossibleValuesParser::new(Outcome::ALL.map(Outcome::id)))]
    outcome: Option<String>,
    /// Only cancellations that need an operator, the ones that `/health` counts
    #[arg(long)]
    needs_human: bool,
    /// The maximum number of lines
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Prints one JSON object per line
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct Show {
    /// A protocol number, an id, a reservation code or a property id
    what: String,
    /// Prints one JSON object per line
    #[arg(long)]
    json: bool,
}

/// The maximum number of cancellations that are shown for one code.
const SHOWN_MAX: u32 = 20;

pub(crate) fn run(command: &Command, sources: &Sources) -> Done {
    let place = config::journal_place(sources)?;
    match command {
        Command::List(list) => run_list(list, &mut read(&place)?),
        Command::Show(show) => run_show(show, &mut read(&place)?),
        Command::Backup(backup) => run_backup(backup, &place),
    }
}

/// Opens the journal, and warns when its newest rows are missing.
fn read(place: &JournalUrl) -> Result<Reader, Problem> {
    let journal = Reader::open(place)?;
    match journal.incomplete() {
        Some(Reason::JournalIncomplete) => complain(&Problem::new(format!(
            "{place} was not closed cleanly and its write-ahead log is missing: the newest requests are not in it"
        ))),
        Some(_) => complain(&Problem::new(format!(
            "{place} is a copy: requests accepted after it was made are not in it"
        ))),
        None => {}
    }
    Ok(journal)
}

fn run_backup(backup: &Backup, place: &JournalUrl) -> Done {
    let copied = journal::backup(place, &backup.file)?;
    tell(&format!(
        "copied {} cancellations of {place} to {}: {} bytes, synced to disk",
        copied.cancellations,
        backup.file.display(),
        copied.bytes
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn run_list(list: &List, journal: &mut Reader) -> Done {
    let filter = Filter {
        state: list.state.clone().unwrap_or_default(),
        outcome: list.outcome.clone().unwrap_or_default(),
        needs_human: list.needs_human,
        limit: list.limit,
    };
    let found = journal.list(&filter)?;
    if list.json {
        for record in &found.records {
            tell(&as_json(record).to_string())?;
        }
        return all_read(&found);
    }
    tell(&format!(
        "{:<20}  {:<16}  {:<8}  {:<18}  {:<22}  {}",
        "ACCEPTED", "PROTOCOL", "STATE", "OUTCOME", "REASON", "CODE"
    ))?;
    for record in &found.records {
        tell(&format!(
            "{:<20}  {:<16}  {:<8}  {:<18}  {:<22}  {}",
            when(record.created_at_ms),
            record.protocol.as_str(),
            record.state.id(),
            record.outcome.map_or("-", |outcome| outcome.id()),
            record.reason_id().unwrap_or("-"),
            record.code.as_str(),
        ))?;
    }
    all_read(&found)
}

/// Success, unless a row could not be read.
fn all_read(found: &Found) -> Done {
    if found.unreadable.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Problem::new(format!(
        "some rows cannot be read; look at these rows of the journal's table op:\n  {}",
        found.unreadable.join("\n  ")
    )))
}

fn run_show(show: &Show, journal: &mut Reader) -> Done {
    let mut found = journal.find(&show.what, SHOWN_MAX)?;
    if found.is_empty() {
        return Err(Problem::new(
            "the journal has nothing under this protocol number, id, code or property id",
        ));
    }
    for record in &found.records {
        let (snapshot, note, events, deliveries) = match all_of(record, journal) {
            Ok(all) => all,
            Err(error) => {
                found.unreadable.push(format!("{}: {error}", record.id));
                continue;
            }
        };
        if show.json {
            let mut whole = as_json(record);
            whole["customers_reason"] = json!(note);
            whole["snapshot"] = snapshot
                .and_then(|raw| serde_json::from_str(&raw).ok())
                .unwrap_or(Value::Null);
            whole["events"] = events.iter().map(|event| json!({"seq": event.seq, "at": when(event.at_ms), "fence": event.fence, "kind": event.kind, "detail": event.detail})).collect();
            whole["webhooks"] = deliveries.iter().map(|one| json!({"channel": one.channel, "received_at": when(one.received_at_ms), "told": one.told_outcome, "told_at": one.told_at_ms.map(when)})).collect();
            tell(&whole.to_string())?;
            continue;
        }
        tell(&describe(record))?;
        for event in &events {
            tell(&format!(
                "    {}  {:<18} {}",
                when(event.at_ms),
                event.kind,
                event.detail
            ))?;
        }
        tell("  webhooks")?;
        for one in &deliveries {
            let told = one
                .told_outcome
                .as_deref()
                .unwrap_or("no final outcome yet");
            tell(&format!(
                "    {}  {:<18} replied {told}",
                when(one.received_at_ms),
                one.channel
            ))?;
        }
        if let Some(note) = note {
            tell(&format!("  the customer's reason\n    {note}"))?;
        }
        if let Some(snapshot) = snapshot {
            tell(&format!(
                "  the property before its deletion\n    {snapshot}"
            ))?;
        }
    }
    all_read(&found)
}

/// What the journal has for a cancellation beside its record: the property before its deletion, the
/// customer's reason, the history and the webhooks.
#[expect(
    clippy::type_complexity,
    reason = "it has one caller, which prints all four"
)]
fn all_of(
    record: &Record,
    journal: &mut Reader,
) -> Result<
    (
        Option<String>,
        Option<String>,
        Vec<Event>,
        Vec<DeliveryNote>,
    ),
    journal::Error,
> {
    let (snapshot, note) = journal.snapshot(record.id)?;
    let events = journal.events(record.id)?;
    Ok((snapshot, note, events, journal.deliveries(record.id)?))
}

fn describe(record: &Record) -> String {
    let outcome = record.outcome.map_or("none yet", |outcome| outcome.id());
    let dry_run = if record.mode == Mode::DryRun {
        " (dry run)"
    } else {
        ""
    };
    let needs_human = if record.needs_human {
        "\n  NEEDS AN OPERATOR"
    } else {
        ""
    };
    format!(
        "protocol {}{dry_run}\n  id          {}\n  code        {}{}\n  channel     {}\n  state       {}\n  outcome     {outcome}\n  reason      {}\n  property    {}\n  deletes     {} sent\n  attempts    {}\n  accepted    {}\n  ended       {}{needs_human}\n  history",
        record.protocol,
        record.id,
        record.code.as_str(),
        came_as(record).map_or_else(String::new, |came_as| format!(" (came as {came_as:?})")),
        record.channel,
        record.state.id(),
        record.reason_id().unwrap_or("-"),
        record.property.as_ref().map_or("-", |id| id.as_str()),
        record.deletes_sent,
        record.attempts,
        when(record.created_at_ms),
        record.done_at_ms.map_or_else(|| "-".to_owned(), when),
    )
}

/// The code as the platform sent it, where that differs.
fn came_as(record: &Record) -> Option<&str> {
    Some(record.code.came_as()).filter(|came_as| *came_as != record.code.as_str())
}

fn as_json(record: &Record) -> Value {
    json!({
        "protocol": record.protocol.as_str(),
        "id": record.id.to_string(),
        "code": record.code.as_str(),
        "came_as": came_as(record),
        "dry_run": record.mode == Mode::DryRun,
        "channel": record.channel,
        "state": record.state.id(),
        "outcome": record.outcome.map(|outcome| outcome.id()),
        "reason": record.reason_id(),
        "property_id": record.property.as_ref().map(|id| id.as_str()),
        "deletes_sent": record.deletes_sent,
        "attempts": record.attempts,
        "needs_human": record.needs_human,
        "accepted_at": when(record.created_at_ms),
        "ended_at": record.done_at_ms.map(when),
    })
}

/// A time as RFC 3339 in UTC, to the second.
fn when(ms: i64) -> String {
    Timestamp::from_second(ms.div_euclid(1_000))
        .map(|at| at.to_string())
        .unwrap_or_default()
}
