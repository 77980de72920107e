//! Makes the guard's policy and the rules of cancellations from their settings.
//!
//! It must never accept a word that it does not know: an operator relies on each of them.

use jiff::tz::TimeZone;

use super::{Problems, Settings};
use crate::cancel::Rules;
use crate::guard::{Check, OnInstalled, Policy};

/// What the guard refuses.
pub(super) fn policy(settings: &Settings, problems: &mut Problems) -> Option<Policy> {
    let policy = &settings.policy;
    let mut check = |key: &str, value: &str| {
        problems.check(match value {
            "review" => Ok(Check::Review),
            "ignore" => Ok(Check::Ignore),
            other => Err(format!(
                "policy.{key} = \"{other}\"; write \"review\" or \"ignore\""
            )),
        })
    };
    let install_evidence = check("install_evidence", &policy.install_evidence);
    let building_unit = check("building_unit", &policy.building_unit);
    let preexisting_property = check("preexisting_property", &policy.preexisting_property);
    let installed = problems.check(match policy.installed.as_str() {
        "refuse" => Ok(OnInstalled::Refuse),
        "review" => Ok(OnInstalled::Review),
        other => Err(format!("policy.installed = \"{other}\"; write \"refuse\" or \"review\"; an installed customer is never deleted")),
    });
    Some(Policy {
        installed: installed?,
        install_evidence: install_evidence?,
        building_unit: building_unit?,
        preexisting_property: preexisting_property?,
        only_created_by: policy.only_created_by.clone(),
    })
}

/// Rate limits, dry run, pause and the pattern of codes.
pub(super) fn rules(
    settings: &Settings,
    time_zone: Option<TimeZone>,
    problems: &mut Problems,
) -> Option<Rules> {
    let policy = &settings.policy;
    let code_pattern = match policy.code_pattern.as_str() {
        "" => None,
        pattern => {
            // Anchored as a whole, so that alternatives in the pattern do not match a part.
            let whole = regex::Regex::new(&format!("^(?:{pattern})$"));
            Some(problems.check(whole.map_err(|error| {
                format!("policy.code_pattern is not a regular expression: {error}")
            }))?)
        }
    };
    Some(Rules {
        paused: policy.paused,
        dry_run: policy.dry_run,
        deletes_per_hour_max: policy.deletes_per_hour_max,
        codes_per_conversation_max: policy.codes_per_conversation_max,
        code_pattern,
        in_flight_max: settings.server.in_flight_max,
        time_zone: time_zone?,
    })
}
