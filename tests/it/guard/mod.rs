//! The guard alone: each refusal by its name, their order, the rules that a policy switches off,
//! and the age limit.

mod dates;

use std::collections::HashSet;

use ozmap_cancel::clock::Moment;
use ozmap_cancel::domain::{
    Client, ClientField, DocumentError, Field, LookupResult, Occupancy, Outcome, Property,
    PropertyId, ReservationCode, Row,
};
use ozmap_cancel::guard::{Asked, Check, OnInstalled, Policy, Refusal, Verdict, first_name, judge};

/// 2026-01-12T13:00:00Z, an hour after the reservation.
const ASKED_AT_MS: i64 = 1_768_222_800_000;

fn text(value: &str) -> Field<String> {
    Field::Value(value.to_owned())
}

fn client() -> Client {
    Client {
        code: text("123|123"),
        implanted: Field::Value(false),
        kind: text("ftth"),
        name: text("gabriel marioto"),
        certified: Field::Value(false),
        onu: Field::Value([text(""), text(" "), Field::Null]),
        created_at: text("2026-01-12T12:00:00.000Z"),
        deleted_at: Field::Null,
    }
}

fn property() -> Property {
    Property {
        id: PropertyId::parse("62d194b46c9401002392c704").unwrap(),
        kind: text("Property"),
        client: ClientField::Document(Box::new(client())),
        parent: Field::Missing,
        potency_read: Field::Null,
        history: Field::Value(vec![Occupancy {
            enter_date: text("2026-01-12T12:00:00.000Z"),
            exit_date: Field::Null,
        }]),
        creator: text("chatbot"),
        creator_id: Field::Missing,
        created_at: text("2026-01-12T12:00:00.004Z"),
        deleted_at: Field::Missing,
        address: text("Rua das Flores, 900"),
        raw: "{}".to_owned(),
    }
}

fn policy() -> Policy {
    Policy {
        installed: OnInstalled::Refuse,
        install_evidence: Check::Review,
        building_unit: Check::Review,
        preexisting_property: Check::Review,
        only_created_by: Vec::new(),
    }
}

fn verdict(rows: Vec<Row>, policy: &Policy) -> Verdict {
    let sighting = LookupResult {
        rows,
        read_at: Moment::now(),
    };
    let asked = Asked {
        code: &ReservationCode::parse("123|123").unwrap(),
        at_ms: Some(ASKED_AT_MS),
        key_user: None,
    };
    judge(&sighting, asked, policy)
}

/// `delete`, `absent`, or the refusal's id.
fn says(property: Property, policy: &Policy) -> &'static str {
    match verdict(vec![Ok(property)], policy) {
        Verdict::Delete(_) => "delete",
        Verdict::Absent => "absent",
        Verdict::Keep(refusal) => refusal.id(),
    }
}

/// The reservation with a changed client.
fn with_client(change: impl FnOnce(&mut Client)) -> Property {
    let mut changed = client();
    change(&mut changed);
    Property {
        client: ClientField::Document(Box::new(changed)),
        ..property()
    }
}

#[test]
fn a_plain_reservation_may_be_deleted_and_the_permission_is_for_what_was_read() {
    let Verdict::Delete(target) = verdict(vec![Ok(property())], &policy()) else {
        panic!("a plain reservation is kept");
    };
    assert_eq!(target.property().id, property().id);
    assert!(target.read_at().age_ms() < 10_000);
    assert!(matches!(verdict(Vec::new(), &policy()), Verdict::Absent));
}

#[test]
fn the_ids_of_the_refusals_are_what_journals_and_alarms_know() {
    let ids: Vec<&str> = Refusal::ALL.iter().map(|refusal| refusal.id()).collect();
    assert_eq!(
        ids,
        [
            "several_properties",
            "unreadable_document",
            "bad_id",
            "client_without_property",
            "unknown_kind",
            "no_client",
            "unreadable_client",
            "other_code",
            "installed_unknown",
            "installed",
            "marked_deleted",
            "reserved_later",
            "install_evidence",
            "building_unit",
            "preexisting_property",
            "other_creator",
        ]
    );
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
}

#[test]
fn every_refusal_hands_off_to_a_person_and_only_installed_may_have_its_own_word() {
    let review = Policy {
        installed: OnInstalled::Review,
        ..policy()
    };
    for refusal in Refusal::ALL {
        let expected = if refusal == Refusal::Installed {
            Outcome::Installed
        } else {
            Outcome::Review
        };
        assert_eq!(refusal.outcome(&policy()), expected, "{refusal:?}");
        assert_eq!(refusal.outcome(&review), Outcome::Review, "{refusal:?}");
        assert!(expected.hands_off() && expected.is_final());
    }
}

#[test]
fn rows_that_are_no_single_property_are_kept() {
    let keeps = |rows: Vec<Row>| match verdict(rows, &policy()) {
        Verdict::Keep(refusal) => refusal.id(),
        other @ (Verdict::Absent | Verdict::Delete(_)) => panic!("{other:?}"),
    };
    assert_eq!(
        keeps(vec![Err(DocumentError::NotADocument)]),
        "unreadable_document"
    );
    assert_eq!(keeps(vec![Err(DocumentError::BadId)]), "bad_id");
    for second in [
        Ok(property()),
        Err(DocumentError::BadId),
        Err(DocumentError::NotADocument),
    ] {
        assert_eq!(
            keeps(vec![Ok(property()), second.clone()]),
            "several_properties"
        );
        assert_eq!(keeps(vec![second, Ok(property())]), "several_properties");
    }
    assert_eq!(keeps(vec![Ok(property()); 1_000]), "several_properties");
}

#[test]
fn a_member_that_cannot_be_read_is_never_taken_for_a_good_one() {
    let unreadable = |change: fn(&mut Property)| {
        let mut changed = property();
        change(&mut changed);
        says(changed, &policy())
    };
    assert_eq!(unreadable(|p| p.kind = Field::Unreadable), "unknown_kind");
    assert_eq!(
        unreadable(|p| p.client = ClientField::Unreadable),
        "unreadable_client"
    );
    assert_eq!(
        unreadable(|p| p.parent = Field::Unreadable),
        "building_unit"
    );
    assert_eq!(
        unreadable(|p| p.potency_read = Field::Unreadable),
        "install_evidence"
    );
    assert_eq!(
        unreadable(|p| p.history = Field::Unreadable),
        "preexisting_property"
    );
    assert_eq!(
        unreadable(|p| p.created_at = Field::Unreadable),
        "preexisting_property"
    );
    assert_eq!(
        unreadable(|p| p.deleted_at = Field::Unreadable),
        "marked_deleted"
    );
    let unreadable = |change: fn(&mut Client)| says(with_client(change), &policy());
    assert_eq!(unreadable(|c| c.code = Field::Unreadable), "other_code");
    assert_eq!(
        unreadable(|c| c.implanted = Field::Unreadable),
        "installed_unknown"
    );
    assert_eq!(unreadable(|c| c.kind = Field::Unreadable), "unknown_kind");
    assert_eq!(
        unreadable(|c| c.certified = Field::Unreadable),
        "install_evidence"
    );
    assert_eq!(
        unreadable(|c| c.onu = Field::Unreadable),
        "install_evidence"
    );
    assert_eq!(
        unreadable(|c| c.deleted_at = Field::Unreadable),
        "marked_deleted"
    );
    for place in 0..3 {
        let mut onu = [text(""), text(""), text("")];
        onu[place] = Field::Unreadable;
        let property = with_client(|c| c.onu = Field::Value(onu));
        assert_eq!(says(property, &policy()), "install_evidence");
    }
    // A member that decides nothing, because a reply only repeats it, may be unreadable.
    assert_eq!(unreadable(|c| c.name = Field::Unreadable), "delete");
}

#[test]
fn the_first_rule_that_objects_is_the_one_that_is_told() {
    let strict = Policy {
        only_created_by: vec!["chatbot".to_owned()],
        ..policy()
    };
    // Every fault that one document can have, all at once; the test then repairs one after another.
    let mut wrong = with_client(|client| {
        client.code = text("another");
        client.implanted = Field::Missing;
        client.deleted_at = text("2026-01-13T00:00:00Z");
        client.certified = Field::Value(true);
        client.created_at = text("2026-03-01T00:00:00Z");
    });
    wrong.parent = Field::Value(());
    wrong.created_at = text("2020-01-01T00:00:00Z");
    wrong.creator = text("somebody");
    wrong.kind = text("Box");
    let document = wrong.client.clone();
    wrong.client = ClientField::Null;

    let mut told = vec![says(wrong.clone(), &strict)];
    wrong.kind = text("Property");
    told.push(says(wrong.clone(), &strict));
    wrong.client = ClientField::Reference("62d194b46c9401002392c701".to_owned());
    told.push(says(wrong.clone(), &strict));
    wrong.client = document;
    told.push(says(wrong.clone(), &strict));
    let repairs: [fn(&mut Client); 5] = [
        |client| client.code = text("123|123"),
        |client| client.implanted = Field::Value(true),
        |client| client.implanted = Field::Value(false),
        |client| client.deleted_at = Field::Missing,
        |client| client.created_at = text("2026-01-12T12:00:00Z"),
    ];
    for repair in repairs {
        if let ClientField::Document(client) = &mut wrong.client {
            repair(client);
        }
        told.push(says(wrong.clone(), &strict));
    }
    if let ClientField::Document(client) = &mut wrong.client {
        client.certified = Field::Missing;
    }
    told.push(says(wrong.clone(), &strict));
    wrong.parent = Field::Null;
    told.push(says(wrong.clone(), &strict));
    wrong.created_at = text("2026-01-12T12:00:00Z");
    told.push(says(wrong.clone(), &strict));
    wrong.creator = text("chatbot");
    told.push(says(wrong.clone(), &strict));

    let mut expected: Vec<&str> = Refusal::ALL[4..]
        .iter()
        .map(|refusal| refusal.id())
        .collect();
    expected.push("delete");
    assert_eq!(told, expected);
}

#[test]
fn a_policy_switches_off_its_own_rule_and_no_other() {
    let evidence = with_client(|client| client.certified = Field::Value(true));
    let unit = Property {
        parent: Field::Value(()),
        ..property()
    };
    let older = Property {
        created_at: text("2020-01-01T00:00:00Z"),
        ..property()
    };
    let off: [fn(&mut Policy); 3] = [
        |policy| policy.install_evidence = Check::Ignore,
        |policy| policy.building_unit = Check::Ignore,
        |policy| policy.preexisting_property = Check::Ignore,
    ];
    let kept = [
        (evidence, "install_evidence"),
        (unit, "building_unit"),
        (older, "preexisting_property"),
    ];
    for (switched, switch) in off.iter().enumerate() {
        let mut lenient = policy();
        switch(&mut lenient);
        for (rule, (property, id)) in kept.iter().enumerate() {
            let expected = if rule == switched { "delete" } else { id };
            assert_eq!(says(property.clone(), &lenient), expected);
        }
    }
}

#[test]
fn no_policy_switches_off_the_rules_that_protect_a_customer() {
    let lenient = Policy {
        installed: OnInstalled::Review,
        install_evidence: Check::Ignore,
        building_unit: Check::Ignore,
        preexisting_property: Check::Ignore,
        only_created_by: Vec::new(),
    };
    for (change, expected) in [
        (
            (|c| c.implanted = Field::Value(true)) as fn(&mut Client),
            "installed",
        ),
        (|c| c.implanted = Field::Null, "installed_unknown"),
        (|c| c.implanted = Field::Missing, "installed_unknown"),
        (|c| c.code = text("123"), "other_code"),
        (|c| c.code = text("123|123a"), "other_code"),
        (|c| c.code = Field::Missing, "other_code"),
        (|c| c.kind = text("gpon"), "unknown_kind"),
        (|c| c.deleted_at = text(""), "marked_deleted"),
    ] {
        assert_eq!(says(with_client(change), &lenient), expected);
    }
    for (client, expected) in [
        (ClientField::Missing, "no_client"),
        (ClientField::Null, "no_client"),
        (ClientField::Reference("x".to_owned()), "unreadable_client"),
        (ClientField::Unreadable, "unreadable_client"),
    ] {
        let property = Property {
            client,
            ..property()
        };
        assert_eq!(says(property, &lenient), expected);
    }
}

#[test]
fn only_the_listed_users_reservations_are_deleted() {
    let listed = Policy {
        only_created_by: vec!["chatbot".to_owned(), "ura".to_owned()],
        ..policy()
    };
    for (creator, expected) in [
        (text("chatbot"), "delete"),
        (text("ura"), "delete"),
        (text("Chatbot"), "other_creator"),
        (text("chatbot "), "other_creator"),
        (text(""), "other_creator"),
        (Field::Missing, "other_creator"),
        (Field::Null, "other_creator"),
        (Field::Unreadable, "other_creator"),
    ] {
        let property = Property {
            creator: creator.clone(),
            ..property()
        };
        assert_eq!(says(property.clone(), &listed), expected, "{creator:?}");
        assert_eq!(says(property, &policy()), "delete");
    }
}

#[test]
fn self_is_the_user_of_the_key_by_id_or_by_name_and_nobody_when_the_key_names_none() {
    const ID: &str = "5da6220df003e8132800001e";
    let own = Policy {
        only_created_by: vec!["self".to_owned()],
        ..policy()
    };
    let code = ReservationCode::parse("123|123").unwrap();
    let said = |creator: Field<String>, creator_id: Field<String>, key_user| {
        let sighting = LookupResult {
            rows: vec![Ok(Property {
                creator,
                creator_id,
                ..property()
            })],
            read_at: Moment::now(),
        };
        let asked = Asked {
            key_user,
            ..Asked::from(&code)
        };
        match judge(&sighting, asked, &own) {
            Verdict::Delete(_) => "delete",
            Verdict::Absent => "absent",
            Verdict::Keep(refusal) => refusal.id(),
        }
    };
    let (name, id) = (|| text("chatbot"), || text(ID));
    assert_eq!(said(name(), id(), Some("chatbot")), "delete");
    assert_eq!(said(name(), id(), Some(ID)), "delete");
    assert_eq!(said(name(), Field::Missing, Some("chatbot")), "delete");
    assert_eq!(said(Field::Missing, id(), Some(ID)), "delete");
    assert_eq!(said(name(), id(), Some("ura")), "other_creator");
    assert_eq!(said(name(), id(), None), "other_creator");
    // A user with the name `self` is not the API key's user.
    assert_eq!(said(text("self"), id(), None), "other_creator");
    assert_eq!(said(text("self"), id(), Some("chatbot")), "other_creator");
    let unreadable = said(Field::Unreadable, Field::Null, Some("chatbot"));
    assert_eq!(unreadable, "other_creator");
}

#[test]
fn a_code_that_ozmap_holds_with_decoration_is_the_same_and_another_letter_case_is_not() {
    for (held, expected) in [
        ("123|123 ", "delete"),
        (" 123 | 123", "delete"),
        ("123|123\u{200b}", "delete"),
        ("123|0123", "other_code"),
        ("123/123", "other_code"),
        ("", "other_code"),
    ] {
        let property = with_client(|client| client.code = text(held));
        assert_eq!(says(property, &policy()), expected, "{held:?}");
    }
    let code = ReservationCode::parse("Ana").unwrap();
    let named = |held: &str| {
        let property = with_client(|client| client.code = text(held));
        first_name(&property, &code).is_some()
    };
    assert!(named("Ana ") && !named("ana"));
}

#[test]
fn a_client_without_a_property_is_for_a_person() {
    let rows = vec![Err(DocumentError::ClientWithoutProperty)];
    let Verdict::Keep(refusal) = verdict(rows, &policy()) else {
        panic!("there is nothing to delete");
    };
    assert_eq!(refusal, Refusal::ClientWithoutProperty);
    assert_eq!(refusal.outcome(&policy()), Outcome::Review);
}

#[test]
fn the_name_in_a_greeting_comes_from_a_readable_client_or_not_at_all() {
    let code = ReservationCode::parse("123|123").unwrap();
    let named =
        |property: &Property| first_name(property, &code).map(|name| name.as_str().to_owned());
    assert_eq!(named(&property()), Some("Gabriel".to_owned()));
    assert_eq!(named(&with_client(|c| c.name = Field::Unreadable)), None);
    assert_eq!(named(&with_client(|c| c.code = text("another"))), None);
    assert_eq!(named(&with_client(|c| c.code = Field::Missing)), None);
    assert_eq!(named(&with_client(|c| c.name = text("<b>x</b>"))), None);
    let empty = Property {
        client: ClientField::Null,
        ..property()
    };
    assert_eq!(named(&empty), None);
}

#[test]
fn what_was_reserved_after_it_was_asked_for_is_kept() {
    let born = |at: &str| {
        let changed = with_client(|client| client.created_at = text(at));
        Property {
            created_at: text(at),
            history: Field::Missing,
            ..changed
        }
    };
    // The two clocks may differ by ten minutes.
    assert_eq!(says(born("2026-01-12T13:10:00.000Z"), &policy()), "delete");
    assert_eq!(
        says(born("2026-01-12T13:10:00.001Z"), &policy()),
        "reserved_later"
    );
    // A property that existed before may have a new customer.
    let new_customer = with_client(|client| client.created_at = text("2026-01-13T00:00:00Z"));
    let lax = Policy {
        preexisting_property: Check::Ignore,
        ..policy()
    };
    assert_eq!(says(new_customer, &lax), "reserved_later");
    // A lookup is not a request to cancel, so it has no time to compare with.
    let sighting = LookupResult {
        rows: vec![Ok(born("2026-01-13T00:00:00Z"))],
        read_at: Moment::now(),
    };
    let code = ReservationCode::parse("123|123").unwrap();
    assert!(matches!(
        judge(&sighting, &code, &policy()),
        Verdict::Delete(_)
    ));
}
