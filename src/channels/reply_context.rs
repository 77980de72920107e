//! What an error answer takes from its request: the language and the format and, for an
//! authenticated caller, the texts that the platform wants back.
//!
//! It must never fail: unreadable parts are left out. A body of an unauthenticated caller is not
//! decompressed, and nothing of its request is repeated.

use axum::http::header;

use super::call_state::{carried, secret};
use super::input::Input;
use super::platform::Platform;
use super::reading::Reading;
use super::{CallerTrust, Channel, Codec, Inbound, ReplyContext, native};

impl Channel {
    /// For a request of an authenticated caller that was not understood or not accepted.
    #[must_use]
    pub fn reply_context(&self, inbound: &Inbound<'_>) -> ReplyContext {
        self.reply_context_as(inbound, CallerTrust::Authenticated)
    }

    /// For a request of an unauthenticated caller: the language and the format of the answer, no
    /// more.
    #[must_use]
    pub fn anonymous_reply_context(&self, inbound: &Inbound<'_>) -> ReplyContext {
        self.reply_context_as(inbound, CallerTrust::Anonymous)
    }

    fn reply_context_as(&self, inbound: &Inbound<'_>, speaker: CallerTrust) -> ReplyContext {
        match &self.codec {
            Codec::Native => native::reply_context(self, inbound, speaker),
            Codec::Platform(platform) => platform.reply_context(self, inbound, speaker),
        }
    }
}

impl Platform {
    fn reply_context(
        &self,
        channel: &Channel,
        inbound: &Inbound<'_>,
        speaker: CallerTrust,
    ) -> ReplyContext {
        let input = self.as_much_as_possible(inbound, speaker);
        let fields = &self.spec.fields;
        let silent = self.silent(channel.locale);
        let reading = Reading::of(channel, fields, &input);
        let spoken = ReplyContext {
            locale: self.locale(channel, &reading, &mut Vec::new()),
            format: self.wanted_format(&input).unwrap_or(silent.format),
            ..silent
        };
        match speaker {
            CallerTrust::Anonymous => spoken,
            CallerTrust::Authenticated => self.authenticated_reply_context(channel, &input, spoken),
        }
    }

    fn authenticated_reply_context(
        &self,
        channel: &Channel,
        input: &Input<'_>,
        spoken: ReplyContext,
    ) -> ReplyContext {
        let reading = Reading::of(channel, &self.spec.fields, input);
        let instructed = reading.instructed().ok();
        let call = reading.conversation(&mut Vec::new());
        ReplyContext {
            texts: self.echo_of_what_can_be_read(input),
            carried: instructed.map_or_else(Vec::new, |(action, mode)| carried(action, mode)),
            secret: secret(channel, input),
            call: call.ok().flatten().unwrap_or_default(),
            ..spoken
        }
    }

    fn as_much_as_possible<'a>(&self, inbound: &Inbound<'a>, speaker: CallerTrust) -> Input<'a> {
        let head = || Input::head(inbound.headers, inbound.target);
        let is_compressed = inbound.headers.contains_key(header::CONTENT_ENCODING);
        if is_compressed && speaker == CallerTrust::Anonymous {
            return head();
        }
        let bytes_max = self.spec.request.body_bytes_max;
        Input::read(inbound.headers, inbound.target, inbound.body, bytes_max)
            .unwrap_or_else(|_| head())
    }
}
