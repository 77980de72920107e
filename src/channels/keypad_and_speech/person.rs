//! Whether a caller asks for a person.
//!
//! The whole sentence must be such a wish: a word that is not known may turn it into another one, and a television talks
//! about agents, too. What is not surely a wish for a person is none.

use super::sentence::{Word, begins_with_one_of, words};
use super::words::{LANGUAGES, Language};

/// What a no is, which may stand before a wish when a pause stands after it.
const NO: &str = "não, nao, no";

/// Whether all that was said is a wish for a person.
pub(in crate::channels) fn wants_a_person(transcript: &str) -> bool {
    let words = words(transcript);
    let is_answered_no = begins_with_one_of(&words, NO).is_some()
        && words.get(1).is_some_and(|second| second.is_after_a_pause);
    let from = usize::from(is_answered_no);
    let said = words.get(from..).unwrap_or_default();
    LANGUAGES.iter().any(|language| is_wish(language, said))
}

fn is_wish(language: &Language, said: &[Word]) -> bool {
    let (mut person, mut somebody, mut talking) = (false, false, false);
    let mut rest = said;
    while !rest.is_empty() {
        let lists = [
            language.persons,
            language.somebody,
            language.talking,
            language.around,
        ];
        let found = lists.map(|list| begins_with_one_of(rest, list));
        let Some(longest) = found.iter().flatten().max().copied() else {
            return false;
        };
        let [is_person, is_somebody, is_talking, _] = found.map(|it| it == Some(longest));
        person |= is_person;
        somebody |= is_somebody;
        talking |= is_talking;
        rest = rest.get(longest..).unwrap_or_default();
    }
    person || somebody && talking
}
