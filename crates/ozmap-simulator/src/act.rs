//! Applies one call atomically, under one lock.
//!
//! Responsible for the order of steps: the caller, the state of the target before, the
//! endpoint, what a fault does to the world beside it, and the audit of all that. It must never
//! wait: it runs under the lock.

use serde_json::Value;

use super::access::{self, Caller};
use super::answer::{Answer, Payload};
use super::documents::{Moment, flag, generic, generic_with_place, text};
use super::endpoints::{self, Changed, Outcome, Scene};
use super::habits;
use super::kinds::{Aftermath, Deletion, Kind};
use super::options::Key;
use super::plant;
use super::query;
use super::quirks::{Authenticated, Root};
use super::records::Change;
use super::request::Request;
use super::routes::{Resource, Route};
use super::shared::State;
use super::state::World;
use super::tamper;

/// One call that is about to be applied.
pub(super) struct Act<'a> {
    pub(super) seq: u64,
    pub(super) request: &'a Request,
    pub(super) route: &'a Route,
    pub(super) kind: Option<&'a Kind>,
    pub(super) keys: &'a [Key],
}

/// The target of a change, as the audit records it.
#[derive(Clone, Debug, Default)]
struct Witness {
    code: Option<String>,
    implanted: Option<bool>,
}

impl State {
    /// Notes in the audit that a change is asked for, before anything can go wrong with it.
    pub(super) fn open_change(&mut self, act: &Act<'_>, began_ms: i64) {
        let witness = witness(&self.world, act.route, act.request);
        self.records.begin_change(Change {
            seq: act.seq,
            method: act.request.method.clone(),
            route: act.route.group().name(),
            path: act.request.path.clone(),
            target: act.route.id().map(str::to_owned),
            code: witness.code,
            user: None,
            fault: act.kind.map_or(Value::Null, Kind::note),
            applied: false,
            implanted_at_delete: is_delete(act.route).then_some(witness.implanted).flatten(),
            began_ms,
            at_ms: None,
            ended_ms: None,
        });
    }

    /// Applies the call and gives its answer, already changed as the fault asks.
    pub(super) fn perform(&mut self, act: &Act<'_>, now: Moment) -> Answer {
        let caller = Caller::of(act.request, act.keys, &self.tokens);
        let witness = witness(&self.world, act.route, act.request);
        let subjects = match act.kind {
            Some(Kind::Deletion(Deletion::Stale(_)) | Kind::Aftermath(_)) => {
                subjects(&self.world, act.route)
            }
            Some(_) | None => Vec::new(),
        };
        let Outcome {
            mut answer,
            changed,
        } = self.outcome(act, caller.as_ref(), now);
        if !act.route.is_write() {
            habits::show(&mut answer, &self.quirks, &mut self.world.ids, now);
        }
        if let Some(change) = self.records.change(act.seq) {
            change.user = caller.map(|caller| caller.user().to_owned());
            change.code = witness.code;
            change.implanted_at_delete =
                is_delete(act.route).then_some(witness.implanted).flatten();
            change.applied = !matches!(changed, Changed::Nothing);
            change.at_ms = Some(now.unix_ms());
            if let Changed::Element(id) = changed {
                change.target = Some(id);
            }
        }
        self.consequences(act, answer, subjects, now)
    }

    /// The effect of a fault right after the call was applied, on the world or on the answer.
    fn consequences(
        &mut self,
        act: &Act<'_>,
        mut answer: Answer,
        subjects: Vec<Value>,
        now: Moment,
    ) -> Answer {
        match act.kind {
            // A property that is still there, because the call was refused, is not shown twice.
            Some(Kind::Deletion(Deletion::Stale(pause))) => {
                for raw in subjects {
                    self.world.haunt(raw, now.instant + *pause);
                }
            }
            Some(Kind::Aftermath(aftermath)) => {
                let subjects = if subjects.is_empty() {
                    answered(&self.world, &answer)
                } else {
                    subjects
                };
                self.aftermath(*aftermath, &subjects, now);
            }
            Some(Kind::Tamper(kind)) if answer.status.is_success() => {
                let stranger = stranger(&self.world, act.route);
                tamper::tamper(&mut answer, *kind, stranger);
            }
            Some(
                Kind::Delay(_)
                | Kind::Canned(_)
                | Kind::Cut(_)
                | Kind::Delivery(_)
                | Kind::Tamper(_)
                | Kind::Deletion(Deletion::Ignored | Deletion::Delayed(_)),
            )
            | None => {}
        }
        answer
    }

    fn outcome(&mut self, act: &Act<'_>, caller: Option<&Caller>, now: Moment) -> Outcome {
        let is_gone = *act.route == Route::Authenticated
            && self.quirks.authenticated == Authenticated::Missing;
        if is_gone || *act.route == Route::Unknown {
            let (path, is_root) = (&act.request.path, act.request.segments.is_empty());
            if is_root && act.request.method == "GET" && self.quirks.root == Root::Page {
                return Outcome::unchanged(Answer::root_page());
            }
            return Outcome::unchanged(Answer::cannot(&act.request.method, path));
        }
        if *act.route == Route::Login {
            let answer = access::login(act.request, act.keys, &mut self.tokens);
            return Outcome::unchanged(answer);
        }
        let Some(caller) = caller else {
            return Outcome::unchanged(Answer::unauthorized());
        };
        if act.route.is_write() && !caller.may_write() {
            return Outcome::unchanged(Answer::forbidden());
        }
        // An ignored deletion is answered from a copy of the world that is then dropped.
        let is_ignored = matches!(act.kind, Some(Kind::Deletion(Deletion::Ignored)));
        let mut dream = is_ignored.then(|| self.world.clone());
        let mut outcome = endpoints::perform(
            act.route,
            &mut Scene {
                world: dream.as_mut().unwrap_or(&mut self.world),
                request: act.request,
                caller,
                quirks: &self.quirks,
                now,
            },
        );
        if is_ignored {
            outcome.changed = Changed::Nothing;
        }
        outcome
    }

    /// Another user acts on the properties that the call was about.
    fn aftermath(&mut self, aftermath: Aftermath, subjects: &[Value], now: Moment) {
        for raw in subjects {
            let id = text(raw, "/_id").unwrap_or_default();
            let (is_done, target) = match aftermath {
                Aftermath::Implant => (self.world.implant(id, now), Some(id.to_owned())),
                Aftermath::Rename => (self.world.rename(id, now), Some(id.to_owned())),
                Aftermath::Rereserve => match plant::replant(&mut self.world, raw, now) {
                    Ok(planted) => (true, Some(planted.property)),
                    Err(_) => (false, None),
                },
            };
            let seq = self.records.next();
            self.records.begin_change(Change {
                seq,
                method: "FAULT".to_owned(),
                route: "other",
                path: String::new(),
                target,
                code: text(raw, "/client/code").map(str::to_owned),
                user: None,
                fault: Kind::Aftermath(aftermath).note(),
                applied: is_done,
                implanted_at_delete: None,
                began_ms: now.unix_ms(),
                at_ms: Some(now.unix_ms()),
                ended_ms: Some(now.unix_ms()),
            });
        }
    }
}

/// The reservation code that a call is about, if it is about one.
pub(super) fn about(world: &World, route: &Route, request: &Request) -> Option<String> {
    let code_of = |client: &Value| text(client, "/code").map(str::to_owned);
    match route {
        Route::Lookup(code) => Some(code.clone()),
        Route::Client(Resource::List) => query::only(request, "code"),
        Route::Property(Resource::List) => {
            let client = query::only(request, "client")?;
            code_of(world.clients.get(&client)?)
        }
        Route::Property(_)
        | Route::Client(_)
        | Route::Cable(_)
        | Route::Disconnect(_)
        | Route::Authenticated
        | Route::Login
        | Route::Splitter(_)
        | Route::Box(_)
        | Route::Project(_)
        | Route::Prospect(_)
        | Route::Viability
        | Route::User(_)
        | Route::Unknown => witness(world, route, request).code,
    }
}

/// The target as it is before the call takes effect.
fn witness(world: &World, route: &Route, request: &Request) -> Witness {
    let of = |client: Option<&Value>| Witness {
        code: client
            .and_then(|client| text(client, "/code"))
            .map(str::to_owned),
        implanted: client.and_then(|client| flag(client, "/implanted")),
    };
    let at_drop = |drop: &str| {
        let id = world.properties_at(drop).into_iter().next()?;
        world.client_of(world.properties.get(&id)?)
    };
    match route {
        Route::Property(Resource::Create) => Witness {
            code: text(&request.json(), "/client/code").map(str::to_owned),
            implanted: None,
        },
        Route::Client(Resource::Create) => Witness {
            code: text(&request.json(), "/code").map(str::to_owned),
            implanted: None,
        },
        Route::Property(resource) => of(resource
            .id()
            .and_then(|id| world.properties.get(id))
            .and_then(|property| world.client_of(property))),
        Route::Client(resource) => of(resource.id().and_then(|id| world.clients.get(id))),
        Route::Cable(resource) => of(resource.id().and_then(at_drop)),
        Route::Disconnect(drop) => of(at_drop(drop)),
        Route::Authenticated
        | Route::Login
        | Route::Lookup(_)
        | Route::Splitter(_)
        | Route::Box(_)
        | Route::Project(_)
        | Route::Prospect(_)
        | Route::Viability
        | Route::User(_)
        | Route::Unknown => Witness::default(),
    }
}

fn is_delete(route: &Route) -> bool {
    matches!(
        route,
        Route::Property(Resource::Delete(_))
            | Route::Client(Resource::Delete(_))
            | Route::Cable(Resource::Delete(_))
    )
}

/// The properties that a call names, raw, as they are before it.
fn subjects(world: &World, route: &Route) -> Vec<Value> {
    match route {
        Route::Lookup(code) => world.by_code(code),
        Route::Property(resource) => resource
            .id()
            .and_then(|id| world.properties.get(id))
            .map(|property| world.raw(property))
            .into_iter()
            .collect(),
        Route::Client(resource) => resource
            .id()
            .into_iter()
            .flat_map(|id| world.homes_with(id))
            .map(|property| world.raw(property))
            .collect(),
        Route::Cable(_)
        | Route::Disconnect(_)
        | Route::Authenticated
        | Route::Login
        | Route::Splitter(_)
        | Route::Box(_)
        | Route::Project(_)
        | Route::Prospect(_)
        | Route::Viability
        | Route::User(_)
        | Route::Unknown => Vec::new(),
    }
}

/// The properties that an answer shows, for calls that name none: lists and creations.
fn answered(world: &World, answer: &Answer) -> Vec<Value> {
    let Payload::Json(document) = &answer.payload else {
        return Vec::new();
    };
    let rows = document["rows"].as_array().map_or(&[][..], Vec::as_slice);
    rows.iter()
        .chain(std::iter::once(document))
        .filter_map(|row| world.properties.get(text(row, "/id")?))
        .map(|property| world.raw(property))
        .collect()
}

/// The document of a customer with another code, in the style of the route.
fn stranger(world: &World, route: &Route) -> Option<Value> {
    let own = subjects(world, route);
    let is_strange = |raw: &Value| {
        let code = text(raw, "/client/code");
        code.is_some() && own.iter().all(|own| text(own, "/client/code") != code)
    };
    let raw = world
        .properties
        .values()
        .map(|property| world.raw(property))
        .find(is_strange)?;
    Some(if matches!(route, Route::Lookup(_)) {
        raw
    } else if matches!(route, Route::Client(_)) {
        generic(&raw["client"])
    } else {
        generic_with_place(&raw)
    })
}
