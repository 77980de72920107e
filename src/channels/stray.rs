//! Instructions that stand where they are not read, or under a name that only resembles one.
//!
//! A request with any word for a rehearsal, a look or a "no" must never delete. A word that means something else on a
//! platform must not be taken for one: what a customer wrote, and what only lies in a history, is no instruction.

use serde_json::Value;

use super::Misunderstood;
use super::body::wrong;
use super::instruction::{Word, flag};
use super::member::{Member, fold};
use super::places::FieldsSpec;
use super::spot::{Place, Spot};

/// Members that often say in which way something is done; any word for a rehearsal or a look counts there.
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

/// Words in the name of a member that says what is done; there, only words count that mean nothing else.
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

/// Words of a name that change nothing of what it means, such as those of `X-Ozmap-Action` and `is_test_run`; `amp` is left
/// of a `&` that was written as `&amp;`.
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

/// Words that ask for a rehearsal or a look and mean nothing else, wherever they stand as a value.
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
const SAID: [&str; 14] = [
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

/// Looks for instructions where none is read.
pub(super) struct Strays<'s> {
    /// The places that were read, which are none.
    pub(super) read: &'s [Spot<'s>],
    /// The places that a preset reads.
    pub(super) fields: &'s FieldsSpec,
}

impl Strays<'_> {
    /// Looks through a body, however deep.
    pub(super) fn none_in(&self, value: &Value, pointer: &mut String) -> Result<(), Misunderstood> {
        match value {
            Value::Object(members) => {
                self.is_none_as_pair(value, pointer)?;
                for (name, value) in members {
                    let length = pointer.len();
                    pointer.push('/');
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                    let place = Place::Body(pointer.clone());
                    self.is_none(name, value, &place)?;
                    self.none_in(value, pointer)?;
                    pointer.truncate(length);
                }
                Ok(())
            }
            Value::Array(values) => values.iter().try_for_each(|value| {
                let length = pointer.len();
                pointer.push_str("/-");
                let found = self.none_in(value, pointer);
                pointer.truncate(length);
                found
            }),
            Value::String(text) => self.none_in_text(text, pointer),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    /// An object that was written as a text.
    fn none_in_text(&self, text: &str, pointer: &mut String) -> Result<(), Misunderstood> {
        if !text.trim_start().starts_with(['{', '[']) {
            return Ok(());
        }
        match serde_json::from_str::<Value>(text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => self.none_in(&inner, pointer),
            Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | Err(_) => {
                Ok(())
            }
        }
    }

    /// A member that is written as two: `{"name":"dry_run","value":true}`. What happened before is no instruction.
    fn is_none_as_pair(&self, value: &Value, pointer: &str) -> Result<(), Misunderstood> {
        let text = |names: &[&str]| names.iter().find_map(|name| value.get(*name));
        let name = text(&[
            "name", "key", "nome", "chave", "nombre", "clave", "variable",
        ]);
        let named = text(&["value", "valor"]);
        let (Some(Value::String(name)), Some(named), None) = (name, named, value.get("event"))
        else {
            return Ok(());
        };
        match asks_plainly(named) && instructs(name, named) {
            true => Err(misplaced(&Place::Body(pointer.to_owned()))),
            false => Ok(()),
        }
    }

    /// Refuses one member, if it instructs something and was not read.
    pub(super) fn is_none(
        &self,
        name: &str,
        value: &Value,
        place: &Place,
    ) -> Result<(), Misunderstood> {
        if self.read.iter().any(|spot| spot.place == *place) {
            return Ok(());
        }
        match instructs(name, value)
            || !is_in_a_list(place) && suggests(name, value)
            || self.says_so(name, value, place)
        {
            true => Err(misplaced(place)),
            false => Ok(()),
        }
    }

    /// A member of the query, also one whose separator was not one: `a=1;dry_run=true`, `action%3Dlookup`.
    pub(super) fn is_none_of_query(
        &self,
        name: &str,
        value: &Value,
        place: &Place,
    ) -> Result<(), Misunderstood> {
        self.is_none(name, value, place)?;
        let text = value.as_str().unwrap_or_default();
        self.none_in_text(text, &mut String::new())?;
        let pieces = text.split(';').skip(1).chain([name]);
        for (name, value) in pieces.filter_map(|piece| piece.split_once('=')) {
            self.is_none(name, &Value::String(value.to_owned()), place)?;
        }
        Ok(())
    }

    /// Whether a value at the top asks for a rehearsal or a look under a name that says nothing; a customer's own words
    /// and what is known are no such value.
    fn says_so(&self, name: &str, value: &Value, place: &Place) -> bool {
        let is_free = match place {
            Place::Body(pointer) => pointer.rfind('/') == Some(0),
            Place::Query(_) => true,
            Place::Header(name) => name == "prefer",
        };
        let is_said = words_of(name)
            .iter()
            .any(|word| SAID.contains(&word.as_str()));
        is_free
            && !is_said
            && !self.fields.reads(place)
            && Member::of(name).is_none()
            && any_text(value, |text| is_plain(text))
    }
}

/// Whether a member instructs to hold back, by its name and its value.
fn instructs(name: &str, value: &Value) -> bool {
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

/// Whether a member suggests to hold back, in a way that only counts in what is said now: lists often are a history, or what
/// else might have been meant.
fn suggests(name: &str, value: &Value) -> bool {
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

fn is_in_a_list(place: &Place) -> bool {
    match place {
        Place::Body(pointer) => pointer.contains("/-/"),
        Place::Query(_) | Place::Header(_) => false,
    }
}

fn is_simulation(folded: &str) -> bool {
    folded.contains("simula") || folded.contains("validateonly")
}

/// Whether a value says it in so many words, whatever its member is called.
fn asks_plainly(value: &Value) -> bool {
    any_text(value, |text| {
        flag(text) == Some(true) || matches!(Word::of(text), Some(Word::Lookup | Word::DryRun))
    })
}

fn is_plain(text: &str) -> bool {
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
fn any_text(value: &Value, is: impl Fn(&str) -> bool + Copy) -> bool {
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
fn words_of(name: &str) -> Vec<String> {
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

/// An instruction in a place or a spelling that is not read.
fn misplaced(place: &Place) -> Misunderstood {
    wrong(
        422,
        "misplaced_instruction",
        format!(
            "{place} seems to ask for a dry run, a look-up or nothing at all, and is not read there; write \
             `dry_run` with the value true, or `action` with the value lookup, beside the code or in the address"
        ),
    )
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
