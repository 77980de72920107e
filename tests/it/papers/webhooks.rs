//! Blocks that are requests or answers: sent to a running service as the platform would send them, or compared with what
//! it answers.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::blocks::Block;
use crate::support::http::{Reply, send};
use crate::support::{SECRET, World};

/// A service with the channels that the papers name.
pub struct Stage {
    world: World,
    _folder: tempfile::TempDir,
}

impl Stage {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
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
        Self {
            world,
            _folder: folder,
        }
    }

    pub fn world(&self) -> &World {
        &self.world
    }

    /// Reserves a code that no other block has.
    async fn reserve(&self, number: usize) -> String {
        let code = format!("77{number}|77{number}");
        self.world.ozmap.reserve(json!({"code": code})).await;
        code
    }

    /// With the platform's variables filled in, the body cancels.
    pub async fn body_cancels(&self, block: &Block, channel: &str, number: usize) {
        let code = self.reserve(number).await;
        let body = filled(block, &code, number);
        let reply = self
            .world
            .service
            .post(channel, &[], body.to_string().as_bytes())
            .await
            .unwrap();
        assert_eq!(
            (reply.status, reply.outcome().as_str()),
            (200, "cancelled"),
            "{}: {reply:?}",
            block.at
        );
        assert!(
            !reply.reply().is_empty() && reply.json()["handoff"] == json!(false),
            "{}: {reply:?}",
            block.at
        );
        assert!(self.world.ozmap.holds(&code).await.is_empty());
    }

    /// The answer has the members of a real one, and its values but for the protocol and the end of a cut sentence.
    pub async fn answer_is_right(&self, block: &Block) {
        let stated = parsed(block);
        let code = stated["code"].as_str().unwrap();
        // A world of its own: every paper cancels the same reservation.
        let world = World::new().await;
        let real = world.ask(json!({"code": code})).await.json();
        assert_eq!(members(&stated), members(&real), "{}", block.at);
        for (name, value) in stated.as_object().unwrap() {
            let real = real[name].clone();
            let is_right = match (name.as_str(), value.as_str()) {
                ("protocol", Some(number)) => number.len() == real.as_str().unwrap().len(),
                (_, Some(text)) => {
                    let begin = text.split('…').next().unwrap();
                    real.as_str().is_some_and(|real| real.starts_with(begin))
                }
                (_, None) => *value == real,
            };
            assert!(is_right, "{}: {name} is {real}", block.at);
        }
    }

    /// The page has every member of the real one and no other.
    pub async fn health_is_complete(&self, block: &Block) {
        // The other channels are only for the bodies.
        let mut real = self.world.service.get("/health").await.json();
        let channels = real["channels"].as_object_mut().unwrap();
        channels.retain(|name, _| name == "chatbot");
        assert_eq!(members(&parsed(block)), members(&real), "{}", block.at);
    }

    pub async fn asterisk_cancels(&self, block: &Block, channel: &str, number: usize) {
        self.dialplan_cancels(block, channel, number, ["${CURL(", ",", ")})"])
            .await;
    }

    pub async fn freeswitch_cancels(&self, block: &Block, channel: &str, number: usize) {
        self.dialplan_cancels(block, channel, number, ["data=\"", " post ", "\"/>"])
            .await;
    }

    /// What the dialplan sends, between the texts that enclose the address and the form, cancels.
    async fn dialplan_cancels(
        &self,
        block: &Block,
        channel: &str,
        number: usize,
        [before, between, after]: [&str; 3],
    ) {
        let code = self.reserve(number).await;
        let text = expanded(&block.text, &code);
        let call = text.split_once(before).unwrap().1;
        let (url, form) = call
            .split_once(after)
            .unwrap()
            .0
            .split_once(between)
            .unwrap();
        assert!(
            url.contains(&format!("/webhooks/{channel}")),
            "{}",
            block.at
        );
        let header = text
            .split_once("(httpheader)=")
            .map(|(_, rest)| rest.split_once(")\n").unwrap().0);
        let headers: Vec<(&str, &str)> = header
            .and_then(|header| header.split_once(": "))
            .into_iter()
            .collect();
        let reply = post_form(&self.world, url, &headers, form).await;
        assert_eq!(reply.status, 200, "{}: {reply:?}", block.at);
        assert!(
            reply.body.starts_with("cancelled|") && !reply.body.contains('\n'),
            "{}: {reply:?}",
            block.at
        );
        assert!(self.world.ozmap.holds(&code).await.is_empty());
    }
}

fn parsed(block: &Block) -> Value {
    serde_json::from_str(&block.text).unwrap_or_else(|error| panic!("{}: {error}", block.at))
}

/// The names of all members, with the way to each.
fn members(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (name, inner) in value.as_object().into_iter().flatten() {
        found.insert(name.clone());
        found.extend(members(inner).iter().map(|inner| format!("{name}.{inner}")));
    }
    found
}

/// The body with the platform's variables filled in.
fn filled(block: &Block, code: &str, number: usize) -> Value {
    let mut body = parsed(block);
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
