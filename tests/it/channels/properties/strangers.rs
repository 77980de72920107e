//! Whatever a test changes in a request without authentication: the service does not parse it, does
//! not call OZmap, and writes nothing to the journal.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::checks::request::{PUBLIC_URL, Request};
use super::inputs::{captures, mutated};
use crate::support::World;
use crate::support::http::send;

/// A channel of every preset, each with its usual authentication.
fn channels() -> String {
    let mut presets: Vec<String> = captures()
        .into_iter()
        .map(|(preset, _, _)| preset)
        .collect();
    presets.dedup();
    presets
        .iter()
        .map(|preset| {
            let secret = match preset.as_str() {
                "freeswitch-httapi" | "voicexml" => "user:a-password-that-nobody-sends",
                _ => "a-secret-that-nobody-sends-0123456789",
            };
            format!("[channels.{preset}]\npreset = \"{preset}\"\nsecret = \"{secret}\"\n")
        })
        .collect()
}

/// A runner with the same changes in every run; the other tests search for new ones.
fn runner() -> TestRunner {
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32]);
    TestRunner::new_with_rng(Config::default(), seed)
}

#[tokio::test]
async fn a_stranger_is_never_understood_whatever_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("channels.toml");
    std::fs::write(&file, channels()).unwrap();
    let directory = World::new().await;
    let service = directory
        .service
        .launch()
        .clone()
        .set("SERVER__PUBLIC_URL", PUBLIC_URL)
        .set(
            "JOURNAL__URL",
            &format!("sqlite:{}", folder.path().join("journal.db").display()),
        )
        .argument("--config")
        .argument(file.to_str().unwrap())
        .start()
        .await;
    let (mut runner, mut refused) = (runner(), 0);
    for (preset, capture, bytes) in captures() {
        let mutated = mutated(bytes.clone())
            .new_tree(&mut runner)
            .unwrap()
            .current();
        for bytes in [bytes, mutated] {
            let request = Request::parse(&bytes);
            let query = request.query();
            let is_sendable = query.bytes().all(|byte| byte.is_ascii_graphic());
            let target = if query.is_empty() || !is_sendable {
                format!("/webhooks/{preset}")
            } else {
                format!("/webhooks/{preset}?{query}")
            };
            let headers: Vec<(&str, &str)> = request
                .headers
                .iter()
                .filter(|(name, _)| {
                    ![
                        "content-length",
                        "host",
                        "connection",
                        "transfer-encoding",
                        "expect",
                    ]
                    .contains(&name.as_str())
                })
                .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
                .collect();
            let method = match request.method.as_str() {
                "GET" => "GET",
                _ => "POST",
            };
            let reply = send(service.address(), method, &target, &headers, &request.body).await;
            let reply = reply.unwrap();
            let said = format!("{}: {} {}", capture.display(), reply.status, reply.body);
            assert!(matches!(reply.status, 400 | 401 | 405 | 413), "{said}");
            refused += usize::from(reply.status == 401);
        }
    }
    assert!(refused > 400, "only {refused} were asked for their proof");
    assert_eq!(service.journal(), Vec::<serde_json::Value>::new());
    let asked = directory.ozmap.asked().await;
    let about_codes = asked.iter().filter(|call| call.contains("client"));
    assert_eq!(about_codes.count(), 0, "{asked:?}");
}
