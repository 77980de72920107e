//! The limits that the journal counts: deletions of an hour, and codes that a conversation tries.
//!
//! They survive restarts and apply to all replicas together.

use super::error::Error;
use super::handle::Journal;
use super::sql;
use super::store::Store;
use crate::domain::ReservationCode;

const HOUR_MS: i64 = 3_600_000;

/// For how long a conversation's attempts count.
pub(super) const DAY_MS: i64 = 86_400_000;

impl Journal {
    /// Spends one of the deletions of this hour; false when the budget is used up.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn spend_deletion(&self, per_hour_max: u32) -> Result<bool, Error> {
        self.writer
            .call_exclusive(move |store| {
                let parameters = [
                    "deletes".into(),
                    HOUR_MS.into(),
                    i64::from(per_hour_max).into(),
                ];
                Ok(per_hour_max > 0 && !store.query(sql::SPEND, &parameters)?.is_empty())
            })
            .await
    }

    /// Notes that a conversation tries a code, unless it has tried `codes_max` others within a day:
    /// then false.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn try_code(
        &self,
        conversation: String,
        code: &ReservationCode,
        codes_max: u32,
    ) -> Result<bool, Error> {
        let code = code.clone();
        self.writer
            .call_exclusive(move |store| may_try(store, &conversation, &code, codes_max))
            .await
    }

    /// Purges expired counters: attempts, hours, conversations and seen messages.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be written now.
    pub async fn forget_old_counts(&self) -> Result<(), Error> {
        self.writer
            .call_exclusive(move |store| {
                store.execute(sql::FORGET_BUDGET, &[(48 * HOUR_MS).into()])?;
                store.execute(sql::FORGET_ATTEMPTS, &[DAY_MS.into()])?;
                store.execute(sql::FORGET_CONVERSATIONS, &[DAY_MS.into()])?;
                store.execute(sql::FORGET_HEARD, &[DAY_MS.into()])?;
                Ok(())
            })
            .await
    }
}

/// Notes that a conversation tries a code, unless it has tried `codes_max` others within a day:
/// then false.
pub(super) fn may_try(
    store: &mut dyn Store,
    conversation: &str,
    code: &ReservationCode,
    codes_max: u32,
) -> Result<bool, Error> {
    store.execute(sql::HOLD_CONVERSATION, &[conversation.into()])?;
    let others = [conversation.into(), code.as_str().into(), DAY_MS.into()];
    let rows = store.query(sql::TRIED_CODES, &others)?;
    let tried = rows.first().map_or(Ok(0), |row| row.integer("tried"))?;
    if tried >= i64::from(codes_max) {
        return Ok(false);
    }
    store.execute(sql::TRY_CODE, &[conversation.into(), code.as_str().into()])?;
    Ok(true)
}
