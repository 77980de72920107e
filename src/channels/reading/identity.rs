//! What identifies a request and a customer: the idempotency key, the conversation, the phone.
//!
//! A value that many requests or many customers share must never be one of these: it is treated as
//! absent and noted.

use super::Reading;
use crate::channels::fields::Source;
use crate::channels::instruction::contradiction;
use crate::channels::member::{Member, Rank, fold};
use crate::channels::placeholder::{is_withheld, tells_nothing_apart};
use crate::channels::spot::{Place, Spot};
use crate::channels::values::bounded;
use crate::channels::{Misunderstood, Note};

impl Reading<'_> {
    /// The idempotency key: from a header that has priority, or from the members.
    pub(in crate::channels) fn key_first_in(
        &self,
        header: &str,
        notes: &mut Vec<Note>,
    ) -> Result<Option<String>, Misunderstood> {
        match self.header(header)? {
            Some(text) if tells_nothing_apart(&text) => {
                notes.push(Note::not_filled_in(Member::MessageId.name()));
                self.key(notes)
            }
            Some(text) => bounded(header, Some(text)),
            None => self.key(notes),
        }
    }

    /// The idempotency key, from the members.
    pub(in crate::channels) fn key(
        &self,
        notes: &mut Vec<Note>,
    ) -> Result<Option<String>, Misunderstood> {
        let mut found: Option<(Place, String)> = None;
        let header = self.header("idempotency-key")?;
        let header = header.map(|text| (Place::Header("idempotency-key".to_owned()), text));
        let mut named = Vec::from_iter(header);
        for spot in self.spots_of(Member::MessageId) {
            named.extend(self.plain(spot)?.map(|text| (spot.place.clone(), text)));
        }
        for (place, text) in named {
            if tells_nothing_apart(&text) {
                notes.push(Note::not_filled_in(Member::MessageId.name()));
                continue;
            }
            match &found {
                Some((other, key)) if *key != text => return Err(contradiction(other, &place)),
                Some(_) => {}
                None => found = Some((place, text)),
            }
        }
        bounded("message_id", found.map(|(_, text)| text))
    }

    /// A header's text without the quotes of an RFC 8941 string; an empty one counts as none.
    pub(in crate::channels) fn header(&self, name: &str) -> Result<Option<String>, Misunderstood> {
        let text = Source::Header(name.to_owned()).text(self.input)?;
        let unquoted = text.map(|text| {
            match text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'))
            {
                Some(inner) => inner.to_owned(),
                None => text,
            }
        });
        Ok(unquoted.filter(|text| !text.is_empty()))
    }

    /// The conversation: the first name that has something, then the places of the preset, then the
    /// phone. What is the same for many customers is none.
    pub(in crate::channels) fn conversation(
        &self,
        notes: &mut Vec<Note>,
    ) -> Result<Option<String>, Misunderstood> {
        for rank in [Rank::Conversation, Rank::Session, Rank::Chat, Rank::Call] {
            let mut found: Option<(Place, String)> = None;
            for spot in self.spots_of(Member::Conversation(rank)) {
                if is_platforms_own(spot) {
                    notes.push(Note::ignored(Member::Conversation(rank).name()));
                    continue;
                }
                let Some(text) = self.plain(spot)? else {
                    continue;
                };
                if tells_nothing_apart(&text) || is_withheld(&text) {
                    notes.push(Note::not_filled_in(Member::Conversation(rank).name()));
                    continue;
                }
                match &found {
                    Some((place, other)) if *other != text => {
                        return Err(contradiction(place, &spot.place));
                    }
                    Some(_) => {}
                    None => found = Some((spot.place.clone(), text)),
                }
            }
            if found.is_some() {
                return bounded("conversation_id", found.map(|(_, text)| text));
            }
        }
        for source in &self.fields.conversation {
            match source.text(self.input)? {
                Some(text) if tells_nothing_apart(&text) || is_withheld(&text) => {
                    notes.push(Note::not_filled_in("conversation_id"));
                }
                Some(text) => return bounded("conversation_id", Some(text)),
                None => {}
            }
        }
        self.phone(notes)
    }

    /// The customer's phone, as a conversation.
    fn phone(&self, notes: &mut Vec<Note>) -> Result<Option<String>, Misunderstood> {
        let named = self.spots_of(Member::Phone).map(|spot| self.plain(spot));
        let placed = self
            .fields
            .phone
            .iter()
            .map(|source| source.text(self.input));
        for text in named.chain(placed) {
            let Ok(text) = text else {
                notes.push(Note::ignored("phone"));
                continue;
            };
            let Some(text) = text else { continue };
            if tells_nothing_apart(&text) || is_withheld(&text) {
                notes.push(Note::not_filled_in("phone"));
                continue;
            }
            return Ok(bounded("phone", Some(text))?.map(|text| digits_of(&text)));
        }
        Ok(None)
    }
}

/// An object called `conversation`, `session` or `chat` is what a platform knows of it, as Chatwoot
/// and Telegram send it along.
fn is_platforms_own(spot: &Spot<'_>) -> bool {
    let is_id = match &spot.place {
        Place::Body(name) | Place::Query(name) | Place::Header(name) => fold(name).contains("id"),
    };
    spot.value.is_object() && !is_id
}

/// `5548999990000@s.whatsapp.net`, `5548999990000:22@s.whatsapp.net` (another device),
/// `whatsapp:+5548999990000` and ` 5548999990000` (a `+` that a form turned into a blank) are one
/// phone.
pub(in crate::channels) fn digits_of(text: &str) -> String {
    let number = match text.split_once('@') {
        Some((user, _)) => user.split(':').next().unwrap_or_default(),
        None => text,
    };
    let number = ["whatsapp:", "sip:", "tel:"]
        .iter()
        .find_map(|scheme| number.strip_prefix(scheme))
        .unwrap_or(number);
    // A name with a digit in it is not a number.
    if number.chars().any(char::is_alphabetic) {
        return text.to_owned();
    }
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        text.to_owned()
    } else {
        digits
    }
}
