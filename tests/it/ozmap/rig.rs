//! The public client on a stand-in, and a real journal in a temporary folder to make an intent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ozmap_cancel::domain::{LookupResult, Mode, PropertyId, ReservationCode};
use ozmap_cancel::guard::{self, Check, Deletable, OnInstalled, Policy, Verdict};
use ozmap_cancel::journal::{
    Acceptance, Accepted, DeliveryKey, Intent, Journal, KeyScope, LeasedRecord, Times,
};
use ozmap_cancel::ozmap::{
    AuthScheme, DeleteAnswer, Deleted, Error, Lookup, NotFoundAnswer, Ozmap, PlainHttp,
    RecheckResult, Session, Settings, Trust,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::stand_in::{Act, Request, StandIn, json as answer_json};

pub const CODE: &str = "123|123";
pub const ID: &str = "62d194b46c9401002392c704";
pub const CLIENT_ID: &str = "62d194b46c9401002392c701";
pub const KEY: &str = "the-key-that-nobody-may-see";
pub const LOOKUP: &str = "/api/v2/properties/client/123%7C123";
pub const BY_ID: &str = "/api/v2/properties/62d194b46c9401002392c704";

/// The settings of a client on a stand-in, with short timeouts.
pub fn settings(url: &str) -> Settings {
    Settings {
        base_url: url.to_owned(),
        plain_http: PlainHttp::LoopbackOnly,
        api_key: KEY.to_owned().into(),
        auth_scheme: AuthScheme::Raw,
        trust: Trust::default(),
        concurrency_max: 4,
        connect: Duration::from_secs(5),
        lookup: Duration::from_secs(5),
        delete: Duration::from_secs(5),
        not_found_answers: vec![
            NotFoundAnswer::Status404,
            NotFoundAnswer::Status204,
            NotFoundAnswer::Null,
            NotFoundAnswer::EmptyObject,
        ],
        guard_age: Duration::from_secs(3),
        lookups_apart: Duration::from_millis(2),
    }
}

pub fn policy() -> Policy {
    Policy {
        installed: OnInstalled::Refuse,
        install_evidence: Check::Review,
        building_unit: Check::Review,
        preexisting_property: Check::Review,
        only_created_by: Vec::new(),
    }
}

pub fn code(text: &str) -> ReservationCode {
    ReservationCode::parse(text).unwrap()
}

pub fn id(text: &str) -> PropertyId {
    PropertyId::parse(text).unwrap()
}

/// A reservation that may be deleted, with every member of OZmap's own example.
pub fn reservation() -> Value {
    json!({
        "_id": ID,
        "kind": "Property",
        "address": "Rua das Flores, 900",
        "client": {
            "_id": CLIENT_ID,
            "kind": "ftth",
            "code": CODE,
            "name": "Gabriel Marioto",
            "implanted": false,
            "certified": false,
            "status": 0,
            "onu": {"user_PPPoE": "", "serial_number": "", "mac_address": ""},
            "createdAt": "2022-07-15T16:24:20.966Z",
        },
        "creatorData": {"username": "chatbot"},
        "history": {"clients": [{
            "id": CLIENT_ID, "code": CODE, "enter_date": "2022-07-15T16:24:20.976Z", "exit_date": null,
        }]},
        "createdAt": "2022-07-15T16:24:20.980Z",
        "connections": [{"id": "5da6220df003e8132800001e", "kind": "Splitter", "port": 4, "implanted": true}],
        "__v": 0,
    })
}

/// The response of a lookup that finds one reservation.
pub fn one() -> String {
    json!([reservation()]).to_string()
}

/// A script that responds to lookups with the reservation, and to everything else with one list of
/// acts.
pub fn one_then(acts: Vec<Act>) -> impl Fn(&Request) -> Vec<Act> + Send + Sync {
    move |request| match request.target.as_str() {
        LOOKUP => vec![Act::Send(answer_json(200, &one()))],
        _ => acts.clone(),
    }
}

/// A session; the circuit breaker must be closed.
pub async fn session(ozmap: &Ozmap) -> Session<'_> {
    ozmap.session(&code(CODE)).await.unwrap()
}

/// Looks a code up until the result is conclusive.
pub async fn looked_up(ozmap: &Ozmap, asked: &str) -> Result<LookupResult, Error> {
    let session = session(ozmap).await;
    let mut before = None;
    loop {
        match session.lookup(&code(asked), before.as_ref()).await? {
            Lookup::Conclusive(lookup) => return Ok(lookup),
            Lookup::AbsentOnce(once) => {
                tokio::time::sleep(once.wait()).await;
                before = Some(once);
            }
        }
    }
}

/// The reservation after its DELETE was sent.
struct Target {
    id: PropertyId,
    client: PropertyId,
    answer: DeleteAnswer,
}

fn deleted(answer: DeleteAnswer) -> Target {
    Target {
        id: id(ID),
        client: id(CLIENT_ID),
        answer,
    }
}

impl Target {
    fn of<'a>(&'a self, code: &'a ReservationCode) -> Deleted<'a> {
        Deleted {
            id: &self.id,
            code,
            client: Some(&self.client),
            answer: self.answer,
        }
    }
}

/// A client on a stand-in.
pub struct Rig {
    pub server: StandIn,
    pub ozmap: Ozmap,
}

impl Rig {
    pub async fn new(script: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self::with(script, |_| {}).await
    }

    /// A client with other settings.
    pub async fn with(
        script: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let server = StandIn::start(script).await;
        let mut settings = settings(&server.url());
        change(&mut settings);
        let ozmap = Ozmap::new(settings).unwrap();
        Self { server, ozmap }
    }

    pub async fn lookup(&self) -> Result<LookupResult, Error> {
        looked_up(&self.ozmap, CODE).await
    }

    /// One recheck after a confirmed DELETE.
    pub async fn recheck_by_id(&self) -> Result<RecheckResult, Error> {
        let session = session(&self.ozmap).await;
        let deleted = deleted(DeleteAnswer::Confirmed);
        session.recheck_by_id(deleted.of(&code(CODE)), None).await
    }

    /// Rechecks until the result is conclusive; returns it with the number of rechecks.
    pub async fn look_until_sure(
        &self,
        answer: DeleteAnswer,
    ) -> Result<(RecheckResult, usize), Error> {
        let session = session(&self.ozmap).await;
        let (mut before, mut looks) = (None, 0);
        loop {
            looks += 1;
            let deleted = deleted(answer);
            match session
                .recheck_by_id(deleted.of(&code(CODE)), before.as_ref())
                .await?
            {
                RecheckResult::GoneUnconfirmed(gone) => {
                    tokio::time::sleep(gone.wait()).await;
                    before = Some(gone);
                }
                seen @ (RecheckResult::Gone { .. }
                | RecheckResult::Present(_)
                | RecheckResult::OnlyByCode(_)
                | RecheckResult::Contradicted) => return Ok((seen, looks)),
            }
        }
    }

    /// The verdict of the guard on a lookup.
    pub async fn judged(&self, asked: &str) -> Result<Verdict, Error> {
        let lookup = looked_up(&self.ozmap, asked).await?;
        Ok(guard::judge(&lookup, &code(asked), &policy()))
    }

    /// The target of a deletion; the stand-in must show a reservation.
    pub async fn target(&self) -> Box<Deletable> {
        match self.judged(CODE).await {
            Ok(Verdict::Delete(target)) => target,
            other => panic!("not deletable: {other:?}"),
        }
    }

    /// Looks up, writes an intent and deletes.
    pub async fn delete(&self) -> Result<(), Error> {
        let target = self.target().await;
        let intent = Ledger::new(60_000).await.intend(&target).await;
        session(&self.ozmap).await.delete(intent).await
    }
}

/// The result of a lookup as one word: `delete`, `absent`, the id of a refusal or of a failure.
pub fn word(result: &Result<Verdict, Error>) -> &'static str {
    match result {
        Ok(Verdict::Delete(_)) => "delete",
        Ok(Verdict::Absent) => "absent",
        Ok(Verdict::Keep(refusal)) => refusal.id(),
        Err(error) => error.kind.id(),
    }
}

/// A journal in a folder of its own with one accepted cancellation.
pub struct Ledger {
    journal: Journal,
    pub held: Box<LeasedRecord>,
    _folder: TempDir,
}

impl Ledger {
    pub async fn new(lease_ms: i64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = crate::support::store::journal_place(folder.path());
        let times = Times {
            lease_ms,
            settle_ms: 120_000,
            deadline_ms: 86_400_000,
        };
        let journal = Journal::open(&place, times).unwrap();
        let Accepted::Fresh(held) = journal.accept(acceptance(), || true).await.unwrap() else {
            panic!("a new journal knows the cancellation already");
        };
        Self {
            journal,
            held,
            _folder: folder,
        }
    }

    pub async fn intend(mut self, target: &Deletable) -> Intent {
        self.journal.intend(&mut self.held, target).await.unwrap()
    }
}

fn acceptance() -> Acceptance {
    Acceptance {
        delivery: DeliveryKey {
            channel: "chatbot".to_owned(),
            key: "m-1".to_owned(),
        },
        duplicate_window_ms: None,
        replay_ms: 3_600_000,
        key_scope: KeyScope::Conversation,
        fingerprint_before: None,
        instead_of: None,
        codes_max: 5,
        fingerprint: "fingerprint".to_owned(),
        code: code(CODE),
        mode: Mode::Real,
        conversation: None,
        locale: "pt-BR",
        first_name: None,
        note: None,
        protocol_date: "20261123".to_owned(),
    }
}

/// A client whose lookups get the body that a test sets.
pub struct Page {
    pub rig: Rig,
    body: Arc<Mutex<Vec<u8>>>,
    client: Arc<Mutex<String>>,
}

impl Page {
    pub async fn new() -> Self {
        let body = Arc::new(Mutex::new(Vec::new()));
        let client = Arc::new(Mutex::new(String::new()));
        let (shown, shown_client) = (body.clone(), client.clone());
        let rig = Rig::new(move |request| {
            let bytes = match request.target.as_str() {
                target if target.starts_with("/api/v2/ftth-clients/") => {
                    answer_json(200, &shown_client.lock().unwrap())
                }
                _ => {
                    let headers = "Content-Type: application/json\r\n";
                    super::stand_in::answer(200, headers, &shown.lock().unwrap())
                }
            };
            vec![Act::Send(bytes)]
        })
        .await;
        Self { rig, body, client }
    }

    /// The result of a lookup with this body.
    pub async fn says(&self, body: impl Into<Vec<u8>>) -> &'static str {
        self.says_to(CODE, body).await
    }

    /// The same for another code.
    pub async fn says_to(&self, asked: &str, body: impl Into<Vec<u8>>) -> &'static str {
        *self.body.lock().unwrap() = body.into();
        word(&self.rig.judged(asked).await)
    }

    /// Sets the response of the route of the client.
    pub fn set_client(&self, document: &str) {
        document.clone_into(&mut self.client.lock().unwrap());
    }
}
