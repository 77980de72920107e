//! Names as clients, profiles and builders really have them, each with its greeting or without one.

use proptest::prelude::*;

use super::words::{COMPANY, FIRST_NAMES, PLACEHOLDERS};
use super::*;

mod greeted;
mod not_greeted;

use greeted::GREETED;
use not_greeted::NOT_GREETED;

fn of(full_name: &str) -> Option<String> {
    FirstName::of(full_name).map(|name| name.as_str().to_owned())
}

/// A name and its greeting, where something in the name cannot be seen.
const GREETED_ALL_THE_SAME: [(&str, &str); 2] =
    [("  JOÃO da silva", "João"), ("Joa\u{303}o Silva", "João")];

/// No greeting either, though most of it cannot be seen; the Latin-looking letters of the last one are not all Latin.
const NOT_GREETED_EITHER: [&str; 8] = [
    "",
    " ",
    "\t\n",
    "Ana\u{200b}",
    "Ana\u{202e}",
    "\u{202e}Ana",
    "A\u{301}\u{302}\u{303}na",
    "M\u{430}ria",
];

#[test]
fn a_first_name_is_greeted_as_a_person_would_write_it() {
    let wrong: Vec<(&str, Option<String>)> = GREETED
        .lines()
        .filter_map(|line| line.rsplit_once(" = "))
        .chain(GREETED_ALL_THE_SAME)
        .filter_map(|(full_name, name)| {
            let found = of(full_name);
            (found.as_deref() != Some(name)).then_some((full_name, found))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_no_first_name_is_not_greeted() {
    let greeted: Vec<(&str, String)> = NOT_GREETED
        .lines()
        .chain(NOT_GREETED_EITHER)
        .filter_map(|full_name| of(full_name).map(|name| (full_name, name)))
        .collect();
    assert!(greeted.is_empty(), "{greeted:#?}");
    assert!(GREETED.lines().chain(NOT_GREETED.lines()).count() >= 300);
}

#[test]
fn a_text_is_no_name() {
    assert_eq!(of(&format!("Ana {}", "x".repeat(300))), None);
}

#[test]
fn every_title_leads_to_a_name_that_is_surely_one_and_to_no_other() {
    for title in words::TITLES.all() {
        for written in [title.to_owned(), title.to_uppercase(), format!("{title}.")] {
            assert_eq!(of(&written), None, "{written}");
            let with = |name: &str| of(&format!("{written} {name}"));
            assert_eq!(with("MARIA").as_deref(), Some("Maria"), "{written}");
            assert_eq!(with("Silva"), None, "{written}");
            assert_eq!(with("Nome"), None, "{written}");
        }
    }
}

#[test]
fn every_sure_first_name_is_greeted_alone() {
    for name in FIRST_NAMES.all() {
        assert!(of(name).is_some(), "{name}");
    }
}

proptest! {
    #[test]
    fn a_greeting_is_always_one_word_of_latin_letters_and_stays_itself(full_name in ".{0,60}") {
        if let Some(name) = of(&full_name) {
            prop_assert!(name.chars().all(|c| is_latin(c) || is_apostrophe(c) || c == '-'), "{name:?}");
            prop_assert!(name.starts_with(is_latin) && name.ends_with(is_latin), "{name:?}");
            // The journal keeps the name and reads it again.
            prop_assert_eq!(of(&name), Some(name));
        }
    }

    #[test]
    fn letters_of_any_case_stay_one_name(full_name in "[A-Za-zÀ-ɏ'’ -]{2,20}") {
        if let Some(name) = of(&full_name) {
            prop_assert!(!name.contains(' '), "{name:?}");
            prop_assert_eq!(of(&name), Some(name));
        }
    }

    #[test]
    fn a_placeholder_is_never_greeted(
        at in any::<proptest::sample::Index>(),
        upper in any::<bool>(),
        rest in "( [A-Z][a-z]{2,8}){0,2}",
    ) {
        let words: Vec<&str> = PLACEHOLDERS.all().collect();
        let word = *at.get(&words);
        let word = if upper { word.to_uppercase() } else { word.to_owned() };
        prop_assert_eq!(of(&format!("{word}{rest}")), None);
    }

    #[test]
    fn a_word_of_a_company_anywhere_leaves_no_greeting(
        at in any::<proptest::sample::Index>(),
        signs in prop::sample::select(vec!["", ".", ",", "(", "-"]),
    ) {
        let words: Vec<&str> = COMPANY.all().collect();
        let word = at.get(&words).to_uppercase();
        for full_name in [
            format!("{word}{signs} Maria Souza"),
            format!("Maria {signs}{word} Souza"),
            format!("Maria Souza {word}{signs}"),
        ] {
            prop_assert_eq!(of(&full_name), None, "{}", full_name);
        }
    }
}
