//! The fenced blocks of the papers. The words behind the fence say what a block is and so how it is checked; a block
//! without a known kind fails, and a kind without a checker does not compile.

use super::shell::{self, Session};
use super::{Paper, commands, files, papers, webhooks};

/// What a fenced block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `json NAME`: a body that cancels on the channel NAME.
    Body { channel: String },
    /// `json answer`: the native channel's answer to the curl above it.
    Answer,
    /// `json health`: what `GET /health` returns.
    Health,
    /// `asterisk NAME`: a dialplan that cancels on the channel NAME.
    Asterisk { channel: String },
    /// `freeswitch NAME`: the same.
    Freeswitch { channel: String },
    /// `toml config`: a file for `--config`; `toml config acme` is the one beside the preset `acme`.
    Config,
    /// `toml acme`: a preset.
    Preset,
    /// `http acme`: a captured request for that preset.
    Request,
    /// `sh SESSION`: commands.
    Shell(Session),
    /// `caddy` or `nginx`: a file of `deploy`.
    Deployed { file: &'static str },
    /// `mermaid`.
    Diagram,
    /// `text order`: who may import whom.
    Order,
    /// `rust`: how the simulator is used in a test.
    Rust,
}

/// A fenced block and where it is.
#[derive(Debug)]
pub struct Block {
    pub kind: Kind,
    pub text: String,
    /// The paper and the line, for a failure.
    pub at: String,
}

fn kind(words: &str) -> Option<Kind> {
    let words: Vec<&str> = words.split_whitespace().collect();
    Some(match words.as_slice() {
        ["json", "answer"] => Kind::Answer,
        ["json", "health"] => Kind::Health,
        ["json", channel] => Kind::Body {
            channel: (*channel).to_owned(),
        },
        ["asterisk", channel] => Kind::Asterisk {
            channel: (*channel).to_owned(),
        },
        ["freeswitch", channel] => Kind::Freeswitch {
            channel: (*channel).to_owned(),
        },
        ["toml", "config"] | ["toml", "config", "acme"] => Kind::Config,
        ["toml", "acme"] => Kind::Preset,
        ["http", "acme"] => Kind::Request,
        ["sh", session] => Kind::Shell(Session::named(session)?),
        ["caddy"] => Kind::Deployed {
            file: "deploy/Caddyfile",
        },
        ["nginx"] => Kind::Deployed {
            file: "deploy/nginx.conf",
        },
        ["mermaid"] => Kind::Diagram,
        ["text", "order"] => Kind::Order,
        ["rust"] => Kind::Rust,
        _ => return None,
    })
}

/// The blocks of a paper, also those that are indented in a list; or the places of those without a kind.
pub fn blocks(paper: &Paper) -> Result<Vec<Block>, Vec<String>> {
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    let mut lines = paper.text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(words) = line.trim_start().strip_prefix("```") else {
            continue;
        };
        let at = format!("{}:{}", paper.name, number + 1);
        let indent = line.len() - line.trim_start().len();
        let inside = lines.by_ref().map(|(_, line)| line);
        let text = inside
            .take_while(|line| line.trim() != "```")
            .map(|line| format!("{}\n", line.get(indent..).unwrap_or_default()))
            .collect();
        match kind(words) {
            Some(kind) => found.push(Block { kind, text, at }),
            None => unknown.push(format!(
                "{at}: ```{words} has no checker; see tests/it/papers/blocks.rs"
            )),
        }
    }
    if unknown.is_empty() {
        Ok(found)
    } else {
        Err(unknown)
    }
}

/// The blocks of every paper.
pub fn all() -> Vec<Block> {
    let papers = papers();
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for paper in &papers {
        match blocks(paper) {
            Ok(blocks) => found.extend(blocks),
            Err(places) => unknown.extend(places),
        }
    }
    assert!(unknown.is_empty(), "\n{}", unknown.join("\n"));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_block_of_every_paper_is_checked() {
    let stage = webhooks::Stage::new().await;
    let blocks = all();
    assert!(blocks.len() >= 40, "only {} blocks", blocks.len());
    for (number, block) in blocks.iter().enumerate() {
        match &block.kind {
            Kind::Body { channel } => stage.body_cancels(block, channel, number).await,
            Kind::Answer => stage.answer_is_right(block).await,
            Kind::Health => stage.health_is_complete(block).await,
            Kind::Asterisk { channel } => stage.asterisk_cancels(block, channel, number).await,
            Kind::Freeswitch { channel } => stage.freeswitch_cancels(block, channel, number).await,
            Kind::Config => shell::check(stage.world(), block, &blocks),
            Kind::Preset | Kind::Request => files::is_used_by_its_session(block, &blocks),
            Kind::Shell(session) => {
                commands::every_command_is_known(block);
                session.run(stage.world(), block, &blocks).await;
            }
            Kind::Deployed { file } => files::equals(block, file),
            Kind::Diagram => files::diagram_is_well_formed(block),
            Kind::Order => files::names_every_module(block),
            Kind::Rust => files::calls_exist(block),
        }
    }
}

#[test]
fn a_block_without_a_kind_is_named() {
    let paper = |text: &str| Paper {
        name: "a.md".to_owned(),
        text: text.to_owned(),
    };
    for fence in ["", "sh", "sh unknown", "json", "yaml", "toml other", "text"] {
        let unknown = blocks(&paper(&format!("x\n```{fence}\nx\n```\n"))).unwrap_err();
        assert!(unknown[0].starts_with("a.md:2: "), "{unknown:?}");
    }
    let found = blocks(&paper(
        "- x\n\n  ```json chatbot\n  {\n    \"a\":1}\n  ```\ny\n",
    ))
    .unwrap();
    assert_eq!(found[0].text, "{\n  \"a\":1}\n");
    assert_eq!(found[0].at, "a.md:3");
}
