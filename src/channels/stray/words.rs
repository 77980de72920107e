//! Names and values that mean a rehearsal, a look or a "no", in three languages, as far as a name
//! may resemble another.
//!
//! What is free text, or a part of a platform's own vocabulary, must not be taken for one of them.

use serde_json::Value;

use crate::channels::instruction::{Word, flag};
use crate::channels::member::{Member, fold};

/// Members that often say in which way something is done; any word for a rehearsal or a look counts
/// there.
const WAYS: [&str; 16] = [
    "mode",
    "modo",
    "intent",
    "intencao",
    "intencion",
    "command",
    "comando",
    "task",
    "tarefa",
    "tarea",
    "operationtype",
    "actiontype",
    "tipodeoperacao",
    "modooperacao",
    "modooperacion",
    "environment",
];

/// Words in the name of a member that says what is done; there, only words count that mean nothing
/// else.
const KINDS: [&str; 26] = [
    "mode",
    "modo",
    "intent",
    "command",
    "comando",
    "task",
    "tarefa",
    "tarea",
    "type",
    "tipo",
    "op",
    "method",
    "metodo",
    "verb",
    "verbo",
    "kind",
    "run",
    "do",
    "flag",
    "flags",
    "option",
    "options",
    "opcao",
    "opcoes",
    "purpose",
    "operation",
];

/// Members that say whether it is meant at all; a "no" there must not delete.
const CONSENTS: [&str; 14] = [
    "confirm",
    "confirmed",
    "confirmar",
    "confirmado",
    "confirma",
    "confirmacao",
    "confirmacion",
    "confirmation",
    "execute",
    "executar",
    "ejecutar",
    "commit",
    "apply",
    "aplicar",
];

/// Words for what this service does: `cancel: false` and `no_delete: true` must not delete.
const DEEDS: [&str; 16] = [
    "cancel",
    "cancelar",
    "cancela",
    "cancelamento",
    "cancelacion",
    "cancellation",
    "delete",
    "deletar",
    "deletion",
    "apagar",
    "excluir",
    "exclusao",
    "eliminar",
    "borrar",
    "remove",
    "remover",
];

/// Words that turn a deed into its opposite.
const NOTS: [&str; 9] = [
    "no", "not", "nao", "dont", "without", "sem", "sin", "skip", "nunca",
];

/// Words of a name that change nothing of what it means, such as those of `X-Ozmap-Action` and
/// `is_test_run`; `amp` is left of a `&` that was written as `&amp;`.
const FILLERS: [&str; 36] = [
    "x",
    "amp",
    "ozmap",
    "is",
    "eh",
    "e",
    "es",
    "so",
    "apenas",
    "somente",
    "solo",
    "only",
    "just",
    "enable",
    "enabled",
    "mode",
    "modo",
    "run",
    "flag",
    "the",
    "for",
    "by",
    "customer",
    "cliente",
    "user",
    "usuario",
    "reserva",
    "reservation",
    "de",
    "do",
    "da",
    "del",
    "la",
    "el",
    "request",
    "requested",
];

/// Words that ask for a dry run or a look-up and mean nothing else, as the value of any member.
const PLAIN: [&str; 20] = [
    "dryrun",
    "dryrunonly",
    "dryrunmode",
    "lookup",
    "lookuponly",
    "onlylookup",
    "simulate",
    "simulation",
    "simular",
    "simulacao",
    "simulacion",
    "consultar",
    "soconsultar",
    "apenasconsultar",
    "somenteconsultar",
    "soloconsultar",
    "readonly",
    "whatif",
    "validateonly",
    "rehearsal",
];

/// Words in the name of a member that holds what a customer said.
pub(super) const SAID: [&str; 17] = [
    "tag",
    "tags",
    "labels",
    "text",
    "texto",
    "message",
    "mensagem",
    "mensaje",
    "input",
    "content",
    "body",
    "said",
    "answer",
    "resposta",
    "respuesta",
    "name",
    "nome",
];

/// The most words of a value that names a kind; a longer one is a sentence.
const KIND_WORDS_MAX: usize = 4;

/// Whether a member instructs to hold back, by its name and its value.
pub(super) fn instructs(name: &str, value: &Value) -> bool {
    let folded = fold(name);
    if folded.contains("dryrun") {
        return match value {
            Value::Object(_) => false,
            Value::Array(values) => values.iter().any(|value| instructs(name, value)),
            Value::Null => true,
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                flag(&text_of(value)) != Some(false)
            }
        };
    }
    let words = words_of(name);
    any_text(value, |text| holds_back(&folded, &words, text))
}

fn holds_back(folded: &str, words: &[String], text: &str) -> bool {
    let rest: String = words
        .iter()
        .filter(|word| !FILLERS.contains(&word.as_str()))
        .map(String::as_str)
        .collect();
    let is_hold = || matches!(Word::of(text), Some(Word::Lookup | Word::DryRun));
    match Member::instruction(folded).or_else(|| Member::instruction(&rest)) {
        Some(Member::Action) => is_hold() || names_a_look(text),
        Some(_) => flag(text) == Some(true) || Word::of(text).is_some(),
        None => false,
    }
}

/// Whether a member suggests to hold back, in a way that only counts in what is said now: lists
/// often are a history, or what else might have been meant.
pub(super) fn suggests(name: &str, value: &Value) -> bool {
    let folded = fold(name);
    let words = words_of(name);
    let has = |among: &[&str]| words.iter().any(|word| among.contains(&word.as_str()));
    let without_deeds: String = words
        .iter()
        .map(String::as_str)
        .filter(|word| !FILLERS.contains(word) && !DEEDS.contains(word))
        .collect();
    let is_consent =
        CONSENTS.contains(&without_deeds.as_str()) || without_deeds.is_empty() && has(&DEEDS);
    let is_hold = |text: &str| matches!(Word::of(text), Some(Word::Lookup | Word::DryRun));
    any_text(value, |text| {
        WAYS.contains(&folded.as_str()) && is_hold(text)
            || has(&KINDS) && (names_a_look(text) || Word::of(text) == Some(Word::DryRun))
            || (is_simulation(&folded) || has(&["sandbox"])) && flag(text) == Some(true)
            || is_consent && flag(text) == Some(false)
            || has(&NOTS) && has(&DEEDS) && flag(text) == Some(true)
    })
}

fn is_simulation(folded: &str) -> bool {
    folded.contains("simula") || folded.contains("validateonly")
}

/// Whether a value says it in so many words, whatever its member is called.
pub(super) fn asks_plainly(value: &Value) -> bool {
    any_text(value, |text| {
        flag(text) == Some(true) || matches!(Word::of(text), Some(Word::Lookup | Word::DryRun))
    })
}

pub(super) fn is_plain(text: &str) -> bool {
    PLAIN.contains(&fold(text).as_str())
}

/// Whether one of the few words of a value asks for a rehearsal or a look: `lookup_reservation`.
fn names_a_look(text: &str) -> bool {
    let words = words_of(text);
    words.len() <= KIND_WORDS_MAX
        && (is_plain(text)
            || words
                .iter()
                .any(|word| word == "consulta" || PLAIN.contains(&word.as_str())))
}

/// Whether any text of a value, or of a list of values, is so.
pub(super) fn any_text(value: &Value, is: impl Fn(&str) -> bool + Copy) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| any_text(value, is)),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => is(&text_of(value)),
        Value::Null | Value::Object(_) => false,
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// The words of a name: `isTest_run` has three.
pub(super) fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() && fold(&c.to_string()).is_empty() && !is_joined(c)
            || c.is_uppercase() && was_lower
        {
            words.push(String::new());
        }
        was_lower = c.is_lowercase();
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    words
        .iter()
        .map(|word| fold(word))
        .filter(|word| !word.is_empty())
        .collect()
}

/// Whether a sign belongs to the letter before it, as an accent does.
fn is_joined(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_that_resemble_an_instruction_are_one() {
        for (name, value) in [
            ("ozmap_dry_run", json!(true)),
            ("enableDryRun", json!("sim")),
            ("dryRunEnabled", json!(1)),
            ("options[dry_run]", json!("maybe")),
            ("dry_run", json!(null)),
            ("x-dry-run", json!("")),
            ("só simular", json!("sim")),
            ("is_test_run", json!(true)),
            ("é_teste", json!("1")),
            ("amp;action", json!("lookup")),
            ("Ozmap-Action", json!("consultar")),
            ("execution_mode", json!("dry-run")),
            ("modo_de_operacao", json!("teste")),
            ("op", json!("lookup")),
            ("flags", json!(["x", "dry_run"])),
            ("intent", json!("lookup_reservation")),
            ("cancelar", json!(false)),
            ("cancel_confirmed", json!("no")),
            ("confirmed_by_customer", json!("não")),
            ("no_delete", json!(true)),
            ("naoCancelar", json!("sim")),
        ] {
            let is_one = instructs(name, &value) || suggests(name, &value);
            assert!(is_one, "{name}={value}");
        }
    }

    #[test]
    fn names_of_platforms_are_no_instruction() {
        for (name, value) in [
            ("preview_url", json!(true)),
            ("dry_run", json!(false)),
            ("dryRun", json!({"type": "bool"})),
            ("x-dry-run", json!("false")),
            ("planos_mensais", json!(true)),
            ("simulacao_plano", json!(null)),
            ("valor_simulado", json!(99.9)),
            ("simultaneous_calls", json!(1)),
            ("type", json!("query")),
            ("message_type", json!("incoming")),
            ("status", json!("open")),
            ("method", json!("GET")),
            ("command", json!("search and reply")),
            ("confirmation_required", json!(false)),
            ("email_confirmed", json!(false)),
            ("cancel", json!(true)),
            ("no_reply", json!(true)),
            ("Caller-Screen-Bit", json!("true")),
            ("latest_action_name", json!("action_listen")),
            ("mode", json!("voice")),
            ("tests_passed", json!("12")),
        ] {
            let is_one = instructs(name, &value) || suggests(name, &value);
            assert!(!is_one, "{name}={value}");
        }
    }
}
