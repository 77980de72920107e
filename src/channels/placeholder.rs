//! Values that a platform did not fill in: the name of a variable where its value should be.
//!
//! Free text has a question of its own: a customer may write anything.

use unicode_normalization::char::is_combining_mark;

use super::member::fold;
use crate::domain::{CodeError, ReservationCode};

/// The signs around a variable that was not filled in, also within a longer text. Typebot, Blip,
/// n8n, Node-RED, Botpress, ManyChat, SendPulse: `{{x}}`; Asterisk, FreeSWITCH, Genesys, jambonz:
/// `${x}`; Genesys: `$!{x}`; other builders: `#{x}`, `$(x)`, `[[x]]`, `<%x%>`, `{%x%}`, `%{x}`;
/// Power Automate: `@{x}`; RapidPro: `@(x)`; JavaScript: `[object Object]`.
const WITHIN: [(&str, &str); 12] = [
    ("{{", "}}"),
    ("@{", "}"),
    ("@(", ")"),
    ("${", "}"),
    ("$!{", "}"),
    ("#{", "}"),
    ("$(", ")"),
    ("[[", "]]"),
    ("<%", "%>"),
    ("{%", "%}"),
    ("%{", "}"),
    ("[object ", "]"),
];

/// The same where a variable's name is the whole value; within a text these signs may mean
/// something. Rasa, Lex: `{x}`; menus: `%x%`; forms: `<x>`, `[x]`.
const WHOLE: [(&str, &str); 4] = [("{", "}"), ("%", "%"), ("<", ">"), ("[", "]")];

/// The sign before a variable's name that is the whole value: Genesys, Dialogflow CX
/// (`$session.params.x`), Connect (`$.Attributes.x`), and builders that write `@x`.
const BEFORE: [&str; 4] = ["$!", "$.", "$", "@"];

/// What programs write for a missing value. Each counts only as a whole word: `5548-undefined`
/// does, `nullarbor` does not.
const NOTHING: [&str; 5] = ["undefined", "null", "none", "nan", "nil"];

/// What JavaScript writes for nothing and people never do, in exactly this spelling, also as a part
/// of a value.
const NOTHING_IN_PART: [&str; 2] = ["undefined", "NaN"];

/// Whether a value was not filled in by the platform, also when its signs are encoded or
/// typographic. An empty one was not either, nor are two empty variables with a bar between them.
pub(super) fn is_unfilled(value: &str) -> bool {
    let is_plainly_unfilled = match ReservationCode::parse(value) {
        Ok(plain) => is_unfilled_as_it_is(plain.as_str()),
        Err(error) => error == CodeError::Empty,
    };
    is_plainly_unfilled || is_unfilled_as_it_is(value)
}

fn is_unfilled_as_it_is(value: &str) -> bool {
    let value = value.trim();
    let is_empty = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '|');
    if value.chars().all(is_empty) || is_variable(value) {
        return true;
    }
    let words = || {
        value
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
    };
    let is_nothing = |word: &str| NOTHING.contains(&word.to_lowercase().as_str());
    words().all(is_nothing) && words().next().is_some()
        || words().any(|word| NOTHING_IN_PART.contains(&word))
}

fn is_variable(value: &str) -> bool {
    let is_within = |(open, close): &(&str, &str)| {
        let after = value.find(open).and_then(|at| value.get(at + open.len()..));
        after.is_some_and(|after| after.contains(close))
    };
    let is_whole = |(open, close): &(&str, &str)| {
        let inner = value.strip_prefix(open);
        let inner = inner.and_then(|inner| inner.strip_suffix(close));
        // One sign may have been lost: `{{code}`.
        let inner = inner.map(|inner| inner.trim_start_matches(open).trim_end_matches(close));
        inner.is_some_and(|inner| inner.is_empty() || is_name(inner.trim_start()))
    };
    // An expression that was not evaluated, as n8n writes one.
    let expression = value.strip_prefix('=').map(str::trim_start);
    WITHIN.iter().any(is_within)
        || WHOLE.iter().any(is_whole)
        || BEFORE
            .iter()
            .any(|sign| value.strip_prefix(sign).is_some_and(is_name))
        || expression.is_some_and(|rest| rest.starts_with('$'))
        // A context of Dialogflow ES.
        || value
            .strip_prefix('#')
            .is_some_and(|rest| is_name(rest) && rest.contains('.'))
}

/// Whether a text may be the name of a variable, or a path to one.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '$' | '.'))
        && text.chars().all(|c| {
            c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ' ' | '$' | '[' | ']' | '\'' | '"')
        })
}

/// Whether a value in place of a code was not filled in. A flag is what a program makes of nothing.
pub(super) fn is_no_code(value: &str) -> bool {
    is_unfilled(value) || is_a_flag(value)
}

fn is_a_flag(value: &str) -> bool {
    matches!(fold(value).as_str(), "true" | "false")
}

/// Whether a value that tells requests or customers apart was not filled in, in whole or in part:
/// signs alone, such as the `-` between two empty variables, tell nothing apart either.
pub(super) fn tells_nothing_apart(value: &str) -> bool {
    let mut parts = value.split(|c: char| !c.is_alphanumeric());
    is_no_code(value)
        || !value.chars().any(char::is_alphanumeric)
        || parts.any(|part| part == "null")
        || value.eq_ignore_ascii_case("n/a")
}

/// Whether a free text is a variable that the platform did not fill in, as a whole: a customer may
/// write anything else.
pub(super) fn is_unfilled_text(text: &str) -> bool {
    let text = text.trim();
    let is_variable = ["{{", "${", "#{", "[object "]
        .iter()
        .any(|open| text.starts_with(open))
        && text.ends_with(['}', ']'])
        && is_unfilled(text);
    is_variable || fold(text) == "undefined"
}

/// Whether a free text without a code has a variable in the code's place, as in `cancelar
/// {{code}}`.
pub(super) fn has_a_variable(text: &str) -> bool {
    let holds = |(open, close): &(&str, &str)| {
        let after = text.find(open).and_then(|at| text.get(at + open.len()..));
        after.is_some_and(|after| after.contains(close))
    };
    [("{{", "}}"), ("${", "}"), ("#{", "}"), ("[object ", "]")]
        .iter()
        .any(holds)
}

/// What a telephone network says in place of a number that is withheld, in lower case and without
/// accents.
const WITHHELD: [&str; 24] = [
    "anonymous",
    "anonimo",
    "anonima",
    "unknown",
    "desconhecido",
    "desconocido",
    "restricted",
    "restrito",
    "restringido",
    "unavailable",
    "indisponivel",
    "private",
    "privado",
    "withheld",
    "hidden",
    "oculto",
    "blocked",
    "bloqueado",
    // What Asterisk says where the network said nothing.
    "asterisk",
    // The keys of ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and UNAVAILABLE, which Twilio writes as
    // numbers.
    "266696687",
    "7378742833",
    "2562533",
    "8656696",
    "86282452253",
];

/// Words around it that say nothing more: `sip:anonymous@…`, `No Caller ID`, `Número privado`.
const AROUND_WITHHELD: [&str; 14] = [
    "sip", "sips", "tel", "whatsapp", "no", "nao", "sem", "sin", "caller", "id", "number",
    "numero", "nenhum", "de",
];

/// Whether a caller's number is withheld, so that it is the same for many customers.
pub(super) fn is_withheld(phone: &str) -> bool {
    let name = phone.split('@').next().unwrap_or_default();
    let words = name.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c));
    words
        .map(fold)
        .filter(|word| !word.is_empty() && !AROUND_WITHHELD.contains(&word.as_str()))
        .all(|word| WITHHELD.contains(&word.as_str()) || word.chars().all(|c| c == '0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platforms_variable_is_seen() {
        for value in [
            "{{codigo}}",
            "{{ $json.code }}",
            "={{ $json.code }}",
            "{{{payload}}}",
            "{{contact.identity}}",
            "{{cuf_123}}",
            "{{}}",
            "{code}",
            "{ code }",
            "%code%",
            "%CODE%",
            "${code}",
            "${input.code}",
            "$!{input.code}",
            "$!input.code",
            "$input.code",
            "$.External.code",
            "$.Attributes.code",
            "$session.params.code",
            "$code",
            "#{code}",
            "#context.code",
            "<code>",
            "<code>",
            "[code]",
            "[[code]]",
            "@code",
            "@workflow.code",
            "undefined",
            "null",
            "NULL",
            "None",
            "none",
            "NaN",
            "nil",
            "[object Object]",
            "[object Undefined]",
            "",
            "  ",
            "{%code%}",
            "$(code)",
            "k-{{id}}",
            "undefined-undefined",
            "5548-undefined",
            "null|null",
            "123|undefined",
            "= $json.code",
            "{{code}",
            "{code}}",
            "@{code}",
            "@{variables('code')}",
            "@(results.code)",
            "{}",
            "[]",
            "\"\"",
            "|",
            "\u{200b}",
            "%7B%7Bcode%7D%7D",
            "&lt;code&gt;",
            "｛｛code｝｝",
        ] {
            assert!(is_unfilled(value), "{value:?}");
        }
        for value in [
            "123|123",
            "reservation_123",
            "francisca.quiñones",
            "abc/def",
            "a@b",
            "100%",
            "50%off%",
            "#12",
            "$100",
            "@",
            "nullarbor",
            "nonesuch.maria",
            "gone-null",
            "maria.none",
            "a{b}",
            "<1|1>",
            "[1]",
            "{1}",
            "NANCY",
            "ana.nan",
            "%C3%A3",
        ] {
            assert!(!is_unfilled(value), "{value:?}");
        }
        assert!(
            tells_nothing_apart("5548-null")
                && tells_nothing_apart("-")
                && tells_nothing_apart("|")
                && tells_nothing_apart(" - ")
                && tells_nothing_apart("N/A")
                && tells_nothing_apart("false")
                && is_no_code("False")
        );
        assert!(!tells_nothing_apart("c-1"));
    }

    #[test]
    fn a_variable_in_a_free_text_is_seen() {
        for text in [
            "cancelar {{code}}",
            "cancelar ${code}",
            "cancelar [object Object]",
        ] {
            assert!(has_a_variable(text), "{text}");
        }
        for text in ["cancelar 123|123", "cancelar {123|123}", "oi", ":} 100%"] {
            assert!(!has_a_variable(text), "{text}");
        }
    }

    #[test]
    fn a_withheld_number_is_seen() {
        for phone in [
            "anonymous",
            "Anonymous",
            "sip:anonymous@anonymous.invalid",
            "+266696687",
            "",
            "0",
            "Unknown",
            "+7378742833",
            "<sip:anonymous@anonymous.invalid>",
            "\"Anonymous\" <sip:anonymous@anonymous.invalid>",
            "tel:anonymous",
            "sip:restricted@10.0.0.1",
            "Número privado",
            "Unknown Caller",
            "No Caller ID",
            "ID Restrito",
            "número oculto",
        ] {
            assert!(is_withheld(phone), "{phone}");
        }
        for phone in [
            "+5548999990000",
            "101",
            "5548999990000@s.whatsapp.net",
            "sip:101@10.0.0.1",
            "private-5548",
            "c-1",
        ] {
            assert!(!is_withheld(phone), "{phone}");
        }
    }
}
