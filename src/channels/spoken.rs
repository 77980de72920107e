//! Codes that were keyed or spoken on a phone.
//!
//! A separator that was not keyed is never guessed: a wrong guess would delete somebody else's reservation.

/// What was keyed, as a code: `*` is the separator, `#` ends, `**` starts again.
///
/// A text that is not made of keys was typed, and is left as it is. `None` when nothing is left, or a single key: that
/// is an answer to a question, never a code.
pub(super) fn keyed(digits: &str, separator: &str) -> Option<String> {
    let typed = digits.trim();
    let is_key = |c: char| c.is_ascii_digit() || matches!(c, '*' | '#');
    if !typed.chars().all(|c| is_key(c) || c.is_whitespace()) {
        return Some(typed.to_owned());
    }
    // Some platforms write a blank between two keys.
    let typed: String = typed.chars().filter(|c| is_key(*c)).collect();
    let ended = typed.split('#').next().unwrap_or_default();
    let latest = ended.rsplit("**").next().unwrap_or_default();
    (latest.len() > 1).then(|| latest.replace('*', separator))
}

/// What was spoken, as a code: only digits and the words for the separator and the dash are understood.
///
/// `None` when anything else was said, which is then asked again.
pub(super) fn spoken(transcript: &str, separator: &str) -> Option<String> {
    let mut code = String::new();
    for word in transcript
        .to_lowercase()
        .split([' ', ',', '.', ';'])
        .filter(|word| !word.is_empty())
    {
        match word {
            "barra" | "pipe" | "asterisco" | "bar" | "star" | "slash" | "|" | "/" | "*" => {
                code.push_str(separator)
            }
            "vertical" if code.ends_with(separator) && !separator.is_empty() => {}
            "traço" | "hífen" | "guión" | "dash" | "-" => code.push('-'),
            digits if digits.chars().all(|c| c.is_ascii_digit()) => code.push_str(digits),
            written => match digit(written) {
                Some(digit) => code.push(digit),
                None if is_written_code(written) => {
                    code.push_str(&written.replace(['|', '/', '*'], separator))
                }
                None => return None,
            },
        }
    }
    (!code.is_empty()).then_some(code)
}

/// Recognisers often write what they hear as it would be typed: `123/123`.
fn is_written_code(word: &str) -> bool {
    word.chars().any(|c| c.is_ascii_digit())
        && word
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '|' | '/' | '*' | '-'))
}

fn digit(word: &str) -> Option<char> {
    let digit = match word {
        "zero" | "cero" => '0',
        "um" | "uma" | "uno" | "one" => '1',
        "dois" | "duas" | "dos" | "two" => '2',
        "três" | "tres" | "three" => '3',
        "quatro" | "cuatro" | "four" => '4',
        "cinco" | "five" => '5',
        "seis" | "meia" | "six" => '6',
        "sete" | "siete" | "seven" => '7',
        "oito" | "ocho" | "eight" => '8',
        "nove" | "nueve" | "nine" => '9',
        _ => return None,
    };
    Some(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_a_code() {
        assert_eq!(keyed("123*123", "|").as_deref(), Some("123|123"));
        assert_eq!(keyed("123*123#", "|").as_deref(), Some("123|123"));
        assert_eq!(keyed("99**123*123#77", "|").as_deref(), Some("123|123"));
        assert_eq!(keyed("123*123", "-").as_deref(), Some("123-123"));
        assert_eq!(keyed("1 2 3 * 1 2 3 #", "|").as_deref(), Some("123|123"));
    }

    #[test]
    fn nothing_and_a_single_key_are_no_code() {
        for digits in ["", "#", "12**", "1", "2#", "*", "12**1", "#123*123"] {
            assert_eq!(keyed(digits, "|"), None, "{digits}");
        }
    }

    #[test]
    fn what_was_typed_is_left_alone() {
        for typed in ["A#1*2", "123|123#4", "a 1", "#a"] {
            assert_eq!(keyed(typed, "|").as_deref(), Some(typed));
        }
    }

    #[test]
    fn a_separator_that_was_not_keyed_is_not_guessed() {
        assert_eq!(keyed("123123", "|").as_deref(), Some("123123"));
    }

    #[test]
    fn digits_and_words_become_a_code_and_anything_else_does_not() {
        assert_eq!(spoken("1 2 3 barra 1 2 3", "|").as_deref(), Some("123|123"));
        assert_eq!(
            spoken("um dois três barra vertical um dois meia.", "|").as_deref(),
            Some("123|126")
        );
        assert_eq!(spoken("123/123", "|").as_deref(), Some("123|123"));
        assert_eq!(
            spoken("one two three pipe one two three", "|").as_deref(),
            Some("123|123")
        );
        assert_eq!(spoken("quero cancelar 123", "|"), None);
        assert_eq!(spoken("", "|"), None);
    }
}
