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
