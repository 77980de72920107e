//! What a request instructs: cancel, dry run or look-up. Refuses instructions that are not
//! understood. Instructions in unexpected places are handled by `stray`.
//!
//! A request with any word for a dry run or a look-up must never delete.

use serde_json::Value;

use super::Misunderstood;
use super::member::{Member, fold};
use super::misunderstood::wrong;
use super::placeholder::is_unfilled;
use super::spot::{Place, Spot};
use crate::domain::{Action, Mode};

/// The values of `action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Cancel,
    Lookup,
    DryRun,
}

impl Word {
    /// Recognizes a word, in three languages.
    pub(super) fn of(text: &str) -> Option<Self> {
        match fold(text).as_str() {
            "cancel" | "cancelar" | "cancela" | "cancelamento" | "cancellation" | "cancelation"
            | "cancelacion" | "cancelacao" | "anular" | "anula" | "anulacion" => Some(Self::Cancel),
            "lookup" | "look" | "lookuponly" | "onlylookup" | "peek" | "find" | "search"
            | "get" | "check" | "status" | "view" | "info" | "query" | "read" | "consult"
            | "consulta" | "consultar" | "buscar" | "busca" | "ver" | "verificar"
            | "verificacao" | "localizar" | "pesquisar" | "pesquisa" | "inspect" | "readonly"
            | "soconsulta" | "soconsultar" | "apenasconsultar" | "somenteconsulta"
            | "somenteconsultar" | "soloconsulta" | "soloconsultar" => Some(Self::Lookup),
            "dryrun" | "dry" | "simulate" | "simulation" | "simular" | "simulacao"
            | "simulacion" | "test" | "testing" | "teste" | "testar" | "prueba" | "probar"
            | "ensaio" | "ensaiar" | "ensayo" | "ensayar" | "rehearsal" | "rehearse"
            | "preview" | "whatif" | "noop" | "modoteste" | "testmode" => Some(Self::DryRun),
            _ => None,
        }
    }
}

/// Reads a flag, in the usual words of three languages.
pub(super) fn flag(text: &str) -> Option<bool> {
    match fold(text).as_str() {
        "true" | "1" | "yes" | "y" | "on" | "sim" | "s" | "si" | "verdadeiro" | "verdadero" => {
            Some(true)
        }
        "false" | "0" | "no" | "n" | "off" | "nao" | "falso" => Some(false),
        _ => None,
    }
}

/// Names of instructions that a bot also uses for parameters of its own.
const BOTS_OWN: [&str; 11] = [
    "consulta", "look", "preview", "previa", "test", "tests", "teste", "prueba", "pruebas",
    "ensaio", "ensayo",
];

/// Whether a bot's parameter has the name of an instruction and means something else: Rasa sends
/// every slot along, also one that has no value yet.
pub(super) fn is_a_bots_own(name: &str, value: &Value) -> bool {
    BOTS_OWN.contains(&fold(name).as_str())
        && match value {
            Value::Null => true,
            Value::String(text) => {
                flag(text).is_none() && Word::of(text).is_none() && !is_unfilled(text)
            }
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
        }
}

/// The instruction of a request. Without one it is to cancel.
pub(super) fn instructed(spots: &[Spot<'_>]) -> Result<(Action, Mode), Misunderstood> {
    let mut kind = Agreed::default();
    let mut rehearsal = Agreed::default();
    for spot in spots {
        match spot.member {
            Member::Action => kind.add(spot, word(spot)?)?,
            Member::Lookup if truth(spot)? => kind.add(spot, Word::Lookup)?,
            Member::DryRun => rehearsal.add(spot, truth(spot)?)?,
            Member::Lookup
            | Member::Code
            | Member::MessageId
            | Member::Conversation(_)
            | Member::Phone
            | Member::Locale
            | Member::CustomerName
            | Member::Reason => {}
        }
    }
    if let (Some((said, Word::DryRun)), Some((flag, false))) = (&kind.found, &rehearsal.found) {
        return Err(contradiction(said, flag));
    }
    let is_rehearsal = rehearsal.value() == Some(true);
    Ok(match kind.value() {
        Some(Word::Lookup) => (Action::Lookup, Mode::Real),
        Some(Word::DryRun) => (Action::Cancel, Mode::DryRun),
        Some(Word::Cancel) | None if is_rehearsal => (Action::Cancel, Mode::DryRun),
        Some(Word::Cancel) | None => (Action::Cancel, Mode::Real),
    })
}

/// The value on which all places with a value agree.
struct Agreed<T> {
    found: Option<(Place, T)>,
}

impl<T> Default for Agreed<T> {
    fn default() -> Self {
        Self { found: None }
    }
}

impl<T: Copy + PartialEq> Agreed<T> {
    fn add(&mut self, spot: &Spot<'_>, value: T) -> Result<(), Misunderstood> {
        match &self.found {
            Some((place, other)) if *other != value => Err(contradiction(place, &spot.place)),
            Some(_) => Ok(()),
            None => {
                self.found = Some((spot.place.clone(), value));
                Ok(())
            }
        }
    }

    fn value(&self) -> Option<T> {
        self.found.as_ref().map(|(_, value)| *value)
    }
}

/// Two places that say different things.
pub(super) fn contradiction(one: &Place, other: &Place) -> Misunderstood {
    wrong(
        422,
        "contradiction",
        format!("{one} and {other} say different things; send one of them"),
    )
}

/// A deciding member that the platform did not fill in.
pub(super) fn not_filled_in(member: Member, place: &Place) -> Misunderstood {
    let left_out = match member {
        Member::Code => "",
        Member::Action
        | Member::DryRun
        | Member::Lookup
        | Member::MessageId
        | Member::Conversation(_)
        | Member::Phone
        | Member::Locale
        | Member::CustomerName
        | Member::Reason => ", or leave it out",
    };
    Misunderstood {
        member: Some(member.name()),
        ..wrong(
            422,
            "not_filled_in",
            format!(
                "{place} has no value: it is empty, null, or a variable that your platform did not fill in; fill in `{}`{left_out}",
                member.name()
            ),
        )
    }
}

fn word(spot: &Spot<'_>) -> Result<Word, Misunderstood> {
    let text = text_of(spot)?;
    Word::of(&text).ok_or_else(|| {
        let detail = format!(
            "{} says neither `cancel` nor `lookup`; write `action` with one of them, or leave it out to cancel",
            spot.place
        );
        wrong(422, "unknown_action", detail)
    })
}

fn truth(spot: &Spot<'_>) -> Result<bool, Misunderstood> {
    let text = text_of(spot)?;
    flag(&text).ok_or_else(|| {
        let right = match spot.member {
            Member::Lookup => "`action` with the value `lookup`",
            Member::Code
            | Member::Action
            | Member::DryRun
            | Member::MessageId
            | Member::Conversation(_)
            | Member::Phone
            | Member::Locale
            | Member::CustomerName
            | Member::Reason => "`dry_run` with the value true or false",
        };
        let detail = format!(
            "{} is neither true nor false; write {right}, or leave it out",
            spot.place
        );
        wrong(422, "not_a_flag", detail)
    })
}

/// The value of an instruction as a text.
fn text_of(spot: &Spot<'_>) -> Result<String, Misunderstood> {
    let text = match spot.value {
        Value::Null => return Err(not_filled_in(spot.member, &spot.place)),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Array(values) => match spot.several(values)? {
            Some(text) => text,
            None => return Err(not_filled_in(spot.member, &spot.place)),
        },
        Value::Object(_) => return Err(spot.not_a_text()),
    };
    if is_unfilled(&text) {
        Err(not_filled_in(spot.member, &spot.place))
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_flags_are_read_in_three_languages() {
        for (text, word) in [
            ("cancel", Some(Word::Cancel)),
            (" Cancelar", Some(Word::Cancel)),
            ("CONSULTAR", Some(Word::Lookup)),
            ("look-up", Some(Word::Lookup)),
            ("Simulação", Some(Word::DryRun)),
            ("dry_run", Some(Word::DryRun)),
            ("delete", None),
            ("burn", None),
            ("", None),
        ] {
            assert_eq!(Word::of(text), word, "{text}");
        }
        for (text, said) in [
            ("TRUE", Some(true)),
            ("sim", Some(true)),
            ("Sí", Some(true)),
            ("1", Some(true)),
            ("não", Some(false)),
            ("0", Some(false)),
            ("2", None),
            ("talvez", None),
        ] {
            assert_eq!(flag(text), said, "{text}");
        }
    }
}
