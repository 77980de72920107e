//! What starts, and then fails for every caller: told by `check` and at the start, in words that say what to write.

use super::{Setup, assert_says};
use crate::support::SECRET;

#[test]
fn a_public_address_is_the_beginning_of_one() {
    for (url, parts) in [
        ("hook.example.com", &["no scheme", "https://"][..]),
        (
            "https://hook.example.com/webhooks/chatbot",
            &["write \"https://hook.example.com\" alone"],
        ),
        ("https://hook.example.com/?token=canary", &["alone"]),
        ("https://hook.example.com#canary", &["alone"]),
    ] {
        let problem = Setup::complete().set("SERVER__PUBLIC_URL", url).problem();
        assert_says(&problem, &["server.public_url"]);
        assert_says(&problem, parts);
        assert!(!problem.contains("canary"), "{problem}");
    }
    for fine in ["https://hook.example.com", "https://hook.example.com/"] {
        Setup::complete().set("SERVER__PUBLIC_URL", fine).accepted();
    }
    // A preset that needs one is not told that it is missing.
    Setup::complete()
        .set("CHANNELS__PHONE__PRESET", "twilio-voice")
        .set("CHANNELS__PHONE__SECRET", SECRET)
        .set("SERVER__PUBLIC_URL", "hook.example.com")
        .problem();
}

#[test]
fn a_pattern_that_no_code_of_the_tutorial_fits_is_shown_by_an_example() {
    for (pattern, parts) in [
        (r"/[0-9]+\|[0-9]+/", &["slashes", "leave them out"][..]),
        (r#""[0-9]+\|[0-9]+""#, &["quotes", "leave them out"]),
        ("[A-Z]{3}[0-9]{4}", &["`AAA1111`"]),
        ("[0-9]+|[0-9]+", &[r"write \|"]),
    ] {
        let checked = Setup::complete()
            .set("POLICY__CODE_PATTERN", pattern)
            .accepted();
        assert_says(&checked, &["warning  policy.code_pattern", "123|123"]);
        assert_says(&checked, parts);
    }
    let checked = Setup::complete()
        .set("POLICY__CODE_PATTERN", r"[0-9]+\|[0-9]+")
        .accepted();
    assert!(!checked.contains("policy.code_pattern"), "{checked}");
}

#[test]
fn codes_that_a_chat_cannot_find_in_what_is_written_are_told() {
    let sms = |pattern: &str| {
        Setup::complete()
            .set("CHANNELS__SMS__PRESET", "twilio-messaging")
            .set("CHANNELS__SMS__SECRET", SECRET)
            .set("SERVER__PUBLIC_URL", "https://hook.example.com")
            .set("POLICY__CODE_PATTERN", pattern)
            .accepted()
    };
    for (pattern, example) in [
        (r"[0-9]{8}", "`11111111`"),
        (
            r"(?:[0-9]+\|[0-9]+|reservation_[0-9]+)",
            "`reservation_123`",
        ),
    ] {
        assert_says(
            &sms(pattern),
            &[
                "warning  channels.sms",
                "free text",
                example,
                "channels.directory",
            ],
        );
    }
    let fine = sms(r"[0-9]+\|[0-9]+");
    assert!(!fine.contains("free text"), "{fine}");
}

#[test]
fn a_filter_that_keeps_back_warnings_is_told_also_where_the_log_would_not_say_it() {
    for filter in [
        "off",
        "error",
        "ozmap_cancel=off",
        "ozmap_cancel::http=info",
        "info,ozmap_cancel::cancel=error",
    ] {
        let setup = Setup::complete().set("LOG__FILTER", filter);
        let line = format!("log.filter = \"{filter}\" drops the warnings");
        assert_says(&setup.accepted(), &[&format!("warning  {line}")]);
        // It then does not start, because nothing is free to listen on.
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let (_, served) = setup.set("SERVER__LISTEN", &address).run("serve");
        assert_says(&served, &[&line]);
    }
    for filter in ["warn", "info", "debug,hyper=off", "warn,ozmap_cancel=info"] {
        let checked = Setup::complete().set("LOG__FILTER", filter).accepted();
        assert!(!checked.contains("log.filter"), "{checked}");
    }
}

#[test]
fn an_address_that_cannot_be_listened_on_is_told_with_what_to_write() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (listen, parts) in [
        (address.as_str(), &["another program", "another port"][..]),
        ("192.0.2.1:8080", &["does not have that address", "0.0.0.0"]),
    ] {
        let setup = Setup::complete().set("SERVER__LISTEN", listen);
        for verb in ["check", "serve"] {
            let (code, said) = setup.run(verb);
            assert_eq!(code, Some(1), "{said}");
            assert_says(&said, &[&format!("cannot listen on {listen}")]);
            assert_says(&said, parts);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_secret_file_of_another_user_is_told_with_both_users() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "canary").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    let binary = folder.path().join("ozmap-cancel");
    std::fs::copy(crate::support::service::binary(), &binary).unwrap();
    // Only root can be another user.
    let Ok(output) = std::process::Command::new(&binary)
        .env_clear()
        .env("OZMAP_CANCEL__OZMAP__API_KEY_FILE", &file)
        .uid(65_532)
        .arg("check")
        .output()
    else {
        return crate::support::skipped("the right to run as another user");
    };
    let said = String::from_utf8(output.stdout).unwrap();
    assert_says(
        &said,
        &[
            "ozmap.api_key_file",
            "user 65532",
            "belongs to user",
            "0600",
        ],
    );
}
