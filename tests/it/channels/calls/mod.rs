//! Phone calls over HTTP, turn by turn, as a platform makes them. The state of a call is in
//! addresses and parameters that come back from outside: the service acts only on what it wrote
//! into them itself for this very call.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::support::http::send;
use crate::support::{Reply, SECRET, World};

mod keys;
mod speech;

const PUBLIC: &str = "https://hook.example.com";
const SPOKEN: &str = "um dois três barra um dois três";

/// A platform: its preset and the form of its requests.
struct Platform {
    preset: &'static str,
    /// The body of a spoken answer.
    said: fn(call: &str, text: &str) -> String,
    /// The body of a keyed answer.
    keyed: fn(call: &str, digits: &str) -> String,
}

fn form(members: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(members).finish()
}

const PLATFORMS: [Platform; 6] = [
    Platform {
        preset: "jambonz",
        said: |call, text| {
            json!({"call_sid": call, "speech": {"alternatives": [{"transcript": text, "confidence": 0.95}]}}).to_string()
        },
        keyed: |call, digits| json!({"call_sid": call, "digits": digits}).to_string(),
    },
    Platform {
        preset: "vonage",
        said: |call, text| {
            json!({"uuid": call, "conversation_uuid": call, "timestamp": moment(), "speech": {"results": [{"text": text, "confidence": "0.95"}]}}).to_string()
        },
        keyed: |call, digits| {
            json!({"uuid": call, "conversation_uuid": call, "timestamp": moment(), "dtmf": {"digits": digits}}).to_string()
        },
    },
    Platform {
        preset: "twilio-voice",
        said: |call, text| {
            form(&[
                ("CallSid", call),
                ("SpeechResult", text),
                ("Confidence", "0.95"),
            ])
        },
        keyed: |call, digits| form(&[("CallSid", call), ("Digits", digits)]),
    },
    Platform {
        preset: "plivo",
        said: |call, text| {
            form(&[
                ("CallUUID", call),
                ("Speech", text),
                ("SpeechConfidenceScore", "0.95"),
            ])
        },
        keyed: |call, digits| form(&[("CallUUID", call), ("Digits", digits)]),
    },
    Platform {
        preset: "voicexml",
        said: |call, text| form(&[("call_id", call), ("speech", text)]),
        keyed: |call, digits| form(&[("call_id", call), ("digits", digits)]),
    },
    Platform {
        preset: "freeswitch-httapi",
        said: |call, text| form(&[("session_id", call), ("speech", text)]),
        keyed: |call, digits| form(&[("session_id", call), ("digits", digits)]),
    },
];

/// A new timestamp for every request, as a platform's clock gives it.
fn moment() -> String {
    static COUNTER: AtomicUsize = AtomicUsize::new(0);
    format!(
        "2026-11-24T02:00:00.{:06}Z",
        COUNTER.fetch_add(1, Ordering::Relaxed)
    )
}

/// The query of the address of the next turn; FreeSWITCH sends it back as parameters.
fn state(reply: &Reply) -> Vec<(String, String)> {
    let text = reply.body.replace("&amp;", "&");
    let query = match text.split_once("<ozc_failures>") {
        Some(_) => ["failures", "step", "code", "seal"]
            .map(|name| {
                let (_, rest) = text.split_once(&format!("<ozc_{name}>")).unwrap();
                format!("ozc_{name}={}", rest.split('<').next().unwrap())
            })
            .join("&"),
        None => {
            let (_, rest) = text
                .split_once("/webhooks/")
                .unwrap_or_else(|| panic!("no next turn: {reply:?}"));
            let (_, query) = rest.split_once('?').unwrap();
            query.split('"').next().unwrap().to_owned()
        }
    };
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

/// The next request of a call to a channel, at the address with this state.
async fn turn(world: &World, channel: &str, state: &[(String, String)], body: &str) -> Reply {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.extend_pairs(state).finish();
    let path = format!("/webhooks/{channel}?{query}");
    let authorization = format!("Bearer {SECRET}");
    let headers = [("Authorization", authorization.as_str())];
    let reply = send(
        world.service.address(),
        "POST",
        &path,
        &headers,
        body.as_bytes(),
    )
    .await
    .unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
}

/// A world with a channel `ivr` of this preset, and a second one `other`.
async fn world(preset: &str) -> World {
    World::with(&[
        ("SERVER__PUBLIC_URL", PUBLIC),
        ("CHANNELS__IVR__PRESET", preset),
        ("CHANNELS__IVR__AUTH", "bearer"),
        ("CHANNELS__IVR__SECRET", SECRET),
        ("CHANNELS__OTHER__PRESET", preset),
        ("CHANNELS__OTHER__AUTH", "bearer"),
        ("CHANNELS__OTHER__SECRET", SECRET),
    ])
    .await
}

fn value<'a>(state: &'a [(String, String)], name: &str) -> &'a str {
    let found = state.iter().find(|(found, _)| found == name);
    &found.unwrap_or_else(|| panic!("{name} in {state:?}")).1
}

fn with(state: &[(String, String)], name: &str, value: &str) -> Vec<(String, String)> {
    let mut changed = without(state, name);
    changed.push((name.to_owned(), value.to_owned()));
    changed
}

fn without(state: &[(String, String)], name: &str) -> Vec<(String, String)> {
    state
        .iter()
        .filter(|(found, _)| found != name)
        .cloned()
        .collect()
}

async fn assert_nothing_happened(world: &World, why: &str) {
    assert!(world.journal().is_empty(), "{why}: {:?}", world.journal());
    assert!(world.ozmap.asked().await.is_empty(), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoken_code_is_confirmed_only_with_the_state_of_its_own_call() {
    for Platform {
        preset,
        said,
        keyed,
    } in &PLATFORMS
    {
        let world = world(preset).await;
        let asked = state(&turn(&world, "ivr", &[], &said("call-1", SPOKEN)).await);
        assert_eq!(value(&asked, "ozc_step"), "confirm", "{preset}");
        assert_eq!(value(&asked, "ozc_code"), "123|123", "{preset}");
        let seal = value(&asked, "ozc_seal").to_owned();
        assert_eq!(seal.len(), 22, "{preset}: {seal}");
        let of_another = state(&turn(&world, "ivr", &[], &said("call-2", SPOKEN)).await);
        let of_another = value(&of_another, "ozc_seal").to_owned();
        let first = state(&turn(&world, "ivr", &[], &keyed("call-1", "**")).await);
        let flipped = seal.replacen(&seal[..1], if &seal[..1] == "A" { "B" } else { "A" }, 1);
        for (why, tampered) in [
            ("another code", with(&asked, "ozc_code", "456|456")),
            ("no code", without(&asked, "ozc_code")),
            ("fewer failures", with(&asked, "ozc_failures", "")),
            ("more failures", with(&asked, "ozc_failures", "1")),
            ("no seal", without(&asked, "ozc_seal")),
            ("an empty seal", with(&asked, "ozc_seal", "")),
            ("a cut seal", with(&asked, "ozc_seal", &seal[..21])),
            ("another seal", with(&asked, "ozc_seal", &flipped)),
            (
                "the seal of another call",
                with(&asked, "ozc_seal", &of_another),
            ),
            (
                "the seal of another step",
                with(&asked, "ozc_seal", value(&first, "ozc_seal")),
            ),
            ("a rehearsal", with(&asked, "dry_run", "true")),
            ("a look-up", with(&asked, "action", "lookup")),
            (
                "two codes",
                [asked.clone(), with(&[], "ozc_code", "456|456")].concat(),
            ),
        ] {
            let answer = turn(&world, "ivr", &tampered, &keyed("call-1", "1")).await;
            let why = format!("{preset}, {why}: {}", answer.body);
            assert!(
                answer.body.contains("ozc_step")
                    || answer
                        .body
                        .contains("Para continuar, fale com a nossa equipe"),
                "{why}"
            );
            assert_nothing_happened(&world, &why).await;
        }
        let from_another = turn(
            &world,
            "ivr",
            &without(&asked, "call_id"),
            &keyed("call-2", "1"),
        )
        .await;
        assert_nothing_happened(&world, &format!("{preset}: {from_another:?}")).await;
        let elsewhere = turn(&world, "other", &asked, &keyed("call-1", "1")).await;
        assert_nothing_happened(&world, &format!("{preset}: {elsewhere:?}")).await;
        turn(&world, "ivr", &asked, &keyed("call-1", "1")).await;
        let rows = world.settled().await;
        assert_eq!(rows.len(), 1, "{preset}");
        assert_eq!(rows[0]["outcome"], "cancelled", "{preset}");
        assert!(world.ozmap.holds("123|123").await.is_empty(), "{preset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_keyed_1_confirms_and_nothing_that_was_said() {
    for Platform {
        preset,
        said,
        keyed,
    } in &PLATFORMS
    {
        let world = world(preset).await;
        let asked = state(&turn(&world, "ivr", &[], &keyed("call-1", "123*123")).await);
        assert_eq!(value(&asked, "ozc_step"), "confirm", "{preset}");
        for word in ["sim", "Sim.", "sí", "yes", "1", "um", SPOKEN] {
            turn(&world, "ivr", &asked, &said("call-1", word)).await;
            assert_nothing_happened(&world, &format!("{preset}: {word}")).await;
        }
        turn(&world, "ivr", &asked, &keyed("call-1", "1")).await;
        assert_eq!(world.settled().await[0]["outcome"], "cancelled", "{preset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_state_is_asked_again_once_and_then_a_person_takes_over() {
    let world = world("jambonz").await;
    let Platform { said, keyed, .. } = &PLATFORMS[0];
    let asked = state(&turn(&world, "ivr", &[], &said("call-1", SPOKEN)).await);
    let lost = without(&asked, "ozc_seal");
    let again = turn(&world, "ivr", &lost, &keyed("call-1", "1")).await;
    assert_eq!(again.json()[0]["verb"], "gather", "{again:?}");
    // The service must not ask endlessly if a platform loses the seal in every turn.
    let lost = without(&state(&again), "ozc_seal");
    let ended = turn(&world, "ivr", &lost, &keyed("call-1", "123*123")).await;
    assert_eq!(
        ended.json()[1]["data"]["ozmap_handoff"],
        json!(true),
        "{ended:?}"
    );
    assert_nothing_happened(&world, "lost").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_stays_one_to_the_end_of_its_call() {
    for Platform {
        preset,
        said,
        keyed,
    } in &PLATFORMS
    {
        let world = world(preset).await;
        let rehearsal = with(&[], "dry_run", "true");
        let asked = state(&turn(&world, "ivr", &rehearsal, &said("call-1", SPOKEN)).await);
        let real = without(&asked, "dry_run");
        // FreeSWITCH sends all parameters of a call back by itself.
        let asked = with(&real, "dry_run", "true");
        turn(&world, "ivr", &real, &keyed("call-1", "1")).await;
        assert_nothing_happened(&world, "the rehearsal was taken out").await;
        turn(&world, "ivr", &asked, &keyed("call-1", "1")).await;
        assert_eq!(
            world.settled().await[0]["outcome"],
            "would_cancel",
            "{preset}"
        );
        assert_eq!(world.ozmap.holds("123|123").await.len(), 1, "{preset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_on_while_secrets_are_changed() {
    let old = "the-old-secret-of-thirty-two-chars";
    let both = format!("{SECRET} {old}");
    let settings = |secret: &str| {
        [
            ("SERVER__PUBLIC_URL", PUBLIC.to_owned()),
            ("CHANNELS__IVR__PRESET", "jambonz".to_owned()),
            ("CHANNELS__IVR__AUTH", "bearer".to_owned()),
            ("CHANNELS__IVR__SECRET", secret.to_owned()),
            (
                "CHANNELS__IVR__ALSO__BASIC__SECRET",
                format!("user:{SECRET}"),
            ),
        ]
    };
    let of = |secret: &str| settings(secret).map(|(name, value)| (name, value));
    let Platform { said, keyed, .. } = &PLATFORMS[0];
    let before = of(old);
    let before = before
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let first = World::with(&before).await;
    let authorization = format!("Bearer {old}");
    let body = said("call-1", SPOKEN);
    let headers = [("Authorization", authorization.as_str())];
    let asked = send(
        first.service.address(),
        "POST",
        "/webhooks/ivr",
        &headers,
        body.as_bytes(),
    );
    let asked = state(&asked.await.unwrap());
    // A second process, with the new secret before the old one.
    let after = of(&both);
    let after = after
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let second = World::with(&after).await;
    turn(&second, "ivr", &asked, &keyed("call-1", "1")).await;
    assert_eq!(second.settled().await[0]["outcome"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_any_secret_is_led_on_by_its_own_process_only() {
    let settings = [
        ("CHANNELS__IVR__PRESET", "freeswitch-httapi"),
        ("CHANNELS__IVR__AUTH", "none"),
    ];
    let mut world = World::with(&settings).await;
    let Platform { said, keyed, .. } = &PLATFORMS[5];
    let asked = state(&turn(&world, "ivr", &[], &said("call-1", SPOKEN)).await);
    world.restart().await;
    turn(&world, "ivr", &asked, &keyed("call-1", "1")).await;
    assert_nothing_happened(&world, "another process").await;
    let asked = state(&turn(&world, "ivr", &[], &said("call-1", SPOKEN)).await);
    turn(&world, "ivr", &asked, &keyed("call-1", "1")).await;
    assert_eq!(world.settled().await[0]["outcome"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_written_answer_counts_only_at_the_address_of_its_own_question() {
    let world = world("simplesdesk").await;
    let wrote = |customer: &str, id: u32, text: &str| {
        json!({"id": id, "text": text, "contact": {"uid": customer}, "data": {}}).to_string()
    };
    let asked = state(&turn(&world, "ivr", &[], &wrote("c-1", 1, "olá")).await);
    for (customer, tampered) in [
        ("c-1", without(&asked, "ozc_seal")),
        ("c-2", asked.clone()),
        ("c-3", with(&asked, "ozc_failures", "2")),
    ] {
        let body = wrote(customer, 2, "cancelar 123|123");
        let again = turn(&world, "ivr", &tampered, &body).await;
        assert_eq!(again.json()["type"], "QUESTION", "{again:?}");
        assert_nothing_happened(&world, customer).await;
    }
    turn(&world, "ivr", &asked, &wrote("c-1", 3, "cancelar 123|123")).await;
    assert_eq!(world.settled().await[0]["outcome"], "cancelled");
}

const TOKEN: &str = "s3cret&of=thirty+two/chars%41<\"'>";

/// A path with the token in its query.
fn with_token(path: &str, name: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!(
        "{path}?{}",
        query
            .append_pair(name, TOKEN)
            .append_pair("call_id", "a&b=c")
            .finish()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_the_address_leads_through_the_whole_call_and_stands_nowhere_else() {
    for (preset, name) in [
        ("voicexml", "token"),
        ("voicexml", "k€y"),
        ("jambonz", "token"),
    ] {
        let world = World::with(&[
            ("SERVER__PUBLIC_URL", PUBLIC),
            ("LOG__FILTER", "trace"),
            ("CHANNELS__IVR__PRESET", preset),
            ("CHANNELS__IVR__AUTH", "query"),
            ("CHANNELS__IVR__SECRET", TOKEN),
            ("CHANNELS__IVR__PROOF__QUERY", name),
        ])
        .await;
        let address = world.service.address();
        let post = |path: String, body: String| async move {
            send(address, "POST", &path, &[], body.as_bytes())
                .await
                .unwrap()
        };
        let (said, keyed): (String, String) = match preset {
            "voicexml" => (form(&[("speech", SPOKEN)]), form(&[("digits", "1")])),
            _ => (
                (PLATFORMS[0].said)("a&b=c", SPOKEN),
                (PLATFORMS[0].keyed)("a&b=c", "1"),
            ),
        };
        let first = post(with_token("/webhooks/ivr", name), said.clone()).await;
        assert_eq!(first.status, 200, "{first:?}");
        let asked = state(&first);
        assert_eq!(value(&asked, name), TOKEN);
        if preset == "voicexml" {
            assert_eq!(value(&asked, "call_id"), "a&b=c");
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        let next = format!("/webhooks/ivr?{}", query.extend_pairs(&asked).finish());
        // Without the secret, the service would reject the platform's second turn.
        let mut query = form_urlencoded::Serializer::new(String::new());
        let bare = format!(
            "/webhooks/ivr?{}",
            query.extend_pairs(without(&asked, name)).finish()
        );
        let refused = post(bare, keyed.clone()).await;
        assert_eq!(refused.status, 401, "{refused:?}");
        assert_nothing_happened(&world, preset).await;
        post(next, keyed).await;
        assert_eq!(world.settled().await[0]["outcome"], "cancelled");
        let wrong = post(
            with_token("/webhooks/ivr", name).replace("s3cret", "s3creT"),
            said,
        )
        .await;
        assert_eq!(wrong.status, 401);
        let rows = format!("{:?}", world.journal());
        for text in [&world.service.logs(), &wrong.body, &refused.body, &rows] {
            assert!(!text.contains("s3cre") && !text.contains("ozc_"), "{text}");
        }
    }
}
