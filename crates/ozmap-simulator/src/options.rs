//! How a simulator is set up: its keys, its first faults, its speed and its quirks.
//!
//! Responsible for defaults with which a demo works at once. It must never read the environment or
//! a file: the program that starts the simulator does.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use serde_json::Value;

use super::faults::{Fault, Group};
use super::plant;
use super::quirks::Quirks;

/// Everything that is decided before the simulator listens.
///
/// ```
/// use ozmap_simulator::{Key, Latency, Options, Role};
///
/// let options = Options {
///     keys: vec![Key::new("demo", Role::Full)],
///     faults: vec!["delete:reset_after*1".parse()?],
///     latency: Latency::Real,
///     ..Options::default()
/// };
/// assert_eq!(options.keys.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// The API keys that are good.
    pub keys: Vec<Key>,
    /// The faults that are set from the start; `/__sim/reset` clears them.
    pub faults: Vec<Fault>,
    /// How long calls take.
    pub latency: Latency,
    /// How the undocumented points behave; `/__sim/reset` comes back to these.
    pub quirks: Quirks,
}

impl Default for Options {
    /// One full key `simulator-key`, one key `simulator-read-only`, no faults and no delays.
    fn default() -> Options {
        Options {
            keys: vec![
                Key::new("simulator-key", Role::Full).with_login("simulator", "simulator"),
                Key::new("simulator-read-only", Role::ReadOnly),
            ],
            faults: Vec::new(),
            latency: Latency::None,
            quirks: Quirks::default(),
        }
    }
}

/// An API key and the user behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The exact value of the `authorization` header.
    pub key: String,
    /// The role of the user.
    pub role: Role,
    /// The ids of the projects that the user sees; `None` is all of them.
    pub projects: Option<Vec<String>>,
    /// The name that OZmap notes as the creator of what this user makes.
    pub user: String,
    /// The name and the password that `POST /users/login` accepts for this user, if any.
    pub login: Option<(String, String)>,
}

impl Key {
    /// A key that sees every project; its user is named after it.
    #[must_use]
    pub fn new(key: impl Into<String>, role: Role) -> Key {
        let key = key.into();
        Key {
            user: key.clone(),
            key,
            role,
            projects: None,
            login: None,
        }
    }

    /// The id of its user: the subject of the key if it is a JWT, as OZmap's keys are.
    #[must_use]
    pub fn user_id(&self) -> String {
        let claim = claims(&self.key).and_then(|claims| {
            let user = claims.get("user")?.as_str()?;
            Some(user.to_owned())
        });
        claim.unwrap_or_else(|| plant::user_id(&self.user))
    }

    /// The same key, seeing only these projects.
    #[must_use]
    pub fn with_projects<P: Into<String>>(mut self, projects: impl IntoIterator<Item = P>) -> Key {
        self.projects = Some(projects.into_iter().map(Into::into).collect());
        self
    }

    /// The same key, whose user can also log in.
    #[must_use]
    pub fn with_login(mut self, login: impl Into<String>, password: impl Into<String>) -> Key {
        self.login = Some((login.into(), password.into()));
        self
    }
}

/// The claims of a JWT; the signature is not checked.
fn claims(key: &str) -> Option<Value> {
    let payload = key.split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// The role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Full,
    /// Reads; every write is answered with 403.
    ReadOnly,
}

/// How long calls take before they are applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Latency {
    /// As fast as the machine.
    #[default]
    None,
    /// As the real server: reads 0.3 to 1.5 s, creations 2.2 to 3.7 s, deletions 1 to 4 s.
    Real,
}

impl Latency {
    pub(super) fn draw(self, group: Group) -> Duration {
        let milliseconds = match (self, group) {
            (Latency::None, _) => 0,
            (Latency::Real, Group::Create) => rand::random_range(2_200..=3_700),
            (Latency::Real, Group::Delete) => rand::random_range(1_000..=4_000),
            (
                Latency::Real,
                Group::Lookup
                | Group::Filter
                | Group::Get
                | Group::Patch
                | Group::Probe
                | Group::Other,
            ) => rand::random_range(300..=1_500),
        };
        Duration::from_millis(milliseconds)
    }
}
