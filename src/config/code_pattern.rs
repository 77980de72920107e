//! Tries `policy.code_pattern` on example codes before customers do.
//!
//! It only warns: the provider decides what its codes look like.

use regex::Regex;
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::channels::Channel;

/// Codes of OZmap's own tutorial.
const TUTORIAL: [&str; 2] = ["123|123", "reservation_123"];

/// Typical codes, to check what a preset finds in free text.
const USUAL: [&str; 5] = ["123|123", "reservation_123", "12345678", "ABC-1234", "a.b"];

/// How often an unbounded repetition is repeated in an example.
const REPEATS: u32 = 3;

/// The most bytes of an example.
const BYTES_MAX: usize = 128;

/// Warnings about a valid pattern.
pub(super) fn warnings(pattern: &str, whole: &Regex) -> Vec<String> {
    if TUTORIAL.iter().any(|code| whole.is_match(code)) {
        return Vec::new();
    }
    let key = "policy.code_pattern";
    let takes = match example(pattern).filter(|example| whole.is_match(example)) {
        Some(example) => format!("it matches codes like `{example}`"),
        None => "no matching code was found".to_owned(),
    };
    let hint = hint(pattern).map_or(String::new(), |hint| format!("; {hint}"));
    vec![format!(
        "{key} matches neither 123|123 nor reservation_123, the codes of OZmap's tutorial; {takes}; all others are answered with invalid_code{hint}"
    )]
}

/// A hint about common mistakes in patterns.
fn hint(pattern: &str) -> Option<&'static str> {
    let is_enclosed_in =
        |c: char| pattern.len() > 1 && pattern.starts_with(c) && pattern.ends_with(c);
    if is_enclosed_in('/') {
        Some("the slashes around it are part of the pattern; remove them")
    } else if is_enclosed_in('"') || is_enclosed_in('\'') {
        Some("the quotes around it are part of the pattern; remove them")
    } else if pattern.contains("]|[") || pattern.contains("+|") {
        Some("a plain | means \"or\"; write \\| for the bar of a code")
    } else if pattern.contains("\\\\") {
        Some("two backslashes mean one of the code's own; write one, in TOML between '…'")
    } else {
        None
    }
}

/// A warning about codes that the pattern allows but that a channel does not find in free text.
pub(super) fn not_found_in_text(channel: &Channel, pattern: &str, whole: &Regex) -> Option<String> {
    let own = example(pattern);
    let allowed = own
        .as_deref()
        .into_iter()
        .chain(USUAL)
        .filter(|code| whole.is_match(code));
    let lost = allowed
        .into_iter()
        .find(|code| channel.finds_in_text(code) == Some(false))?;
    Some(format!(
        "channels.{}: policy.code_pattern allows codes like `{lost}`, which this preset does not find in free text: the customer is asked again, then handed over to a person. Copy the preset (`ozmap-cancel channels show`) to channels.directory and widen `code` under [text]",
        channel.name
    ))
}

/// A short text that matches the pattern.
fn example(pattern: &str) -> Option<String> {
    let mut text = String::new();
    write(&regex_syntax::parse(pattern).ok()?, &mut text)?;
    (!text.is_empty()).then_some(text)
}

fn write(hir: &Hir, text: &mut String) -> Option<()> {
    if text.len() > BYTES_MAX {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(class) => text.push(member(class)?),
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX);
            for _ in 0..repetition.min.max(REPEATS.min(most)) {
                write(&repetition.sub, text)?;
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, text)?,
        HirKind::Concat(parts) => {
            for part in parts {
                write(part, text)?;
            }
        }
        HirKind::Alternation(ways) => write(ways.first()?, text)?,
    }
    Some(())
}

/// A digit or a letter, if the class has one.
fn member(class: &Class) -> Option<char> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.iter().map(|r| (r.start(), r.end())).collect(),
        Class::Bytes(class) => class
            .iter()
            .map(|r| (char::from(r.start()), char::from(r.end())))
            .collect(),
    };
    let has = |c: &char| ranges.iter().any(|(start, end)| (start..=end).contains(&c));
    let plain = ['1', 'A', 'a', '|', '-', '_', '.'];
    plain
        .into_iter()
        .find(has)
        .or_else(|| ranges.first().map(|(start, _)| *start))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;

    fn warned(pattern: &str) -> String {
        let whole = Regex::new(&format!("^(?:{pattern})$")).unwrap();
        warnings(pattern, &whole).join("\n")
    }

    #[test]
    fn a_pattern_that_matches_a_code_of_the_tutorial_is_not_warned_about() {
        for pattern in [r"[0-9]+\|[0-9]+", r"^\d+\|\d+$", "reservation_[0-9]+", ".*"] {
            assert_eq!(warned(pattern), "", "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_matches_none_is_explained_by_an_example() {
        for (pattern, parts) in [
            ("[A-Z]{3}[0-9]{5}", &["`AAA11111`"][..]),
            (r"/[0-9]+\|[0-9]+/", &["`/111|111/`", "slashes"]),
            (r#""[0-9]+""#, &["quotes"]),
            ("[0-9]+|[0-9]+", &["`111`", r"write \|"]),
            (r"\d+\\|\d+", &["backslash"]),
            ("$1", &["no matching code"]),
            ("(?:OS|PV)-[0-9]{4,}", &["`OS-1111`"]),
        ] {
            let said = warned(pattern);
            for part in parts {
                assert!(said.contains(part), "{pattern}: {said}");
            }
        }
    }
}
