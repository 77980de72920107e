//! The write-ahead log of an embedded journal: when it is moved into the file, and how a file shows
//! that its log is missing.
//!
//! The mark is `user_version`. It is set to [`MORE_IN_LOG`] right before the log is moved into the
//! file, and reset right after; the reset is only in the log. While the service runs, the file
//! itself therefore says [`MORE_IN_LOG`], and file and log together say [`WHOLE`]. A file that was
//! copied without its log, or that lost it, keeps [`MORE_IN_LOG`]. Older versions ignore the mark,
//! and the tools of SQLite move the log with the reset in it: neither causes a false alarm. The
//! version of the schema is in a table of its own.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::super::error::Error;
use super::super::sql;
use super::super::store::Incomplete;
use super::dialect::translate;
use super::files;

/// The log holds more than this file.
pub(super) const MORE_IN_LOG: i64 = 1;

/// The file is a copy that `journal backup` made.
pub(super) const COPY: i64 = 2;

/// The log was found missing, and not all cancellations that this leaves for review are written
/// yet.
pub(super) const LOG_WAS_MISSING: i64 = 3;

/// The file and its log are complete.
pub(super) const WHOLE: i64 = 0;

/// The offset of `application_id` in the file: the number of the run that wrote it, which only
/// grows.
const RUN_AT: u64 = 68;

/// The size from which the log is moved into the file.
pub(super) const LOG_BYTES_MAX: u64 = 2 << 20;

/// The size to which SQLite cuts the log after that: its content, so that its length tells how much
/// it holds.
const LOG_BYTES_KEPT: i64 = 0;

/// Turns off SQLite's own checkpoints: this file decides when the log moves.
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

/// Whether a journal that was just opened lacks accepted cancellations.
pub(super) fn incomplete(connection: &Connection) -> Result<Option<Incomplete>, Error> {
    Ok(match mark(connection)? {
        COPY => Some(Incomplete::IsACopy),
        LOG_WAS_MISSING => Some(Incomplete::LogIsGone),
        // With a log: the service was killed between setting the mark and setting it back.
        MORE_IN_LOG if frames(connection)? <= 0 && !is_begun_anew(connection) => {
            // Before any other write: a log with that write would look like the missing one.
            set_mark(connection, LOG_WAS_MISSING)?;
            Some(Incomplete::LogIsGone)
        }
        _ => None,
    })
}

/// Whether the log has a new header with the frames of the previous log behind it. SQLite moved
/// those into the file before it restarted the log, and the service was killed before it wrote the
/// first frame.
fn is_begun_anew(connection: &Connection) -> bool {
    let mut head = [0; 32 + 24];
    let path = connection
        .path()
        .map(|path| files::log_path(Path::new(path)));
    let log = path.and_then(|path| File::open(path).ok());
    if log
        .and_then(|mut log| log.read_exact(&mut head).ok())
        .is_none()
    {
        return false;
    }
    // The first salt of the log, and of its first frame.
    let now = u32::from_be_bytes([head[16], head[17], head[18], head[19]]);
    let before = u32::from_be_bytes([head[40], head[41], head[42], head[43]]);
    before.wrapping_add(1) == now
}

/// The number of the run that wrote a file last, by the file alone; 0 if it has none.
pub(super) fn run_in_file(path: &Path) -> i64 {
    let mut number = [0; 4];
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(RUN_AT))?;
        file.read_exact(&mut number)
    });
    read.map_or(0, |()| i64::from(i32::from_be_bytes(number)))
}

/// Refuses a log of an earlier run than the file. SQLite would apply it to the file, and later
/// writes would be lost.
pub(super) fn refuse_older(
    connection: &Connection,
    path: &Path,
    in_file: i64,
) -> Result<(), Error> {
    // If it is refused, closing the connection must not move it into the file.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    if run(connection)? < in_file {
        let log = files::log_path(path);
        return Err(Error::Open(format!(
            "{} is older than {}, which was written without it since; move it away, or the requests accepted since would be lost",
            log.display(),
            path.display()
        )));
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// Counts this run; the next move of the log takes the number into the file.
pub(super) fn count_run(connection: &Connection) -> Result<(), Error> {
    let next = run(connection)?.saturating_add(1).min(i64::from(i32::MAX));
    Ok(connection.pragma_update(None, "application_id", next)?)
}

fn run(connection: &Connection) -> Result<i64, Error> {
    Ok(connection.pragma_query_value(None, "application_id", |row| row.get(0))?)
}

/// How many frames the log has.
pub(super) fn frames(connection: &Connection) -> Result<i64, Error> {
    // Read first: only a read makes the connection see what other processes did to the log.
    connection.pragma_query_value(None, "schema_version", |row| row.get::<_, i64>(0))?;
    checkpoint(connection, "PRAGMA wal_checkpoint(NOOP)").map(|done| done.frames)
}

/// Moves the log into the file, which then says that the log may hold more.
pub(super) fn move_into_file(connection: &Connection) -> Result<(), Error> {
    set_mark(connection, MORE_IN_LOG)?;
    let moved = checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)");
    // Whether the log moved or not, file and log together are complete.
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

/// Leaves cancellations that had not begun for review: the missing part of the journal may have
/// recorded that they were carried out. Those with a target continue, because the worker looks them
/// up by its id.
pub(super) fn leave_to_a_person(
    connection: &Connection,
    now: &str,
    why: Incomplete,
) -> Result<usize, Error> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    connection.execute(&translate(sql::NOTE_INCOMPLETE, now), [why.reason().id()])?;
    let left = connection.execute(&translate(sql::LEAVE_INCOMPLETE, now), [why.reason().id()])?;
    connection.execute_batch("COMMIT")?;
    Ok(left)
}

/// Reports it to the operator at the start.
pub(super) fn say_incomplete(why: Incomplete, left: usize) {
    match why {
        Incomplete::LogIsGone => tracing::error!(
            reason = why.reason().id(),
            left_to_a_person = left,
            "the journal's write-ahead log is missing although the service was not stopped cleanly: the requests \
             accepted last are lost; check in OZmap what customers requested in that time. A journal.db-wal that \
             turns up now is too old to restore"
        ),
        Incomplete::IsACopy => tracing::error!(
            reason = why.reason().id(),
            left_to_a_person = left,
            "the journal is a copy that was put in place: it lacks the requests accepted after the copy was made"
        ),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;

    /// Simulates a kill: leaves the files as they are, without the work of closing them.
    fn killed(folder: &Path) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        for name in ["journal.db", "journal.db-wal"] {
            std::fs::copy(folder.join(name), copy.path().join(name)).unwrap();
        }
        copy
    }

    fn open(folder: &Path) -> Connection {
        let connection = Connection::open(folder.join("journal.db")).unwrap();
        let _: String = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
            .unwrap();
        own(&connection).unwrap();
        connection
    }

    #[test]
    fn a_log_that_was_missing_is_not_forgotten_when_the_start_is_killed_too() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(folder.path());
        connection.execute_batch("CREATE TABLE t (a)").unwrap();
        move_into_file(&connection).unwrap();
        let first = killed(folder.path());
        std::fs::remove_file(first.path().join("journal.db-wal")).unwrap();
        let connection = open(first.path());
        assert_eq!(
            incomplete(&connection).unwrap(),
            Some(Incomplete::LogIsGone)
        );
        connection
            .execute_batch("INSERT INTO t VALUES (1)")
            .unwrap();
        let second = killed(first.path());
        let connection = open(second.path());
        assert_eq!(
            incomplete(&connection).unwrap(),
            Some(Incomplete::LogIsGone)
        );
        move_into_file(&connection).unwrap();
        let third = killed(second.path());
        assert_eq!(incomplete(&open(third.path())).unwrap(), None);
    }
}
