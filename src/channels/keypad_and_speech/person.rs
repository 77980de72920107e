//! Decides whether a caller asks for a person.
//!
//! The whole sentence must ask for one: an unknown word may change the meaning, and the speech may
//! be a television. It must never guess.

use super::sentence::{Word, begins_with_one_of, words};
use super::vocabulary::Vocabulary;
use crate::channels::language::Phone;

/// A no, which may come before the request when a pause follows it.
fn is_no(word: &Word) -> bool {
    word.is("não") || word.is("nao") || word.is("no")
}

/// Whether the whole sentence asks for a person.
pub(in crate::channels) fn wants_a_person(transcript: &str, vocabulary: &Vocabulary) -> bool {
    let words = words(transcript);
    let is_answered_no = words.first().is_some_and(is_no)
        && words.get(1).is_some_and(|second| second.is_after_a_pause);
    let from = usize::from(is_answered_no);
    let said = words.get(from..).unwrap_or_default();
    vocabulary.phones().any(|language| is_wish(language, said))
}

fn is_wish(language: &Phone, said: &[Word]) -> bool {
    let (mut person, mut somebody, mut talking) = (false, false, false);
    let mut rest = said;
    while !rest.is_empty() {
        let lists = [
            &language.persons,
            &language.somebody,
            &language.talking,
            &language.around,
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
