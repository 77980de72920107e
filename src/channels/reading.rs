//! Finds the members of a request that decide, the same for all channels.
//!
//! A preset says where to look. The names of members, their values and what is refused are the same
//! everywhere. It must never guess: a member that is not understood refuses the request, and the
//! error names the member and its place.
//!
//! - `code`      the reservation code
//! - `identity`  idempotency key, conversation, phone

mod code;
mod identity;

use axum::http::HeaderName;
pub(super) use code::Given;
use serde_json::Value;

use super::fields::{Container, Source, as_text};
use super::input::Input;
use super::instruction::{instructed, is_a_bots_own};
use super::member::{Member, Rank};
use super::misunderstood::wrong;
use super::places::FieldsSpec;
use super::spot::{Place, Spot};
use super::stray::Strays;
use super::{Channel, Misunderstood, Note};
use crate::domain::{Action, Mode};

/// A request with its members found.
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
            for (name, place, value) in container.members(input) {
                let member = Member::of_parameter(name);
                if let Some(
                    member @ (Member::Code | Member::Action | Member::DryRun | Member::Lookup),
                ) = member
                    && !is_a_bots_own(name, value)
                {
                    reading.add(member, place, value);
                }
            }
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

    /// The action and the mode, once every instruction was found and understood.
    pub(super) fn instructed(&self) -> Result<(Action, Mode), Misunderstood> {
        let instructed = instructed(&self.spots)?;
        self.query_decides_nothing_unread()?;
        // What deletes nothing need not be held back: Dialogflow ES repeats a bot's parameters in
        // its contexts.
        if instructed == (Action::Cancel, Mode::Real) {
            self.nothing_strays()?;
        }
        Ok(instructed)
    }

    /// Refuses a request with an instruction in a place that is not read.
    fn nothing_strays(&self) -> Result<(), Misunderstood> {
        let strays = Strays {
            read: &self.spots,
            fields: self.fields,
        };
        strays.none_in(&self.input.body, &mut String::new())?;
        for (name, place, value) in Container::Query.members(self.input) {
            strays.is_none_of_query(name, value, &place)?;
        }
        self.headers_instruct_nothing(&strays)
    }

    /// Headers are read only where the preset says so.
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

    /// A code, a key or a conversation in the address is read only where the preset says so: in a
    /// fixed address it would be the same for every customer.
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
            Value::Number(number) => Some(as_text(number).ok_or_else(|| spot.not_a_text())?),
            Value::Array(values) => spot.several(values)?,
            Value::Bool(_) | Value::Object(_) => return Err(spot.not_a_text()),
        };
        Ok(text.filter(|text| !text.is_empty()))
    }
}
