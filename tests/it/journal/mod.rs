//! The journal: refusals, durability, and access to its files.

use ozmap_cancel::clock::Moment;
use ozmap_cancel::domain::{
    Client, ClientField, Field, FirstName, LookupResult, Mode, Outcome, Property, PropertyId,
    Reason, ReservationCode,
};
use ozmap_cancel::guard::{self, Check, Deletable, OnInstalled, Policy, Verdict};
use ozmap_cancel::journal::{
    Acceptance, Accepted, DeliveryKey, Ending, Error, Journal, KeyScope, LateJoiners, LeasedRecord,
    Record, State, Times,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::store::journal_place;

mod altered;
mod backup;
mod conversation;
mod disk;
pub mod file;
mod full;
mod late;
mod leases;
pub mod migrations;
mod one_file;
mod place;
pub mod postgres;
mod promises;
mod reasons;
mod steps;

/// Times long enough that nothing expires during a test.
pub const LONG: Times = Times {
    lease_ms: 60_000,
    settle_ms: 60_000,
    deadline_ms: 60_000,
};

/// A separate journal without a service.
struct Book {
    journal: Journal,
    folder: TempDir,
}

impl Book {
    fn open(times: Times) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            journal: Journal::open(&journal_place(folder.path()), times).unwrap(),
            folder,
        }
    }

    fn rows(&self) -> Vec<Value> {
        file::cancellations(self.folder.path())
    }

    /// Accepts a cancellation of a code, with its lease.
    async fn held(&self, code: &str) -> LeasedRecord {
        match self
            .journal
            .accept(asking(code, code), || true)
            .await
            .unwrap()
        {
            Accepted::Fresh(held) => *held,
            Accepted::Joined(_)
            | Accepted::Repeated(_)
            | Accepted::KeyReused
            | Accepted::TooManyCodes => panic!("{code} is not new"),
        }
    }

    /// The same, with its target written.
    async fn intended(&self, code: &str) -> LeasedRecord {
        let mut held = self.held(code).await;
        let target = deletable(code, TARGET);
        drop(self.journal.intend(&mut held, &target).await.unwrap());
        held
    }
}

pub const TARGET: &str = "62d194b46c9401002392c704";
const OTHER: &str = "62d194b46c9401002392c705";

/// A webhook with a key that asks to cancel a code.
pub fn asking(code: &str, key: &str) -> Acceptance {
    Acceptance {
        delivery: DeliveryKey {
            channel: "chatbot".to_owned(),
            key: format!("key:{key}"),
        },
        duplicate_window_ms: None,
        replay_ms: 3_600_000,
        key_scope: KeyScope::Conversation,
        fingerprint_before: None,
        instead_of: None,
        codes_max: 5,
        fingerprint: format!("fingerprint of {code}"),
        code: ReservationCode::parse(code).unwrap(),
        mode: Mode::Real,
        conversation: None,
        locale: "pt-BR",
        first_name: FirstName::of("Ana"),
        note: None,
        protocol_date: "20261123".to_owned(),
    }
}

/// The guard's verdict on a plain reservation.
pub fn deletable(code: &str, id: &str) -> Deletable {
    let client = Client {
        code: Field::Value(code.to_owned()),
        implanted: Field::Value(false),
        ..Client::default()
    };
    let property = Property {
        id: PropertyId::parse(id).unwrap(),
        kind: Field::Missing,
        client: ClientField::Document(Box::new(client)),
        parent: Field::Missing,
        potency_read: Field::Missing,
        history: Field::Missing,
        creator: Field::Missing,
        creator_id: Field::Missing,
        created_at: Field::Missing,
        deleted_at: Field::Missing,
        address: Field::Missing,
        raw: format!("{{\"_id\":\"{id}\"}}"),
    };
    let sighting = LookupResult {
        rows: vec![Ok(property)],
        read_at: Moment::now(),
    };
    let policy = Policy {
        installed: OnInstalled::Refuse,
        install_evidence: Check::Review,
        building_unit: Check::Review,
        preexisting_property: Check::Review,
        only_created_by: Vec::new(),
    };
    match guard::judge(&sighting, &ReservationCode::parse(code).unwrap(), &policy) {
        Verdict::Delete(target) => *target,
        other @ (Verdict::Absent | Verdict::Keep(_)) => panic!("{other:?}"),
    }
}

fn ending(outcome: Outcome) -> Ending {
    Ending {
        outcome,
        reason: Reason::SeenGone,
        needs_human: false,
        first_name: None,
        late_joiners: LateJoiners::Share,
        live: None,
    }
}

fn assert_fenced<T: std::fmt::Debug>(result: Result<T, Error>) {
    assert!(matches!(result, Err(Error::Fenced)), "{result:?}");
}
