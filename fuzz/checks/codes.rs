//! A typed text is a code that is safe to ask for, or none; and a code leads to its own address and to no other.

use ozmap_cancel::domain::{CODE_CHARS_MAX, CodeError, PropertyId, ReservationCode};
use ozmap_cancel::ozmap::{Base, PlainHttp};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use unicode_normalization::is_nfc;

const ROOT: &str = "https://ozmap.example:9994/api/v2";

/// The text of the bytes, as a code, as an id, and as OZmap's address.
pub fn check(bytes: &[u8]) {
    let typed = String::from_utf8_lossy(bytes);
    let base = Base::parse("https://ozmap.example:9994", PlainHttp::LoopbackOnly).unwrap();
    match ReservationCode::parse(&typed) {
        Ok(code) => {
            check_code(&typed, &code);
            check_address(&base, &code);
        }
        Err(error) => check_refusal(&typed, error),
    }
    check_id(&base, &typed);
    check_base(&typed);
}

fn check_code(typed: &str, code: &ReservationCode) {
    let text = code.as_str();
    assert_eq!(
        ReservationCode::parse(text).as_ref(),
        Ok(code),
        "not stable"
    );
    assert!((1..=CODE_CHARS_MAX).contains(&text.chars().count()));
    assert!(is_nfc(text) && text.trim() == text);
    assert!(!text.chars().any(char::is_control));
    assert!(text != "." && text != "..");
    assert_eq!(format!("{code:?}"), "ReservationCode(…)");
    // The spelling as received is tried too, and every spelling that is tried is this code.
    assert_eq!(code.came_as(), typed.trim());
    let spellings = code.spellings();
    assert!(spellings.iter().any(|spelling| spelling == typed.trim()));
    assert!(
        spellings.iter().all(|spelling| code.is(spelling)),
        "{spellings:?}"
    );
    // A code of letters, digits and bars has no decoration.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '|';
    if typed.chars().all(is_plain) {
        assert_eq!(text, typed);
    }
}

fn check_refusal(typed: &str, error: CodeError) {
    let trimmed = typed.trim();
    match error {
        CodeError::Empty => assert!(!trimmed.chars().any(char::is_alphanumeric)),
        // What stands around the dots may be decoration.
        CodeError::Dots => assert!(!trimmed.chars().any(char::is_alphanumeric)),
        CodeError::TooLong => assert!(trimmed.chars().count() > CODE_CHARS_MAX),
        CodeError::Invisible => {
            assert!(!trimmed.is_ascii() || trimmed.chars().any(char::is_control));
        }
    }
    // An error must hold nothing of the code.
    assert!(trimmed.len() < 8 || !error.to_string().contains(trimmed));
}

/// The address, taken apart by hand and not by the library that built it.
fn check_address(base: &Base, code: &ReservationCode) {
    let is_segment = !code.as_str().contains(['/', '\\', '%']);
    let url = base.properties_of(code.as_str());
    assert_eq!(url.is_some(), is_segment, "{:?}", code.as_str());
    if let Some(url) = url {
        let segment = url
            .as_str()
            .strip_prefix(ROOT)
            .and_then(|rest| rest.strip_prefix("/properties/client/"))
            .unwrap();
        assert!(!segment.is_empty() && segment.is_ascii());
        assert!(!segment.contains(['/', '\\', '?', '#', ';']), "{segment}");
        let decoded = percent_decode_str(segment).decode_utf8().unwrap();
        assert_eq!(decoded, code.as_str());
    }
    let url = base.list("/ftth-clients", "code", code.as_str()).unwrap();
    let query = url
        .as_str()
        .strip_prefix(ROOT)
        .and_then(|rest| rest.strip_prefix("/ftth-clients?"))
        .unwrap();
    let members: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let filter: Value = serde_json::from_str(&members[0].1).unwrap();
    let only_this = json!([{"property": "code", "operator": "=", "value": code.as_str()}]);
    assert_eq!((members[0].0.as_str(), filter), ("filter", only_this));
    assert_eq!((members.len(), members[1].0.as_str()), (2, "limit"));
}

/// An id that is shorter, or no id, would address a whole collection.
fn check_id(base: &Base, typed: &str) {
    let is_id = typed.len() == 24
        && typed
            .chars()
            .all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
    let id = PropertyId::parse(typed);
    assert_eq!(id.is_some(), is_id, "{typed:?}");
    if let Some(id) = id {
        assert_eq!(
            base.property(&id).unwrap().as_str(),
            format!("{ROOT}/properties/{typed}")
        );
        assert_eq!(
            base.client(&id).unwrap().as_str(),
            format!("{ROOT}/ftth-clients/{typed}")
        );
    }
}

/// Whatever is configured as OZmap's address, the key never travels in the clear, and a code still leads to itself.
fn check_base(typed: &str) {
    let Ok(base) = Base::parse(typed, PlainHttp::LoopbackOnly) else {
        return;
    };
    let code = ReservationCode::parse("123|123").unwrap();
    if let Some(url) = base.properties_of(code.as_str()) {
        let host = url.host_str().unwrap_or_default();
        let is_here = host == "localhost" || host.starts_with("127.") || host == "[::1]";
        assert!(
            url.scheme() == "https" || url.scheme() == "http" && is_here,
            "{url}"
        );
        assert!(
            url.path().ends_with("/api/v2/properties/client/123%7C123"),
            "{url}"
        );
        assert!(url.query().is_none() && url.fragment().is_none() && url.username().is_empty());
    }
}
