//! Names from real client records, chat profiles and chatbot builders, each with its greeting or
//! without one.

use proptest::prelude::*;

use unicode_normalization::char::is_combining_mark;

use super::*;

fn of(full_name: &str) -> Option<String> {
    FirstName::of(full_name).map(|name| name.as_str().to_owned())
}

/// Each line is a full name and its greeting.
const GREETED: &str = include_str!("tests/greeted.txt");

/// The same, with blanks or decomposed characters that a text file would not show.
const GREETED_ALL_THE_SAME: [(&str, &str); 2] =
    [("  JOÃO da silva", "João"), ("Joa\u{303}o Silva", "João")];

/// Each line is a full name that is not greeted.
const NOT_GREETED: &str = include_str!("tests/not_greeted.txt");

/// Further texts that are not greeted; a text file would not show their special characters. The
/// last one looks Latin, but one of its letters is not.
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
    assert!(GREETED.lines().chain(NOT_GREETED.lines()).count() >= 700);
}

#[test]
fn a_text_is_no_name() {
    assert_eq!(of(&format!("Ana {}", "x".repeat(300))), None);
}

/// The words that platforms, clerks and customers write where no name is known: forms, family,
/// faith, places, surnames.
const WORDS: &str = include_str!("tests/words.txt");

#[test]
fn every_title_leads_to_a_name_of_the_list_and_to_no_other() {
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
fn every_name_of_the_list_is_greeted_alone_with_and_without_its_accents() {
    for name in FIRST_NAMES.all() {
        let plain: String = name.nfd().filter(|c| !is_combining_mark(*c)).collect();
        let spellings = if plain == name {
            vec![name]
        } else {
            vec![name, &plain]
        };
        for name in spellings {
            let greeted = of(&name.to_uppercase()).map(|name| name.to_lowercase());
            assert_eq!(greeted.as_deref(), Some(name));
        }
    }
}

#[test]
fn the_list_is_long_sorted_and_of_latin_letters_in_lower_case() {
    let names: Vec<&str> = FIRST_NAMES.all().collect();
    assert!(names.len() >= 1_500, "{}", names.len());
    for name in &names {
        assert!(name.chars().all(is_latin), "{name:?}");
        assert_eq!(*name, name.to_lowercase());
        assert_eq!(*name, name.nfc().collect::<String>());
    }
    let key = |name: &str| {
        let plain: String = name.nfd().filter(|c| !is_combining_mark(*c)).collect();
        (plain, name.to_owned())
    };
    assert!(names.is_sorted_by(|one, next| key(one) < key(next)));
}

#[test]
fn no_word_that_is_no_name_is_in_the_list() {
    let lists = [
        &words::TITLES,
        &PARTICLES,
        &COMPANY,
        &DECEASED,
        &NETWORK,
        &PLACEHOLDERS,
    ];
    let listed = lists
        .into_iter()
        .chain([&OF_A_SENTENCE])
        .flat_map(Words::all);
    let wrong: Vec<&str> = WORDS
        .lines()
        .chain(listed)
        .filter(|word| FIRST_NAMES.have(word))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

fn is_latin(c: char) -> bool {
    matches!(c, 'a'..='z' | 'ß'..='ö' | 'ø'..='ÿ')
}

proptest! {
    #[test]
    fn a_greeting_is_always_one_word_of_latin_letters_and_stays_itself(full_name in ".{0,60}") {
        if let Some(name) = of(&full_name) {
            let parts = name.to_lowercase();
            prop_assert!(parts.split('-').all(|part| !part.is_empty() && part.chars().all(is_latin)), "{name:?}");
            // The journal stores the name, and the service reads it back.
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
    fn a_first_word_that_is_not_in_the_list_has_no_greeting(word in "[A-ZÀ-Ý]?[a-zà-ÿ]{1,12}", rest in "( [A-Z][a-z]{2,8}){0,2}") {
        prop_assume!(!FIRST_NAMES.have(&word.to_lowercase()) && !words::TITLES.have(&word.to_lowercase()));
        prop_assert_eq!(of(&format!("{word}{rest}")), None);
    }

    #[test]
    fn what_is_said_of_the_dead_and_of_the_network_leaves_no_greeting(
        at in any::<proptest::sample::Index>(),
        signs in prop::sample::select(vec![("", ""), ("(", ")"), ("- ", ""), ("", " 12")]),
    ) {
        let lists = [&DECEASED, &NETWORK, &PLACEHOLDERS];
        let words: Vec<&str> = lists.into_iter().flat_map(Words::all).collect();
        let word = at.get(&words);
        for word in [(*word).to_owned(), word.to_uppercase()] {
            prop_assert_eq!(of(&format!("Maria Souza {}{word}{}", signs.0, signs.1)), None);
        }
    }

    #[test]
    fn a_placeholder_is_never_greeted(
        at in any::<proptest::sample::Index>(),
        upper in any::<bool>(),
        rest in "( [A-Z][a-z]{2,8}){0,2}",
    ) {
        let words: Vec<&str> = WORDS.lines().collect();
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
