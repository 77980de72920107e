//! Finds repeated webhooks: by the idempotency key, or without one by conversation and code.
//!
//! A misconfigured platform may give one key to two customers. The conversation tells them apart,
//! and if the channel says so also the content. It must never give one customer the answer of
//! another if the two can be told apart.

use sha2::{Digest, Sha256};

use super::acceptance::{Acceptance, Existing, KeyScope};
use super::error::Error;
use super::handle::Journal;
use super::record::Record;
use super::store::{Row, Store};
use super::{queries, sql};
use crate::domain::{OpId, Outcome};

/// How far in the future an end may be before it means that the clock was set back.
const AHEAD_MS: i64 = 2_000;

/// The journal's knowledge of a webhook.
pub(super) enum Seen {
    /// It is a repetition.
    Before(Existing),
    /// It is new, and is written under this key.
    New(NewDelivery),
}

/// The key under which a new webhook is written.
pub(super) struct NewDelivery {
    pub(super) key: String,
    /// The cancellation of an earlier webhook that still has this key; its history moves to another
    /// key.
    pub(super) instead_of: Option<OpId>,
}

/// The earlier result of this webhook, if it is a repetition.
pub(super) fn seen_before(store: &mut dyn Store, asked: &Acceptance) -> Result<Seen, Error> {
    let (key, row) = by_key(store, asked)?;
    let row = match row {
        Some(row) => row,
        None => match recent(store, asked)? {
            Some(row) => row,
            None => {
                return Ok(Seen::New(NewDelivery {
                    key,
                    instead_of: None,
                }));
            }
        },
    };
    let mut record = promised(store, &row)?;
    let anew = Seen::New(NewDelivery {
        key,
        instead_of: Some(record.id),
    });
    if asked.instead_of == Some(record.id) {
        return Ok(anew);
    }
    if !asked.is_same(row.text("fingerprint")?) {
        return Ok(if asked.was_long_ago(&record) {
            anew
        } else {
            Seen::Before(Existing::KeyReused)
        });
    }
    if record.outcome.is_some() {
        // A late webhook may have got a record of its own between the two reads, which then do not
        // match.
        let again = match by_key(store, asked)?.1 {
            Some(row) => Some(row),
            None => recent(store, asked)?,
        };
        if let Some(row) = again
            && row.text("op_id")? != record.id.to_string()
        {
            record = promised(store, &row)?;
        }
    }
    Ok(Seen::Before(Existing::Accepted(Box::new(record))))
}

/// The key that a webhook has or will have, and its row if there is one. A key that belongs to
/// another customer does not count.
pub(super) fn by_key(
    store: &mut dyn Store,
    asked: &Acceptance,
) -> Result<(String, Option<Row>), Error> {
    let key = &asked.delivery.key;
    let Some(row) = find(store, asked, key)? else {
        return Ok((key.clone(), None));
    };
    if asked.is_of_the_same_customer(&row)? {
        return Ok((key.clone(), Some(row)));
    }
    let own = asked.own_key();
    let row = find(store, asked, &own)?;
    Ok((own, row))
}

fn find(store: &mut dyn Store, asked: &Acceptance, key: &str) -> Result<Option<Row>, Error> {
    let parameters = [asked.delivery.channel.as_str().into(), key.into()];
    let rows = store.query(sql::FIND_DELIVERY, &parameters)?;
    Ok(rows.into_iter().next())
}

/// The row of the same request of a conversation, from a caller without keys.
fn recent(store: &mut dyn Store, asked: &Acceptance) -> Result<Option<Row>, Error> {
    let (Some(conversation), Some(window_ms)) = (&asked.conversation, asked.duplicate_window_ms)
    else {
        return Ok(None);
    };
    let recent = [
        asked.delivery.channel.as_str().into(),
        conversation.as_str().into(),
        asked.fingerprint.as_str().into(),
        window_ms.into(),
        asked.code.as_str().into(),
    ];
    let rows = store.query(sql::FIND_RECENT, &recent)?;
    Ok(rows.into_iter().next())
}

/// The cancellation of a webhook's row.
fn promised(store: &mut dyn Store, row: &Row) -> Result<Record, Error> {
    let record = OpId::parse(row.text("op_id")?)
        .map(|id| queries::get(store, id))
        .transpose()?
        .flatten();
    record.ok_or_else(|| Error::Corrupt("a webhook without its cancellation".to_owned()))
}

impl Journal {
    /// Records, once, the outcome that a webhook was answered with.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn record_reply(&self, asked: Acceptance, outcome: Outcome) -> Result<(), Error> {
        self.writer
            .call(move |store| {
                let (key, _) = by_key(store, &asked)?;
                let channel = asked.delivery.channel.as_str();
                let parameters = [outcome.id().into(), channel.into(), key.into()];
                store.execute(sql::RECORD_REPLY, &parameters).map(drop)
            })
            .await
    }
}

impl Acceptance {
    /// Whether a final answer must be verified before it is replayed: it is older than any retry of
    /// a platform, or there is no key that tells a retry from a new request.
    #[must_use]
    pub fn must_be_looked_at(&self, record: &Record) -> bool {
        match (record.outcome, self.duplicate_window_ms) {
            (None, _) => false,
            // The operator already reviews it, and it may be a retry of the first webhook.
            (Some(Outcome::Unknown), Some(_)) => false,
            (Some(_), Some(_)) => true,
            (Some(_), None) => self.was_long_ago(record),
        }
    }

    /// Whether a cancellation ended so long ago that no retry of a platform can still come.
    fn was_long_ago(&self, record: &Record) -> bool {
        let age_ms = record.done_at_ms.map(|done_at| record.now_ms() - done_at);
        age_ms.is_some_and(|age_ms| !(-AHEAD_MS..=self.replay_ms).contains(&age_ms))
    }

    fn is_same(&self, fingerprint: &str) -> bool {
        let before = self.fingerprint_before.as_deref();
        self.fingerprint == fingerprint || before == Some(fingerprint)
    }

    fn is_of_the_same_customer(&self, row: &Row) -> Result<bool, Error> {
        let other_conversation = match (&self.conversation, row.text_or_null("conversation")?) {
            (Some(ours), Some(theirs)) => ours != theirs,
            (None, _) | (_, None) => false,
        };
        let other_content = match self.key_scope {
            KeyScope::Conversation => false,
            KeyScope::ConversationAndContent => !self.is_same(row.text("fingerprint")?),
        };
        Ok(!other_conversation && !other_content)
    }

    /// The key for a customer whose own key another customer used first.
    fn own_key(&self) -> String {
        let content = match self.key_scope {
            KeyScope::Conversation => "",
            KeyScope::ConversationAndContent => &self.fingerprint,
        };
        let conversation = self.conversation.as_deref().unwrap_or_default();
        let digest = hex::encode(Sha256::digest(format!("{conversation}\u{1f}{content}")));
        format!("{}\u{1f}{digest}", self.delivery.key)
    }
}
