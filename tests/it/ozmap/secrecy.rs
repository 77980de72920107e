//! No error and no `Debug` output may contain a code, a key, a name or a URL.

use std::time::Duration;

use ozmap_cancel::domain::{Action, Ask, FirstName, Found, Locale, Mode, SameKey};
use ozmap_cancel::guard;
use ozmap_cancel::ozmap::{Ozmap, SetupError};

use super::rig::{
    CODE, KEY, LOOKUP, Ledger, Rig, code, looked_up, one, one_then, policy, settings,
};
use super::stand_in::{Act, StandIn, answer, json};

/// What must never appear in a log.
const SECRETS: [&str; 9] = [
    "123|123",
    "123%7C123",
    "123%7c123",
    KEY,
    "/api/v2",
    "http://",
    "Gabriel",
    "Flores",
    "HWTC",
];

#[track_caller]
fn assert_discreet(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn no_error_of_a_call_contains_its_subject() {
    let echo = format!("{{\"message\":\"{CODE} {KEY} Gabriel http://h/api/v2\"}}");
    let page = format!("<html>{CODE} {KEY}</html>");
    let header = format!("X-{CODE}: \u{1}{KEY}\r\n");
    let mut troubles = Vec::new();
    for acts in [
        vec![Act::Send(json(500, &echo))],
        vec![Act::Send(json(401, &echo))],
        vec![Act::Send(json(404, &echo))],
        vec![Act::Send(json(200, &echo))],
        vec![Act::Send(answer(200, "", page.as_bytes()))],
        vec![Act::Send(answer(
            302,
            &format!("Location: http://h/{CODE}\r\n"),
            b"",
        ))],
        vec![Act::Send(answer(200, &header, b"[]"))],
        vec![Act::Send(format!("{CODE} {KEY}\r\n\r\n").into_bytes())],
        vec![Act::Send(answer(
            429,
            &format!("Retry-After: {CODE}\r\n"),
            b"",
        ))],
        vec![Act::Reset],
        vec![Act::Close],
        vec![Act::Hold],
        vec![Act::Send(vec![b' '; 2_000_000])],
    ] {
        // A new client each time: a rejected key is not used again at once.
        let rig = || {
            let (acts, script) = (acts.clone(), one_then(acts.clone()));
            Rig::with(
                move |request| match request.method.as_str() {
                    "GET" if request.connection > 0 || request.target != LOOKUP => acts.clone(),
                    _ => script(request),
                },
                |settings| {
                    settings.lookup = Duration::from_millis(400);
                    settings.delete = Duration::from_millis(400);
                },
            )
        };
        let deleted = rig().await.delete().await.err();
        let looked = rig().await.recheck_by_id().await.err();
        for error in [deleted, looked].into_iter().flatten() {
            assert_discreet(&format!("{error} {error:?}"));
            troubles.push(error.kind.id());
        }
    }
    troubles.sort_unstable();
    troubles.dedup();
    assert!(
        troubles.len() >= 8,
        "too few troubles were seen: {troubles:?}"
    );

    let nobody = StandIn::slamming().await;
    let ozmap = Ozmap::new(settings(&nobody.url())).unwrap();
    let error = looked_up(&ozmap, CODE).await.unwrap_err();
    assert_discreet(&format!("{error} {error:?}"));
}

#[test]
fn no_setup_error_contains_the_key() {
    let mut bad = settings("http://127.0.0.1:1");
    bad.api_key = format!("{KEY}\n").into();
    let error = Ozmap::new(bad).err().unwrap();
    assert!(matches!(error, SetupError::Key));
    assert!(!format!("{error} {error:?}").contains(KEY));
    let bad = settings(&format!("https://user:{KEY}@ozmap.example"));
    let error = Ozmap::new(bad).err().unwrap();
    assert!(!format!("{error} {error:?}").contains(KEY));
}

#[tokio::test]
async fn debug_output_contains_neither_documents_nor_codes() {
    let with_modem = one().replacen("\"serial_number\":\"\"", "\"serial_number\":\"HWTC1\"", 1);
    let rig = Rig::new(move |_| vec![Act::Send(json(200, &with_modem))]).await;
    let lookup = rig.lookup().await.unwrap();
    let property = lookup.rows[0].clone().unwrap();
    assert_discreet(&format!("{lookup:?} {property:?} {:?}", property.client));
    assert_discreet(&format!(
        "{:?}",
        guard::judge(&lookup, &code(CODE), &policy())
    ));

    let rig = Rig::new(one_then(Vec::new())).await;
    let target = rig.target().await;
    assert_discreet(&format!("{target:?}"));
    let ledger = Ledger::new(60_000).await;
    assert_discreet(&format!("{:?}", ledger.held));
    assert_discreet(&format!("{:?}", ledger.intend(&target).await));

    let ask = Ask {
        channel: "chatbot".to_owned(),
        action: Action::Cancel,
        mode: Mode::Real,
        typed_code: CODE.to_owned(),
        with_plus: None,
        key: Some(KEY.to_owned()),
        conversation: Some(KEY.to_owned()),
        locale: Locale::PtBr,
        first_name: FirstName::of("Gabriel"),
        reason: Some("Gabriel".to_owned()),
        duplicate_window_s: 600,
        replay_s: 3_600,
        same_key: SameKey::IsTheSameRequest,
    };
    let found = Found {
        address: "Rua das Flores".to_owned(),
        reserved_at: String::new(),
    };
    let parsed = code(CODE);
    assert_discreet(&format!(
        "{ask:?} {found:?} {parsed:?} {:?}",
        FirstName::of("Gabriel")
    ));
}
