//! Authentication and authorization: keys, tokens from logins, roles and the projects that a user sees.
//!
//! Responsible for saying yes or no before an endpoint runs. It must never hide an element in
//! another way than OZmap does: what lies in a foreign project looks as if it did not exist.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::answer::Answer;
use super::documents::{set, text};
use super::options::{Key, Role};
use super::plant;
use super::request::Request;

/// The caller of one call.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    key: Key,
}

impl Caller {
    /// The user whose key or token the call carries.
    pub(super) fn of(
        request: &Request,
        keys: &[Key],
        tokens: &BTreeMap<String, Key>,
    ) -> Option<Caller> {
        let presented = request.authorization.as_deref()?;
        keys.iter()
            .find(|key| key.key == presented)
            .or_else(|| tokens.get(presented))
            .map(|key| Caller { key: key.clone() })
    }

    pub(super) fn may_write(&self) -> bool {
        match self.key.role {
            Role::Full => true,
            Role::ReadOnly => false,
        }
    }

    /// Whether the element lies in a project of this user; every user sees an element without a project.
    pub(super) fn sees(&self, document: &Value) -> bool {
        text(document, "/project").is_none_or(|project| self.sees_project(project))
    }

    pub(super) fn sees_project(&self, project: &str) -> bool {
        self.key
            .projects
            .as_ref()
            .is_none_or(|projects| projects.iter().any(|known| known == project))
    }

    pub(super) fn user(&self) -> &str {
        &self.key.user
    }

    /// What OZmap notes in the elements that this user makes.
    pub(super) fn creator(&self) -> Value {
        let mut creator = plant::creator(&self.key.user);
        set(&mut creator, "id", json!(self.key.user_id()));
        creator
    }
}

/// `POST /users/login`: a token for a name and a password, or for a key, as the SDK asks for.
pub(super) fn login(request: &Request, keys: &[Key], tokens: &mut BTreeMap<String, Key>) -> Answer {
    let body = request.json();
    let wanted = (text(&body, "/login"), text(&body, "/password"));
    let found = keys.iter().find(|key| {
        text(&body, "/apiKey") == Some(&key.key)
            || key.login.as_ref().is_some_and(|(login, password)| {
                wanted == (Some(login.as_str()), Some(password.as_str()))
            })
    });
    let Some(key) = found else {
        return Answer::unauthorized();
    };
    let token = format!("token-{}", uuid::Uuid::now_v7().simple());
    tokens.insert(token.clone(), key.clone());
    Answer::json(StatusCode::OK, json!({"authorization": token}))
}
