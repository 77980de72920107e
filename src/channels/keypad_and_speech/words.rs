//! What callers say, per language, as lists of phrases: digits, separators, what changes nothing
//! around a code, and a wish for a person.
//!
//! A word without an accent stands for every spelling of it, a word with one only for itself. It
//! must never hold the name of a letter (`e`, `o`, `de`, `ele`, `ok`): a code may begin with one,
//! and a letter that is dropped is another code. It must never hold a negation.

use crate::domain::Locale;

/// The words of one language. In each list a comma separates two phrases.
pub(super) struct Language {
    /// The ten digits.
    pub(super) digits: [&'static str; 10],
    /// Digits of this language that are an article, too: before a number they may not be a digit.
    pub(super) articles: &'static str,
    /// The names of the separator between the two numbers of a code.
    pub(super) separators: &'static str,
    /// The `-`.
    pub(super) dashes: &'static str,
    /// Phrases before a code that change nothing.
    pub(super) leads: &'static str,
    /// Phrases after a code that change nothing.
    pub(super) closings: &'static str,
    /// Words for the person that the caller wants to talk to.
    pub(super) persons: &'static str,
    /// The same, only beside a word for talking: alone it asks whether the line works.
    pub(super) somebody: &'static str,
    /// Talking to a person.
    pub(super) talking: &'static str,
    /// Phrases around a request for a person.
    pub(super) around: &'static str,
}

/// Portuguese.
const PT: Language = Language {
    digits: [
        "zero",
        "um, uma",
        "dois, duas",
        "tres",
        "quatro",
        "cinco",
        "seis, meia",
        "sete",
        "oito",
        "nove",
    ],
    articles: "um, uma",
    separators: "barra, barra vertical, barra em pe, barra de pe, barra reta, traco vertical, traco em pe, linha vertical, \
                 risco vertical, risco em pe, diagonal, pipe, palito, palitinho, asterisco, estrela, estrelinha",
    dashes: "traco, tracinho, hifen, menos",
    leads: "é, eh, sim, isso, entao, certo, ola, oi, alo, bom dia, boa tarde, boa noite, por favor, por gentileza, anota, \
            anote, eu quero, quero, eu queria, queria, eu gostaria de, gostaria de, eu preciso, preciso, desejo, \
            pode cancelar, cancelar, cancela, fazer o cancelamento, o cancelamento da, o cancelamento, cancelamento da, \
            cancelamento, uma reserva, a reserva, minha reserva, a minha reserva, reserva, o codigo, meu codigo, \
            o meu codigo, codigo, com o codigo, com codigo, de codigo, o numero, meu numero, o meu numero, numero, \
            com o numero, de numero, da reserva, da minha reserva, de reserva, o meu",
    closings: "por favor, por gentileza, obrigado, obrigada, muito obrigado, muito obrigada, isso, é isso, so isso, \
               é so isso, é o codigo, é o meu codigo, quero cancelar, pode cancelar, jogo da velha, cerquilha, sustenido, \
               hashtag",
    persons: "atendente, atendentes, atendimento, agente, agentes, humano, humana, ser humano, pessoa, operador, operadora, \
              telefonista, recepcionista, suporte, consultor, consultora, assessor, assessora, representante, gerente, \
              supervisor, supervisora",
    somebody: "alguem, voces, setor, departamento",
    talking: "falar, falo, fala, conversar, chama, chamar, chame, passa, passar, passe, transfere, transferir, transfira, \
              ajuda, ajudar, tem",
    around: "eu, me, nos, quero, queria, gostaria, preciso, desejo, posso, poderia, pode, podia, tem como, com, para, pra, \
             pro, por, favor, gentileza, a, o, as, os, ao, um, uma, de, do, da, que, seja, verdade, real, aqui, ai, agora, \
             oi, ola, alo, bom, boa, dia, tarde, noite, entao, sim, ta, ok, certo, obrigado, obrigada, cancelar, \
             cancelamento, reserva, minha, meu, tecnico, comercial, ligacao, direto",
};

/// Spanish.
const ES: Language = Language {
    digits: [
        "cero", "uno, un", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve",
    ],
    articles: "un",
    separators: "barra, barra vertical, barra recta, raya vertical, linea vertical, diagonal, barra diagonal, pleca, pipe, \
                 palito, palote, asterisco, estrella, estrellita",
    dashes: "guion, guion medio, raya, rayita, menos",
    leads: "es, es el, es la, sí, si, bueno, pues, hola, buenos dias, buenas tardes, buenas noches, por favor, yo quiero, \
            quiero, quisiera, queria, me gustaria, necesito, deseo, cancelar, anular, la cancelacion de, la anulacion de, \
            una reserva, la reserva, mi reserva, reserva, el codigo, mi codigo, codigo, con el codigo, con codigo, \
            el numero, mi numero, numero, con el numero, de la reserva, de mi reserva, de reserva",
    closings: "por favor, gracias, muchas gracias, eso es todo, es todo, es el codigo, ese es el codigo, es mi codigo, \
               quiero cancelar, quiero anular, numeral, tecla numeral, almohadilla, gato",
    persons: "agente, agentes, persona, humano, humana, ser humano, operador, operadora, telefonista, recepcionista, asesor, \
              asesora, ejecutivo, ejecutiva, representante, soporte, atencion al cliente, servicio al cliente, encargado, \
              encargada, supervisor, supervisora, gerente",
    somebody: "alguien, ustedes, departamento",
    talking: "hablar, conversar, comunicar, comunicarme, comuniqueme, comunicame, comunique, pasar, paseme, pasame, paso, \
              transferir, transfiera, transfierame, transfiereme, ayuda, ayudar, hay",
    around: "yo, me, quiero, quisiera, gustaria, queria, necesito, deseo, puedo, puede, podria, con, para, por, favor, a, al, \
             el, la, los, un, una, de, del, que, sea, verdad, real, aqui, ahora, hola, buenos, buenas, dias, tardes, noches, \
             sí, si, bueno, gracias, cancelar, anular, anulacion, cancelacion, reserva, mi, tecnico, directamente",
};

/// English.
const EN: Language = Language {
    digits: [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    ],
    articles: "",
    separators: "bar, vertical bar, vertical line, pipe, pipe symbol, star, asterisk, slash, forward slash",
    dashes: "dash, hyphen, minus",
    leads: "is, it is, it's, i'm calling to, yes, okay, well, hi, hello, please, i want to, i'd like to, i would like to, i need to, cancel, \
            a reservation, the reservation, my reservation, reservation, a booking, the booking, my booking, booking, \
            the code, my code, code, with the code, with code, the number, my number, number, with the number, \
            the reservation code, reservation code, the reservation number, reservation number",
    closings: "please, thanks, thank you, that's it, that is it, that's all, is the code, is my code, that's the code, \
               that's my code, pound, pound sign, pound key, hash, hash key, hashtag",
    persons: "agent, agents, operator, person, human, human being, representative, representatives, rep, customer service, \
              customer support, customer care, support, attendant, receptionist, manager, supervisor",
    somebody: "someone, somebody, anyone, anybody",
    talking: "talk, speak, transfer, connect, put me through, help, is there, call, get",
    around: "i, i'd, i'll, would, like, want, wanna, need, to, can, could, may, you, me, my, with, a, an, the, please, now, \
             real, live, actual, here, hi, hello, hey, yes, ok, okay, thanks, thank, just, let, cancel, reservation, booking, \
             for, of, um, uh, your, team",
};

/// Every language: callers mix them, and what is said around a code means the same in each.
pub(super) const LANGUAGES: [Language; 3] = [PT, ES, EN];

/// Digits of another language that are something else in the language of the call: an English `um`
/// is no one, and a Portuguese `dos` is no two.
pub(super) const fn something_else_in(locale: Locale) -> &'static str {
    match locale {
        Locale::PtBr => "dos",
        Locale::Es => "",
        Locale::En => "um, uma, un, dos",
    }
}

/// A zero that is an exclamation, too, in the language where it is one.
pub(super) const fn exclaimed_zero(locale: Locale) -> Option<&'static str> {
    match locale {
        Locale::PtBr | Locale::Es => None,
        Locale::En => Some("oh"),
    }
}
