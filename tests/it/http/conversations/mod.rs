//! Free-text conversations, turn by turn, with restarts, silence and other customers between them.
//!
//! After each turn the test checks the sentence, the deletions, and what OZmap still holds.

use jiff::tz::TimeZone;
use ozmap_cancel::domain::{Locale, Medium, Turn};
use ozmap_cancel::replies::Replies;
use serde_json::json;

mod table;

use table::{conversations, with_ids, without_ids};

use crate::journal::file::Foreign;
use crate::support::http::send;
use crate::support::{Reply, SECRET, World};

const PUBLIC: &str = "https://hook.example.com";

/// One event of a conversation.
enum Happens {
    /// This customer writes this, and gets this reply.
    Writes(&'static str, &'static str, Told),
    /// The platform delivers the same message again.
    DeliveredAgain(&'static str, &'static str, Told),
    /// The platform delivers the message with this number again, after others.
    Late(usize, &'static str, &'static str, Told),
    /// The service is killed and started again.
    Restart,
    /// Silence for so many minutes.
    Silence(i64),
    /// OZmap has this fault.
    Fault(&'static str),
    /// OZmap has recovered.
    Heal,
}

/// What a customer is told.
#[derive(Clone, Copy, Debug)]
enum Told {
    /// This sentence, about this code.
    Says(Turn, &'static str),
    /// This code was cancelled just now.
    Cancelled(&'static str),
    /// The outcome of an earlier request, again.
    Earlier(&'static str),
    /// The request is accepted and pending.
    Pending,
    /// OZmap has no reservation with this code.
    NotFound,
}

use Happens::{DeliveredAgain, Fault, Heal, Late, Restart, Silence, Writes};
use Told::{Cancelled, Earlier, NotFound, Pending, Says};

const A: &str = "554899990001";
const B: &str = "554899990002";

const fn asks(code: &'static str) -> Told {
    Says(Turn::ConfirmCode, code)
}

const ASKS_CODE: Told = Says(Turn::AskCode, "");
const DECLINED: Told = Says(Turn::Declined, "");
const THANKED: Told = Says(Turn::Thanked, "");
const TEAM: Told = Says(Turn::HandOver, "");

/// A chat platform: how it sends a message and where it reads the reply.
struct Chat {
    preset: &'static str,
    message: fn(customer: &str, id: usize, text: &str) -> String,
    reply: fn(&Reply) -> String,
}

const CHATS: [Chat; 3] = [
    Chat {
        preset: "evolution",
        message: |customer, _, text| {
            json!({"query": text, "user": format!("{customer}@s.whatsapp.net")}).to_string()
        },
        reply: |reply| {
            reply.json()["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        },
    },
    Chat {
        preset: "simplesdesk",
        message: |customer, id, text| {
            json!({"id": id, "text": text, "contact": {"uid": customer}, "data": {}}).to_string()
        },
        reply: |reply| reply.json()["text"].as_str().unwrap_or_default().to_owned(),
    },
    Chat {
        preset: "twilio-messaging",
        message: |customer, id, text| {
            let mut form = form_urlencoded::Serializer::new(String::new());
            let members = [
                ("MessageSid", format!("SM{id}")),
                ("From", format!("whatsapp:+{customer}")),
                ("Body", text.to_owned()),
            ];
            form.extend_pairs(members).finish()
        },
        reply: |reply| {
            let text = reply.body.split("<Message>").nth(1).unwrap_or_default();
            let text = text.split("</Message>").next().unwrap_or_default();
            text.replace("&apos;", "'")
                .replace("&#x27;", "'")
                .replace("&amp;", "&")
        },
    },
];

struct Talk {
    world: World,
    chat: &'static Chat,
    locale: Locale,
    messages: usize,
    replies: Replies,
    deletions: usize,
}

impl Talk {
    async fn begin(chat: &'static Chat, locale: Locale) -> Self {
        let world = World::with(&[
            ("SERVER__PUBLIC_URL", PUBLIC),
            ("CHANNELS__CHAT__PRESET", chat.preset),
            ("CHANNELS__CHAT__AUTH", "bearer"),
            ("CHANNELS__CHAT__SECRET", SECRET),
            ("CHANNELS__CHAT__LOCALE", locale.id()),
            ("CHANNELS__CHAT__ANSWER_MS_MAX", "3000"),
            ("OZMAP__LOOKUP_MS", "700"),
            ("OZMAP__DELETE_MS", "700"),
            ("JOURNAL__LEASE_MS", "5700"),
            ("JOURNAL__SETTLE_MS", "2000"),
        ])
        .await;
        world.ozmap.reserve(json!({"code": "124|124"})).await;
        Self {
            world,
            chat,
            locale,
            messages: 0,
            replies: Replies::load("", TimeZone::UTC).unwrap(),
            deletions: 0,
        }
    }

    async fn send(&self, customer: &str, text: &str) -> Reply {
        self.post(&(self.chat.message)(customer, self.messages, text))
            .await
    }

    /// A message of the usual customer.
    fn message(&self, text: &str) -> String {
        (self.chat.message)(A, self.messages, text)
    }

    async fn post(&self, body: &str) -> Reply {
        let kind = match self.chat.preset {
            "twilio-messaging" => "application/x-www-form-urlencoded",
            _ => "application/json",
        };
        let authorization = format!("Bearer {SECRET}");
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", kind),
        ];
        let address = self.world.service.address();
        send(address, "POST", "/webhooks/chat", &headers, body.as_bytes())
            .await
            .unwrap()
    }

    async fn happens(&mut self, happens: &Happens, name: &str) {
        match happens {
            Writes(customer, text, told) => {
                self.messages += 1;
                self.told(customer, text, *told, name).await;
            }
            DeliveredAgain(customer, text, told) => self.told(customer, text, *told, name).await,
            Late(number, customer, text, told) => {
                let latest = std::mem::replace(&mut self.messages, *number);
                self.told(customer, text, *told, name).await;
                self.messages = latest;
            }
            Restart => self.world.restart().await,
            Silence(minutes) => Foreign::of(self.world.folder.path()).run(&format!(
                "UPDATE conversation SET asked_at = asked_at - {ms}, updated_at = updated_at - {ms}",
                ms = minutes * 60_000
            )),
            Fault(fault) => self.world.ozmap.fault(fault).await,
            Heal => self.world.ozmap.heal().await,
        }
    }

    async fn told(&mut self, customer: &str, text: &str, told: Told, name: &str) {
        let what = format!("{}, {name}: {text:?}", self.chat.preset);
        let mut reply = (self.chat.reply)(&self.send(customer, text).await);
        if matches!(told, Earlier(_)) {
            let started = std::time::Instant::now();
            while self.outcome_of(&reply) == "pending" && started.elapsed().as_secs() < 60 {
                reply = (self.chat.reply)(&self.send(customer, text).await);
            }
        }
        match told {
            Says(turn, code) => {
                let expected = self.replies.turn(self.locale, Medium::Text, turn, code);
                assert_eq!(reply, expected, "{what}");
            }
            Cancelled(code) => {
                assert_eq!(self.outcome_of(&reply), "cancelled", "{what}: {reply}");
                assert!(reply.contains(code), "{what}: {reply}");
                self.deletions += 1;
                assert!(self.world.ozmap.holds(code).await.is_empty(), "{what}");
            }
            Earlier("cancelled") => {
                assert_eq!(self.outcome_of(&reply), "cancelled", "{what}: {reply}");
                self.deletions = self.deletions.max(1);
            }
            Earlier(outcome) => assert_eq!(self.outcome_of(&reply), outcome, "{what}: {reply}"),
            Pending => assert_eq!(self.outcome_of(&reply), "pending", "{what}: {reply}"),
            NotFound => assert_eq!(self.outcome_of(&reply), "not_found", "{what}: {reply}"),
        }
        let deletions = self.world.ozmap.deletions().await.len();
        assert_eq!(deletions, self.deletions, "{what}: {reply}");
    }

    /// The outcome whose sentence this is, by its first words without a name.
    fn outcome_of(&self, reply: &str) -> &'static str {
        use ozmap_cancel::domain::{Answer, Outcome};
        let words = |text: &str| {
            let letters: String = text
                .chars()
                .filter(|c| c.is_alphabetic() || *c == ' ')
                .collect();
            letters
                .to_lowercase()
                .split_whitespace()
                .filter(|word| !matches!(*word, "gabriel" | "ana"))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let said = words(reply);
        let is_said = |outcome: &Outcome| {
            let answer = Answer::bare(*outcome);
            ["", "123|123"].iter().any(|code| {
                let sentence = self.replies.say(self.locale, Medium::Text, &answer, code);
                words(&sentence).iter().all(|word| said.contains(word))
            })
        };
        let found = Outcome::ALL.into_iter().find(is_said);
        found.map_or("", Outcome::id)
    }
}

/// How many conversations run at the same time; each spends most of its time waiting.
const AT_ONCE: usize = 4;

async fn play(chat: &'static Chat) {
    let mut played = tokio::task::JoinSet::new();
    let of_ids = match chat.preset {
        "evolution" => without_ids(),
        _ => with_ids(),
    };
    for (name, locale, turns) in conversations().into_iter().chain(of_ids) {
        if played.len() >= AT_ONCE {
            played.join_next().await.unwrap().unwrap();
        }
        played.spawn(async move {
            let mut talk = Talk::begin(chat, locale).await;
            for turn in &turns {
                talk.happens(turn, name).await;
            }
        });
    }
    while let Some(played) = played.join_next().await {
        played.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_message_ids_a_conversation_follows_the_table() {
    play(&CHATS[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_its_state_in_the_address_a_conversation_follows_the_table() {
    play(&CHATS[1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_message_ids_a_conversation_follows_the_table() {
    play(&CHATS[2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_conversation_only_a_complete_unambiguous_message_acts() {
    let talk = Talk::begin(&CHATS[2], Locale::PtBr).await;
    let anonymous = |text: &'static str| {
        let world = &talk.world;
        async move {
            let mut form = form_urlencoded::Serializer::new(String::new());
            let body = form.append_pair("Body", text).finish();
            let authorization = format!("Bearer {SECRET}");
            let headers = [
                ("Authorization", authorization.as_str()),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ];
            let address = world.service.address();
            send(address, "POST", "/webhooks/chat", &headers, body.as_bytes())
                .await
                .unwrap()
        }
    };
    for (text, turn, code) in [
        ("123|123", Turn::ConfirmInFull, "123|123"),
        ("sim", Turn::AskCode, ""),
        ("cancelar 123/123", Turn::ConfirmInFull, "123|123"),
        (
            "quiero cancelar la reserva 123|123",
            Turn::ConfirmInFull,
            "123|123",
        ),
        ("sim 123|123", Turn::ConfirmInFull, "123|123"),
        ("não", Turn::Declined, ""),
    ] {
        let reply = (CHATS[2].reply)(&anonymous(text).await);
        let expected = talk.replies.turn(Locale::PtBr, Medium::Text, turn, code);
        assert_eq!(reply, expected, "{text}");
        assert!(talk.world.ozmap.deletions().await.is_empty(), "{text}");
    }
    let reply = (CHATS[2].reply)(&anonymous("cancelar 123|123").await);
    assert_eq!(talk.outcome_of(&reply), "cancelled", "{reply}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_concurrent_yes_and_no_never_contradict_each_other() {
    for _ in 0..6 {
        let mut talk = Talk::begin(&CHATS[2], Locale::PtBr).await;
        talk.messages += 1;
        talk.send(A, "reserva 123|123").await;
        talk.messages += 1;
        let yes = talk.message("sim");
        talk.messages += 1;
        let no = talk.message("não");
        let (yes, no) = tokio::join!(talk.post(&yes), talk.post(&no));
        let declined = talk
            .replies
            .turn(Locale::PtBr, Medium::Text, Turn::Declined, "");
        let is_declined = (CHATS[2].reply)(&no) == declined;
        let is_there = !talk.world.ozmap.holds("123|123").await.is_empty();
        assert_eq!(is_declined, is_there, "{yes:?} {no:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_to_the_question_of_a_dry_run_deletes_nothing() {
    let talk = Talk::begin(&CHATS[0], Locale::PtBr).await;
    let send = |path: &'static str, text: &'static str| {
        let body = (CHATS[0].message)(A, 0, text);
        let address = talk.world.service.address();
        async move {
            let authorization = format!("Bearer {SECRET}");
            let headers = [
                ("Authorization", authorization.as_str()),
                ("Content-Type", "application/json"),
            ];
            let sent = send(address, "POST", path, &headers, body.as_bytes()).await;
            (CHATS[0].reply)(&sent.unwrap())
        }
    };
    let asked = talk
        .replies
        .turn(Locale::PtBr, Medium::Text, Turn::ConfirmCode, "123|123");
    assert_eq!(send("/webhooks/chat?dry_run=true", "123|123").await, asked);
    let real = send("/webhooks/chat", "sim").await;
    let asks_code = talk
        .replies
        .turn(Locale::PtBr, Medium::Text, Turn::AskCode, "");
    assert_eq!(real, asks_code);
    assert!(talk.world.ozmap.deletions().await.is_empty());
}
