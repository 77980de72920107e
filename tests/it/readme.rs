//! The README's snippets for platforms, sent to a running service as the platform would send them.
//!
//! A fenced block whose first line is "json NAME", "asterisk NAME" or "freeswitch NAME" is a request to the channel NAME.

use ozmap_cancel::guard::Refusal;
use serde_json::{Value, json};

use crate::support::http::{Reply, send};
use crate::support::{SECRET, World};

/// The snippets of one kind: the channel and the text.
fn snippets(kind: &str) -> Vec<(String, String)> {
    let readme = include_str!("../../README.md");
    let mut found = Vec::new();
    let mut rest = readme;
    while let Some((_, after)) = rest.split_once(&format!("\n```{kind} ")) {
        let (channel, after) = after.split_once('\n').unwrap();
        let (text, after) = after.split_once("\n```").unwrap();
        found.push((channel.trim().to_owned(), text.to_owned()));
        rest = after;
    }
    found
}

/// An operator finds every reason that the journal shows explained.
#[test]
fn every_reason_is_explained() {
    let readme = include_str!("../../README.md");
    let words = readme
        .split_once("### The words of `journal show`")
        .unwrap()
        .1;
    let words = words.split_once("\n## ").unwrap().0;
    let others = [
        "seen_gone",
        "absent",
        "cancelled_before",
        "reserved_again",
        "joined_late",
        "deadline",
        "deadline_after_a_deletion",
        "delete_without_effect",
        "panicked",
        "panicked_too_often",
        "unreadable_record",
        "paused",
        "dry_run",
        "deletes_per_hour",
        "being_cancelled",
        "still_there",
        "unsettled",
        "not_under_its_code",
        "joined",
        "guard_stale",
        "parked",
        "seen_absent_once",
        "seen_gone_once",
        "delete_rejected",
        "contradiction",
        "journal_incomplete",
        "journal_restored",
    ];
    for reason in Refusal::ALL.map(Refusal::id).into_iter().chain(others) {
        assert!(words.contains(&format!("`{reason}`")), "{reason}");
    }
}

/// A key must be unique for ever and of one customer: each platform's own id of the message, or a time with a random part.
/// Counters begin again after a reinstall, and an id of a flow's message is shared by its parts.
#[test]
fn the_keys_that_are_recommended_are_unique_for_ever() {
    let readme = include_str!("../../README.md");
    for (platform, ingredients) in [
        (
            "#### Typebot",
            &["\"Random ID\"", "once for every question"][..],
        ),
        (
            "#### n8n",
            &["$now.toMillis()", "$execution.id", "$itemIndex"],
        ),
        ("#### Node-RED", &["Date.now()", "RED.util.generateId()"]),
        ("#### Botpress", &["message_id: event.id"]),
    ] {
        let section = readme.split_once(platform).unwrap().1;
        let section = section.split_once("\n#### ").unwrap().0;
        for ingredient in ingredients {
            assert!(section.contains(ingredient), "{platform}: {ingredient}");
        }
    }
    for constant in [
        "\"Idempotency-Key\": msg._msgid",
        "`={{$execution.id}}-{{$itemIndex}}`",
    ] {
        assert!(!readme.contains(constant), "{constant}");
    }
}

/// A service with the channels that the snippets name, and one reservation for each snippet.
async fn world(folder: &tempfile::TempDir) -> World {
    let file = folder.path().join("channels.toml");
    let channels = [
        ("genesys", "preset = \"genesys\""),
        ("manychat", "preset = \"manychat\"\nformat = \"fields\""),
        ("ura", "preset = \"text\""),
        ("fs", "preset = \"text\"\nauth = \"query\""),
    ];
    let text: String = channels
        .iter()
        .map(|(name, keys)| format!("[channels.{name}]\nsecret = \"{SECRET}\"\n{keys}\n"))
        .collect();
    std::fs::write(&file, text).unwrap();
    let mut world = World::new().await;
    let launch = world.service.launch().clone();
    world.service.kill();
    world.service = launch
        .argument("--config")
        .argument(file.to_str().unwrap())
        .start()
        .await;
    world
}

/// Reserves a code that no other snippet has.
async fn reserve(world: &World, number: usize) -> String {
    let code = format!("77{number}|77{number}");
    world.ozmap.reserve(json!({"code": code})).await;
    code
}

/// The body with the platform's variables filled in.
fn filled(text: &str, code: &str, number: usize) -> Value {
    let mut body: Value = serde_json::from_str(text).unwrap();
    for (name, value) in body.as_object_mut().unwrap() {
        *value = match name.as_str() {
            "code" | "codigo" => json!(code),
            "digits" => json!(code.replace('|', "*")),
            "locale" | "idioma" => continue,
            _ => json!(format!("{name}-{number}")),
        };
    }
    body
}

#[tokio::test]
async fn every_body_of_the_readme_cancels_when_its_variables_are_filled_in() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(&folder).await;
    let snippets = snippets("json");
    assert!(snippets.len() >= 8, "only {} were found", snippets.len());
    for (number, (channel, text)) in snippets.iter().enumerate() {
        let code = reserve(&world, number).await;
        let body = filled(text, &code, number);
        let reply = world
            .service
            .post(channel, &[], body.to_string().as_bytes())
            .await
            .unwrap();
        assert_eq!(
            (reply.status, reply.outcome().as_str()),
            (200, "cancelled"),
            "{channel}: {text}: {reply:?}"
        );
        assert!(
            !reply.reply().is_empty() && reply.json()["handoff"] == json!(false),
            "{reply:?}"
        );
        assert!(world.ozmap.holds(&code).await.is_empty());
    }
}

/// What a dialplan puts in place of a variable.
fn expanded(text: &str, code: &str) -> String {
    let keyed = code.replace('|', "*");
    [
        ("${URIENCODE(${DIGITS})}", keyed.as_str()),
        ("${URIENCODE(${CALLERID(num)})}", ""),
        ("${UNIQUEID}", "1795467397.1"),
        ("${digits}", &keyed),
        ("${uuid}", "c775a71d"),
        ("SECRET", SECRET),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

async fn post_form(world: &World, url: &str, headers: &[(&str, &str)], form: &str) -> Reply {
    let path = url.strip_prefix("https://your-server").unwrap();
    assert!(!form.contains(['$', '{', ' ']), "not filled in: {form}");
    let mut all = vec![("Content-Type", "application/x-www-form-urlencoded")];
    all.extend_from_slice(headers);
    send(world.service.address(), "POST", path, &all, form.as_bytes())
        .await
        .unwrap()
}

fn assert_is_line(reply: &Reply) {
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(
        reply.body.starts_with("cancelled|") && !reply.body.contains('\n'),
        "{reply:?}"
    );
}

#[tokio::test]
async fn the_dialplans_of_the_readme_cancel() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(&folder).await;
    for (kind, before, between, after) in [
        ("asterisk", "${CURL(", ",", ")})"),
        ("freeswitch", "data=\"", " post ", "\"/>"),
    ] {
        let snippets = snippets(kind);
        assert_eq!(snippets.len(), 1, "{kind}");
        let code = reserve(&world, kind.len()).await;
        let text = expanded(&snippets[0].1, &code);
        let call = text
            .split_once(before)
            .unwrap()
            .1
            .split_once(after)
            .unwrap()
            .0;
        let (url, form) = call.split_once(between).unwrap();
        let header = text
            .split_once("(httpheader)=")
            .map(|(_, rest)| rest.split_once(")\n").unwrap().0);
        let headers: Vec<(&str, &str)> = header
            .and_then(|header| header.split_once(": "))
            .into_iter()
            .collect();
        assert_is_line(&post_form(&world, url, &headers, form).await);
        assert!(world.ozmap.holds(&code).await.is_empty());
    }
}
