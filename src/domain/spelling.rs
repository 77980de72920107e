//! Normalises a reservation code, in the same way for every channel and for OZmap's own codes.
//!
//! It removes only what people and platforms add by accident. It never decides anything: lookups
//! also ask for the customer's own spelling, and the guard acts on one match or on none. It must
//! never change a letter's case, a digit, or a character that people type on purpose.
//!
//! In this order:
//! 1. composed characters (NFC), so that `é` typed as two characters is `é`;
//! 2. HTML entities of a few signs (`&#124;`, `&vert;`, `&amp;` …) and percent escapes, when every
//!    escape in the text represents a character that needs one (`%7C`, `%20`, `%C3%A3`; `A%31`
//!    stays as it is);
//! 3. full-width forms (`１２３｜`), the broken bar (`¦`), typographic quotes and hyphens, and exotic
//!    blanks become the plain characters;
//! 4. at both ends: blanks, format characters (zero width, text direction), quotes, the marks of
//!    bold and italic text (`*code*`, `_code_`), and the punctuation that ends a sentence;
//! 5. blanks around the bar.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// HTML entities that chatbot builders leave in a value, and the sign that each represents.
const ENTITIES: [(&str, &str); 12] = [
    ("&#124;", "|"),
    ("&#x7c;", "|"),
    ("&#x7C;", "|"),
    ("&vert;", "|"),
    ("&verbar;", "|"),
    ("&VerticalLine;", "|"),
    ("&nbsp;", " "),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    // Must be the last entry: its result is not decoded again.
    ("&amp;", "&"),
];

/// The canonical spelling of a code. Empty if the text has only blanks and format characters.
pub(super) fn canonical(text: &str) -> String {
    let mut text: String = text.nfc().collect();
    // Decoration may enclose other decoration. Every pass that changes something makes the text
    // shorter or plainer, so the loop ends.
    loop {
        let cleaned = cleaned(&text);
        if cleaned == text {
            return cleaned;
        }
        text = cleaned;
    }
}

fn cleaned(text: &str) -> String {
    let text = entities(text);
    let text = unescaped(&text);
    let plain: String = text.chars().map(plain).collect();
    let bare = bare(&plain);
    tight(bare).nfc().collect()
}

fn entities(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return text.into();
    }
    let mut text = text.to_owned();
    for (entity, sign) in ENTITIES {
        text = text.replace(entity, sign);
    }
    text.into()
}

/// The text with its percent escapes decoded. If an escape is broken, or represents a character
/// that no encoder escapes, the text is returned unchanged.
fn unescaped(text: &str) -> Cow<'_, str> {
    let mut parts = text.split('%');
    parts.next();
    let needs_escape = |part: &str| {
        let digits = part
            .get(..2)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        byte.is_some_and(|byte| {
            !byte.is_ascii_control() && !byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte)
        })
    };
    let mut has_escapes = false;
    for part in parts {
        has_escapes = true;
        if !needs_escape(part) {
            return text.into();
        }
    }
    if !has_escapes {
        return text.into();
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => decoded.into_owned().into(),
        Err(_) => text.into(),
    }
}

/// The plain equivalent of a typographic character.
fn plain(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFF01 + 0x21).unwrap_or(c),
        '¦' | '￤' | '￨' | '∣' | '│' | '❘' | '︱' | 'ǀ' => '|',
        '“' | '”' | '„' | '‟' | '″' => '"',
        '‘' | '’' | '‚' | '‛' | '′' | '´' => '\'',
        '\u{2010}'..='\u{2013}' | '\u{2212}' => '-',
        c if c.is_whitespace() && !is_format(c) => ' ',
        c => c,
    }
}

/// The text without the decoration around it; the text itself if it has nothing else.
fn bare(text: &str) -> &str {
    let mut rest = text;
    loop {
        let before = rest;
        rest = rest.trim_matches(|c: char| is_around(c));
        rest = without_full_stop(rest);
        rest = rest.trim_start_matches([',', ';', ':']);
        for mark in ["*", "_"] {
            let inner = rest
                .strip_prefix(mark)
                .and_then(|rest| rest.strip_suffix(mark));
            rest = inner.filter(|inner| !inner.is_empty()).unwrap_or(rest);
        }
        if rest == before {
            break;
        }
    }
    if rest.is_empty() {
        text.trim_matches(|c: char| c.is_whitespace() || is_format(c))
    } else {
        rest
    }
}

/// The text without the punctuation at its end, where that ends a sentence: after a letter, a digit
/// or a quotation.
fn without_full_stop(text: &str) -> &str {
    let rest = text.trim_end_matches(['.', ',', ';', ':', '!']);
    let ends_a_sentence = rest.ends_with(|c: char| {
        c.is_alphanumeric()
            || is_combining_mark(c)
            || matches!(c, '"' | '\'' | '*' | '_' | '»' | '›')
    });
    if ends_a_sentence { rest } else { text }
}

fn is_around(c: char) -> bool {
    c.is_whitespace() || is_format(c) || matches!(c, '"' | '\'' | '`' | '«' | '»' | '‹' | '›')
}

/// A code without the blanks that people write around its bar: `123 | 123` becomes `123|123`.
fn tight(code: &str) -> String {
    let mut parts = code.split('|').peekable();
    let mut tight = String::with_capacity(code.len());
    let mut is_first = true;
    while let Some(part) = parts.next() {
        let part = if is_first { part } else { part.trim_start() };
        let part = if parts.peek().is_some() {
            part.trim_end()
        } else {
            part
        };
        if !is_first {
            tight.push('|');
        }
        tight.push_str(part);
        is_first = false;
    }
    tight
}

/// Whether a character is a format character that people paste unnoticed, or a separator that
/// breaks a line.
pub(super) fn is_format(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E01EF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decoration_is_removed() {
        for (text, code) in [
            ("123|123", "123|123"),
            (" \t123|123\r\n", "123|123"),
            ("123|123\u{200b}", "123|123"),
            ("\u{202a}123|123\u{202c}", "123|123"),
            ("\u{feff}123|123\u{a0}", "123|123"),
            ("123 | 123", "123|123"),
            ("123 |\u{a0}123", "123|123"),
            ("“123|123”", "123|123"),
            ("'123|123'", "123|123"),
            ("«123|123»", "123|123"),
            ("１２３｜１２３", "123|123"),
            ("123¦123", "123|123"),
            ("123|123.", "123|123"),
            ("123￨123", "123|123"),
            ("*C22*", "C22"),
            ("_C22_", "C22"),
            ("*“C22”*.", "C22"),
            ("123%7C123", "123|123"),
            ("123%7c123", "123|123"),
            ("123&#124;123", "123|123"),
            ("123&vert;123", "123|123"),
            ("AB&amp;12", "AB&12"),
            ("Jo%C3%A3o%20Silva", "João Silva"),
            ("maria.jose\u{301}", "maria.josé"),
            ("O’Brien", "O'Brien"),
            ("12‑34", "12-34"),
            ("biolange.da\u{a0}costa", "biolange.da costa"),
        ] {
            assert_eq!(canonical(text), code, "{text:?}");
        }
    }

    #[test]
    fn what_people_mean_stays() {
        for code in [
            "A%31",
            "%2e%2e",
            "100%",
            "5%2",
            "%00",
            "A%00B",
            "%FF",
            "...",
            ".a",
            "a.b",
            "a b",
            "a  b",
            "Reservation_123",
            "reservation_123",
            "AB&12",
            "0555",
            "ABC-1/2",
            "#1",
            "a*b",
            "../..",
            "a/.",
            "\\..",
            "*a",
            "_a",
            "(1)",
            "<1|1>",
            "?",
            "a?",
            "日本",
            "ﬁ",
            "²",
        ] {
            assert_eq!(canonical(code), code);
        }
    }

    proptest! {
        #[test]
        fn it_changes_nothing_that_it_has_changed(text in ".{0,40}") {
            let once = canonical(&text);
            prop_assert_eq!(canonical(&once), once);
        }

        #[test]
        fn signs_of_all_kinds_too(text in "[ ab1|*_.%&;#7C124x\"'“”\u{200b}\u{ff5c}¦-]{0,16}") {
            let once = canonical(&text);
            prop_assert_eq!(canonical(&once), once);
        }
    }
}
