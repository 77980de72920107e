//! The kinds of faults, grouped by the moment at which they act.
//!
//! Responsible for their names, their values and the calls on which each can show. It must never
//! know how a fault is counted or carried out.

use std::time::Duration;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::faults::{FaultError, Group};
use super::quirks::UnknownCode;

/// One kind of fault. What OZmap has done by the time the client notices is in the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The call takes effect later, even if the client has disconnected.
    Delay(Duration),
    /// Something else answers and nothing is applied.
    Canned(Canned),
    /// The connection, not the answer, is what fails.
    Cut(Cut),
    /// The call is applied and its answer arrives damaged.
    Delivery(Delivery),
    /// The call is applied and the documents in its answer are not what they should be.
    Tamper(Tamper),
    /// The deletion itself goes wrong.
    Deletion(Deletion),
    /// Another user acts right after the call was answered.
    Aftermath(Aftermath),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Canned {
    Status {
        status: StatusCode,
        retry_after_s: Option<u32>,
    },
    Html404,
    Express404,
    Html200,
    Redirect {
        status: StatusCode,
        location: String,
    },
    ErrorString200,
    Empty200,
    /// "Nothing there", although it is; absent: in the words of the route.
    Nothing(Option<UnknownCode>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    ResetBefore,
    ResetAfter,
    TimeoutBefore,
    TimeoutAfter,
    HoldBefore,
    HoldAfter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Drip(Duration),
    Truncated,
    TruncatedClose,
    WrongContentType,
    Huge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tamper {
    DuplicateKeys,
    ClientNull,
    ClientString,
    ClientMissing,
    ImplantedMissing,
    ImplantedString,
    IdMissing,
    IdShort,
    TwoRows,
    OtherCase,
    WrongCode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deletion {
    Ignored,
    Delayed(Duration),
    Stale(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aftermath {
    Implant,
    Rereserve,
    Rename,
}

/// The kinds that take no value.
const PLAIN: &[(&str, Kind)] = &[
    ("html_404", Kind::Canned(Canned::Html404)),
    ("express_404", Kind::Canned(Canned::Express404)),
    ("html_200", Kind::Canned(Canned::Html200)),
    ("error_string_200", Kind::Canned(Canned::ErrorString200)),
    ("empty_200", Kind::Canned(Canned::Empty200)),
    ("reset_before", Kind::Cut(Cut::ResetBefore)),
    ("reset_after", Kind::Cut(Cut::ResetAfter)),
    ("timeout_before", Kind::Cut(Cut::TimeoutBefore)),
    ("timeout_after", Kind::Cut(Cut::TimeoutAfter)),
    ("hold_before", Kind::Cut(Cut::HoldBefore)),
    ("hold_after", Kind::Cut(Cut::HoldAfter)),
    ("truncated", Kind::Delivery(Delivery::Truncated)),
    ("truncated_close", Kind::Delivery(Delivery::TruncatedClose)),
    (
        "wrong_content_type",
        Kind::Delivery(Delivery::WrongContentType),
    ),
    ("huge", Kind::Delivery(Delivery::Huge)),
    ("duplicate_keys", Kind::Tamper(Tamper::DuplicateKeys)),
    ("client_null", Kind::Tamper(Tamper::ClientNull)),
    ("client_string", Kind::Tamper(Tamper::ClientString)),
    ("client_missing", Kind::Tamper(Tamper::ClientMissing)),
    ("implanted_missing", Kind::Tamper(Tamper::ImplantedMissing)),
    ("implanted_string", Kind::Tamper(Tamper::ImplantedString)),
    ("id_missing", Kind::Tamper(Tamper::IdMissing)),
    ("id_short", Kind::Tamper(Tamper::IdShort)),
    ("two_rows", Kind::Tamper(Tamper::TwoRows)),
    ("other_case", Kind::Tamper(Tamper::OtherCase)),
    ("wrong_code", Kind::Tamper(Tamper::WrongCode)),
    ("ignored_delete", Kind::Deletion(Deletion::Ignored)),
    ("implant_after", Kind::Aftermath(Aftermath::Implant)),
    ("rereserve_after", Kind::Aftermath(Aftermath::Rereserve)),
    ("rename_after", Kind::Aftermath(Aftermath::Rename)),
];

/// The kinds that take a value, with an example of one.
const VALUED: &[(&str, &str)] = &[
    ("delay_ms", "delay_ms=200"),
    ("status", "status=503, or status=429,5 with a Retry-After"),
    ("redirect", "redirect=307, or redirect=307,/elsewhere"),
    ("drip", "drip=20 for one byte every 20 ms"),
    ("delayed_delete_ms", "delayed_delete_ms=500"),
    ("stale_ms", "stale_ms=500"),
];

/// The kind whose value may be left out.
const NOTHING: &str = "nothing";

/// The seconds in the `Retry-After` of a 429 that names none.
const RETRY_AFTER_S: u32 = 1;

impl Kind {
    pub(super) fn parse(name: &str, value: Option<&str>) -> Result<Kind, FaultError> {
        if let Some((_, kind)) = PLAIN.iter().find(|(known, _)| *known == name) {
            return match value {
                None => Ok(kind.clone()),
                Some(value) => Err(FaultError(format!(
                    "`{name}` takes no value, but got `{value}`; write `{name}` alone"
                ))),
            };
        }
        if name == NOTHING {
            return nothing(value);
        }
        let Some((_, example)) = VALUED.iter().find(|(known, _)| *known == name) else {
            let known = PLAIN
                .iter()
                .map(|(name, _)| *name)
                .chain(VALUED.iter().map(|(name, _)| *name))
                .chain([NOTHING]);
            return Err(FaultError(format!(
                "unknown kind `{name}`; write one of {}",
                known.collect::<Vec<_>>().join(", ")
            )));
        };
        let value =
            value.ok_or_else(|| FaultError(format!("`{name}` needs a value; write {example}")))?;
        Kind::with_value(name, value).ok_or_else(|| {
            FaultError(format!(
                "`{name}` cannot have the value `{value}`; write {example}"
            ))
        })
    }

    fn with_value(name: &str, value: &str) -> Option<Kind> {
        let (first, second) = match value.split_once(',') {
            Some((first, second)) => (first, Some(second)),
            None => (value, None),
        };
        let pause = || Some(Duration::from_millis(value.parse().ok()?));
        match name {
            "delay_ms" => Some(Kind::Delay(pause()?)),
            "drip" => Some(Kind::Delivery(Delivery::Drip(pause()?))),
            "delayed_delete_ms" => Some(Kind::Deletion(Deletion::Delayed(pause()?))),
            "stale_ms" => Some(Kind::Deletion(Deletion::Stale(pause()?))),
            "status" => Some(Kind::Canned(status(first, second)?)),
            "redirect" => Some(Kind::Canned(redirect(first, second)?)),
            _ => None,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Kind::Delay(_) => "delay_ms",
            Kind::Canned(Canned::Status { .. }) => "status",
            Kind::Canned(Canned::Redirect { .. }) => "redirect",
            Kind::Canned(Canned::Nothing(_)) => NOTHING,
            Kind::Delivery(Delivery::Drip(_)) => "drip",
            Kind::Deletion(Deletion::Delayed(_)) => "delayed_delete_ms",
            Kind::Deletion(Deletion::Stale(_)) => "stale_ms",
            Kind::Canned(_)
            | Kind::Cut(_)
            | Kind::Delivery(_)
            | Kind::Tamper(_)
            | Kind::Deletion(_)
            | Kind::Aftermath(_) => PLAIN
                .iter()
                .find(|(_, kind)| kind == self)
                .map_or("", |(name, _)| name),
        }
    }

    /// The value as text, if the kind has one.
    pub(super) fn value(&self) -> Option<String> {
        match self {
            Kind::Delay(pause)
            | Kind::Delivery(Delivery::Drip(pause))
            | Kind::Deletion(Deletion::Delayed(pause) | Deletion::Stale(pause)) => {
                Some(pause.as_millis().to_string())
            }
            Kind::Canned(Canned::Status {
                status,
                retry_after_s,
            }) => Some(match retry_after_s {
                None => status.as_u16().to_string(),
                Some(seconds) => format!("{},{seconds}", status.as_u16()),
            }),
            Kind::Canned(Canned::Redirect { status, location }) => {
                Some(format!("{},{location}", status.as_u16()))
            }
            Kind::Canned(Canned::Nothing(words)) => words.map(UnknownCode::name),
            Kind::Canned(_)
            | Kind::Cut(_)
            | Kind::Delivery(_)
            | Kind::Tamper(_)
            | Kind::Deletion(_)
            | Kind::Aftermath(_) => None,
        }
    }

    /// Whether a call of this group can show the fault at all.
    pub(super) fn shows_on(&self, group: Group) -> bool {
        match self {
            // A created element had no state before.
            Kind::Canned(Canned::Nothing(_)) => group != Group::Create,
            Kind::Delay(_) | Kind::Canned(_) | Kind::Cut(_) => true,
            // The answer of these is empty, or may be.
            Kind::Delivery(_) => !matches!(group, Group::Delete | Group::Patch),
            Kind::Tamper(Tamper::TwoRows) => matches!(group, Group::Lookup | Group::Filter),
            Kind::Tamper(_) => matches!(group, Group::Lookup | Group::Filter | Group::Get),
            Kind::Deletion(_) => group == Group::Delete,
            Kind::Aftermath(Aftermath::Implant | Aftermath::Rename) => matches!(
                group,
                Group::Lookup | Group::Filter | Group::Get | Group::Create | Group::Patch
            ),
            Kind::Aftermath(Aftermath::Rereserve) => {
                matches!(group, Group::Lookup | Group::Get | Group::Delete)
            }
        }
    }

    /// The JSON that the records note.
    pub(super) fn note(&self) -> Value {
        json!(match self.value() {
            None => self.name().to_owned(),
            Some(value) => format!("{}={value}", self.name()),
        })
    }
}

/// "Nothing there", in the words of the route or in those that are named.
fn nothing(value: Option<&str>) -> Result<Kind, FaultError> {
    let words = match value {
        None => None,
        Some(name) => Some(UnknownCode::named(name).ok_or_else(|| {
            FaultError(format!(
                "`{NOTHING}` cannot have the value `{name}`; write `{NOTHING}` alone, or one of {}",
                UnknownCode::ALL.map(UnknownCode::name).join(", ")
            ))
        })?),
    };
    Ok(Kind::Canned(Canned::Nothing(words)))
}

fn status(code: &str, retry_after: Option<&str>) -> Option<Canned> {
    let status = StatusCode::from_bytes(code.as_bytes()).ok()?;
    if status.is_informational() {
        return None;
    }
    let retry_after_s = match retry_after {
        Some(seconds) => Some(seconds.parse().ok()?),
        None => (status == StatusCode::TOO_MANY_REQUESTS).then_some(RETRY_AFTER_S),
    };
    Some(Canned::Status {
        status,
        retry_after_s,
    })
}

fn redirect(code: &str, location: Option<&str>) -> Option<Canned> {
    let status = StatusCode::from_bytes(code.as_bytes()).ok()?;
    let location = location.unwrap_or("/login");
    let is_sendable = !location.is_empty() && location.bytes().all(|byte| byte.is_ascii_graphic());
    (status.is_redirection() && is_sendable).then(|| Canned::Redirect {
        status,
        location: location.to_owned(),
    })
}
