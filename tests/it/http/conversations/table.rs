//! The table of conversations: what customers write, the events between the turns, the replies.

use ozmap_cancel::domain::{Locale, Turn};

use super::Happens::{DeliveredAgain, Fault, Heal, Late, Restart, Silence, Writes};
use super::Told::{Cancelled, Earlier, NotFound, Pending, Says};
use super::{A, ASKS_CODE, B, DECLINED, Happens, TEAM, THANKED, asks};

pub(super) fn conversations() -> Vec<(&'static str, Locale, Vec<Happens>)> {
    let again = |code| Says(Turn::ConfirmAgain, code);
    let bar = |code| Says(Turn::ConfirmBar, code);
    let pt = Locale::PtBr;
    vec![
        (
            "the usual way",
            pt,
            vec![
                Writes(A, "oi queria cancelar minha reserva", ASKS_CODE),
                Writes(A, "123|123", asks("123|123")),
                Writes(A, "sim", Cancelled("123|123")),
                Writes(A, "obrigado", THANKED),
            ],
        ),
        (
            "all at once",
            pt,
            vec![
                Writes(
                    A,
                    "Bom dia, quero cancelar a reserva 123|123",
                    Cancelled("123|123"),
                ),
                Writes(A, "sim", Earlier("cancelled")),
                Writes(A, "não", Earlier("cancelled")),
                Writes(A, "vlw", THANKED),
                Writes(A, "🙏", THANKED),
            ],
        ),
        (
            "a yes after a no",
            pt,
            vec![
                Writes(A, "Cancelamento 123|123", asks("123|123")),
                Writes(A, "melhor não", DECLINED),
                Writes(A, "sim", ASKS_CODE),
                Writes(A, "quero cancelar a reserva 123|123", Cancelled("123|123")),
            ],
        ),
        (
            "the same message twice is no answer",
            Locale::Es,
            vec![
                Writes(A, "anular 123|123", asks("123|123")),
                DeliveredAgain(A, "anular 123|123", asks("123|123")),
                Writes(A, "sí", Cancelled("123|123")),
                DeliveredAgain(A, "sí", Earlier("cancelled")),
            ],
        ),
        (
            "a person at every point",
            pt,
            vec![
                Writes(A, "quero falar com um atendente", TEAM),
                Writes(A, "dá pra cancelar a 123|123", asks("123|123")),
                Writes(A, "sim, mas quero falar com um atendente", TEAM),
                Writes(A, "sim", ASKS_CODE),
                Writes(A, "cancelar 123|123", Cancelled("123|123")),
                Writes(A, "atendente", TEAM),
            ],
        ),
        (
            "two failures",
            pt,
            vec![
                Writes(A, "posso cancelar a 123|123", asks("123|123")),
                Writes(A, "kkk", again("123|123")),
                Writes(A, "sei lá", TEAM),
                Writes(A, "sim", TEAM),
            ],
        ),
        (
            "a failure, then yes",
            pt,
            vec![
                Writes(A, "123|123", asks("123|123")),
                Writes(A, "sim?", again("123|123")),
                Writes(A, "sim", Cancelled("123|123")),
            ],
        ),
        (
            "a second code in place of the yes",
            pt,
            vec![
                Writes(A, "cancelamento 123|123", asks("123|123")),
                Writes(A, "124|124", asks("124|124")),
                Writes(A, "sim", Cancelled("124|124")),
            ],
        ),
        (
            "a second wish in place of the yes",
            pt,
            vec![
                Writes(A, "posso cancelar a 123|123", asks("123|123")),
                Writes(A, "cancelar 124|124", Cancelled("124|124")),
                Writes(A, "sim", Earlier("cancelled")),
            ],
        ),
        (
            "a yes with another code",
            pt,
            vec![
                Writes(A, "da pra cancelar 123|123", asks("123|123")),
                Writes(A, "sim 124|124", asks("124|124")),
                Writes(A, "sim", Cancelled("124|124")),
            ],
        ),
        (
            "two codes, then yes",
            pt,
            vec![
                Writes(A, "posso cancelar a 123|123", asks("123|123")),
                Writes(
                    A,
                    "cancelar 123|123 e 124|124",
                    Says(Turn::SeveralCodes, ""),
                ),
                Writes(A, "sim", TEAM),
                Writes(A, "cancelar 123|123", Cancelled("123|123")),
            ],
        ),
        (
            "a thank-you after the question",
            pt,
            vec![
                Writes(A, "Cancelamento da minha reserva 123|123", asks("123|123")),
                Writes(A, "obrigada!", Says(Turn::Thanked, "123|123")),
                Writes(A, "ok obrigado", Says(Turn::Thanked, "123|123")),
                Silence(60),
                Writes(A, "👍", ASKS_CODE),
            ],
        ),
        (
            "restarts",
            pt,
            vec![
                Writes(A, "123|123", asks("123|123")),
                Restart,
                Writes(A, "não", DECLINED),
                Restart,
                Writes(A, "sim", ASKS_CODE),
                Writes(A, "reserva 123|123", asks("123|123")),
                Restart,
                Writes(A, "isso mesmo", Cancelled("123|123")),
                Restart,
                Writes(A, "isso mesmo", Earlier("cancelled")),
            ],
        ),
        (
            "killed while it is cancelled",
            pt,
            vec![
                Writes(A, "cancelamento 123|123", asks("123|123")),
                Fault("delete:status=503"),
                Writes(A, "sim", Pending),
                Restart,
                Writes(A, "não", Pending),
                Heal,
                Writes(A, "sim", Earlier("cancelled")),
            ],
        ),
        (
            "two customers",
            pt,
            vec![
                Writes(A, "cancelamento 123|123", asks("123|123")),
                Writes(B, "sim", ASKS_CODE),
                Writes(B, "cancelamento 124|124", asks("124|124")),
                Writes(A, "não", DECLINED),
                Writes(B, "sim", Cancelled("124|124")),
                Writes(A, "sim", ASKS_CODE),
            ],
        ),
        (
            "an hour of silence",
            Locale::En,
            vec![
                Writes(A, "can I cancel 123|123", asks("123|123")),
                Silence(60),
                Writes(A, "yes please", ASKS_CODE),
                Writes(A, "cancel 123|123", Cancelled("123|123")),
            ],
        ),
        (
            "the wrong bar",
            pt,
            vec![
                Writes(A, "quero cancelar a reserva 123/123", bar("123|123")),
                Writes(A, "isso", Cancelled("123|123")),
            ],
        ),
        (
            "the wrong bar, and no",
            pt,
            vec![
                Writes(A, "cancelar 123-123", bar("123|123")),
                Writes(A, "não, é 123-124", bar("123|124")),
                Writes(A, "não", DECLINED),
                Writes(A, "sim", ASKS_CODE),
            ],
        ),
        (
            "about something else",
            pt,
            vec![
                Writes(
                    A,
                    "quero confirmar a reserva 123|123",
                    Says(Turn::ConfirmInFull, "123|123"),
                ),
                Writes(A, "confirmo", ASKS_CODE),
                Writes(A, "sim", ASKS_CODE),
                Writes(A, "cancelar 123|123", Cancelled("123|123")),
            ],
        ),
        (
            "a code that is cancelled already, and a no",
            pt,
            vec![
                Writes(A, "cancelar 123|123", Cancelled("123|123")),
                Writes(A, "123|123", Earlier("cancelled")),
                Writes(A, "não", Earlier("cancelled")),
                Writes(A, "não era pra cancelar", Earlier("cancelled")),
                Writes(A, "tchau", THANKED),
            ],
        ),
        (
            "a code that is being cancelled, and a no",
            pt,
            vec![
                Fault("lookup:status=503"),
                Writes(A, "cancelar 123|123", Pending),
                Writes(A, "123|123", Pending),
                Writes(A, "não", Pending),
                Writes(A, "para, não cancela", Pending),
                Heal,
                Writes(A, "sim", Earlier("cancelled")),
            ],
        ),
        (
            "nine minutes of silence",
            pt,
            vec![
                Writes(A, "123|123", asks("123|123")),
                Silence(9),
                Writes(A, "sim", Cancelled("123|123")),
            ],
        ),
        (
            "eleven minutes of silence",
            pt,
            vec![
                Writes(A, "123|123", asks("123|123")),
                Silence(11),
                Writes(A, "sim", ASKS_CODE),
            ],
        ),
        (
            "a person and a no close an answered question, too",
            pt,
            vec![
                Writes(A, "cancelar 999|999", NotFound),
                Writes(A, "quero falar com alguém", TEAM),
                Writes(A, "sim", TEAM),
            ],
        ),
        (
            "paying in Spanish",
            Locale::Es,
            vec![
                Writes(A, "quiero cancelar la reserva 123|123", asks("123|123")),
                Writes(A, "sí, dónde pago", again("123|123")),
                Writes(A, "un asesor por favor", TEAM),
                Writes(A, "sí", TEAM),
            ],
        ),
        (
            "Spanish on a Portuguese channel",
            pt,
            vec![
                Writes(
                    A,
                    "hola quiero cancelar la reserva 123|123",
                    asks("123|123"),
                ),
                Writes(A, "sí", Cancelled("123|123")),
            ],
        ),
    ]
}

/// With message ids: a late redelivery is told apart from a new message.
pub(super) fn with_ids() -> Vec<(&'static str, Locale, Vec<Happens>)> {
    let pt = Locale::PtBr;
    vec![
        (
            "a code that is not there in place of the yes",
            pt,
            vec![
                Writes(A, "posso cancelar a 123|123", asks("123|123")),
                Writes(A, "cancelar 999|999", NotFound),
                Writes(A, "sim", Earlier("not_found")),
            ],
        ),
        (
            "a yes that comes again after another question",
            pt,
            vec![
                Writes(A, "reserva 123|123", asks("123|123")),
                Writes(A, "sim", Cancelled("123|123")),
                Writes(A, "124|124", asks("124|124")),
                Late(2, A, "sim", asks("124|124")),
                Writes(A, "sim", Cancelled("124|124")),
            ],
        ),
        (
            "the first message that comes again after its answer",
            pt,
            vec![
                Writes(A, "reserva 123|123", asks("123|123")),
                Writes(A, "sim", Cancelled("123|123")),
                Late(1, A, "reserva 123|123", Earlier("cancelled")),
                Writes(A, "não", Earlier("cancelled")),
            ],
        ),
    ]
}

/// Without message ids: a redelivery that led nowhere is not recognised, and leads to a question.
pub(super) fn without_ids() -> Vec<(&'static str, Locale, Vec<Happens>)> {
    vec![(
        "a code that is not there in place of the yes",
        Locale::PtBr,
        vec![
            Writes(A, "posso cancelar a 123|123", asks("123|123")),
            Writes(A, "cancelar 999|999", NotFound),
            Writes(A, "sim", asks("999|999")),
            Writes(A, "não", DECLINED),
            Writes(A, "sim", ASKS_CODE),
        ],
    )]
}
