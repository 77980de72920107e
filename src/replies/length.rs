//! Estimates how long a caller listens to a sentence.
//!
//! The estimate is for a voice that speaks about 155 words a minute. It was measured against
//! espeak-ng; real voices differ by a fifth. It must never need a synthesiser, because `check` also
//! runs where none is installed.

use std::time::Duration;

use crate::domain::Locale;

/// The durations of the parts of a sentence in one language, in milliseconds.
struct Pace {
    syllable: u64,
    comma: u64,
    end: u64,
}

/// The estimated duration of a spoken sentence.
#[must_use]
pub fn spoken_length(locale: Locale, said: &str) -> Duration {
    let pace = match locale {
        Locale::PtBr => Pace {
            syllable: 177,
            comma: 440,
            end: 240,
        },
        Locale::Es => Pace {
            syllable: 179,
            comma: 390,
            end: 390,
        },
        Locale::En => Pace {
            syllable: 198,
            comma: 400,
            end: 620,
        },
    };
    let milliseconds = said.split_whitespace().map(|word| {
        let pause = match word.chars().last() {
            Some(',' | ';' | ':') => pace.comma,
            Some('.' | '?' | '!') => pace.end,
            Some(_) | None => 0,
        };
        pause.saturating_add(pace.syllable.saturating_mul(syllables(locale, word)))
    });
    Duration::from_millis(milliseconds.fold(0, u64::saturating_add))
}

/// The syllables of a word: one for each run of vowels and for each digit, and two more for a
/// number of three or more digits, such as a year, whose words have more syllables than its digits.
fn syllables(locale: Locale, word: &str) -> u64 {
    let (mut runs, mut digits, mut was_vowel) = (0_u64, 0_u64, false);
    for c in word.chars().flat_map(char::to_lowercase) {
        let is_vowel = is_vowel(locale, c);
        runs += u64::from(is_vowel && !was_vowel);
        digits += u64::from(c.is_ascii_digit());
        was_vowel = is_vowel;
    }
    let of_a_year = if digits > 2 { 2 } else { 0 };
    let is_said = word.chars().any(char::is_alphanumeric);
    (runs + digits + of_a_year)
        .saturating_sub(silent(locale, word, runs))
        .max(u64::from(is_said))
}

fn is_vowel(locale: Locale, c: char) -> bool {
    match c {
        'a' | 'e' | 'i' | 'o' | 'u' => true,
        'y' => locale == Locale::En,
        other => "áàâãéêíóôõúü".contains(other),
    }
}

/// The written vowels that English does not pronounce: the last one of "please", and of "changed"
/// but not of "recorded".
fn silent(locale: Locale, word: &str, syllables: u64) -> u64 {
    if locale != Locale::En || syllables < 2 {
        return 0;
    }
    let word = word
        .trim_end_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase();
    let is_silent_e = word.ends_with('e') && !word.ends_with("le");
    let is_silent_ed = word.ends_with("ed") && !word.ends_with("ted") && !word.ends_with("ded");
    u64::from(is_silent_e || is_silent_ed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_are_counted_as_they_are_said() {
        for (locale, word, count) in [
            (Locale::PtBr, "não", 1),
            (Locale::PtBr, "cancelada,", 4),
            (Locale::Es, "solicitud", 4),
            (Locale::En, "please", 1),
            (Locale::En, "changed.", 1),
            (Locale::En, "recorded", 3),
            (Locale::En, "B", 1),
            (Locale::En, "30th,", 2),
            (Locale::PtBr, "2026.", 6),
            (Locale::En, "—", 0),
        ] {
            assert_eq!(syllables(locale, word), count, "{word}");
        }
    }

    #[test]
    fn more_to_say_never_takes_less() {
        for locale in Locale::ALL {
            let mut said = String::new();
            let mut longest = Duration::ZERO;
            for word in [
                "Pronto,",
                "a",
                "reserva",
                "2026",
                "foi",
                "cancelada.",
                "!",
                "",
            ] {
                said = format!("{said} {word}");
                let length = spoken_length(locale, &said);
                assert!(length >= longest, "{said}");
                longest = length;
            }
        }
    }
}
