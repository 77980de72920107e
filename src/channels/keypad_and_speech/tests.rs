//! Keys and sentences as callers and recognisers really have them, each with its code or without
//! one.

use proptest::prelude::*;

use super::*;

const PT: Locale = Locale::PtBr;
const ES: Locale = Locale::Es;
const EN: Locale = Locale::En;

fn vocabulary() -> Vocabulary {
    Vocabulary::load().unwrap()
}

fn spoken(transcript: &str, separator: &str, locale: Locale) -> Option<String> {
    super::spoken(transcript, separator, locale, &vocabulary())
}

#[test]
fn keys_become_a_code() {
    assert_eq!(keyed("123*123", "|").as_deref(), Some("123|123"));
    assert_eq!(keyed("123*123#", "|").as_deref(), Some("123|123"));
    assert_eq!(keyed("123*123#77", "|").as_deref(), Some("123|123"));
    assert_eq!(keyed("123*123", "-").as_deref(), Some("123-123"));
    assert_eq!(keyed("1 2 3 * 1 2 3 #", "|").as_deref(), Some("123|123"));
}

#[test]
fn nothing_and_a_single_key_are_no_code() {
    for digits in ["", "#", "1", "2#", "*", "#123*123"] {
        assert_eq!(keyed(digits, "|"), None, "{digits}");
    }
}

#[test]
fn a_star_that_was_keyed_twice_is_not_guessed() {
    for digits in [
        "12**",
        "12**1",
        "123**123#",
        "**123*123",
        "99**123*123",
        "1* *2",
    ] {
        assert_eq!(keyed(digits, "|"), None, "{digits}");
    }
    assert_eq!(keyed("123*123#**", "|").as_deref(), Some("123|123"));
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
fn digits_and_words_become_a_code() {
    for (locale, said, code) in [
        (PT, "1 2 3 barra 1 2 3", "123|123"),
        (PT, "um dois três barra vertical um dois meia.", "123|126"),
        (PT, "Um, dois, três, barra, um, dois, três.", "123|123"),
        (PT, "123/123", "123|123"),
        (PT, "123|123", "123|123"),
        (PT, "123 / 123", "123|123"),
        (PT, "123 barra em pé 123", "123|123"),
        (PT, "123 barra reta 123", "123|123"),
        (PT, "123 traço vertical 123", "123|123"),
        (PT, "123 palito 123", "123|123"),
        (PT, "123 pipe 123", "123|123"),
        (PT, "123 estrela 123", "123|123"),
        (PT, "123 asterisco 123", "123|123"),
        (PT, "123 hifen 123", "123-123"),
        (PT, "123 hi\u{301}fen 123", "123-123"),
        (PT, "123 tracinho 123", "123-123"),
        (PT, "123 traço 123", "123-123"),
        (PT, "123-123", "123-123"),
        (PT, "123–123", "123-123"),
        (PT, "um 2 3 barra 1 2 3", "123|123"),
        (PT, "é 123 barra 123", "123|123"),
        (PT, "código 123 barra 123", "123|123"),
        (PT, "O código é: 123 barra 123.", "123|123"),
        (PT, "o código é um dois três barra um dois três", "123|123"),
        (PT, "quero cancelar 123 barra 123", "123|123"),
        (PT, "quero cancelar um dois três", "123"),
        (
            PT,
            "quero cancelar uma reserva um dois três barra quatro",
            "123|4",
        ),
        (
            PT,
            "eu gostaria de cancelar a minha reserva, o código da reserva é 123 barra 123, por favor",
            "123|123",
        ),
        (PT, "Olá, bom dia! 123 barra 123, obrigado", "123|123"),
        (PT, "123 barra 123 é isso", "123|123"),
        (PT, "123 barra 123 jogo da velha", "123|123"),
        (ES, "123 guion 123", "123-123"),
        (ES, "123 guión 123", "123-123"),
        (ES, "123 raya 123", "123-123"),
        (ES, "123 raya vertical 123", "123|123"),
        (ES, "123 pleca 123", "123|123"),
        (ES, "123 diagonal 123", "123|123"),
        (ES, "123 palito 123", "123|123"),
        (ES, "un dos tres barra un dos tres", "123|123"),
        (ES, "uno dos tres barra uno dos tres", "123|123"),
        (ES, "es el 123 barra 123", "123|123"),
        (ES, "El código es uno dos tres barra cero nueve", "123|09"),
        (
            ES,
            "quiero anular la reserva con el código 123 barra 123, gracias",
            "123|123",
        ),
        (EN, "one two three pipe one two three", "123|123"),
        (EN, "123 vertical bar 123", "123|123"),
        (EN, "123 forward slash 123", "123|123"),
        (EN, "123 dash 123", "123-123"),
        (EN, "123 hyphen 123", "123-123"),
        (EN, "123 minus 123", "123-123"),
        (EN, "it is 123 bar 123", "123|123"),
        (EN, "It’s 123 bar 123", "123|123"),
        (EN, "The code is 123 bar 123, please.", "123|123"),
        (
            EN,
            "I want to cancel my reservation number one two three star one",
            "123|1",
        ),
        (EN, "one oh two bar three", "102|3"),
        (EN, "1 oh 2", "102"),
    ] {
        assert_eq!(spoken(said, "|", locale).as_deref(), Some(code), "{said}");
    }
    assert_eq!(spoken("12 barra 3", "-", PT).as_deref(), Some("12-3"));
}

#[test]
fn what_is_not_understood_to_its_last_word_is_no_code() {
    for (locale, said) in [
        (PT, ""),
        (PT, "..."),
        (PT, "quero cancelar"),
        (PT, "barra"),
        (PT, "não quero cancelar 123 barra 123"),
        (PT, "não, 123 barra 123"),
        (PT, "123 barra 123 não"),
        (PT, "o código não é 123"),
        (PT, "123 ou 456"),
        (PT, "123 barra 123 e 456"),
        (PT, "cento e vinte e três barra quatro"),
        (PT, "dez barra vinte"),
        (PT, "meia dúzia"),
        (PT, "123 barra invertida 123"),
        (PT, "12:30"),
        (PT, "R$ 123"),
        (PT, "50%"),
        (PT, "1½"),
        (PT, "1²"),
        (PT, "１２３"),
        (PT, "1\u{336}2"),
        (PT, "123 reais"),
        (PT, "atendente 123"),
        (ES, "no quiero cancelar 123"),
        (ES, "123 guion bajo 123"),
        (EN, "do not cancel 123"),
        (EN, "123 backslash 123"),
        (EN, "double one two"),
        (EN, "for two"),
    ] {
        assert_eq!(spoken(said, "|", locale), None, "{said}");
    }
}

#[test]
fn a_word_that_may_be_a_digit_or_not_is_not_guessed() {
    for (locale, said) in [
        // An article, or a one?
        (PT, "um 123 barra 123"),
        (PT, "é um 23 barra 123"),
        (PT, "quero cancelar uma 1 2 3"),
        (PT, "quero cancelar duas 123 barra 123"),
        (ES, "es un 123 barra 123"),
        // Words of another language.
        (EN, "um one two three"),
        (EN, "um, 123"),
        (PT, "código dos 123"),
        // An exclamation, or a zero?
        (EN, "oh one two three"),
        (EN, "one two three oh"),
        (EN, "one two, oh three"),
        (EN, "one two oh, three"),
        (PT, "um oh dois"),
        (EN, "one o two"),
    ] {
        assert_eq!(spoken(said, "|", locale), None, "{said}");
    }
}

#[test]
fn the_first_letter_of_a_code_is_not_dropped_as_a_word() {
    for letter in [
        "a", "e", "o", "i", "de", "te", "ele", "pe", "ese", "be", "ok", "é a", "é o",
    ] {
        for locale in Locale::ALL {
            let said = format!("{letter} 1 2 3 barra 1");
            assert_eq!(spoken(&said, "|", locale), None, "{said}");
            let said = format!("o código {letter} 1 2 3 barra 1");
            assert_eq!(spoken(&said, "|", locale), None, "{said}");
        }
    }
}

#[test]
fn no_phrase_around_a_code_has_a_digit_a_letter_or_a_negation() {
    for language in vocabulary().phones() {
        for phrase in language.leads.iter().chain(&language.closings) {
            for word in phrase.split_whitespace() {
                let is_negation = [
                    "nao", "não", "no", "not", "don't", "nem", "sem", "sin", "never",
                ]
                .contains(&word);
                assert!(!is_negation, "{phrase}");
            }
            let is_digit = Locale::ALL
                .iter()
                .any(|locale| spoken(phrase, "|", *locale).is_some());
            assert!(!is_digit, "{phrase}");
            assert!(phrase == "é" || phrase.chars().count() > 1, "{phrase}");
        }
    }
}

#[test]
fn a_wish_for_a_person_is_understood() {
    for said in [
        "atendente",
        "Atendente.",
        "atendente, por favor",
        "quero falar com um atendente",
        "Eu quero falar com um atendente, por favor.",
        "queria falar com uma atendente",
        "preciso falar com uma pessoa",
        "uma pessoa de verdade",
        "me passa pra um atendente",
        "me transfere para o atendimento",
        "falar com alguém",
        "quero falar com alguém",
        "tem como falar com um humano",
        "atendimento humano",
        "quero um ser humano",
        "humano",
        "pessoa",
        "agente",
        "operador",
        "operadora",
        "suporte técnico",
        "posso falar com um atendente?",
        "quero cancelar minha reserva com um atendente",
        "não, atendente",
        "não, quero falar com um atendente",
        "una persona",
        "una persona, por favor",
        "quiero hablar con una persona",
        "Quiero hablar con un agente",
        "páseme con un asesor",
        "comuníqueme con un ejecutivo",
        "necesito hablar con alguien",
        "operadora",
        "atención al cliente",
        "no, un agente por favor",
        "agent",
        "operator",
        "Operator, please!",
        "human",
        "a real person",
        "representative",
        "customer service",
        "I want to talk to a human",
        "I’d like to speak to a person, please",
        "can I speak with someone",
        "let me talk to an agent",
        "um, agent",
    ] {
        assert!(super::wants_a_person(said, &vocabulary()), "{said}");
    }
}

#[test]
fn what_is_not_surely_a_wish_for_a_person_is_none() {
    for said in [
        "",
        "sim",
        "alô",
        "quero cancelar",
        "quero falar",
        "alguém",
        "someone",
        "ajuda",
        "help",
        "não quero falar com um atendente",
        "não quero atendente",
        "sem atendente",
        "no quiero hablar con un agente",
        "no agent",
        "I don't want an agent",
        "o atendente disse ao presidente que vai chover",
        "a pessoa foi presa ontem",
        "the agent said that it will rain",
        "123 barra 123",
        "atendente 123",
        "um dois três",
    ] {
        assert!(!super::wants_a_person(said, &vocabulary()), "{said}");
    }
}

proptest! {
    #[test]
    fn every_digit_that_was_said_stands_in_the_code_and_no_other(
        digits in prop::collection::vec(0_usize..10, 1..8),
        others in prop::collection::vec(0_usize..10, 1..8),
        language in 0..Locale::ALL.len(),
        bar in any::<prop::sample::Index>(),
        lead in any::<prop::sample::Index>(),
        closing in any::<prop::sample::Index>(),
    ) {
        let locale = Locale::ALL[language];
        let vocabulary = vocabulary();
        let language = vocabulary.phones().nth(language).unwrap();
        let say = |digits: &[usize]| {
            let names = digits.iter().map(|digit| language.digits[*digit][0].as_str());
            names.collect::<Vec<_>>().join(" ")
        };
        let write = |digits: &[usize]| digits.iter().map(ToString::to_string).collect::<String>();
        let (bar, lead, closing) = (bar.get(&language.separators), lead.get(&language.leads), closing.get(&language.closings));
        let code = format!("{}|{}", write(&digits), write(&others));
        for said in [
            format!("{} {bar} {}", say(&digits), say(&others)),
            format!("{lead} {} {bar} {} {closing}", say(&digits), say(&others)),
        ] {
            prop_assert_eq!(spoken(&said, "|", locale), Some(code.clone()), "{}", said);
            // Another word anywhere, and a no before all of it, is not understood.
            prop_assert_eq!(spoken(&format!("não {said}"), "|", locale), None);
            prop_assert_eq!(spoken(&format!("{said} não"), "|", locale), None);
        }
    }

    #[test]
    fn whatever_is_said_a_code_holds_only_digits_and_signs(said in ".{0,40}") {
        for locale in Locale::ALL {
            if let Some(code) = spoken(&said, "|", locale) {
                prop_assert!(code.chars().all(|c| c.is_ascii_digit() || matches!(c, '|' | '-')), "{code}");
            }
        }
    }
}
