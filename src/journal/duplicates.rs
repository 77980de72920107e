//! Whether a webhook came before: by its key, or without one by its conversation and code.
//!
//! One key may be given to two customers by a platform that is set up wrongly: they are told apart by the conversation, and
//! where the channel says so by what they ask. It must never give one customer the answer of another where that can be known.

use sha2::{Digest, Sha256};

use super::acceptance::{Acceptance, KeyScope, Recalled};
use super::error::Error;
use super::handle::Journal;
use super::record::Record;
use super::store::{Row, Store};
use super::{queries, sql};
use crate::domain::{OpId, Outcome};

/// How much later than now an end may be without speaking of a clock that was put right.
const AHEAD_MS: i64 = 2_000;

/// What is known of a webhook.
pub(super) enum Seen {
    /// It came before.
    Before(Recalled),
    /// It did not: it is written down under this key.
    New(Place),
}

/// Where a new webhook is written down.
pub(super) struct Place {
    pub(super) key: String,
    /// The cancellation of an earlier webhook that has this key still, and keeps its history under another one.
    pub(super) instead_of: Option<OpId>,
}

/// What became of the same webhook, if it came before.
pub(super) fn seen_before(store: &mut dyn Store, asked: &Acceptance) -> Result<Seen, Error> {
    let (key, row) = by_key(store, asked)?;
    let row = match row {
        Some(row) => row,
        None => match recent(store, asked)? {
            Some(row) => row,
            None => {
                return Ok(Seen::New(Place {
                    key,
                    instead_of: None,
                }));
            }
        },
    };
    let mut record = promised(store, &row)?;
    let anew = Seen::New(Place {
        key,
        instead_of: Some(record.id),
    });
    if asked.instead_of == Some(record.id) {
        return Ok(anew);
    }
    if !asked.is_same(row.text("fingerprint")?) {
        return Ok(match asked.was_long_ago(&record) {
            true => anew,
            false => Seen::Before(Recalled::KeyReused),
        });
    }
    if record.outcome.is_some() {
        // Whoever joined late may have been set apart between the two reads, which then do not belong together.
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
    Ok(Seen::Before(Recalled::Promised(Box::new(record))))
}

/// The key that a webhook has or will have, and its row if there is one. A key that another customer has is not its own.
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
    /// Notes, once, what a webhook was told.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn told(&self, asked: Acceptance, outcome: Outcome) -> Result<(), Error> {
        self.writer
            .call(move |store| {
                let (key, _) = by_key(store, &asked)?;
                let channel = asked.delivery.channel.as_str();
                let parameters = [outcome.id().into(), channel.into(), key.into()];
                store.execute(sql::TOLD, &parameters).map(drop)
            })
            .await
    }
}

impl Acceptance {
    /// Whether a final answer must be looked at before it is repeated: it is older than the retries of a platform, or
    /// there is no key that would tell a retry from another request.
    #[must_use]
    pub fn must_be_looked_at(&self, record: &Record) -> bool {
        match (record.outcome, self.duplicate_window_ms) {
            (None, _) => false,
            // A person is called for it already, and it may be the first webhook once more: it is no new wish.
            (Some(Outcome::Unknown), Some(_)) => false,
            (Some(_), Some(_)) => true,
            (Some(_), None) => self.was_long_ago(record),
        }
    }

    /// Whether a cancellation ended before any retry of a platform that could still come.
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

    /// The key of a customer whose key another one had first.
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
