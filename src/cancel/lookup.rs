//! The `lookup` action: what OZmap has under a code, and whether it could be cancelled.
//!
//! Read only: it must never delete anything or accept a cancellation.

use tokio::time::sleep;

use super::answer::{Declined, answer_of, conversation_of};
use super::context::Context;
use super::step::ids_in;
use crate::domain::{Answer, Ask, Field, Found, LookupResult, Outcome, Property, ReservationCode};
use crate::guard::{self, Asked, Verdict};
use crate::journal::Earlier;
use crate::ozmap::Lookup;

/// Answers a `lookup` request.
pub(super) async fn lookup(
    context: &Context,
    ask: &Ask,
    code: &ReservationCode,
) -> Result<Answer, Declined> {
    let journal = &context.journal;
    if let Some(conversation) = conversation_of(ask) {
        let codes_max = context.rules.codes_per_conversation_max;
        let may = journal
            .try_code(conversation, code, codes_max)
            .await
            .map_err(|_| Declined::Journal)?;
        if !may {
            return Ok(Answer::bare(Outcome::TooManyAttempts));
        }
    }
    if let Some(answer) = active_answer(context, code).await? {
        return Ok(answer);
    }
    let before = earlier_cancellation(context, code).await?;
    let lookup = match shown_under(context, code).await {
        Ok(lookup) => lookup,
        Err(why) => {
            tracing::warn!(channel = %ask.channel, "lookup failed: no usable response from OZmap: {why}");
            return Err(Declined::Ozmap);
        }
    };
    let property = match lookup.rows.as_slice() {
        [Ok(property)] => Some(property),
        _ => None,
    };
    // A cancellation that was accepted during the lookup may have caused what it shows.
    if let Some(answer) = active_answer(context, code).await? {
        return Ok(answer);
    }
    let earlier = earlier_cancellation(context, code).await?;
    // Or one was accepted and completed during the lookup, which may then show the state before it
    // or after it.
    if earlier != before {
        tracing::warn!(channel = %ask.channel, "lookup discarded: a cancellation of the code completed during it");
        return Err(Declined::Ozmap);
    }
    let is_stale = context.shows_deleted_property(code, &ids_in(&lookup)).await;
    if is_stale.map_err(|_| Declined::Journal)? {
        tracing::warn!(channel = %ask.channel, "lookup discarded: it shows a property whose absence was confirmed before");
        return Err(Declined::Ozmap);
    }
    let key_user = context.ozmap.key_user();
    let asked = Asked {
        key_user: key_user.as_deref(),
        ..Asked::from(code)
    };
    let mut answer = match guard::judge(&lookup, asked, &context.policy) {
        Verdict::Absent => return Ok(absent_answer(earlier)),
        Verdict::Keep(refusal) => Answer::bare(refusal.outcome(&context.policy)),
        Verdict::Delete(_) => Answer {
            found: property.map(found),
            ..Answer::bare(Outcome::Found)
        },
    };
    answer.first_name = property.and_then(|property| guard::first_name(property, code));
    Ok(answer)
}

/// What OZmap shows under a code; nothing only after two lookups apart in time.
///
/// # Errors
/// Why there is no conclusive answer.
pub(super) async fn shown_under(
    context: &Context,
    code: &ReservationCode,
) -> Result<LookupResult, String> {
    let mut before = None;
    loop {
        let session = context.ozmap.session(code).await;
        let session = session.map_err(|open| open.why.id().to_owned())?;
        let looked = session.lookup(code, before.as_ref()).await;
        // Others can call OZmap during the wait.
        drop(session);
        match looked.map_err(|error| error.to_string())? {
            Lookup::Conclusive(lookup) => return Ok(lookup),
            Lookup::AbsentOnce(once) => {
                sleep(once.wait()).await;
                before = Some(once);
            }
        }
    }
}

/// The answer about a code whose cancellation is in progress.
async fn active_answer(
    context: &Context,
    code: &ReservationCode,
) -> Result<Option<Answer>, Declined> {
    let active = context.journal.active(code).await;
    let active = active.map_err(|_| Declined::Journal)?;
    Ok(active.as_ref().map(answer_of))
}

/// The completed cancellations of this code that may have deleted something.
async fn earlier_cancellation(
    context: &Context,
    code: &ReservationCode,
) -> Result<Option<Earlier>, Declined> {
    let earlier = context.journal.earlier_cancellation(code).await;
    earlier.map_err(|_| Declined::Journal)
}

fn absent_answer(earlier: Option<Earlier>) -> Answer {
    match earlier {
        None => Answer::bare(Outcome::NotFound),
        Some(earlier) => Answer {
            protocol: Some(earlier.protocol),
            cancelled_at_ms: Some(earlier.at_ms),
            ..Answer::bare(Outcome::AlreadyCancelled)
        },
    }
}

fn found(property: &Property) -> Found {
    let text = |field: &Field<String>| field.value().cloned().unwrap_or_default();
    Found {
        address: text(&property.address),
        reserved_at: text(&property.created_at),
    }
}
