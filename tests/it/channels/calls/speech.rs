//! Spoken answers, through every preset that takes speech: codes in three languages, and a request
//! for an agent at every point of a call.

use super::{PLATFORMS, Platform, assert_nothing_happened, state, turn, value, with, world};
use crate::support::{Reply, World};

/// The state of a call, from the address of its next turn.
type State = Vec<(String, String)>;

/// The team's phone number, for a platform that dials it.
const AGENT: &str = "5548333330000";

/// The language of a call, the customer's words, and the code that the service reads back.
const CODES: [(&str, &str, &str); 24] = [
    ("pt-BR", "123 barra 123", "123|123"),
    ("pt-BR", "123/123", "123|123"),
    ("pt-BR", "1 2 3 barra 123", "123|123"),
    ("pt-BR", "um dois meia barra um dois três", "126|123"),
    ("pt-BR", "é 123 barra 123", "123|123"),
    ("pt-BR", "O código é 123 barra 123.", "123|123"),
    (
        "pt-BR",
        "quero cancelar 123 barra 123, por favor",
        "123|123",
    ),
    ("pt-BR", "123 barra em pé 123", "123|123"),
    ("pt-BR", "123 palito 123", "123|123"),
    ("pt-BR", "123 estrela 123", "123|123"),
    ("pt-BR", "123 hifen 123", "123-123"),
    ("pt-BR", "123 tracinho 123", "123-123"),
    ("es", "un dos tres barra un dos tres", "123|123"),
    ("es", "es el 123 barra 123", "123|123"),
    ("es", "123 guion 123", "123-123"),
    ("es", "123 raya 123", "123-123"),
    ("es", "123 pleca 123", "123|123"),
    ("es", "123 diagonal 123", "123|123"),
    ("en", "one two three bar one oh three", "123|103"),
    ("en", "it is 123 pipe 123", "123|123"),
    ("en", "the code is 123 star 123, please", "123|123"),
    ("en", "123 dash 123", "123-123"),
    ("en", "123 hyphen 123", "123-123"),
    ("en", "123 minus 123", "123-123"),
];

/// The language of a call, and words without a code, after which the service asks again.
const NO_CODES: [(&str, &str); 8] = [
    ("pt-BR", "não quero cancelar 123 barra 123"),
    ("pt-BR", "cento e vinte e três barra quatro"),
    ("pt-BR", "é um 123 barra 123"),
    ("pt-BR", "quero cancelar"),
    ("es", "es un 123 barra 123"),
    ("en", "um one two three"),
    ("en", "oh one two three"),
    ("en", "123 or 456"),
];

/// The language of a call, and a request for an agent.
const PERSONS: [(&str, &str); 9] = [
    ("pt-BR", "atendente"),
    ("pt-BR", "quero falar com um atendente"),
    ("pt-BR", "uma pessoa de verdade, por favor"),
    ("es", "agente"),
    ("es", "quiero hablar con una persona"),
    ("es", "no, un asesor por favor"),
    ("en", "operator"),
    ("en", "I want to talk to a human"),
    ("en", "customer service, please"),
];

/// Words that mention a person without asking for an agent.
const NO_PERSONS: [&str; 3] = [
    "não quero falar com um atendente",
    "o atendente disse que vai chover",
    "alguém",
];

fn in_language(locale: &str) -> State {
    with(&with(&[], "lang", locale), "agent", AGENT)
}

/// Whether the reply hands the call over to an agent, in the platform's format.
fn hands_over(preset: &str, reply: &Reply) -> bool {
    match preset {
        "voicexml" => reply.body.contains("name=\"handoff\" expr=\"'true'\""),
        "freeswitch-httapi" => reply.body.contains("<ozmap_handoff>true</ozmap_handoff>"),
        "twilio-voice" => reply.body.contains(&format!("<Dial>+{AGENT}</Dial>")),
        "plivo" => reply.body.contains(&format!("<Number>{AGENT}</Number>")),
        "jambonz" => reply.body.contains("\"verb\":\"dial\""),
        "vonage" => reply.body.contains("\"action\":\"connect\""),
        other => panic!("how does {other} hand over?"),
    }
}

/// The same body from a speech recogniser with low confidence.
fn unsure(body: String) -> String {
    if body.contains("0.95") {
        body.replace("0.95", "0.42")
    } else {
        format!("{body}&confidence=0.42")
    }
}

/// Every point of a call: before the question, after it, after a failure, and at the confirmation.
async fn points(world: &World, platform: &Platform, locale: &str) -> [(&'static str, State); 4] {
    let first = in_language(locale);
    // The platform keeps the parameters of the first address; some answers do not repeat them.
    let following = |reply: &Reply| {
        let state = state(reply);
        with(&with(&state, "lang", locale), "agent", AGENT)
    };
    let asked = turn(world, "ivr", &first, &(platform.keyed)("call-1", "")).await;
    let failed = turn(
        world,
        "ivr",
        &following(&asked),
        &(platform.said)("call-1", "quero cancelar"),
    )
    .await;
    let read_back = turn(world, "ivr", &first, &(platform.keyed)("call-1", "123*123")).await;
    let points = [
        ("first", first),
        ("asked", following(&asked)),
        ("failed", following(&failed)),
        ("confirm", following(&read_back)),
    ];
    assert_eq!(value(&points[3].1, "ozc_step"), "confirm");
    points
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_clearly_a_code_is_read_back_and_nothing_else_is() {
    for Platform {
        preset,
        said,
        keyed,
    } in &PLATFORMS
    {
        let world = world(preset).await;
        for (locale, words, code) in CODES {
            let asked =
                state(&turn(&world, "ivr", &in_language(locale), &said("call-1", words)).await);
            assert_eq!(value(&asked, "ozc_step"), "confirm", "{preset}: {words}");
            assert_eq!(value(&asked, "ozc_code"), code, "{preset}: {words}");
        }
        for (locale, words) in NO_CODES {
            let asked =
                state(&turn(&world, "ivr", &in_language(locale), &said("call-1", words)).await);
            assert_eq!(value(&asked, "ozc_step"), "code", "{preset}: {words}");
            assert_eq!(value(&asked, "ozc_failures"), "1", "{preset}: {words}");
        }
        assert_nothing_happened(&world, preset).await;
        let words = "quero cancelar a reserva 123 barra em pé 123";
        let asked = state(&turn(&world, "ivr", &[], &said("call-2", words)).await);
        turn(&world, "ivr", &asked, &keyed("call-2", "1")).await;
        assert_eq!(world.settled().await[0]["outcome"], "cancelled", "{preset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_for_a_person_hands_over_at_every_point_of_a_call() {
    for platform in &PLATFORMS {
        let preset = platform.preset;
        let world = world(preset).await;
        for (locale, words) in PERSONS {
            for (point, state) in points(&world, platform, locale).await {
                let reply = turn(&world, "ivr", &state, &(platform.said)("call-1", words)).await;
                assert!(
                    hands_over(preset, &reply),
                    "{preset}, {point}: {words}: {reply:?}"
                );
            }
        }
        assert_nothing_happened(&world, preset).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_clear_wish_for_a_person_transfers_the_call() {
    for platform in &PLATFORMS {
        let preset = platform.preset;
        let world = world(preset).await;
        for (point, at) in points(&world, platform, "pt-BR").await {
            // The second failure hands the call over, whatever the caller said.
            if point == "failed" {
                continue;
            }
            let sure = NO_PERSONS.map(|words| (platform.said)("call-1", words));
            let television = PERSONS.map(|(_, words)| unsure((platform.said)("call-1", words)));
            for body in sure.into_iter().chain(television) {
                let reply = turn(&world, "ivr", &at, &body).await;
                assert!(!hands_over(preset, &reply), "{preset}, {point}: {body}");
                // A misrecognised answer keeps the code that was read back.
                let step = if point == "confirm" { point } else { "code" };
                assert_eq!(
                    value(&state(&reply), "ozc_step"),
                    step,
                    "{preset}, {point}: {body}"
                );
            }
        }
        assert_nothing_happened(&world, preset).await;
    }
}
