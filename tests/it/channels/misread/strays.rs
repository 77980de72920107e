//! Instructions under names and in places that no preset reads, and texts that only resemble
//! instructions.

use serde_json::{Value, json};

use super::bases::{Body, Meaning, each};

/// Members at the top of a body that forbid a deletion.
fn held_back() -> Vec<(&'static str, Value)> {
    vec![
        ("ozmap_dry_run", json!(true)),
        ("enableDryRun", json!(true)),
        ("dry_run_enabled", json!("sim")),
        ("is_test_run", json!(true)),
        ("é_teste", json!("1")),
        ("só simular", json!("sim")),
        ("validate_only", json!(true)),
        ("sandbox", json!(true)),
        ("op", json!("lookup")),
        ("type", json!("lookup")),
        ("tipo", json!("consulta")),
        ("método", json!("consultar")),
        ("execution_mode", json!("dry-run")),
        ("modo_de_operacao", json!("teste")),
        ("intent", json!("lookup_reservation")),
        ("acção", json!("consultar")),
        ("anything", json!("dry_run")),
        ("params", json!("{\"dry_run\":true}")),
        ("cancelar", json!(false)),
        ("delete", json!("não")),
        ("cancel_confirmed", json!(false)),
        ("confirmed_by_customer", json!("no")),
        ("no_delete", json!(true)),
        ("nao_cancelar", json!("sim")),
    ]
}

/// The same, for a body that may have nested members.
fn held_back_deeper() -> Vec<(&'static str, Value)> {
    vec![
        ("options", json!({"dry_run": "maybe"})),
        ("options", json!({"dry_run": null})),
        ("options", json!({"dryRun": ""})),
        ("options", json!({"dry_run": [true]})),
        ("flags", json!(["x", "dry_run"])),
        ("variables", json!([{"name": "dry_run", "value": true}])),
        ("variables", json!([{"key": "acao", "value": "consultar"}])),
        ("custom", json!({"a": [{"b": {"acao": "consultar"}}]})),
    ]
}

#[test]
fn a_word_under_another_name_deletes_nothing() {
    each(|base, channel| {
        let is_json = matches!(base.body, Body::Json(_));
        let deeper = held_back_deeper().into_iter().filter(|_| is_json);
        for (name, value) in held_back().into_iter().chain(deeper) {
            let meaning = base.with_member(name, &value).meaning(channel);
            let label = base.label();
            assert!(
                meaning.is_harmless(),
                "{label}: {name}={value} is {meaning:?}"
            );
        }
        for query in [
            "ozmap_dry_run=true",
            "options%5Bdry_run%5D=true",
            "a=1;dry_run=true",
            "dry_run%3Dtrue",
            "amp;action=lookup",
            "flag=dry_run",
            "op=lookup",
            "data=%7B%22dry_run%22%3Atrue%7D",
        ] {
            let meaning = base.with_query(query).meaning(channel);
            let label = base.label();
            assert!(meaning.is_harmless(), "{label}: ?{query} is {meaning:?}");
        }
        for (name, value) in [
            ("x-ozmap-dry-run", "true"),
            ("x-dry-run", ""),
            ("x-dry-run", "maybe"),
            ("x-cancel-dry-run", "1"),
            ("ozmap-action", "lookup"),
            ("x-validate-only", "true"),
            ("prefer", "dry-run"),
        ] {
            let meaning = base.with_header(name, value).meaning(channel);
            let label = base.label();
            assert!(
                meaning.is_harmless(),
                "{label}: {name}: {value} is {meaning:?}"
            );
        }
    });
}

/// Members that platforms add and texts that customers write; the hand-written form accepts none of
/// them.
#[test]
fn what_only_resembles_an_instruction_changes_nothing() {
    each(|base, channel| {
        if !matches!(base.body, Body::Json(_)) {
            return;
        }
        let plain = base.meaning(channel);
        for (name, value) in [
            ("preview_url", json!(true)),
            ("planos_mensais", json!(true)),
            ("valor_simulado", json!(99.9)),
            ("Teste de velocidade", json!("350 Mbps")),
            ("confirmation_required", json!(false)),
            ("last_input_text", json!("consultar")),
            ("customer_name", json!("Teste")),
            ("reason", json!("consultar")),
            ("last_message", json!("quero consultar")),
            (
                "conversation_meta",
                json!({"status": "open", "type": "private"}),
            ),
            (
                "history",
                json!([{"event": "slot", "name": "dry_run", "value": true},
                       {"intent": {"name": "consultar"}}, {"intent": "consultar"}]),
            ),
            (
                "domain",
                json!({"slots": {"dry_run": {"type": "bool"}}, "entities": ["dry_run"],
                       "responses": {"utter_simulacao": [{"text": "teste"}]}}),
            ),
        ] {
            // Rasa's own domain is equally large.
            let meaning = base.with_member(name, &value).meaning(channel);
            assert_eq!(meaning, plain, "{}: {name}={value}", base.label());
        }
        for (name, value) in [("cookie", "a=1; test=1"), ("user-agent", "test")] {
            let meaning = base.with_header(name, value).meaning(channel);
            assert_eq!(meaning, plain, "{}: {name}: {value}", base.label());
        }
    });
}

/// Dialogflow ES repeats a bot's parameters in its contexts: a dry run remains one.
#[test]
fn a_rehearsal_that_is_repeated_elsewhere_stays_one() {
    each(|base, channel| {
        if !matches!(base.body, Body::Json(_)) {
            return;
        }
        let rehearsal = base.with_query("dry_run=true");
        let repeated = rehearsal.with_member("contexts", &json!([{"dry_run": "true"}]));
        let expected = [Meaning::DryRun, Meaning::Conversation];
        let meaning = repeated.meaning(channel);
        assert!(expected.contains(&meaning), "{}: {meaning:?}", base.label());
    });
}

/// Rasa sends every slot of a bot along: a slot without a value, or with words, is not an
/// instruction; a slot with a yes is one.
#[test]
fn a_bots_own_slot_is_no_instruction() {
    let mut tried = 0;
    each(|base, channel| {
        let Body::Json(body) = &base.body else {
            return;
        };
        let Some(slots) = body.pointer("/tracker/slots") else {
            return;
        };
        tried += 1;
        let plain = base.meaning(channel);
        let with_slot = |name: &str, value: Value| {
            let mut slots = slots.clone();
            slots[name] = value;
            let mut changed = base.clone();
            if let Body::Json(body) = &mut changed.body {
                body["tracker"]["slots"] = slots;
            }
            changed.meaning(channel)
        };
        for name in ["consulta", "test", "preview", "prueba", "simulacao_plano"] {
            assert_eq!(with_slot(name, Value::Null), plain, "{name}");
        }
        assert_eq!(with_slot("consulta", json!("quero cancelar")), plain);
        for (name, value) in [
            ("consulta", json!(true)),
            ("test", json!("sim")),
            ("dry_run", Value::Null),
            ("dry_run", json!("")),
            ("action", Value::Null),
        ] {
            assert!(with_slot(name, value).is_harmless(), "{name}");
        }
    });
    assert!(tried > 0);
}
