//! After a DELETE may have been sent: what became of the property.
//!
//! Whatever the DELETE returned, the property is looked at again by the recorded id, and the cancellation ends only on what
//! is seen. "Gone" after a DELETE that OZmap did not confirm is seen at least twice. It must never delay an ending for what
//! is only good to know.

use std::time::Duration;

use super::Cancellations;
use super::advance::{Memory, Step};
use super::ending::{Before, ending};
use super::still_there::Seen;
use crate::domain::{EventKind, Outcome, PropertyId, Reason};
use crate::journal::{self, Apart, Held, Latecomers, State};
use crate::ozmap::{
    DeleteAnswer, Deleted, FailureKind, Port, PortState, RecheckResult, Session, Traces, beside,
};

impl Cancellations {
    /// Looks again by the recorded id, and ends only on what is seen.
    pub(super) async fn make_sure(
        &self,
        held: &mut Held,
        memory: &mut Memory,
    ) -> Result<Step, journal::Error> {
        let Some(id) = held.record.property.clone() else {
            return Err(journal::Error::Corrupt(
                "an intent without a property".to_owned(),
            ));
        };
        let session = match self.ozmap.session(&held.record.code).await {
            Ok(session) => session,
            Err(shut) => {
                return self
                    .cannot_tell(held, shut.why, self.circuit_open(shut))
                    .await;
            }
        };
        let traces = self.traces(held, memory).await?;
        // The spelling that led to it may be one that only a look for what is nearly the code asks for.
        if let Some(code) = &traces.code {
            held.record.code = held.record.code.clone().held_as(code);
        }
        let before = Before {
            unsettled: held.record.unsettled_for(),
            latecomers: self.asked_before_the_last_look(held, memory).await?,
            beside: None,
        };
        let deleted = Deleted {
            id: &id,
            code: &held.record.code,
            client: traces.client.as_ref(),
            answer: match held.record.state {
                State::Acked => DeleteAnswer::Confirmed,
                State::Accepted | State::Intent | State::Done => DeleteAnswer::Unclear,
            },
        };
        let look = session.recheck_by_id(deleted, memory.gone.as_ref());
        let (seen, port) = beside(look, port_state(&session, traces.port.as_ref())).await;
        let port = port.flatten();
        let gone_before = memory.gone.take();
        let seen = match seen {
            Ok(RecheckResult::Gone { others }) => {
                self.note_port(held, traces.port.as_ref(), port).await;
                return self.gone(held, memory, before, others).await;
            }
            Ok(RecheckResult::GoneYet(gone)) => {
                let wait = gone.wait();
                memory.failures = 0;
                memory.gone = Some(gone);
                return Ok(Step::Wait(wait, Reason::SeenGoneOnce));
            }
            Ok(RecheckResult::Contradicted) => {
                return self.contradicted(held, memory, before).await;
            }
            Ok(RecheckResult::Present(lookup)) => Seen::ById(lookup),
            Ok(RecheckResult::OnlyByCode(lookup)) => Seen::OnlyByCode(lookup),
            Err(error) => {
                // No answer says nothing against those before it.
                memory.gone = gone_before;
                let wait = self.wait_after(&error, held, memory);
                return self.cannot_tell(held, error.kind, wait).await;
            }
        };
        memory.failures = 0;
        self.still_there(held, memory, &session, &seen, before)
            .await
    }

    /// It was seen gone, as often as its DELETE needs.
    async fn gone(
        &self,
        held: &mut Held,
        memory: &mut Memory,
        before: Before,
        others: Vec<PropertyId>,
    ) -> Result<Step, journal::Error> {
        let code = &held.record.code;
        if self.shows_what_is_gone(code, &others).await? {
            let wait = self.read_anew(held, memory);
            return self.cannot_tell(held, FailureKind::Stale, wait).await;
        }
        let latecomers = match others.is_empty() {
            true => before.latecomers,
            false => {
                // Whoever made it, maybe a system that writes reservations by itself, has to be told.
                let what = "the code leads to another property now";
                self.journal
                    .call_a_person(&held.lease, EventKind::ReservedAgain, what)
                    .await?;
                Latecomers::AreForAPerson(Apart::ReservedAgain)
            }
        };
        let ending = ending(held, Outcome::Cancelled, Reason::SeenGone, None);
        let before = Before {
            latecomers,
            ..before
        };
        self.finish_seen(held, memory, before, ending).await
    }

    /// Its id and its code say that it is gone, and its client or a list says that it is not. Once nothing can take effect
    /// any more, that is for a person to understand.
    async fn contradicted(
        &self,
        held: &mut Held,
        memory: &mut Memory,
        before: Before,
    ) -> Result<Step, journal::Error> {
        tracing::warn!(
            op = %held.record.id,
            "OZmap contradicts itself: a property whose deletion was sent is not found, and its client or a list still has it"
        );
        if before.unsettled.is_some() {
            let wait = Step::Wait(Duration::ZERO, Reason::Contradiction);
            return Ok(self.disagreeing(wait, held, memory));
        }
        self.finish(held, Outcome::Unknown, Reason::Contradiction, None)
            .await
    }

    /// By what the property can still be asked for; read once.
    async fn traces(&self, held: &Held, memory: &mut Memory) -> Result<Traces, journal::Error> {
        if let Some(traces) = &memory.traces {
            return Ok(traces.clone());
        }
        let snapshot = self.journal.snapshot(held.record.id).await?;
        let traces = snapshot.map_or_else(Traces::default, |raw| Traces::of(&raw));
        memory.traces = Some(traces.clone());
        Ok(traces)
    }

    /// Writes down whether the splitter's output is free again, where OZmap said so in time.
    async fn note_port(&self, held: &Held, port: Option<&Port>, state: Option<PortState>) {
        let (Some(port), Some(state)) = (port, state) else {
            return;
        };
        let kind = match state {
            PortState::Free => EventKind::PortFree,
            PortState::Taken => EventKind::PortTaken,
        };
        let detail = format!(
            "output {} of splitter {}",
            port.number,
            port.splitter.as_str()
        );
        if let Err(error) = self.journal.note(&held.lease, kind, &detail).await {
            tracing::warn!(op = %held.record.id, "what became of the port could not be noted: {error}");
        }
    }
}

async fn port_state(session: &Session<'_>, port: Option<&Port>) -> Option<PortState> {
    session.port_state(port?).await
}
