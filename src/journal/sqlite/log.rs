//! The write-ahead log of an embedded journal: when it is moved into the file, and how a file tells that it is not all.
//!
//! `user_version` of the file is the mark. It is [`MORE_IN_LOG`] in the file itself while the service runs, because it is
//! set right before the log is moved into the file, and set back right after, which stands in the log alone. A file whose
//! log is read therefore never says so; a file that was copied without its log, or that lost it, does. An older version
//! leaves the mark alone, and the tools of SQLite move the log with its last word: neither makes it say so wrongly.

use rusqlite::Connection;

use super::super::{Error, sql};
use super::translate;

/// More was written than stands in this file.
pub(super) const MORE_IN_LOG: i64 = 1;

/// The file is a copy that `journal backup` made.
pub(super) const COPY: i64 = 2;

/// The file and its log are all.
pub(super) const WHOLE: i64 = 0;

/// From so many bytes on the log is moved into the file.
pub(super) const LOG_BYTES_MAX: u64 = 2 << 20;

/// What the log is cut to after that: to what is in it, so that its length says how much that is.
const LOG_BYTES_KEPT: i64 = 0;

/// Why a journal is not all that was promised in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::journal) enum Incomplete {
    /// Its write-ahead log is gone.
    LogIsGone,
    /// It is a copy, which knows nothing of what came after it.
    IsACopy,
}

impl Incomplete {
    /// The reason of what is left to a person for it.
    pub(in crate::journal) const fn id(self) -> &'static str {
        match self {
            Self::LogIsGone => "journal_incomplete",
            Self::IsACopy => "journal_restored",
        }
    }
}

/// The connection takes the log into its own hands.
pub(super) fn own(connection: &Connection) -> Result<(), Error> {
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT)?;
    Ok(())
}

pub(super) fn mark(connection: &Connection) -> Result<i64, Error> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

pub(super) fn set_mark(connection: &Connection, mark: i64) -> Result<(), Error> {
    Ok(connection.pragma_update(None, "user_version", mark)?)
}

/// Whether more was promised than a journal holds that was just opened.
pub(super) fn incomplete(connection: &Connection) -> Result<Option<Incomplete>, Error> {
    Ok(match mark(connection)? {
        COPY => Some(Incomplete::IsACopy),
        // With a log: the service was killed between setting the mark and setting it back.
        MORE_IN_LOG if frames(connection)? <= 0 => Some(Incomplete::LogIsGone),
        _ => None,
    })
}

/// How many frames the log has.
pub(super) fn frames(connection: &Connection) -> Result<i64, Error> {
    // A reading first: only that makes the connection see what others did to the log.
    connection.pragma_query_value(None, "schema_version", |row| row.get::<_, i64>(0))?;
    checkpoint(connection, "PRAGMA wal_checkpoint(NOOP)").map(|done| done.frames)
}

/// Moves the log into the file, which then says that there may be more.
pub(super) fn move_into_file(connection: &Connection) -> Result<(), Error> {
    set_mark(connection, MORE_IN_LOG)?;
    let moved = checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)");
    // Whatever became of it: with the log the file is all.
    set_mark(connection, WHOLE)?;
    moved.map(drop)
}

/// Moves all of the log into the file and empties it.
pub(super) fn empty_into_file(connection: &Connection) -> Result<(), Error> {
    if mark(connection)? != WHOLE {
        set_mark(connection, WHOLE)?;
    }
    let done = checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)")?;
    match done {
        Checkpoint {
            busy: 0, frames: 0, ..
        } => Ok(()),
        Checkpoint {
            busy,
            frames,
            moved,
        } => Err(Error::Unavailable(format!(
            "another program reads it, and its write-ahead log could not be moved into it (busy {busy}, {moved} of {frames} frames)"
        ))),
    }
}

struct Checkpoint {
    busy: i64,
    frames: i64,
    moved: i64,
}

fn checkpoint(connection: &Connection, pragma: &str) -> Result<Checkpoint, Error> {
    Ok(connection.query_row(pragma, [], |row| {
        Ok(Checkpoint {
            busy: row.get(0)?,
            frames: row.get(1)?,
            moved: row.get(2)?,
        })
    })?)
}

/// What was promised and not begun in a journal that is not all may have been done since: only a person can tell. What has
/// a target goes on, because it is asked for by its id.
pub(super) fn leave_to_a_person(
    connection: &Connection,
    now: &str,
    why: Incomplete,
) -> Result<usize, Error> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    connection.execute(&translate(sql::NOTE_INCOMPLETE, now), [why.id()])?;
    let left = connection.execute(&translate(sql::LEAVE_INCOMPLETE, now), [why.id()])?;
    connection.execute_batch("COMMIT")?;
    Ok(left)
}

/// For the operator, at the start.
pub(super) fn say_incomplete(why: Incomplete, left: usize) {
    match why {
        Incomplete::LogIsGone => tracing::error!(
            reason = why.id(),
            left_to_a_person = left,
            "the journal's write-ahead log is missing although the service was not stopped cleanly: what was accepted \
             last is lost; put journal.db-wal back beside it, or look at OZmap for what was asked meanwhile"
        ),
        Incomplete::IsACopy => tracing::error!(
            reason = why.id(),
            left_to_a_person = left,
            "the journal is a copy that was put in place: what was accepted after the copy was made is not in it"
        ),
    }
}
