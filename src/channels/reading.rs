//! The one reading of a request for all channels: where the members that decide stand, and what they say.
//!
//! A preset says where to look; how a member is named, what its values may be and what is refused is the same everywhere.
//! It must never guess: what cannot be understood refuses the request, and the refusal names the member and the place.

use axum::http::HeaderName;
use serde_json::Value;

use super::body::wrong;
use super::fields::{Container, Source};
use super::form::Pair;
use super::input::Input;
use super::instruction::{Strays, contradiction, instructed, not_filled_in};
use super::member::{Member, Rank, fold};
use super::native::TEXT_CHARS_MAX;
use super::placeholder::{is_unfilled, is_withheld, tells_nothing_apart};
use super::preset::FieldsSpec;
use super::spot::{Place, Spot};
use super::{Channel, Misunderstood, Note, NoteKind};
use crate::domain::{Action, Mode};

/// A reservation code as it was given, exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// The code.
    pub(super) code: String,
    /// What it is when the `+` in a form was meant as a plus and not as a blank.
    pub(super) with_plus: Option<String>,
}

/// A request whose members were found.
pub(super) struct Reading<'i> {
    input: &'i Input<'i>,
    fields: &'i FieldsSpec,
    channel: &'i Channel,
    spots: Vec<Spot<'i>>,
}

impl<'i> Reading<'i> {
    /// Finds the members.
    pub(super) fn of(channel: &'i Channel, fields: &'i FieldsSpec, input: &'i Input<'i>) -> Self {
        let mut reading = Self {
            input,
            fields,
            channel,
            spots: Vec::new(),
        };
        for container in &fields.members {
            reading.find(container, Member::of);
        }
        for container in &fields.parameters {
            reading.find(container, |name| {
                let member = Member::of_parameter(name);
                member.filter(|member| {
                    matches!(
                        member,
                        Member::Code | Member::Action | Member::DryRun | Member::Lookup
                    )
                })
            });
        }
        for container in &fields.instructions {
            reading.find(container, Member::instruction);
        }
        for container in [Container::Body, Container::Query] {
            reading.find(&container, Member::instruction);
        }
        for (member, sources) in [
            (Member::Code, &fields.code),
            (Member::Action, &fields.action),
            (Member::DryRun, &fields.dry_run),
        ] {
            reading.add_named(member, sources);
        }
        reading
    }

    fn find(&mut self, container: &Container, member_of: impl Fn(&str) -> Option<Member>) {
        let input = self.input;
        for (name, place, value) in container.members(input) {
            let Some(member) = member_of(name) else {
                continue;
            };
            self.add(member, place, value);
        }
    }

    fn add_named(&mut self, member: Member, sources: &[Source]) {
        let input = self.input;
        for source in sources {
            if let Some(value) = source.value(input) {
                self.add(member, source.place(), value);
            }
        }
    }

    fn add(&mut self, member: Member, place: Place, value: &'i Value) {
        if self.spots.iter().any(|spot| spot.place == place) {
            return;
        }
        let pair = self.input.pair(&place);
        self.spots.push(Spot {
            member,
            place,
            value,
            pair,
        });
    }

    fn spots_of(&self, member: Member) -> impl Iterator<Item = &Spot<'i>> {
        self.spots.iter().filter(move |spot| spot.member == member)
    }

    /// What is wanted, after everything that instructs was found and understood.
    pub(super) fn instructed(&self) -> Result<(Action, Mode), Misunderstood> {
        let instructed = instructed(&self.spots)?;
        let strays = Strays { read: &self.spots };
        strays.none_in(&self.input.body, &mut String::new())?;
        for (name, place, value) in Container::Query.members(self.input) {
            strays.is_none(name, value, &place)?;
        }
        self.headers_instruct_nothing(&strays)?;
        self.query_decides_nothing_unread()?;
        Ok(instructed)
    }

    /// A header is read only where the preset says so.
    fn headers_instruct_nothing(&self, strays: &Strays<'_>) -> Result<(), Misunderstood> {
        let read = |name: &HeaderName| {
            let sources = self.fields.action.iter().chain(&self.fields.dry_run);
            sources
                .into_iter()
                .any(|source| source.is_header(name.as_str()))
        };
        for (name, value) in self.input.headers {
            if read(name) {
                continue;
            }
            let bare = name.as_str().strip_prefix("x-").unwrap_or(name.as_str());
            let text = Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned());
            strays.is_none(bare, &text, &Place::Header(name.as_str().to_owned()))?;
        }
        Ok(())
    }

    /// A code, a key or a conversation in the address is read only where the preset says so: in a fixed address it would
    /// be the same for every customer.
    fn query_decides_nothing_unread(&self) -> Result<(), Misunderstood> {
        if self.fields.members.contains(&Container::Query) {
            return Ok(());
        }
        let sources = self.fields.of_the_query();
        for (name, place, _) in Container::Query.members(self.input) {
            let member = Member::of(name);
            let decides = matches!(
                member,
                Some(Member::Code | Member::MessageId | Member::Conversation(Rank::Conversation))
            );
            if let Some(member) = member
                && decides
                && !sources.contains(&name)
            {
                let detail = format!(
                    "{place} is not read there, and in a fixed address it would be the same for every customer; send `{}` in the body",
                    member.name()
                );
                return Err(wrong(422, "misplaced_member", detail));
            }
        }
        Ok(())
    }

    /// The code that stands in a member of its own; `None` when no such member has anything.
    pub(super) fn code(&self) -> Result<Option<Given>, Misunderstood> {
        self.agreed_code(self.spots_of(Member::Code))
    }

    /// The keys that were pressed, from the places that the preset names.
    pub(super) fn digits(&self) -> Result<Option<String>, Misunderstood> {
        let spots: Vec<Spot<'i>> = self
            .fields
            .digits
            .iter()
            .filter_map(|source| {
                let (value, place) = (source.value(self.input)?, source.place());
                let pair = self.input.pair(&place);
                Some(Spot {
                    member: Member::Code,
                    place,
                    value,
                    pair,
                })
            })
            .collect();
        // No key at all is an answer on the phone.
        let keyed = spots.iter().filter(|spot| !is_nothing(spot.value));
        Ok(self.agreed_code(keyed)?.map(|given| given.code))
    }

    /// The first member of a code that is there and has nothing in it.
    pub(super) fn empty_code(&self) -> Option<Misunderstood> {
        let mut digits = self.fields.digits.iter();
        let digits = digits.find(|source| source.value(self.input).is_some());
        let place = self
            .spots_of(Member::Code)
            .map(|spot| spot.place.clone())
            .next()
            .or_else(|| digits.map(Source::place));
        place.map(|place| not_filled_in(Member::Code, &place))
    }

    fn agreed_code<'s>(
        &self,
        spots: impl Iterator<Item = &'s Spot<'i>>,
    ) -> Result<Option<Given>, Misunderstood>
    where
        'i: 's,
    {
        let mut found: Option<(Place, Given)> = None;
        for spot in spots {
            let Some(given) = self.code_at(spot)? else {
                continue;
            };
            match &found {
                Some((place, other)) if *other != given => {
                    return Err(contradiction(place, &spot.place));
                }
                Some(_) => {}
                None => found = Some((spot.place.clone(), given)),
            }
        }
        Ok(found.map(|(_, given)| given))
    }

    fn code_at(&self, spot: &Spot<'i>) -> Result<Option<Given>, Misunderstood> {
        let text = match spot.value {
            Value::Null => return Ok(None),
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => self.numeric_code(spot, number)?,
            Value::Array(values) if values.iter().all(Value::is_string) => {
                match spot.several(values)? {
                    Some(text) => text,
                    None => return Ok(None),
                }
            }
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(spot.not_a_text()),
        };
        if text.is_empty() {
            return Ok(None);
        }
        if is_unfilled(&text) && !self.channel.is_code(&text) {
            return Err(not_filled_in(Member::Code, &spot.place));
        }
        if let Some(oddity) = spot.pair.and_then(|pair| pair.oddity) {
            return Err(unencoded(oddity.explained()));
        }
        let with_plus = spot.pair.and_then(|pair| pair.with_plus.clone());
        Ok(Some(Given {
            code: text,
            with_plus: with_plus.map(|text| text.trim().to_owned()),
        }))
    }

    /// A number has lost its leading zeros before it came here, unless the operator says that codes have none.
    fn numeric_code(
        &self,
        spot: &Spot<'_>,
        number: &serde_json::Number,
    ) -> Result<String, Misunderstood> {
        let exact = super::fields::as_text(number);
        match exact {
            Some(text) if self.channel.numeric_codes && !text.starts_with('-') => Ok(text),
            Some(_) | None => Err(wrong(
                422,
                "code_is_a_number",
                format!(
                    "{} is a number, and a number may have lost its leading zeros; send it as a text, in quotes: {{\"code\":\"0555\"}}. \
                     If your codes are numbers without leading zeros, set channels.{}.numeric_codes = true",
                    spot.place, self.channel.name
                ),
            )),
        }
    }

    /// A form that carries a code must have been encoded: what was cut off at a `&` is part of another code.
    pub(super) fn is_encoded(&self) -> Result<(), Misunderstood> {
        let from_form = self.fields.digits.iter().map(Source::place);
        let places: Vec<Place> = self
            .spots_of(Member::Code)
            .map(|spot| spot.place.clone())
            .chain(from_form.filter(|place| self.input.pair(place).is_some()))
            .collect();
        for (pairs, holds_code) in [
            (
                &self.input.body_pairs,
                places.iter().any(|place| matches!(place, Place::Body(_))),
            ),
            (
                &self.input.query_pairs,
                places.iter().any(|place| matches!(place, Place::Query(_))),
            ),
        ] {
            let no_equals = pairs
                .iter()
                .filter_map(|pair| pair.oddity)
                .find(|oddity| *oddity == super::form::Oddity::NoEquals);
            if let Some(oddity) = no_equals.filter(|_| holds_code) {
                return Err(unencoded(oddity.explained()));
            }
        }
        if self.fields.closed && !places.is_empty() {
            self.has_no_leftover()?;
        }
        Ok(())
    }

    /// Where a form is written by hand, a name that is not known may be the rest of a value with `&` and `=` in it.
    fn has_no_leftover(&self) -> Result<(), Misunderstood> {
        let is_known = |pair: &Pair| {
            let pointer = format!("/{}", pair.name);
            Member::of(&pair.name).is_some() || self.fields.has_source(&pointer)
        };
        match self.input.body_pairs.iter().all(is_known) {
            true => Ok(()),
            false => Err(unencoded(
                "it has a member that is not known, as when a value with `&` and `=` in it is not encoded",
            )),
        }
    }

    /// What is the same on every retry, from the members that are named for this service.
    pub(super) fn key(&self, notes: &mut Vec<Note>) -> Result<Option<String>, Misunderstood> {
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
    pub(super) fn header(&self, name: &str) -> Result<Option<String>, Misunderstood> {
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

    /// The conversation: the first name that has something, then the places of the preset, then the phone. What is the
    /// same for many customers is none.
    pub(super) fn conversation(
        &self,
        notes: &mut Vec<Note>,
    ) -> Result<Option<String>, Misunderstood> {
        for rank in [Rank::Conversation, Rank::Session, Rank::Chat, Rank::Call] {
            let mut found: Option<(Place, String)> = None;
            for spot in self.spots_of(Member::Conversation(rank)) {
                let Some(text) = self.plain(spot)? else {
                    continue;
                };
                if tells_nothing_apart(&text) {
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

    /// A text that changes nothing of what is done; one that cannot be read is left out and noted.
    pub(super) fn optional(
        &self,
        member: Member,
        sources: &[Source],
        notes: &mut Vec<Note>,
    ) -> Option<String> {
        let named = self.spots_of(member).map(|spot| self.plain(spot));
        let placed = sources.iter().map(|source| source.text(self.input));
        for text in named.chain(placed) {
            match text {
                Ok(Some(text)) => return Some(text),
                Ok(None) => {}
                Err(_) => notes.push(Note::ignored(member.name())),
            }
        }
        None
    }

    /// The text of a member that is named for this service; empty and null count as nothing.
    fn plain(&self, spot: &Spot<'_>) -> Result<Option<String>, Misunderstood> {
        let text = match spot.value {
            Value::Null => None,
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Number(number) => {
                Some(super::fields::as_text(number).ok_or_else(|| spot.not_a_text())?)
            }
            Value::Array(values) => spot.several(values)?,
            Value::Bool(_) | Value::Object(_) => return Err(spot.not_a_text()),
        };
        Ok(text.filter(|text| !text.is_empty()))
    }
}

impl Note {
    /// A member that the platform did not fill in.
    #[must_use]
    pub fn not_filled_in(member: &'static str) -> Self {
        Self {
            member,
            kind: NoteKind::NotFilledIn,
        }
    }

    pub(super) fn ignored(member: &'static str) -> Self {
        Self {
            member,
            kind: NoteKind::Ignored,
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

fn unencoded(what: &str) -> Misunderstood {
    wrong(
        422,
        "unencoded_form",
        format!(
            "the form is not percent-encoded: {what}; encode every value (Asterisk: ${{URIENCODE(…)}}, FreeSWITCH: ${{url_encode(…)}}, JavaScript: encodeURIComponent)"
        ),
    )
}

/// A text that is not longer than what is kept.
pub(super) fn bounded(name: &str, text: Option<String>) -> Result<Option<String>, Misunderstood> {
    match text {
        Some(text) if text.chars().count() > TEXT_CHARS_MAX => Err(wrong(
            422,
            "too_long",
            format!("`{name}` is longer than {TEXT_CHARS_MAX} characters"),
        )),
        text => Ok(text),
    }
}

/// `5548999990000@s.whatsapp.net`, `5548999990000:22@s.whatsapp.net` (another device), `whatsapp:+5548999990000` and
/// ` 5548999990000` (a `+` that a form turned into a blank) are one phone.
pub(super) fn digits_of(text: &str) -> String {
    let number = match text.split_once('@') {
        Some((user, _)) => user.split(':').next().unwrap_or_default(),
        None => text,
    };
    let number = ["whatsapp:", "sip:", "tel:"]
        .iter()
        .find_map(|scheme| number.strip_prefix(scheme))
        .unwrap_or(number);
    // A name is no number, also when it has a digit in it.
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

/// Whether a free text is a variable that the platform did not fill in, as a whole: a customer may write anything else.
pub(super) fn is_unfilled_text(text: &str) -> bool {
    let text = text.trim();
    let is_variable = ["{{", "${", "#{", "[object "]
        .iter()
        .any(|open| text.starts_with(open))
        && text.ends_with(['}', ']'])
        && is_unfilled(text);
    is_variable || fold(text) == "undefined"
}
