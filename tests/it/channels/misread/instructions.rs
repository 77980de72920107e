//! A request with any word for a dry run or a lookup never deletes, in any spelling and place, on
//! any preset.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::bases::{Base, Meaning, each};
use crate::support::draws;

/// Names that request a dry run if their value is true.
const DRY_RUN: [&str; 16] = [
    "dry_run",
    "dryRun",
    "dry-run",
    "DRY_RUN",
    "DryRun",
    "dry run",
    "simular",
    "simulação",
    "SIMULACION",
    "simulate",
    "teste",
    "modo_teste",
    "test",
    "prueba",
    "preview",
    "ensaio",
];

/// Names that request a lookup if their value is true.
const LOOK: [&str; 7] = [
    "lookup",
    "lookUp",
    "consulta",
    "consultar",
    "somente_consulta",
    "solo-consulta",
    "readOnly",
];

/// Names of the member with the requested action.
const ACTION: [&str; 7] = [
    "action",
    "Action",
    "acao",
    "ação",
    "acción",
    "accion",
    "operação",
];

/// Words for an action other than a live cancellation.
const WORDS: [&str; 11] = [
    "lookup",
    "look_up",
    "consultar",
    "CONSULTA",
    "buscar",
    "dry_run",
    "dryRun",
    "simular",
    "teste",
    "simulação",
    "verificar",
];

/// Values that mean yes.
fn yes() -> Vec<Value> {
    vec![
        json!(true),
        json!("true"),
        json!("1"),
        json!(1),
        json!("sim"),
        json!("Sí"),
        json!("YES"),
        json!("on"),
    ]
}

/// Values that mean neither yes nor no.
fn unreadable() -> Vec<Value> {
    vec![
        Value::Null,
        json!(""),
        json!(" "),
        json!("{{dry}}"),
        json!("undefined"),
        json!("talvez"),
        json!(2),
        json!([]),
        json!([true, false]),
        json!({}),
        json!({"value": true}),
    ]
}

fn assert_harmless(base: &Base, meaning: &Meaning, what: &str) {
    assert!(
        meaning.is_harmless(),
        "{}: {what} is {meaning:?}",
        base.label()
    );
}

fn in_query(name: &str, value: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair(name, value)
        .finish()
}

#[test]
fn a_request_with_a_word_for_a_rehearsal_or_a_look_deletes_nothing() {
    each(|base, channel| {
        for name in DRY_RUN.iter().chain(&LOOK) {
            for value in yes().iter().chain(&unreadable()) {
                let body = base.with_member(name, value).meaning(channel);
                assert_harmless(base, &body, &format!("{name}={value} in the body"));
                let nested = base.with_member("data", &json!({ *name: value }));
                if value == &json!(true) || value == &json!("sim") {
                    let nested = nested.meaning(channel);
                    // A form cannot nest members.
                    if matches!(base.body, super::bases::Body::Json(_)) {
                        assert_harmless(base, &nested, &format!("{name}={value} deep in the body"));
                    }
                }
            }
            for value in ["true", "1", "sim", "", "{{x}}", "talvez"] {
                let query = base.with_query(&in_query(name, value)).meaning(channel);
                assert_harmless(base, &query, &format!("{name}={value} in the address"));
            }
            let bare: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
            let query = base.with_query(&bare).meaning(channel);
            assert_harmless(base, &query, &format!("a bare {name} in the address"));
        }
        for name in ACTION {
            for word in WORDS.iter().chain(&["", "burn", "{{acao}}", "null"]) {
                let body = base.with_member(name, &json!(word)).meaning(channel);
                assert_harmless(base, &body, &format!("{name}={word} in the body"));
                let query = base.with_query(&in_query(name, word)).meaning(channel);
                assert_harmless(base, &query, &format!("{name}={word} in the address"));
            }
        }
        for (header, value) in [
            ("dry-run", "true"),
            ("x-dry-run", "1"),
            ("x-simulate", "yes"),
            ("x-lookup", "true"),
            ("x-action", "lookup"),
            ("action", "consultar"),
        ] {
            let meaning = base.with_header(header, value).meaning(channel);
            assert_harmless(base, &meaning, &format!("the header {header}: {value}"));
        }
        for (name, value) in [
            ("mode", "dry_run"),
            ("modo", "teste"),
            ("intent", "consultar"),
            ("comando", "lookup"),
            ("confirm", "false"),
            ("confirmado", "não"),
        ] {
            let meaning = base.with_member(name, &json!(value)).meaning(channel);
            assert_harmless(base, &meaning, &format!("{name}={value}"));
        }
    });
}

#[test]
fn an_instruction_that_says_to_cancel_changes_nothing() {
    each(|base, channel| {
        let plain = base.meaning(channel);
        for (name, value) in [
            ("action", json!("cancel")),
            ("acao", json!("Cancelar")),
            ("acción", json!("anular")),
            ("dry_run", json!(false)),
            ("dryRun", json!("false")),
            ("simular", json!("não")),
            ("teste", json!(0)),
            ("lookup", json!(false)),
            ("mode", json!("voice")),
            ("confirm", json!(true)),
        ] {
            // The preset `text`, whose form an operator writes by hand, accepts only known members.
            if base.preset == "text" && matches!(name, "mode" | "confirm") {
                continue;
            }
            let meaning = base.with_member(name, &value).meaning(channel);
            assert_eq!(meaning, plain, "{}: {name}={value}", base.label());
        }
        for query in [
            "action=cancel",
            "dry_run=false",
            "dryRun=0",
            "acao=cancelar",
            "utm_source=x",
        ] {
            let meaning = base.with_query(query).meaning(channel);
            assert_eq!(meaning, plain, "{}: ?{query}", base.label());
        }
        let meaning = base.with_header("x-dry-run", "false").meaning(channel);
        assert_eq!(meaning, plain, "{}: a header that says no", base.label());
    });
}

#[test]
fn two_places_that_disagree_are_refused_with_both_names() {
    each(|base, channel| {
        for (query, name, value) in [
            ("dry_run=true", "dryRun", json!(false)),
            ("action=lookup", "acao", json!("cancelar")),
            ("simular=1", "dry_run", json!(false)),
        ] {
            let changed = base.with_query(query).with_member(name, &value);
            assert_eq!(
                changed.meaning(channel),
                Meaning::Refused(422, "contradiction"),
                "{}: ?{query} and {name}={value}",
                base.label()
            );
        }
    });
}

/// Whether an added member forbids a deletion.
fn holds_back(name: &str, value: &str) -> bool {
    let is_yes = ["true", "1", "sim", "yes"].contains(&value);
    (DRY_RUN.contains(&name) || LOOK.contains(&name)) && (is_yes || value.is_empty())
        || ACTION.contains(&name) && (WORDS.contains(&value) || value.is_empty())
}

#[test]
fn no_mixture_of_members_deletes_while_one_of_them_says_no() {
    let bases = super::bases::bases();
    let names: Vec<&str> = DRY_RUN
        .iter()
        .chain(&LOOK)
        .chain(&ACTION)
        .chain(&["reason", "customer_name", "anything", "locale", "phone"])
        .copied()
        .collect();
    let values: Vec<&str> = WORDS
        .iter()
        .chain(&[
            "true", "false", "1", "0", "sim", "yes", "", "cancel", "cancelar", "Ana", "burn",
        ])
        .copied()
        .collect();
    let member = (
        prop::sample::select(names),
        prop::sample::select(values),
        any::<bool>(),
    );
    let drawn = (0..bases.len(), prop::collection::vec(member, 0..4));
    let config = Config {
        cases: 4_000,
        failure_persistence: None,
        ..draws()
    };
    let ran = TestRunner::new(config).run(&drawn, |(index, members)| {
        let mut request = bases[index].clone();
        for (name, value, is_in_query) in &members {
            request = if *is_in_query {
                request.with_query(&in_query(name, value))
            } else {
                request.with_member(name, &json!(value))
            };
        }
        // Of a member that is repeated in the body, only the last value remains here.
        let last_in_body = |name: &str, value: &str| {
            let mut of_body = members.iter().filter(|(_, _, is_in_query)| !is_in_query);
            let last = of_body.rfind(|(other, ..)| *other == name);
            last.is_some_and(|(_, last, _)| *last == value)
        };
        let is_held_back = members.iter().any(|(name, value, is_in_query)| {
            holds_back(name, value)
                && (*is_in_query
                    || matches!(request.body, super::bases::Body::Form(_))
                    || last_in_body(name, value))
        });
        if is_held_back {
            let meaning = request.meaning(super::bases::channel_of(&request.preset));
            prop_assert!(
                meaning.is_harmless(),
                "{}: {:?} is {:?}",
                request.label(),
                members,
                meaning
            );
        }
        Ok(())
    });
    ran.unwrap();
}
