//! The configured authentication of a channel: one scheme or several, each with its own secrets.

use super::{Setup, assert_says};
use crate::support::SECRET;

const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Every scheme with a secret that it takes, and what else it needs.
const SCHEMES: [(&str, &str, &str); 10] = [
    ("bearer", SECRET, ""),
    ("basic", "user:a-password-of-a-channel", ""),
    ("header", SECRET, "header = \"X-Token\"\n"),
    ("query", SECRET, ""),
    ("standard-webhooks", SIGNING, ""),
    (
        "hmac",
        SECRET,
        "hmac.header = \"X-Signature\"\nhmac.signed = \"{body}\"\n",
    ),
    ("twilio", SECRET, ""),
    ("plivo-v3", SECRET, ""),
    (
        "ed25519",
        "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=",
        "",
    ),
    ("jwt-hs256", SECRET, ""),
];

fn setup() -> Setup {
    Setup::complete().set("SERVER__PUBLIC_URL", "https://hook.example.com")
}

#[test]
fn every_scheme_is_taken_alone_and_beside_every_other() {
    let mut all = String::new();
    for (number, (name, secret, proof)) in SCHEMES.iter().enumerate() {
        all.push_str(&format!(
            "[channels.alone{number}]\nauth = \"{name}\"\nsecret = \"{secret}\"\n"
        ));
        if !proof.is_empty() {
            all.push_str(&format!("[channels.alone{number}.proof]\n{proof}"));
        }
        all.push_str(&format!(
            "[channels.all{number}]\nauth = \"{name}\"\nsecret = \"{secret}\"\n[channels.all{number}.proof]\n"
        ));
        SCHEMES.iter().for_each(|(.., proof)| all.push_str(proof));
        for (other, secret, _) in SCHEMES.iter().filter(|(other, ..)| other != name) {
            all.push_str(&format!(
                "[channels.all{number}.also.{other}]\nsecret = \"{secret}\"\n"
            ));
        }
    }
    setup().file("all.toml", &all).accepted();
}

#[test]
fn variables_name_schemes_without_hyphens_and_win_over_files() {
    let mut with_variables = setup();
    for (name, secret, proof) in SCHEMES.iter().skip(1) {
        let scheme = name.to_uppercase().replace('-', "_");
        let key = format!("CHANNELS__CHATBOT__ALSO__{scheme}__SECRET");
        with_variables = with_variables.set(&key, secret);
        for line in proof.lines() {
            let (key, value) = line.split_once(" = ").unwrap();
            let key = key.to_uppercase().replace('.', "__");
            let key = format!("CHANNELS__CHATBOT__PROOF__{key}");
            with_variables = with_variables.set(&key, value.trim_matches('"'));
        }
    }
    with_variables
        .set("CHANNELS__CHATBOT__PROOF__HMAC__TOLERANCE_S", "60")
        .set("CHANNELS__CHATBOT__PROOF__HMAC__ALGORITHM", "sha1")
        .accepted();
    // The file's own secret would be refused.
    let file = "[channels.chatbot.also.standard-webhooks]\nsecret = \"canary\"\n";
    setup()
        .file("a.toml", file)
        .set(
            "CHANNELS__CHATBOT__ALSO__STANDARD_WEBHOOKS__SECRET",
            SIGNING,
        )
        .accepted();
    let problem = setup().file("a.toml", file).problem();
    assert_says(
        &problem,
        &["channels.chatbot.also.standard-webhooks.secret", "whsec_"],
    );
    assert!(!problem.contains("canary"), "{problem}");
}

#[test]
fn problems_of_a_scheme_name_the_key_and_what_to_write() {
    let also = |scheme: &str, rest: &str| format!("[channels.chatbot.also.{scheme}]\n{rest}\n");
    let secret = format!("secret = \"{SECRET}\"");
    let both = format!("{secret}\nsecret_file = \"canary\"");
    for (text, parts) in [
        (
            also("hmca", &secret),
            &["channels.chatbot.also.hmca.secret", "also.hmac.secret"][..],
        ),
        (
            also("plivo_v3", &secret),
            &[
                "channels.chatbot.also.plivo_v3.secret",
                "also.plivo-v3.secret",
            ],
        ),
        (
            also("basic", "secrets = \"canary\""),
            &["also.basic.secrets", "also.basic.secret`"],
        ),
        (
            also("basic", ""),
            &["channels.chatbot.also.basic", "has no secret"],
        ),
        (
            also("basic", "secret = \" \""),
            &[
                "channels.chatbot.also.basic.secret is not set",
                "secret_file",
            ],
        ),
        (
            also("basic", &both),
            &["channels.chatbot.also.basic.secret and", "keep one of them"],
        ),
        (
            also("basic", "secret = \"canary\""),
            &["channels.chatbot.also.basic.secret", "user:password"],
        ),
        (
            also("basic", "secret = \"canary:short\""),
            &["channels.chatbot.also.basic.secret is shorter than 16"],
        ),
        (
            also("bearer", &secret),
            &["channels.chatbot.auth", "also.bearer", "the same scheme"],
        ),
        (
            also("none", &secret),
            &["channels.chatbot.also.none", "would accept every caller"],
        ),
        (
            also("header", &secret),
            &[
                "channels.chatbot.also.header",
                "channels.chatbot.proof.header",
            ],
        ),
        (
            also("hmac", &secret),
            &["channels.chatbot.also.hmac", "channels.chatbot.proof.hmac"],
        ),
        (
            "[channels.chatbot]\nalso = \"canary\"\n".to_owned(),
            &["channels.chatbot.also", "[channels.chatbot.also.SCHEME]"],
        ),
        (
            "[channels.chatbot]\nproof = \"canary\"\n".to_owned(),
            &["channels.chatbot.proof", "[channels.chatbot.proof]"],
        ),
        (
            "[channels.chatbot.proof.hmac]\nsignde = \"{body}\"\n".to_owned(),
            &["proof.hmac.signde", "proof.hmac.signed"],
        ),
        (
            "[channels.chatbot.proof]\nheaders = \"x\"\n".to_owned(),
            &["proof.headers", "proof.header`"],
        ),
        (
            format!(
                "{}[channels.chatbot.proof]\nheader = \"a b\"\n",
                also("header", &secret)
            ),
            &["channels.chatbot.also.header", "no header's name"],
        ),
        (
            format!(
                "{}[channels.chatbot.proof.hmac]\nheader = \"x\"\nsigned = \"{{id}}\"\n",
                also("hmac", &secret)
            ),
            &["channels.chatbot.also.hmac", "hmac.signed"],
        ),
        (
            "[channels.chatbot]\nauth = \"basik\"\n".to_owned(),
            &[
                "channels.chatbot.auth = \"basik\"",
                "did you mean \"basic\"?",
            ],
        ),
    ] {
        let problem = setup().file("a.toml", &text).problem();
        assert_says(&problem, parts);
        assert!(
            !problem.contains("canary") && !problem.contains(SECRET),
            "{problem}"
        );
    }
}

#[test]
fn no_authentication_cannot_be_combined_with_a_scheme() {
    let problem = Setup::complete()
        .set("CHANNELS__OPEN__AUTH", "none")
        .set("CHANNELS__OPEN__ALSO__BEARER__SECRET", SECRET)
        .problem();
    assert_says(
        &problem,
        &[
            "channels.open.auth = \"none\" accepts every caller",
            "channels.open.also",
        ],
    );
}

#[test]
fn a_further_proof_over_the_address_needs_the_public_one() {
    for scheme in ["TWILIO", "PLIVO_V3"] {
        let key = format!("CHANNELS__CHATBOT__ALSO__{scheme}__SECRET");
        let problem = Setup::complete().set(&key, SECRET).problem();
        assert_says(
            &problem,
            &["channels.chatbot.also.", "needs server.public_url"],
        );
    }
}

#[test]
fn a_further_secret_with_single_underscores_is_told_what_was_meant() {
    let problem = Setup::complete()
        .variable(
            "OZMAP_CANCEL_CHANNELS_CHATBOT_ALSO_PLIVO_V3_SECRET",
            "canary",
        )
        .problem();
    let meant = "OZMAP_CANCEL__CHANNELS__CHATBOT__ALSO__PLIVO_V3__SECRET?";
    assert_says(&problem, &["two underscores", meant]);
    assert!(!problem.contains("canary"), "{problem}");
}
