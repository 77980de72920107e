//! The customer's sentence for each refused request, and whether an agent takes over: one table for
//! every preset.

use axum::http::HeaderMap;
use ozmap_cancel::channels::{Codec, Inbound, Problem};
use ozmap_cancel::clock::Moment;
use ozmap_cancel::domain::Locale;
use ozmap_cancel::replies::Refused;

use super::bases::{channel_of, presets, replies};

/// Every problem that a caller may get, with the customer's sentence. The statuses are those of the
/// public contract.
const TABLE: [(u16, &str, Refused); 24] = [
    (400, "malformed_json", Refused::SetUp),
    (400, "not_an_object", Refused::SetUp),
    (400, "empty_body", Refused::SetUp),
    (400, "not_utf8", Refused::SetUp),
    (400, "compressed_body", Refused::SetUp),
    (400, "repeated_header", Refused::SetUp),
    (400, "cut_off", Refused::Unavailable),
    (401, "not_authenticated", Refused::SetUp),
    (404, "no_such_channel", Refused::SetUp),
    (405, "method", Refused::SetUp),
    (408, "too_slow", Refused::Unavailable),
    (413, "too_large", Refused::SetUp),
    (415, "not_json", Refused::SetUp),
    (422, "code_missing", Refused::SetUp),
    (422, "not_filled_in", Refused::SetUp),
    (422, "code_is_a_number", Refused::SetUp),
    (422, "unencoded_form", Refused::SetUp),
    (422, "contradiction", Refused::SetUp),
    (422, "unknown_action", Refused::SetUp),
    (422, "misplaced_instruction", Refused::SetUp),
    (422, "key_reused", Refused::SetUp),
    (429, "too_fast", Refused::Busy),
    (503, "journal", Refused::Unavailable),
    (503, "in_doubt", Refused::InDoubt),
];

/// Words that ask a customer for the code again, which does not fix a misconfiguration.
const ASKS_AGAIN: [&str; 8] = [
    "código", "codigo", "code", "digite", "digita", "type", "tecle", "escriba",
];

#[test]
fn a_refusal_says_the_same_on_every_preset_and_calls_a_person() {
    let replies = replies();
    for preset in presets() {
        let channel = channel_of(&preset);
        for (status, id, refused) in TABLE {
            for locale in Locale::ALL {
                let said = replies.refuse(locale, channel.medium, refused);
                let headers = HeaderMap::new();
                let inbound = Inbound {
                    method: &axum::http::Method::POST,
                    target: "/webhooks/door",
                    public_url: "",
                    headers: &headers,
                    body: b"",
                    at: Moment::now(),
                };
                let echo = channel.anonymous_reply_context(&inbound);
                let problem = Problem {
                    status,
                    id,
                    title: "A title",
                    detail: "A detail",
                    reply: &said,
                    handoff: refused.hands_off(),
                };
                let (told, rendered) = channel.render_problem(&headers, &echo, &problem);
                assert!(told == status || told == 200, "{preset} {id}: {told}");
                let plain = said.replace('|', "");
                let body = rendered.body.replace("\\u00", "");
                let is_said =
                    body.contains(&plain) || preset == "text" || rendered.body.contains("%20");
                assert!(is_said, "{preset} {id}: {body}");
                if matches!(channel.codec, Codec::Native) {
                    assert!(
                        rendered.body.contains("\"handoff\":true"),
                        "{}",
                        rendered.body
                    );
                }
                for flag in [
                    "handoff\":false",
                    "handoff\":\"false",
                    "handoff=\"false",
                    "handoff=false",
                    "'false'",
                ] {
                    assert!(
                        !rendered.body.contains(flag),
                        "{preset} {id}: {}",
                        rendered.body
                    );
                }
            }
        }
    }
}

#[test]
fn a_fault_of_set_up_never_asks_the_customer_for_the_code() {
    let replies = replies();
    for locale in Locale::ALL {
        for medium in [
            ozmap_cancel::domain::Medium::Text,
            ozmap_cancel::domain::Medium::Voice,
        ] {
            let said = replies
                .refuse(locale, medium, Refused::SetUp)
                .to_lowercase();
            for word in ASKS_AGAIN {
                assert!(!said.contains(word), "{word}: {said}");
            }
        }
    }
}
