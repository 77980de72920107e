//! Platforms that exist only as an operator's TOML file, in whole conversations over HTTP.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http::send;
use crate::support::service::binary;
use crate::support::{Launch, Reply, SECRET, World};

/// The address under which the platform reaches the service.
const ORIGIN: &str = "https://hook.example.com";

/// A phone platform: form requests, XML answers.
const PHONE: &str = r##"
about = "ACME voice"

[request]
answer_ms_max = 8000
medium = "voice"
auth = ["bearer"]
needs_public_url = true

[fields]
digits = ["/keys"]
speech = ["/heard"]
conversation = ["/call", "query:call"]
name = ["/who"]

[turns]
failures_max = 2
confidence_min = 0.8

[[turns.cut_off]]
source = "/ended"
unless = ["hash", ""]

[duplicate]
all = [["/call", "query:call"], "/keys"]

[[ignore]]
source = "/event"
unless = ["start", "input"]

[echo]
who = ["/who"]

[answer]
content_type = "application/xml"
escape = "xml"
problem_status = "ok"
reply = '<acme outcome="{{ outcome }}" person="{{ handoff }}" who="{{ echo.who }}"><say>{{ reply }}</say></acme>'
ask = '<acme step="{{ step }}" who="{{ echo.who }}"><say>{{ reply }}</say><next>{{ next_url }}</next></acme>'
ignore = "<acme/>"
"##;

/// A chat platform: JSON requests and answers, an address check before the first message, and a
/// separate address for the answer to a question.
const CHAT: &str = r##"
about = "ACME chat"

[request]
answer_ms_max = 8000
medium = "text"
auth = ["header"]
needs_public_url = true

[proof]
header = "x-acme"

[handshake]
source = "/validToken"
is = ["true"]
respond = "/token"

[fields]
text = ["/message/text"]
conversation = ["/chat"]
name = ["/person/name"]

[text]
bar = "/"
code = '''(?i)\b[a-z]\d+\s?/\s?\d+\b'''

[duplicate]
first = ["/message/id"]

[[ignore]]
source = "/type"
unless = ["message"]

[echo]
who = ["/person/name"]

[answer]
content_type = "application/json"
escape = "json"
problem_status = "ok"
reply = '{"say":{{ reply }},"outcome":{{ outcome }},"who":{{ echo.who }}}'
ask = '{"ask":{{ reply }},"next":{{ next_url }},"who":{{ echo.who }}}'
ignore = '{"skip":true}'
"##;

/// Names that customers and attackers write.
fn hostile() -> Vec<String> {
    [
        "\"<&>'{{}}${}]]>",
        "{{ reply }}{% raw %}",
        "]]></say></acme><!-- ",
        "\u{0}\u{7}\u{b}\u{1b}\u{85}\u{2028}\r\n",
        "\u{202e}oãoJ\u{200f}\u{61c}",
        "😀👩‍👩‍👧\u{fffe}\u{10ffff}",
        "${destination_number}$${{{}}}",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([
        "João ".repeat(900),
        "<&>".repeat(1400),
        "\u{301}".repeat(4096),
    ])
    .collect()
}

struct Platform {
    world: World,
    channel: &'static str,
    secret: (&'static str, String),
    _presets: TempDir,
}

impl Platform {
    async fn phone() -> Self {
        let authorization = format!("Bearer {SECRET}");
        Self::new("acme-phone", PHONE, ("Authorization", authorization), &[]).await
    }

    async fn chat(settings: &[(&str, &str)]) -> Self {
        Self::new("acme-chat", CHAT, ("X-Acme", SECRET.to_owned()), settings).await
    }

    async fn new(
        preset: &'static str,
        file: &str,
        secret: (&'static str, String),
        settings: &[(&str, &str)],
    ) -> Self {
        let presets = tempfile::tempdir().unwrap();
        std::fs::write(presets.path().join(format!("{preset}.toml")), file).unwrap();
        let folder = presets.path().display().to_string();
        let mut all = vec![
            ("CHANNELS__DIRECTORY", folder.as_str()),
            ("SERVER__PUBLIC_URL", ORIGIN),
            ("CHANNELS__ACME__PRESET", preset),
            ("CHANNELS__ACME__SECRET", SECRET),
        ];
        all.extend_from_slice(settings);
        Self {
            world: World::with(&all).await,
            channel: "/webhooks/acme",
            secret,
            _presets: presets,
        }
    }

    async fn send(&self, target: &str, content_type: &str, body: &[u8]) -> Reply {
        let headers = [
            (self.secret.0, self.secret.1.as_str()),
            ("Content-Type", content_type),
        ];
        let address = self.world.service.address();
        send(address, "POST", target, &headers, body).await.unwrap()
    }

    /// A turn of a call; the platform sends the members as a form.
    async fn key(&self, target: &str, members: &[(&str, &str)]) -> Reply {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("call", "C-7").extend_pairs(members);
        let reply = self
            .send(
                target,
                "application/x-www-form-urlencoded",
                form.finish().as_bytes(),
            )
            .await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.header("content-type"), Some("application/xml"));
        reply
    }

    /// A message of a chat.
    async fn write(&self, target: &str, body: &Value) -> Value {
        let reply = self
            .send(target, "application/json", body.to_string().as_bytes())
            .await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }
}

/// The text and the attribute of an element in an answer, as a platform reads them.
fn element(reply: &Reply, name: &str) -> Option<String> {
    let mut reader = Reader::from_str(&reply.body);
    let (mut inside, mut open, mut text) = (false, 0_i32, None::<String>);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                open += 1;
                inside = start.name().as_ref() == name;
                if inside {
                    text = Some(String::new());
                }
            }
            Event::End(_) => {
                open -= 1;
                inside = false;
            }
            Event::Text(part) if inside => {
                if let Some(text) = &mut text {
                    text.push_str(&part);
                }
            }
            Event::GeneralRef(reference) if inside => {
                let character = match &*reference {
                    "amp" => '&',
                    "lt" => '<',
                    "gt" => '>',
                    "quot" => '"',
                    "apos" => '\'',
                    other => panic!("&{other}; in {}", reply.body),
                };
                if let Some(text) = &mut text {
                    text.push(character);
                }
            }
            Event::Eof => {
                assert_eq!(open, 0, "{}", reply.body);
                return text;
            }
            Event::Text(_)
            | Event::GeneralRef(_)
            | Event::Empty(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_) => {}
        }
    }
}

/// The address of the next turn, as the platform calls it.
fn next(reply: &Reply) -> String {
    let address = element(reply, "next").unwrap_or_else(|| panic!("no next turn: {reply:?}"));
    address.strip_prefix(ORIGIN).unwrap().to_owned()
}

fn said(reply: &Reply) -> String {
    element(reply, "say").unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_phone_platform_reads_codes_back_and_cancels_only_after_a_one() {
    let acme = Platform::phone().await;
    let first = acme.key(acme.channel, &[("event", "start")]).await;
    assert!(said(&first).contains("digite o código"), "{first:?}");

    // The service reads half a code back, the caller denies it, and the service looks nothing up.
    let read_back = acme
        .key(&next(&first), &[("event", "input"), ("keys", "123*1")])
        .await;
    assert!(
        said(&read_back).contains("um, dois, três, barra, um. Para cancelar, tecle um."),
        "{read_back:?}"
    );
    let again = acme
        .key(&next(&read_back), &[("event", "input"), ("keys", "2")])
        .await;
    assert!(again.body.contains("step=\"code\""), "{again:?}");
    assert!(acme.world.ozmap.asked().await.is_empty());
    assert!(acme.world.journal().is_empty());

    // A hang-up between two turns causes no action.
    let code = [("event", "input"), ("keys", "123*123#")];
    let read_back = acme.key(&next(&again), &code).await;
    let gone = [("event", "ended"), ("keys", "1")];
    let ignored = acme.key(&next(&read_back), &gone).await;
    assert_eq!(ignored.body, "<acme/>");
    assert!(acme.world.journal().is_empty());

    let one = [("event", "input"), ("keys", "1")];
    let done = acme.key(&next(&read_back), &one).await;
    assert!(done.body.contains("outcome=\"cancelled\""), "{done:?}");
    assert!(acme.world.ozmap.holds("123|123").await.is_empty());

    // A repeated request gets the same answer, and the service deletes nothing twice.
    let repeated = acme.key(&next(&read_back), &one).await;
    assert!(
        repeated.body.contains("outcome=\"cancelled\""),
        "{repeated:?}"
    );
    assert_eq!(acme.world.ozmap.deletions().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_failures_to_key_hand_over_to_a_person() {
    let acme = Platform::phone().await;
    let first = acme.key(acme.channel, &[("event", "start")]).await;
    let cut_off = [
        ("event", "input"),
        ("keys", "123*123"),
        ("ended", "silence"),
    ];
    let again = acme.key(&next(&first), &cut_off).await;
    assert!(again.body.contains("step=\"code\""), "{again:?}");
    let person = acme
        .key(&next(&again), &[("event", "input"), ("keys", "7")])
        .await;
    assert!(
        person
            .body
            .contains("outcome=\"hand_over\" person=\"true\""),
        "{person:?}"
    );
    assert!(acme.world.ozmap.asked().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_reads_back_by_itself_may_say_so() {
    let file = PHONE.replace("confidence_min", "confirm_keyed = false\nconfidence_min");
    let secret = ("Authorization", format!("Bearer {SECRET}"));
    let acme = Platform::new("acme-phone", &file, secret, &[]).await;
    let one = [("event", "input"), ("keys", "1")];
    let asked = acme.key(acme.channel, &one).await;
    assert!(asked.body.contains("step=\"code\""), "{asked:?}");
    let keys = [("event", "input"), ("keys", "123*123")];
    let done = acme.key(&next(&asked), &keys).await;
    assert!(done.body.contains("outcome=\"cancelled\""), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_leads_nowhere_is_asked_for_again_once() {
    let acme = Platform::phone().await;
    let mut reply = acme.key(acme.channel, &[("event", "start")]).await;
    for n in 0..2 {
        let keys = [("event", "input"), ("keys", "9*9#")];
        let read_back = acme.key(&next(&reply), &keys).await;
        let one = [("event", "input"), ("keys", "1"), ("n", &n.to_string())];
        reply = acme.key(&next(&read_back), &one).await;
        assert!(said(&reply).contains("não encontramos"), "{reply:?}");
        assert!(said(&reply).chars().count() <= 600, "{reply:?}");
    }
    assert!(reply.body.contains("person=\"true\""), "{reply:?}");
    assert_eq!(acme.world.ozmap.deletions().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_caller_gets_xml_that_is_well_formed_and_short() {
    let acme = Platform::phone().await;
    for name in hostile() {
        let first = acme
            .key(acme.channel, &[("event", "start"), ("who", &name)])
            .await;
        let keys = [("event", "input"), ("keys", "8*8"), ("who", &name)];
        let read_back = acme.key(&next(&first), &keys).await;
        let one = [("event", "input"), ("keys", "1"), ("who", name.as_str())];
        let done = acme.key(&next(&read_back), &one).await;
        for reply in [first, read_back, done] {
            let said = said(&reply);
            assert!((1..=600).contains(&said.chars().count()), "{reply:?}");
            assert!(reply.body.len() < 20_000, "{} bytes", reply.body.len());
            assert!(!reply.body.contains("${"), "{reply:?}");
        }
        // Keyed input may also be any text.
        let keys = [("event", "input"), ("keys", name.as_str())];
        let asked = acme.key(acme.channel, &keys).await;
        assert!(!said(&asked).is_empty(), "{asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_chat_platform_proves_its_address_and_asks_before_it_cancels() {
    let acme = Platform::chat(&[]).await;
    acme.world.ozmap.reserve(json!({"code": "A1/7"})).await;

    let proof = br#"{"token":"t-\u00e9<&>","validToken":true}"#;
    let handshake = acme.send(acme.channel, "application/json", proof).await;
    assert_eq!((handshake.status, handshake.body.as_str()), (200, "t-é<&>"));

    let ignored = acme
        .write(
            acme.channel,
            &json!({"type": "read", "message": {"text": "cancelar A1/7"}}),
        )
        .await;
    assert_eq!(ignored, json!({"skip": true}));

    let write = |text: &str| json!({"type": "message", "chat": "c-1", "message": {"id": text, "text": text}, "person": {"name": "Ana"}});
    let asked = acme.write(acme.channel, &write("A1 / 7")).await;
    assert!(
        asked["ask"]
            .as_str()
            .unwrap()
            .contains("cancelar a reserva A1/7?"),
        "{asked}"
    );
    let target = asked["next"]
        .as_str()
        .unwrap()
        .strip_prefix(ORIGIN)
        .unwrap();
    for doubt in ["sim?", "NÃO cancelar A1/7", "sim", "cancelar A1/7 ou A1/8"] {
        let answer = acme.write(target, &write(doubt)).await;
        // A no ends the question. After a second answer that is neither yes nor no, an agent takes
        // over.
        let is_asked = answer
            .get("outcome")
            .is_none_or(|outcome| outcome == "hand_over" || outcome == "declined");
        assert!(is_asked, "{doubt}: {answer}");
    }
    assert!(acme.world.journal().is_empty());

    let done = acme.write(target, &write("CANCELAR O CÓDIGO A1 /7")).await;
    assert_eq!(done["outcome"], "cancelled", "{done}");
    assert!(acme.world.ozmap.holds("A1/7").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_customer_gets_json_with_nothing_turned_around() {
    let acme = Platform::chat(&[]).await;
    for name in hostile() {
        let body = json!({
            "type": "message", "chat": name, "message": {"text": "cancelar Z9/9"}, "person": {"name": name},
        });
        if name.chars().count() > 256 && name.chars().any(char::is_alphanumeric) {
            let refused = acme.write(acme.channel, &body).await;
            assert_eq!(refused["outcome"], "too_long", "{refused}");
            continue;
        }
        let answer = acme.write(acme.channel, &body).await;
        assert_eq!(answer["outcome"], "not_found", "{answer}");
        assert!(answer["say"].as_str().unwrap().chars().count() <= 600);
        let who = answer["who"].as_str().unwrap();
        assert!(!who.contains(['\u{202e}', '\u{0}', '\u{2028}']), "{who:?}");
    }
    // Half a surrogate pair is not valid JSON: the service parses nothing and tells the customer
    // so.
    let lone =
        br#"{"type":"message","message":{"text":"cancelar Z9/9"},"person":{"name":"\ud83d"}}"#;
    let reply = acme.send(acme.channel, "application/json", lone).await;
    assert_eq!(reply.json()["outcome"], "malformed_json", "{reply:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bots_own_names_decide_what_is_acted_on() {
    let acme = Platform::chat(&[("CHANNELS__ACME__ACTS_ON", "texto, pedido")]).await;
    let write = |kind: &str| json!({"type": kind, "message": {"text": "cancelar Z9/9"}});
    for (kind, acts) in [
        ("message", false),
        ("Texto", true),
        ("pedido", true),
        ("", false),
    ] {
        let answer = acme.write(acme.channel, &write(kind)).await;
        assert_eq!(answer.get("outcome").is_some(), acts, "{kind}: {answer}");
    }
}

#[test]
fn a_fulfilment_without_a_confirmation_acts_only_where_the_bot_confirms_itself() {
    let capture = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/it/channels/cases/lex/unconfirmed.http"
    );
    let capture = std::fs::read_to_string(capture).unwrap();
    let (_, body) = capture.split_once("\n\n").unwrap();
    let denied = body.replace("\"None\"", "\"Denied\"");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        for (acts_on, body, acts) in [
            ("", body, false),
            ("Confirmed, None", body, true),
            ("Confirmed, None, Denied", &denied, false),
        ] {
            let world = World::with(&[
                ("CHANNELS__BOT__PRESET", "lex"),
                ("CHANNELS__BOT__SECRET", SECRET),
                ("CHANNELS__BOT__ACTS_ON", acts_on),
            ])
            .await;
            let reply = world
                .service
                .post("bot", &[], body.as_bytes())
                .await
                .unwrap();
            assert_eq!(reply.status, 200, "{reply:?}");
            let is_left = !world.ozmap.holds("123|123").await.is_empty();
            assert_eq!(is_left, !acts, "{acts_on}: {reply:?}");
        }
    });
}

#[test]
fn a_setting_that_would_hold_nothing_back_is_refused() {
    for preset in ["json", "evolution", "twilio-voice"] {
        let checked = Launch::new("http://127.0.0.1:9", "sqlite::memory:")
            .set("CHANNELS__BOT__PRESET", preset)
            .set("CHANNELS__BOT__SECRET", SECRET)
            .set("CHANNELS__BOT__ACTS_ON", "cancel")
            .run(&["check"]);
        assert!(!checked.status.success(), "{preset}");
        let told = [checked.stdout, checked.stderr].concat();
        let told = String::from_utf8(told).unwrap();
        assert!(told.contains("acts_on"), "{preset}: {told}");
    }
}

#[test]
fn a_rule_of_a_preset_that_says_nothing_or_two_things_is_refused() {
    for (rule, with, told) in [
        (
            "unless = [\"message\"]",
            "",
            "one of `is`, `ends_with` and `unless`",
        ),
        (
            "unless = [\"message\"]",
            "unless = [\"a\"]\nis = [\"b\"]",
            "one of `is`, `ends_with` and `unless`",
        ),
        ("unless = [\"message\"]", "unles = [\"message\"]", "unles"),
        (
            "first = [\"/message/id\"]",
            "all = [\"message\"]",
            "a place is /pointer",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = CHAT.replace(rule, with);
        assert_ne!(file, CHAT);
        std::fs::write(folder.path().join("acme.toml"), file).unwrap();
        let output = std::process::Command::new(binary())
            .env_clear()
            .env("OZMAP_CANCEL__CHANNELS__DIRECTORY", folder.path())
            .args(["channels", "list"])
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && error.contains(told),
            "{with}: {error}"
        );
    }
}
