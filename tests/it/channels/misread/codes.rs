//! Codes: unfilled variables, numbers, lists, forms without encoding, and decoration.

use axum::http::{HeaderMap, Method};
use ozmap_cancel::channels::{Inbound, RequestKind, Understood};
use ozmap_cancel::clock::Moment;
use ozmap_cancel::domain::ReservationCode;
use serde_json::{Value, json};

use super::bases::{Base, Meaning, bases, channel, channel_of, each};

/// The forms in which platforms send a variable that they did not fill in.
const PLACEHOLDERS: [&str; 34] = [
    "{{codigo}",
    "@{codigo}",
    "%7B%7Bcodigo%7D%7D",
    "&lt;codigo&gt;",
    "｛｛codigo｝｝",
    "\u{200b}",
    "false",
    "{{codigo}}",
    "{{ $json.code }}",
    "={{ $json.code }}",
    "{{contact.identity}}",
    "{{cuf_123}}",
    "{codigo}",
    "%codigo%",
    "${codigo}",
    "${input.code}",
    "$!{input.code}",
    "$session.params.reservation_code",
    "$.External.code",
    "$code",
    "#{codigo}",
    "#contexto.codigo",
    "<codigo>",
    "[[codigo]]",
    "@codigo",
    "undefined",
    "null",
    "NULL",
    "None",
    "NaN",
    "[object Object]",
    "",
    "  ",
    "undefined|undefined",
];

/// Whether the preset has the code in a member of its own; in the other presets a customer writes
/// it or keys it in.
fn has_member(base: &Base) -> bool {
    let other = base.with_text("123|123", "A-1");
    let is_written = matches!(
        base.preset.as_str(),
        "evolution" | "simplesdesk" | "twilio-messaging"
    );
    // The signed state of the call has the confirmed code.
    let body = String::from_utf8(base.body.bytes()).unwrap();
    let is_state = base.target.contains("ozc_") || body.contains("ozc_");
    !is_written
        && !is_state
        && other.meaning(channel_of(&base.preset)) == Meaning::Cancel("A-1".to_owned())
}

/// Whether an empty code is valid for the preset: on the phone, the caller has keyed nothing yet.
fn may_be_empty(base: &Base) -> bool {
    matches!(base.preset.as_str(), "freeswitch-httapi" | "voicexml")
}

#[test]
fn a_code_that_was_not_filled_in_is_never_a_code() {
    let mut tried = 0;
    each(|base, channel| {
        if !has_member(base) {
            return;
        }
        for placeholder in PLACEHOLDERS {
            let meaning = base.with_text("123|123", placeholder).meaning(channel);
            if placeholder.trim().is_empty() && may_be_empty(base) {
                assert!(meaning.is_harmless(), "{}", base.label());
                continue;
            }
            assert_eq!(
                meaning,
                Meaning::Refused(422, "not_filled_in"),
                "{}: {placeholder:?}",
                base.label()
            );
        }
        for value in [Value::Null, json!([])] {
            let changed = base.with_value("123|123", &value);
            if let Some(changed) = changed.filter(|_| !base.name.contains("list")) {
                let meaning = changed.meaning(channel);
                assert_eq!(
                    meaning,
                    Meaning::Refused(422, "not_filled_in"),
                    "{}",
                    base.label()
                );
            }
        }
        tried += 1;
    });
    assert!(
        tried >= 10,
        "only {tried} requests have a code of their own"
    );
}

#[test]
fn the_operators_pattern_makes_a_code_of_what_looks_like_a_placeholder() {
    let pattern = regex::Regex::new(r"^(?:<[a-z]+>|\{r\d\})$").unwrap();
    for base in bases().iter().filter(|base| has_member(base)) {
        let mut channel = channel(&base.preset);
        channel.code_pattern = Some(pattern.clone());
        let meaning = base.with_text("123|123", "<casa>").meaning(&channel);
        assert_eq!(
            meaning,
            Meaning::Cancel("<casa>".to_owned()),
            "{}",
            base.label()
        );
        let meaning = base.with_text("123|123", "{{casa}}").meaning(&channel);
        assert_eq!(
            meaning,
            Meaning::Refused(422, "not_filled_in"),
            "{}",
            base.label()
        );
    }
}

#[test]
fn a_number_is_no_code_and_two_codes_are_none() {
    let mut tried = 0;
    each(|base, channel| {
        if !has_member(base) {
            return;
        }
        for (value, id) in [
            (json!(555), "code_is_a_number"),
            (json!(42.0), "code_is_a_number"),
            (json!(true), "not_a_text"),
            (
                json!({"original": "123|123", "resolved": "123|123"}),
                "not_a_text",
            ),
            (json!(["123|123", "9|9"]), "contradiction"),
        ] {
            // A list of equal texts counts as one text, so this rule does not apply inside a list.
            let is_in_a_list = base.name.contains("list");
            let Some(changed) = base.with_value("123|123", &value).filter(|_| !is_in_a_list) else {
                continue;
            };
            let meaning = changed.meaning(channel);
            assert_eq!(
                meaning,
                Meaning::Refused(422, id),
                "{}: {value}",
                base.label()
            );
            tried += 1;
        }
        let twice = json!(["123|123", "123|123"]);
        let changed = base.with_value("123|123", &twice);
        if let Some(changed) = changed.filter(|_| !base.name.contains("list")) {
            let meaning = changed.meaning(channel);
            assert_eq!(
                meaning,
                Meaning::Cancel("123|123".to_owned()),
                "{}",
                base.label()
            );
        }
    });
    assert!(tried >= 30, "{tried}");
}

/// The code that a preset reads from a form.
fn form(preset: &str, target: &str, body: &str) -> Result<(String, Option<String>), &'static str> {
    let inbound = Inbound {
        method: &Method::POST,
        target,
        public_url: "https://hook.example.com",
        headers: &HeaderMap::new(),
        body: body.as_bytes(),
        at: Moment::now(),
    };
    match channel_of(preset).parse(&inbound) {
        Ok(Understood {
            kind: RequestKind::Ask(ask),
            ..
        }) => Ok((ask.typed_code, ask.with_plus)),
        Ok(_) => panic!("{body} is no request"),
        Err(wrong) => Err(wrong.id),
    }
}

/// Text right after a code may be the rest of the code, in the body and in the address.
#[test]
fn what_follows_a_code_in_a_form_must_be_known() {
    for preset in ["voicexml", "freeswitch-httapi", "text"] {
        for form_of in [
            "code=AB&12=3&call_id=1",
            "call_id=1&code=AB&C=",
            "code=AB&amp;12=&call_id=1",
            "codigo=AB&12&call_id=1",
        ] {
            let read = form(preset, "/webhooks/door", form_of);
            assert_eq!(read, Err("unencoded_form"), "{preset} {form_of}");
            if preset != "text" {
                let read = form(preset, &format!("/webhooks/door?{form_of}"), "");
                assert_eq!(read, Err("unencoded_form"), "{preset} ?{form_of}");
            }
        }
        let known = form(preset, "/webhooks/door", "code=AB%2612&lang=es&call_id=1");
        assert_eq!(known, Ok(("AB&12".to_owned(), None)), "{preset}");
    }
    let target = "/webhooks/door?call_id=1&code=A1&use=subdialog&page=7";
    assert_eq!(form("voicexml", target, ""), Ok(("A1".to_owned(), None)));
}

#[test]
fn a_form_that_was_not_encoded_is_refused_and_an_encoded_one_is_not() {
    let meaning = |body: &str| form("text", "/webhooks/door", body);
    for body in [
        "code=AB&12&call_id=1",
        "code=AB&call_id=1&12",
        "code=AB&C=12&call_id=1",
        "code=A%31&call_id=1",
        "code=100%&call_id=1",
        "code=A%zz",
        "call_id=1&code=A&B",
        "digits=1*2&3&call_id=1",
    ] {
        assert_eq!(meaning(body), Err("unencoded_form"), "{body}");
    }
    for (body, code) in [
        ("code=AB%2612&call_id=1", "AB&12"),
        ("code=123|123&call_id=1", "123|123"),
        ("code=123%7C123&call_id=1", "123|123"),
        ("code=Jo%C3%A3o%20Silva&call_id=1", "João Silva"),
        ("code=100%25", "100%"),
        ("digits=1+2+3*1+2+3&call_id=1", "1 2 3*1 2 3"),
        ("codigo=A1&telefone=5548&idioma=es&motivo=x", "A1"),
    ] {
        let read = meaning(body).map(|(code, _)| code);
        let keyed = read.map(|read| read.replace("123|123", code));
        assert!(keyed.is_ok(), "{body}: {keyed:?}");
    }
    // An unencoded plus and a blank look alike in a form: either may be in the code.
    assert_eq!(
        meaning("code=A+B"),
        Ok(("A B".to_owned(), Some("A+B".to_owned())))
    );
    assert_eq!(meaning("code=A%2BB"), Ok(("A+B".to_owned(), None)));
}

#[test]
fn decoration_leads_to_the_same_code_on_every_preset() {
    each(|base, channel| {
        if !has_member(base) {
            return;
        }
        for decorated in [
            "123|123\u{200b}",
            "\u{feff}123|123",
            "123 | 123",
            "“123|123”",
            "１２３｜１２３",
            "123¦123",
            "123|123.",
            "*123|123*",
            "123%7C123",
            "123&#124;123",
            " 123|123\u{a0}",
        ] {
            let Meaning::Cancel(code) = base.with_text("123|123", decorated).meaning(channel)
            else {
                panic!("{}: {decorated:?} is not understood", base.label());
            };
            let code = ReservationCode::parse(&code).unwrap();
            assert_eq!(code.as_str(), "123|123", "{}: {decorated:?}", base.label());
        }
    });
}

#[test]
fn blanks_between_keys_are_none_everywhere() {
    let mut tried = 0;
    each(|base, channel| {
        if !base.holds("123*123") {
            return;
        }
        let meaning = base.with_text("123*123", "1 2 3 * 1 2 3").meaning(channel);
        assert_eq!(
            meaning,
            Meaning::Cancel("123|123".to_owned()),
            "{}",
            base.label()
        );
        tried += 1;
    });
    assert!(tried >= 3, "{tried}");
}

#[test]
fn a_code_in_the_address_is_never_left_out_beside_one_in_the_body() {
    let mut tried = 0;
    each(|base, channel| {
        if !has_member(base) || !matches!(base.meaning(channel), Meaning::Cancel(_)) {
            return;
        }
        for query in ["code=A-1", "C%C3%B3digo=A-1", "reservation-code=A-1"] {
            let meaning = base.with_query(query).meaning(channel);
            assert!(
                matches!(
                    meaning,
                    Meaning::Refused(422, "misplaced_member" | "contradiction")
                ),
                "{} {query}: {meaning:?}",
                base.label()
            );
            tried += 1;
        }
    });
    assert!(tried >= 20, "{tried}");
}

#[test]
fn two_different_codes_are_a_contradiction_in_whichever_spelling_each_is_named() {
    let mut tried = 0;
    each(|base, channel| {
        let reads_the_top = matches!(
            base.preset.as_str(),
            "json" | "text" | "manychat" | "genesys" | "voicexml"
        );
        if !reads_the_top || !has_member(base) {
            return;
        }
        for name in [
            "Código-da-Reserva",
            "RESERVATION_CODE",
            "cod_reserva",
            "reserva",
        ] {
            let both = base.with_member(name, &json!("A-1"));
            if both.body.bytes() == base.body.bytes() || base.holds(name) {
                continue;
            }
            let meaning = both.meaning(channel);
            let is_refused = matches!(meaning, Meaning::Refused(422, "contradiction"));
            let is_unknown_name = meaning == base.meaning(channel);
            assert!(
                is_refused || is_unknown_name,
                "{} {name}: {meaning:?}",
                base.label()
            );
            tried += usize::from(is_refused);
        }
    });
    assert!(tried >= 8, "only {tried} were contradictions");
}
