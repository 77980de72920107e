//! Keys at the confirmation, through every preset of a call: a 1 cancels, a 2 asks for another
//! code, and no other key loses the code that was read back.

use super::{
    PLATFORMS, Platform, assert_nothing_happened, state, turn, value, with, without, world,
};
use crate::support::{Reply, World};

type State = Vec<(String, String)>;

/// The next turn of the call.
async fn keys(world: &World, platform: &Platform, at: &State, digits: &str) -> Reply {
    turn(world, "ivr", at, &(platform.keyed)("call-1", digits)).await
}

/// A call in which the service has read 123|123 back.
async fn read_back(world: &World, platform: &Platform) -> State {
    let asked = state(&keys(world, platform, &State::new(), "123*123").await);
    assert_eq!(value(&asked, "ozc_step"), "confirm", "{}", platform.preset);
    asked
}

fn is_over(reply: &Reply) -> bool {
    reply
        .body
        .contains("Para continuar, fale com a nossa equipe")
        && !reply.body.contains("ozc_step=")
        && !reply.body.contains("<ozc_step>confirm")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_that_was_keyed_twice_or_ended_is_a_one() {
    for platform in &PLATFORMS {
        for digits in ["11", "1#", "1#1", "1##"] {
            let world = world(platform.preset).await;
            let asked = read_back(&world, platform).await;
            keys(&world, platform, &asked, digits).await;
            let rows = world.settled().await;
            assert_eq!(rows.len(), 1, "{} {digits}", platform.preset);
            assert_eq!(rows[0]["outcome"], "cancelled", "{digits}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_other_key_asks_the_same_question_once_more_and_then_a_person_takes_over() {
    for platform in &PLATFORMS {
        let preset = platform.preset;
        let world = world(preset).await;
        for digits in [
            "0",
            "3",
            "9",
            "*",
            "#",
            "12",
            "21",
            "111",
            "222",
            "1#123*123",
            "1**",
        ] {
            let asked = read_back(&world, platform).await;
            let reply = keys(&world, platform, &asked, digits).await;
            assert!(
                reply.body.contains("O código é um, dois, três, barra"),
                "{reply:?}"
            );
            assert!(!reply.body.contains("Não entendemos"), "{reply:?}");
            let again = state(&reply);
            for (name, is) in [
                ("ozc_step", "confirm"),
                ("ozc_code", "123|123"),
                ("ozc_failures", "1"),
            ] {
                assert_eq!(value(&again, name), is, "{preset} {digits}");
            }
            assert!(
                is_over(&keys(&world, platform, &again, digits).await),
                "{preset} {digits}"
            );
        }
        assert_nothing_happened(&world, preset).await;
        let asked = read_back(&world, platform).await;
        let again = state(&keys(&world, platform, &asked, "3").await);
        keys(&world, platform, &again, "1").await;
        assert_eq!(world.settled().await[0]["outcome"], "cancelled", "{preset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_two_asks_for_another_code_and_is_no_failure_three_times() {
    for platform in &PLATFORMS {
        let preset = platform.preset;
        let world = world(preset).await;
        let mut asked = read_back(&world, platform).await;
        for failures in ["0.1", "0.2", "0.3", "1.3"] {
            let reply = keys(&world, platform, &asked, "2").await;
            assert!(reply.body.contains("Digite o código de novo"), "{reply:?}");
            assert!(!reply.body.contains("Não entendemos"), "{reply:?}");
            let corrected = state(&reply);
            assert_eq!(value(&corrected, "ozc_step"), "code", "{preset}");
            assert_eq!(value(&corrected, "ozc_failures"), failures, "{preset}");
            // The service trusts none of the state without its seal, or with fewer corrections.
            for tampered in [
                without(&corrected, "ozc_seal"),
                with(&corrected, "ozc_failures", "0"),
            ] {
                let reply = keys(&world, platform, &tampered, "123*123").await;
                let is_confirmed = reply.body.contains("ozc_step=confirm")
                    || reply.body.contains("<ozc_step>confirm");
                assert!(!is_confirmed, "{reply:?}");
            }
            asked = state(&keys(&world, platform, &corrected, "123*123").await);
            assert_eq!(value(&asked, "ozc_step"), "confirm", "{preset}");
            assert_eq!(value(&asked, "ozc_failures"), failures, "{preset}");
        }
        assert!(
            is_over(&keys(&world, platform, &asked, "2").await),
            "{preset}"
        );
        assert_nothing_happened(&world, preset).await;
        keys(&world, platform, &asked, "1").await;
        assert_eq!(world.settled().await[0]["outcome"], "cancelled", "{preset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_in_place_of_an_answer_is_read_back_and_a_call_of_nothing_else_ends() {
    for platform in &PLATFORMS {
        let preset = platform.preset;
        let world = world(preset).await;
        let mut asked = read_back(&world, platform).await;
        for (digits, code, failures) in [
            ("456*456", "456|456", "0.1"),
            ("112", "112", "0.2"),
            ("456*456#1", "456|456", "0.3"),
            ("123*123#", "123|123", "1.3"),
        ] {
            asked = state(&keys(&world, platform, &asked, digits).await);
            for (name, is) in [
                ("ozc_step", "confirm"),
                ("ozc_code", code),
                ("ozc_failures", failures),
            ] {
                assert_eq!(value(&asked, name), is, "{preset} {digits}");
            }
        }
        assert!(
            is_over(&keys(&world, platform, &asked, "456*456").await),
            "{preset}"
        );
        assert_nothing_happened(&world, preset).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_called_silence_and_loses_no_code() {
    for platform in &PLATFORMS {
        let preset = platform.preset;
        let world = world(preset).await;
        let first = state(&keys(&world, platform, &State::new(), "").await);
        let asked = read_back(&world, platform).await;
        for (at, step) in [(first, "code"), (asked, "confirm")] {
            let reply = keys(&world, platform, &at, "").await;
            assert!(reply.body.contains("Não ouvimos nada"), "{reply:?}");
            assert!(!reply.body.contains("Não entendemos"), "{reply:?}");
            let again = state(&reply);
            assert_eq!(value(&again, "ozc_step"), step, "{preset}");
            assert_eq!(value(&again, "ozc_failures"), "1", "{preset}");
            assert!(
                is_over(&keys(&world, platform, &again, "").await),
                "{preset}"
            );
            if step == "confirm" {
                assert_nothing_happened(&world, preset).await;
                keys(&world, platform, &again, "1").await;
                assert_eq!(world.settled().await[0]["outcome"], "cancelled", "{preset}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_star_that_was_keyed_twice_is_asked_about_and_never_guessed() {
    for platform in &PLATFORMS {
        let preset = platform.preset;
        let world = world(preset).await;
        let first = state(&keys(&world, platform, &State::new(), "").await);
        let reply = keys(&world, platform, &first, "123**123").await;
        assert!(reply.body.contains("Não entendemos o código"), "{reply:?}");
        assert_eq!(value(&state(&reply), "ozc_step"), "code", "{preset}");
        assert_nothing_happened(&world, preset).await;
    }
}

/// With a limit of one key, a caller who keys a new code instead of a 2 would confirm the wrong
/// code with its first key, which is often a 1.
#[tokio::test(flavor = "multi_thread")]
async fn no_platform_is_told_to_stop_at_the_first_key_of_an_answer() {
    for (platform, many) in PLATFORMS.iter().zip([
        "\"maxDigits\":64,",
        "\"maxDigits\":20,",
        "numDigits=\"64\"",
        "numDigits=\"32\"",
        "<item repeat=\"1-64\">",
        "<bind>~^[\\d*]{1,64}$</bind>",
    ]) {
        let world = world(platform.preset).await;
        let first = keys(&world, platform, &State::new(), "").await;
        let asked = keys(&world, platform, &state(&first), "123*123").await;
        assert!(asked.body.contains(many), "{asked:?}");
    }
}
