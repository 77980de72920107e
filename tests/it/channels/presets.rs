//! The documentation's example of an operator's own preset: it works as written, and the service
//! names each mistake in it.

use std::process::{Command, Output, Stdio};

use crate::support::service::binary;

const REQUEST: &str = "POST /webhooks/acme HTTP/1.1\r\nX-Acme-Key: s\r\n\r\n\
    {\"type\":\"cancel\",\"id\":\"e-1\",\"chat\":{\"id\":7,\"name\":\"Ana <b>\"},\"fields\":{\"code\":\"123|123\"}}";

fn documented() -> &'static str {
    let channels = include_str!("../../../docs/CHANNELS.md");
    let (_, after) = channels.split_once("\n```toml acme\n").unwrap();
    after.split_once("\n```").unwrap().0
}

/// The output of `channels test acme` with this file as the preset.
fn tested(preset: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("acme.toml"), preset).unwrap();
    let request = folder.path().join("request.http");
    std::fs::write(&request, REQUEST).unwrap();
    Command::new(binary())
        .env_clear()
        .env("OZMAP_CANCEL__CHANNELS__DIRECTORY", folder.path())
        .args(["channels", "test", "acme"])
        .stdin(Stdio::from(std::fs::File::open(&request).unwrap()))
        .output()
        .unwrap()
}

#[test]
fn a_platform_that_is_only_described_is_understood_and_answered() {
    let output = tested(documented());
    let told = String::from_utf8(output.stdout).unwrap();
    for line in [
        "understood    cancel\n",
        "code          123|123\n",
        "conversation  7\n",
        "key           e-1\n",
        "{\"say\":\"Pronto, Ana!",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
}

#[test]
fn every_mistake_in_a_preset_is_named_before_a_customer_meets_it() {
    for (right, wrong, told) in [
        (
            "{{ reply }}",
            "{{ replay }}",
            "there is no `replay`; there are",
        ),
        ("{{ reply }}", "{{ echo.chat }}", "there is no `echo.chat`"),
        (
            "{{ reply }}",
            "{% if locale == \"es\" %}{{ replay }}{% else %}{{ reply }}{% endif %}",
            "there is no `replay`",
        ),
        (
            "{{ reply }}",
            "{% if handoff %}{{ reply }}\"{% else %}{{ reply }}{% endif %}",
            "the template reply is not JSON",
        ),
        (
            "{{ reply }}",
            "{% if status >= 400 %}no{% else %}{{ reply }}{% endif %}",
            "the template reply is not JSON",
        ),
        (
            "{{ reply }}",
            "\"{{ reply }}\"",
            "the template reply is not JSON",
        ),
        ("{{ reply }}", "{{ reply", "syntax error"),
        (
            "code = [\"/fields/code\"]",
            "",
            "names no place of the code",
        ),
        (
            "code = [\"/fields/code\"]",
            "text = [\"/fields/code\"]",
            "no table [text]",
        ),
        (
            "/fields/code",
            "fields.code",
            "is no source; write /pointer",
        ),
        (
            "\"application/json\"",
            "\"application/json\\n\"",
            "content_type",
        ),
        ("\"application/json\"", "\"\"", "content_type"),
        ("\"application/json\"", "\"json\"", "content_type"),
        (
            "escape = \"json\"",
            "escape = \"xml\"",
            "text outside its root",
        ),
        (
            "unless = [\"cancel\"]",
            "ends_with = [\"\"]",
            "has an empty text",
        ),
        (
            "unless = [\"cancel\"]",
            "unless = [\"cancel\"]\nends_with = [\"x\"]",
            "one of `is`, `ends_with` and `unless`",
        ),
        (
            "first = ",
            "frist = ",
            "unknown field `frist`, expected one of",
        ),
        (
            "auth = [\"header\"]",
            "auth = [\"digest\"]",
            "request.auth has \"digest\"; write \"bearer\"",
        ),
        ("auth = [\"header\"]", "auth = []", "request.auth is empty"),
        (
            "medium = \"text\"",
            "medium = \"chat\"",
            "write \"text\" or \"voice\"",
        ),
    ] {
        let file = documented().replacen(right, wrong, 1);
        assert_ne!(file, documented(), "{right}");
        let output = tested(&file);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && error.contains(told),
            "{wrong}: {error}"
        );
    }
}
