//! The settings of the service in a scenario: the defaults, with a deadline within the simulated
//! time.

use std::time::Duration;

use super::scenario::{Key, RulesOf, Webhook, Wish};
use crate::cancel::Rules;
use crate::domain::{Action, Ask, Locale, Mode, SameKey};
use crate::guard::{Check, OnInstalled, Policy};
use crate::journal::Times;
use crate::ozmap::{AuthScheme, LOOKUPS_APART, NotFoundAnswer, PlainHttp, Settings, Trust};

/// The API key that the simulator accepts.
pub(crate) const KEY: &str = "simulator-key";

/// The times of the journal.
pub(crate) const TIMES: Times = Times {
    lease_ms: 30_000,
    settle_ms: 300_000,
    deadline_ms: 1_800_000,
};

/// The highest age of a reading when its DELETE leaves.
pub(crate) const GUARD_AGE: Duration = Duration::from_secs(20);

/// The timeout of a DELETE.
pub(crate) const DELETE: Duration = Duration::from_secs(20);

/// The duplicate window of requests without a key, in seconds.
pub(crate) const DUPLICATE_WINDOW_S: u32 = 600;

/// A reservation code of a scenario.
pub(crate) fn code(number: usize) -> String {
    format!("schedule-{number}")
}

/// The request of a webhook.
pub(crate) fn ask(number: usize, webhook: Webhook) -> Ask {
    let conversation = match webhook.key {
        Key::Own => None,
        Key::Missing => Some(format!("conversation-{number}")),
    };
    Ask {
        channel: "chatbot".to_owned(),
        action: Action::Cancel,
        mode: match webhook.wish {
            Wish::Cancel => Mode::Real,
            Wish::DryRun => Mode::DryRun,
        },
        typed_code: code(webhook.code),
        with_plus: None,
        key: (webhook.key == Key::Own).then(|| format!("webhook-{number}")),
        conversation,
        locale: Locale::PtBr,
        first_name: None,
        reason: None,
        duplicate_window_s: DUPLICATE_WINDOW_S,
        replay_s: 36_000,
        same_key: SameKey::IsTheSameRequest,
    }
}

/// The client's settings.
pub(crate) fn settings() -> Settings {
    Settings {
        base_url: "http://127.0.0.1:9".to_owned(),
        plain_http: PlainHttp::LoopbackOnly,
        api_key: KEY.to_owned().into(),
        auth_scheme: AuthScheme::Raw,
        trust: Trust::default(),
        concurrency_max: 4,
        connect: Duration::from_secs(3),
        lookup: Duration::from_secs(8),
        delete: DELETE,
        not_found_answers: vec![
            NotFoundAnswer::Status404,
            NotFoundAnswer::Status204,
            NotFoundAnswer::Null,
        ],
        guard_age: GUARD_AGE,
        lookups_apart: LOOKUPS_APART,
    }
}

/// The guard's policy.
pub(crate) fn policy() -> Policy {
    Policy {
        installed: OnInstalled::Refuse,
        install_evidence: Check::Review,
        building_unit: Check::Review,
        preexisting_property: Check::Review,
        only_created_by: Vec::new(),
    }
}

/// The operator's rules for a process.
pub(crate) fn rules(rules: RulesOf, deletes_per_hour_max: u32) -> Rules {
    Rules {
        paused: rules == RulesOf::Pause,
        dry_run: rules == RulesOf::DryRun,
        deletes_per_hour_max,
        codes_per_conversation_max: 5,
        code_pattern: None,
        in_flight_max: 64,
        time_zone: jiff::tz::TimeZone::UTC,
    }
}
