//! Secrets: from a key or from a file, strong enough for who can reach the listener, and never
//! printed.

use super::{Setup, assert_says};
use crate::support::{SECRET, World};

#[test]
fn a_secret_may_come_from_a_file_but_not_from_both() {
    let setup = Setup::complete()
        .without("CHANNELS__CHATBOT__SECRET")
        .without("OZMAP__API_KEY");
    let secret = setup.write("secret", &format!("{SECRET}\n"));
    let key = setup.write("key", "  the-key\r\n");
    let setup = setup
        .set("CHANNELS__CHATBOT__SECRET_FILE", &secret)
        .set("OZMAP__API_KEY_FILE", &key);
    setup.accepted();
    let both = setup
        .set("CHANNELS__CHATBOT__SECRET", SECRET)
        .set("OZMAP__API_KEY", "canary");
    let problems = both.problems();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert_says(
        &problems.join("\n"),
        &[
            "channels.chatbot.secret and channels.chatbot.secret_file are both set",
            "ozmap.api_key and ozmap.api_key_file are both set",
        ],
    );
    assert!(!problems.join("\n").contains("canary"));
}

#[test]
fn a_secret_file_that_is_missing_or_empty_is_named() {
    for (key, name) in [
        ("OZMAP__API_KEY", "ozmap.api_key_file"),
        ("CHANNELS__CHATBOT__SECRET", "channels.chatbot.secret_file"),
    ] {
        let setup = Setup::complete().without(key);
        let empty = setup.write("empty", " \n");
        let file = format!("{key}_FILE");
        let setup = setup.set(&file, &empty);
        assert_says(&setup.problem(), &[name, &empty, "is empty"]);
        let setup = setup.set(&file, "/nowhere/secret");
        assert_says(
            &setup.problem(),
            &[name, "/nowhere/secret", "cannot be read"],
        );
        let setup = setup.set(&file, "");
        assert_says(
            &setup.problem(),
            &[name.trim_end_matches("_file"), "is not set"],
        );
    }
}

#[test]
fn a_secret_of_a_channel_that_is_empty_is_none() {
    for empty in ["", "  "] {
        let problem = Setup::complete()
            .set("CHANNELS__CHATBOT__SECRET", empty)
            .problem();
        assert_says(&problem, &["channels.chatbot.secret is not set"]);
    }
}

#[test]
fn a_weak_secret_is_a_warning_on_this_machine_and_refused_where_others_can_reach_it() {
    for weak in ["canary", "fifteen-canary-"] {
        let setup = Setup::complete().set("CHANNELS__CHATBOT__SECRET", weak);
        let checked = setup.accepted();
        assert_says(
            &checked,
            &["warning  channels.chatbot.secret is shorter than 16 characters"],
        );
        assert!(!checked.contains("canary"), "{checked}");
        for listen in ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:80"] {
            let problem = Setup::complete()
                .set("CHANNELS__CHATBOT__SECRET", weak)
                .set("SERVER__LISTEN", listen)
                .problem();
            assert_says(
                &problem,
                &["channels.chatbot.secret is shorter than 16 characters"],
            );
            assert!(!problem.contains("canary"), "{problem}");
        }
    }
    Setup::complete()
        .set("SERVER__LISTEN", "0.0.0.0:8080")
        .accepted();
    Setup::complete()
        .set("SERVER__LISTEN", "[::1]:8080")
        .set("CHANNELS__CHATBOT__SECRET", "weak")
        .accepted();
}

#[test]
fn blanks_do_not_make_a_weak_secret_of_a_strong_one() {
    for (secret, number) in [
        ("canary horse battery staple", "4 secrets"),
        (&*format!("{SECRET} canary"), "2 secrets"),
        (&*format!("{SECRET}\tcanary\n"), "2 secrets"),
    ] {
        for listen in ["127.0.0.1:8080", "0.0.0.0:8080"] {
            let problem = Setup::complete()
                .set("CHANNELS__CHATBOT__SECRET", secret)
                .set("SERVER__LISTEN", listen)
                .problem();
            assert_says(
                &problem,
                &[
                    "channels.chatbot.secret is",
                    number,
                    "blanks",
                    "16 characters",
                ],
            );
            assert!(!problem.contains("canary"), "{problem}");
        }
    }
    Setup::complete()
        .set(
            "CHANNELS__CHATBOT__SECRET",
            &format!("{SECRET} another-secret-that-is-long-enough"),
        )
        .accepted();
}

#[test]
fn what_no_header_can_carry_is_no_secret() {
    for (key, name) in [
        ("CHANNELS__CHATBOT__SECRET", "channels.chatbot.secret"),
        ("OZMAP__API_KEY", "ozmap.api_key"),
    ] {
        for secret in [
            "canary-canary-canary-senha-secretíssima",
            "canary-canary-canary-“canary”",
            "canary-canary\u{200b}-canary-canary",
            "canary-canary\u{7f}-canary-canary",
        ] {
            let problem = Setup::complete().set(key, secret).problem();
            assert_says(&problem, &[name, "a header cannot carry"]);
            assert!(!problem.contains("canary"), "{problem}");
        }
    }
    // In base64 it can be sent.
    Setup::complete()
        .set("CHANNELS__CHATBOT__AUTH", "basic")
        .set(
            "CHANNELS__CHATBOT__SECRET",
            "user:senha-secretíssima-de-verdade",
        )
        .accepted();
}

#[test]
fn quotes_that_a_file_of_variables_keeps_are_told() {
    for quote in ["\"", "'"] {
        let checked = Setup::complete()
            .set(
                "CHANNELS__CHATBOT__SECRET",
                &format!("{quote}{SECRET}{quote}"),
            )
            .set("OZMAP__API_KEY", &format!("{quote}a-key{quote}"))
            .accepted();
        for key in ["channels.chatbot.secret", "ozmap.api_key"] {
            assert_says(&checked, &[&format!("warning  {key} has quotes around it")]);
        }
        assert!(!checked.contains(SECRET), "{checked}");
    }
}

#[test]
fn a_secret_that_everybody_can_read_in_this_project_is_told() {
    let compose = include_str!("../../../docker-compose.yml");
    let published = "demo-secret-for-docker-compose-only";
    assert!(compose.contains(published));
    let checked = Setup::complete()
        .set("CHANNELS__CHATBOT__SECRET", published)
        .accepted();
    assert_says(
        &checked,
        &["warning  channels.chatbot.secret is the secret of this project's examples"],
    );
}

#[test]
fn a_secret_file_may_have_comments_and_a_byte_order_mark() {
    let of_file = |text: &[u8]| {
        let setup = Setup::complete().without("OZMAP__API_KEY");
        let path = setup.path("key");
        std::fs::write(&path, text).unwrap();
        setup.set("OZMAP__API_KEY_FILE", &path)
    };
    for text in [
        "the-key\n",
        "\u{feff}the-key\r\n",
        "# the key of OZmap\nthe-key\n  # and more\n",
        "\u{feff}# the key of OZmap\r\nthe-key",
    ] {
        let checked = of_file(text.as_bytes()).accepted();
        assert!(!checked.contains("warning"), "{text:?}: {checked}");
    }
    for (text, why) in [
        ("# canary\n".as_bytes(), "comment"),
        ("\u{feff}\n".as_bytes(), "is empty"),
        (b"\xff\xfec\0a\0".as_slice(), "UTF-8"),
    ] {
        let problem = of_file(text).problem();
        assert_says(&problem, &["ozmap.api_key_file", why]);
        assert!(!problem.contains("canary"), "{problem}");
    }
}

#[test]
fn a_part_of_a_password_with_a_sign_that_was_not_escaped_is_never_printed() {
    for url in [
        "postgres://u:Secr@tPass@127.0.0.1:1/x",
        "postgres://u:Secr@tPass/@127.0.0.1:1/x",
        "postgres://u:Secr#tPass@127.0.0.1:1/x",
        "postgres://u:Secr/tPass@127.0.0.1:1/x",
        "postgres://u:Secr?tPass@127.0.0.1:1/x",
        "postgres://u:Secr:tPass@127.0.0.1:1/x",
        "postgres://127.0.0.1:1/x?user=u&password=Secr@tPass",
    ] {
        let (code, said) = Setup::complete().set("JOURNAL__URL", url).run("check");
        assert_eq!(code, Some(1), "{url}: {said}");
        assert!(!said.contains("Secr") && !said.contains("tPass"), "{said}");
        let (_, said) = Setup::complete().set("JOURNAL__URL", url).run("serve");
        assert!(!said.contains("Secr") && !said.contains("tPass"), "{said}");
    }
    let problem = Setup::complete()
        .set("JOURNAL__URL", "postgres://u:Secr@tPass@127.0.0.1:1/x")
        .problem();
    assert_says(&problem, &["journal.url", "%40"]);
}

#[test]
fn a_channel_without_proof_is_only_allowed_on_this_machine() {
    let setup = Setup::complete().set("CHANNELS__OPEN__AUTH", "none");
    assert_says(
        &setup.accepted(),
        &["warning  channels.open.auth = \"none\""],
    );
    let setup = setup.set("SERVER__LISTEN", "0.0.0.0:8080");
    assert_says(
        &setup.problem(),
        &["channels.open.auth = \"none\"", "loopback"],
    );
}

#[test]
fn a_signing_secret_must_be_one_of_the_specification() {
    let signed = |secret: &str| {
        Setup::complete()
            .set("CHANNELS__SIGNED__AUTH", "standard-webhooks")
            .set("CHANNELS__SIGNED__SECRET", secret)
    };
    signed("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").accepted();
    signed("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw C2FVsBQIhrscChlQIMV+b5sSYspob7oD").accepted();
    for (secret, why) in [
        ("whsec_canary!", "whsec_ and then base64"),
        ("whsec_Y2FuYXJ5", "24 to 64 bytes"),
        ("whsec_", "24 to 64 bytes"),
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw canary",
            "whsec_ and then base64",
        ),
    ] {
        let problem = signed(secret).problem();
        assert_says(&problem, &["channels.signed.secret", why]);
        assert!(!problem.contains("canary"), "{problem}");
    }
}

#[test]
fn an_address_of_ozmap_that_would_leak_the_key_is_refused() {
    for (url, why) in [
        ("http://ozmap.example:9994", "not encrypted"),
        ("https://user:canary@ozmap.example", "must not have a user"),
        (
            "https://ozmap.example/?token=canary",
            "must not have a user, a query",
        ),
        ("ozmap.example", "not an address"),
        ("ftp://ozmap.example", "ozmap.base_url"),
    ] {
        let (code, said) = Setup::complete().set("OZMAP__BASE_URL", url).run("check");
        assert_eq!(code, Some(1), "{said}");
        assert_says(&said, &["problem  ozmap.base_url", why]);
        assert!(!said.contains("canary"), "{said}");
        let (code, said) = Setup::complete().set("OZMAP__BASE_URL", url).run("serve");
        assert_eq!(code, Some(1), "{said}");
        assert_says(&said, &["ozmap.base_url", why]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_takes_its_secrets_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secrets");
    std::fs::write(
        &file,
        "the-first-secret-of-the-file\nthe-second-secret-of-the-file\n",
    )
    .unwrap();
    let world = World::with(&[("CHANNELS__PHONE__SECRET_FILE", &file.display().to_string())]).await;
    for (secret, status) in [
        ("the-first-secret-of-the-file", 200),
        ("the-second-secret-of-the-file", 200),
        (SECRET, 401),
    ] {
        let authorization = format!("Bearer {secret}");
        let headers = [("Authorization", authorization.as_str())];
        let body = br#"{"code":"123|123","action":"lookup"}"#;
        let reply = crate::support::http::send(
            world.service.address(),
            "POST",
            "/webhooks/phone",
            &headers,
            body,
        );
        assert_eq!(reply.await.unwrap().status, status);
    }
}
