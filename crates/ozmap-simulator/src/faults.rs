//! The vocabulary of faults: what can go wrong on which call, and how to write it.
//!
//! Responsible for the two spellings of a fault, `ROUTE:KIND[=VALUE][*TIMES][+SKIP][@PROBABILITY]`
//! and JSON (which can also name the reservation `code` that it is about), and for refusing a fault that could never show. The kinds are grouped by the moment at
//! which they act, because that decides what OZmap has done when the client sees the fault. It must
//! never act itself: counting is in `plan`, acting in `exchange`.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::{Value, json};

use super::kinds::Kind;

/// The calls that a fault is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Lookup,
    Filter,
    Get,
    Delete,
    Create,
    Patch,
    Probe,
    Other,
}

/// Every group by its name.
const GROUPS: &[(&str, Group)] = &[
    ("lookup", Group::Lookup),
    ("filter", Group::Filter),
    ("get", Group::Get),
    ("delete", Group::Delete),
    ("create", Group::Create),
    ("patch", Group::Patch),
    ("probe", Group::Probe),
    ("other", Group::Other),
];

impl Group {
    pub(super) fn name(self) -> &'static str {
        match self {
            Group::Lookup => "lookup",
            Group::Filter => "filter",
            Group::Get => "get",
            Group::Delete => "delete",
            Group::Create => "create",
            Group::Patch => "patch",
            Group::Probe => "probe",
            Group::Other => "other",
        }
    }
}

/// The calls of one group, or all calls on which the kind can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Any,
    Only(Group),
}

impl Target {
    fn parse(name: &str) -> Result<Target, FaultError> {
        if name == "any" {
            return Ok(Target::Any);
        }
        GROUPS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, group)| Target::Only(*group))
            .ok_or_else(|| {
                let known: Vec<&str> = GROUPS.iter().map(|(name, _)| *name).collect();
                FaultError(format!(
                    "unknown route `{name}`; write any, {}",
                    known.join(", ")
                ))
            })
    }

    fn name(self) -> &'static str {
        match self {
            Target::Any => "any",
            Target::Only(group) => group.name(),
        }
    }
}

/// One thing that goes wrong, on which calls, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    target: Target,
    kind: Kind,
    /// How many calls it hits; `None` is every one.
    times: Option<u64>,
    /// How many matching calls it lets pass first.
    skip: u64,
    probability: f64,
    /// Only calls about this reservation code, or about all.
    code: Option<String>,
}

/// Why the text of a fault is refused, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FaultError(pub(super) String);

/// The JSON form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    route: String,
    kind: String,
    #[serde(default)]
    value: Value,
    times: Option<u64>,
    #[serde(default)]
    skip: u64,
    probability: Option<f64>,
    code: Option<String>,
}

impl Fault {
    fn new(
        target: Target,
        kind: Kind,
        times: Option<u64>,
        skip: u64,
        probability: f64,
    ) -> Result<Fault, FaultError> {
        if !(0.0..=1.0).contains(&probability) {
            return Err(FaultError(format!(
                "probability {probability} is out of range; write a number from 0 to 1"
            )));
        }
        if times == Some(0) {
            return Err(FaultError(
                "times 0 would never happen; write 1 or more, or leave it out for always"
                    .to_owned(),
            ));
        }
        if let Target::Only(group) = target
            && !kind.shows_on(group)
        {
            let fitting: Vec<&str> = GROUPS
                .iter()
                .filter(|(_, group)| kind.shows_on(*group))
                .map(|(name, _)| *name)
                .collect();
            return Err(FaultError(format!(
                "`{}` cannot show on route `{}`; use it on {}",
                kind.name(),
                group.name(),
                fitting.join(", ")
            )));
        }
        Ok(Fault {
            target,
            kind,
            times,
            skip,
            probability,
            code: None,
        })
    }

    /// A fault, or several, from the JSON that `POST /__sim/faults` takes: an object, the command
    /// line syntax as a string, or a list of either.
    pub(super) fn from_json(written: &Value) -> Result<Vec<Fault>, FaultError> {
        match written {
            Value::Array(list) => list
                .iter()
                .map(Fault::from_json)
                .collect::<Result<Vec<Vec<Fault>>, FaultError>>()
                .map(|faults| faults.concat()),
            Value::String(text) => Ok(vec![text.parse()?]),
            Value::Object(_) => Ok(vec![Fault::from_object(written)?]),
            Value::Null | Value::Bool(_) | Value::Number(_) => Err(FaultError(
                "a fault is an object such as {\"route\":\"delete\",\"kind\":\"reset_after\",\"times\":1}, \
                 a string such as \"delete:reset_after*1\", or a list of these"
                    .to_owned(),
            )),
        }
    }

    fn from_object(written: &Value) -> Result<Fault, FaultError> {
        let written =
            Written::deserialize(written).map_err(|error| FaultError(error.to_string()))?;
        let value = match &written.value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            other @ (Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                return Err(FaultError(format!(
                    "value {other} is neither a number nor a string"
                )));
            }
        };
        Fault::new(
            Target::parse(&written.route)?,
            Kind::parse(&written.kind, value.as_deref())?,
            written.times,
            written.skip,
            written.probability.unwrap_or(1.0),
        )
        .map(|fault| Fault {
            code: written.code,
            ..fault
        })
    }

    /// The JSON form, as `POST /__sim/faults` would take it.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "route": self.target.name(),
            "kind": self.kind.name(),
            "value": self.kind.value(),
            "times": self.times,
            "skip": self.skip,
            "probability": self.probability,
            "code": self.code,
        })
    }

    /// Whether it is meant for a call of this group that is about this code, if about one.
    pub(super) fn matches(&self, group: Group, code: Option<&str>) -> bool {
        if self.code.is_some() && self.code.as_deref() != code {
            return false;
        }
        match self.target {
            Target::Any => self.kind.shows_on(group),
            Target::Only(only) => only == group,
        }
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    pub(super) fn times(&self) -> Option<u64> {
        self.times
    }

    pub(super) fn skip(&self) -> u64 {
        self.skip
    }

    pub(super) fn probability(&self) -> f64 {
        self.probability
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.target.name(), self.kind.name())?;
        if let Some(value) = self.kind.value() {
            write!(out, "={value}")?;
        }
        if let Some(times) = self.times {
            write!(out, "*{times}")?;
        }
        if self.skip > 0 {
            write!(out, "+{}", self.skip)?;
        }
        if self.probability < 1.0 {
            write!(out, "@{}", self.probability)?;
        }
        Ok(())
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Fault, FaultError> {
        let (route, rest) = text.trim().split_once(':').ok_or_else(|| {
            FaultError(format!(
                "`{text}` has no route; write ROUTE:KIND, for example delete:reset_after*1"
            ))
        })?;
        let (head, suffixes) = match rest.find(['*', '+', '@']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (kind, value) = match head.split_once('=') {
            Some((kind, value)) => (kind, Some(value)),
            None => (head, None),
        };
        let limits = Limits::parse(suffixes)?;
        Fault::new(
            Target::parse(route)?,
            Kind::parse(kind, value)?,
            limits.times,
            limits.skip.unwrap_or(0),
            limits.probability.unwrap_or(1.0),
        )
    }
}

/// `*TIMES`, `+SKIP` and `@PROBABILITY`, each at most once, in any order.
#[derive(Default)]
struct Limits {
    times: Option<u64>,
    skip: Option<u64>,
    probability: Option<f64>,
}

impl Limits {
    fn parse(mut suffixes: &str) -> Result<Limits, FaultError> {
        let mut limits = Limits::default();
        while let Some(marker) = suffixes.chars().next() {
            let rest = suffixes.get(1..).unwrap_or_default();
            let end = rest.find(['*', '+', '@']).unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            let is_new = match marker {
                '*' => limits.times.replace(read(marker, number)?).is_none(),
                '+' => limits.skip.replace(read(marker, number)?).is_none(),
                _ => limits.probability.replace(read(marker, number)?).is_none(),
            };
            if !is_new {
                return Err(FaultError(format!(
                    "`{marker}` is there twice; write it once"
                )));
            }
            suffixes = after;
        }
        Ok(limits)
    }
}

fn read<T: FromStr>(marker: char, number: &str) -> Result<T, FaultError> {
    number.parse().map_err(|_| {
        FaultError(format!(
            "`{marker}{number}` is not a number; write *TIMES, +SKIP or @PROBABILITY, for example *1+2@0.5"
        ))
    })
}

#[cfg(test)]
mod tests;
