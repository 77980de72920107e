//! Renders codes, numbers and dates as a person says them.
//!
//! The result must never have markup: it is plain words and commas, which every text-to-speech
//! voice reads alike.

use serde::Deserialize;

/// The longest spelled code that a spoken sentence has room for.
pub(super) const SPELLED_CHARS_MAX: usize = 250;

/// The words of one language for spelling a code and saying a date.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spoken {
    pipe: String,
    slash: String,
    dash: String,
    dot: String,
    underscore: String,
    star: String,
    hash: String,
    space: String,
    at: String,
    plus: String,
    other: String,
    /// The names of `|` and `/` in a code that has both.
    upright_bar: String,
    slanted_bar: String,
    digits: [String; 10],
    pub(super) months: [String; 12],
    pub(super) date: String,
    pub(super) date_spoken: String,
}

/// The keys that a file for an older version does not have: the embedded file of its language
/// supplies them.
const ADDED_LATER: [&str; 4] = ["upright_bar", "slanted_bar", "digits", "date_spoken"];

impl Spoken {
    /// Parses a table `[spoken]`; another table supplies the missing keys of later versions.
    ///
    /// # Errors
    /// The text names the key that is missing, unknown or of the wrong type.
    pub(super) fn read(mut table: toml::Table, otherwise: &toml::Table) -> Result<Self, String> {
        for key in ADDED_LATER {
            if let (None, Some(value)) = (table.get(key), otherwise.get(key)) {
                table.insert(key.to_owned(), value.clone());
            }
        }
        toml::Value::Table(table)
            .try_into()
            .map_err(|error| error.to_string())
    }

    /// Spells a code character by character: `123|123` is "um, dois, três, barra, um, dois, três".
    ///
    /// Many digits are grouped by threes: `1234567` is "um dois três, quatro cinco meia sete".
    /// Digits are words, unless the code is long. The result is empty if even numerals would take
    /// too long to listen to; every sentence is complete without it.
    pub(super) fn spell(&self, code: &str) -> String {
        let has_both = code.contains('|') && code.contains('/');
        let word = |c: char| match c {
            '|' if has_both => self.upright_bar.clone(),
            '/' if has_both => self.slanted_bar.clone(),
            c => self.word(c),
        };
        let characters: Vec<char> = code.chars().collect();
        let digits = code.chars().filter(char::is_ascii_digit).count();
        let are_many = digits > DIGITS_ONE_BY_ONE_MAX;
        let with_words: Vec<String> = characters
            .chunk_by(|a, b| a.is_ascii_digit() && b.is_ascii_digit())
            .flat_map(|row| {
                if are_many {
                    threes(row)
                } else {
                    row.chunks(1).collect()
                }
            })
            .map(|group| {
                let words = group
                    .iter()
                    .map(|c| self.digit(*c).unwrap_or_else(|| word(*c)));
                words.collect::<Vec<_>>().join(" ")
            })
            .collect();
        let with_numerals: Vec<String> = code.chars().map(word).collect();
        [with_words, with_numerals]
            .iter()
            .map(|words| words.join(", "))
            .find(|spelled| spelled.chars().count() <= SPELLED_CHARS_MAX)
            .unwrap_or_default()
    }

    /// Says a number digit by digit in groups: `20261123004217` is "dois zero dois meia, um um dois
    /// três, zero zero quatro, dois um sete".
    pub(super) fn number(&self, number: &str) -> String {
        let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
        let said: Vec<String> = groups(&digits)
            .into_iter()
            .map(|group| {
                let words: Vec<String> = group.iter().filter_map(|c| self.digit(*c)).collect();
                words.join(" ")
            })
            .collect();
        said.join(", ")
    }

    /// The digit with the longest word.
    pub(super) fn longest_digit(&self) -> char {
        ('0'..='9')
            .max_by_key(|c| self.digit(*c).unwrap_or_default().chars().count())
            .unwrap_or('0')
    }

    fn digit(&self, c: char) -> Option<String> {
        let value = usize::try_from(c.to_digit(10)?).ok()?;
        self.digits.get(value).cloned()
    }

    fn word(&self, c: char) -> String {
        let word = match c {
            '|' => &self.pipe,
            '/' => &self.slash,
            '-' => &self.dash,
            '.' => &self.dot,
            '_' => &self.underscore,
            '*' => &self.star,
            '#' => &self.hash,
            '@' => &self.at,
            '+' => &self.plus,
            c if c.is_whitespace() => &self.space,
            c if c.is_alphanumeric() => return c.to_uppercase().collect(),
            _ => &self.other,
        };
        word.clone()
    }
}

/// Groups a number: year, month with day, and threes if it begins with a date, otherwise only
/// threes. A single digit at the end joins the group before it.
fn groups(digits: &[char]) -> Vec<&[char]> {
    let (date, rest) = digits.split_at(date_before(digits));
    date.chunks(4).chain(threes(rest)).collect()
}

/// Groups digits by threes; a single one at the end joins the group before it.
fn threes(mut rest: &[char]) -> Vec<&[char]> {
    let mut groups = Vec::new();
    while !rest.is_empty() {
        let size = if rest.len() <= 4 { rest.len() } else { 3 };
        let (group, after) = rest.split_at(size);
        groups.push(group);
        rest = after;
    }
    groups
}

/// The most digits of a code that are said one by one, which is the easiest form to compare.
const DIGITS_ONE_BY_ONE_MAX: usize = 6;

/// The digits of a year, a month and a day.
const DATE_DIGITS: usize = 8;

/// How many digits at the beginning are a date: [`DATE_DIGITS`] or 0. A date does not count if
/// exactly one digit follows it, because that digit would be a group by itself.
fn date_before(digits: &[char]) -> usize {
    let (Some(date), false) = (digits.get(..DATE_DIGITS), digits.len() == DATE_DIGITS + 1) else {
        return 0;
    };
    let date: String = date.iter().collect();
    let is_date = date.starts_with("20") && jiff::civil::Date::strptime("%Y%m%d", &date).is_ok();
    if is_date { DATE_DIGITS } else { 0 }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;

    fn english() -> Spoken {
        let file: toml::Table =
            toml::from_str(include_str!("../../config/replies/en.toml")).unwrap();
        file["spoken"].clone().try_into().unwrap()
    }

    fn portuguese() -> Spoken {
        let file: toml::Table =
            toml::from_str(include_str!("../../config/replies/pt-BR.toml")).unwrap();
        file["spoken"].clone().try_into().unwrap()
    }

    #[test]
    fn a_code_is_spelled_character_by_character() {
        let spoken = english();
        for (code, spelled) in [
            ("", ""),
            ("123|123", "one, two, three, vertical bar, one, two, three"),
            ("a-ç", "A, dash, Ç"),
            ("a/b.c_d", "A, slash, B, dot, C, underscore, D"),
            ("*#@+ \"", "star, pound, at, plus, space, symbol"),
            ("٣", "٣"),
        ] {
            assert_eq!(spoken.spell(code), spelled, "{code}");
        }
    }

    #[test]
    fn a_bar_is_told_from_another_only_where_a_code_has_both() {
        let spoken = portuguese();
        for (code, spelled) in [
            ("6|6", "meia, barra, meia"),
            ("6/6", "meia, barra, meia"),
            ("a|b/c", "A, barra em pé, B, barra inclinada, C"),
        ] {
            assert_eq!(spoken.spell(code), spelled, "{code}");
        }
    }

    #[test]
    fn many_digits_are_said_by_threes_and_none_is_lost() {
        let spoken = portuguese();
        for (code, spelled) in [
            ("123456", "um, dois, três, quatro, cinco, meia"),
            ("1234567", "um dois três, quatro cinco meia sete"),
            (
                "2026112301",
                "dois zero dois, meia um um, dois três zero um",
            ),
            (
                "12|1234567",
                "um dois, barra, um dois três, quatro cinco meia sete",
            ),
            ("123|1234", "um dois três, barra, um dois três quatro"),
            (
                "1a2b3c4d5e6f7",
                "um, A, dois, B, três, C, quatro, D, cinco, E, meia, F, sete",
            ),
            ("A123456", "A, um, dois, três, quatro, cinco, meia"),
        ] {
            assert_eq!(spoken.spell(code), spelled, "{code}");
        }
        for length in 1..=40 {
            let said = spoken.spell(&"1".repeat(length));
            assert_eq!(said.matches("um").count(), length, "{said}");
        }
    }

    #[test]
    fn what_would_take_too_long_to_say_is_not_spelled() {
        let spoken = english();
        assert_eq!(spoken.spell(&"8".repeat(30)).matches("eight").count(), 30);
        assert_eq!(spoken.spell(&"8".repeat(64)).chars().count(), 190);
        assert_eq!(spoken.spell(&"|".repeat(64)), "");
    }

    #[test]
    fn a_number_is_said_in_groups_and_no_digit_is_lost() {
        let spoken = portuguese();
        for (number, said) in [
            ("", ""),
            ("6", "meia"),
            ("2042", "dois zero quatro dois"),
            ("20420", "dois zero quatro, dois zero"),
            (
                "20261123004217",
                "dois zero dois meia, um um dois três, zero zero quatro, dois um sete",
            ),
            // This day does not exist.
            (
                "20261323004",
                "dois zero dois, meia um três, dois três zero, zero quatro",
            ),
            (
                "202611230042178",
                "dois zero dois meia, um um dois três, zero zero quatro, dois um sete oito",
            ),
        ] {
            assert_eq!(spoken.number(number), said, "{number}");
        }
        for length in 1..=32 {
            for number in [
                "6".repeat(length),
                "2026112300421700000000000000000000"[..length].to_owned(),
            ] {
                let said = spoken.number(&number);
                assert_eq!(
                    said.split([',', ' '])
                        .filter(|word| !word.is_empty())
                        .count(),
                    length
                );
                let groups: Vec<usize> = said
                    .split(", ")
                    .map(|group| group.split(' ').count())
                    .collect();
                let is_short = |size: &usize| *size <= 4 && (*size >= 2 || length == 1);
                assert!(groups.iter().all(is_short), "{said}");
            }
        }
    }
}
