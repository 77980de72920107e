//! Words as `config/language/` writes them, and as customers do: letter case, accents and repeated
//! letters.
//!
//! It must never treat two similar words as one.

use unicode_normalization::UnicodeNormalization;

/// A word as the file writes it.
#[derive(PartialEq, Eq)]
pub(super) struct Word {
    pub(super) folded: String,
    /// With its accents, where they matter.
    exact: Option<String>,
    /// Whether its letters may be written several times.
    pub(super) repeats: bool,
}

impl Word {
    pub(super) fn parse(written: &str) -> Self {
        let (written, repeats) = match written.strip_suffix('+') {
            Some(word) => (word, true),
            None => (written, false),
        };
        match written.strip_prefix('=') {
            Some(exact) => Self {
                folded: fold(exact),
                exact: Some(exact.to_owned()),
                repeats,
            },
            None => Self {
                folded: fold(written),
                exact: None,
                repeats,
            },
        }
    }

    /// Whether a customer wrote this word.
    pub(super) fn is(&self, said: &Said) -> bool {
        let is_same = said.folded == self.folded
            || self.repeats && said.once == without_repeats(&self.folded);
        is_same && self.exact.as_ref().is_none_or(|exact| *exact == said.small)
    }
}

/// A word as a customer wrote it, in the forms that it is compared in.
#[derive(Clone, Debug)]
pub(super) struct Said {
    /// In small letters.
    small: String,
    /// Without accents.
    pub(super) folded: String,
    /// Without repeated letters.
    pub(super) once: String,
}

impl Said {
    pub(super) fn of(word: &str) -> Self {
        let folded = fold(word);
        Self {
            small: word.to_lowercase(),
            once: without_repeats(&folded),
            folded,
        }
    }
}

/// A word in small letters and without accents.
pub(super) fn fold(word: &str) -> String {
    word.nfd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if c == '’' { '\'' } else { c })
        .collect()
}

/// A word without repeated letters: `siiim` is `sim`.
pub(super) fn without_repeats(word: &str) -> String {
    let mut last = None;
    word.chars()
        .filter(|c| last.replace(*c) != Some(*c))
        .collect()
}

/// Every text that a pattern like `(a|b|)` describes.
pub(super) fn variants(written: &str) -> Vec<String> {
    let tidy = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    expanded(written).into_iter().map(tidy).collect()
}

fn expanded(written: &str) -> Vec<String> {
    let Some((before, rest)) = written.split_once('(') else {
        return vec![written.to_owned()];
    };
    let Some((group, after)) = rest.split_once(')') else {
        return vec![written.to_owned()];
    };
    let ends = expanded(after);
    group
        .split('|')
        .flat_map(|choice| ends.iter().map(move |end| format!("{before}{choice}{end}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_stand_for_each_of_their_choices() {
        assert_eq!(
            variants("(a|b|) (c|)d"),
            ["a cd", "a d", "b cd", "b d", "cd", "d"]
        );
        assert_eq!(variants("a"), ["a"]);
    }
}
