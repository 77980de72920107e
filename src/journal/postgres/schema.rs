//! What a server must be before anything is promised on it, and the tables that it holds.
//!
//! It must never take a server that may forget a commit.

use super::connection::{Connection, Trouble};
use super::told;
use crate::journal::upgrade::{self, Adding};
use crate::journal::{Error, sql};

/// Older servers get no corrections any more.
const VERSION_MIN: u32 = 140_000;

/// Two replicas that start at once create the tables one after the other. Any number that is ours.
const CREATION_LOCK: i64 = 0x6f7a_6d61_7063;

const QUESTION: &str = "SELECT current_setting('server_version_num'), pg_is_in_recovery(), \
     current_setting('transaction_read_only'), current_setting('synchronous_commit'), \
     current_setting('server_encoding'), current_setting('fsync')";

/// Refuses a server on which a promise would not last.
pub(super) fn require_durable(connection: &mut Connection) -> Result<(), Error> {
    let answer = connection.ask(QUESTION).map_err(told)?;
    let [version, standby, read_only, commit, encoding, fsync] = answer.as_slice() else {
        return Err(Error::Open("the server does not say what it is".to_owned()));
    };
    if fsync == "off" {
        tracing::warn!("the database runs with fsync = off: a power cut loses what was promised");
    }
    objection(version, standby, read_only, commit, encoding)
        .map_or(Ok(()), |why| Err(Error::Open(why)))
}

fn objection(
    version: &str,
    standby: &str,
    read_only: &str,
    commit: &str,
    encoding: &str,
) -> Option<String> {
    if version.parse().unwrap_or(0) < VERSION_MIN {
        return Some(format!(
            "this PostgreSQL ({version}) is older than 14; use a newer server"
        ));
    }
    if standby != "f" {
        return Some("this PostgreSQL is a standby; write the address of the primary".to_owned());
    }
    if read_only != "off" {
        return Some(
            "this database only allows reading (default_transaction_read_only); the journal must be written".to_owned(),
        );
    }
    if !matches!(commit, "on" | "remote_apply") {
        return Some(format!(
            "synchronous_commit = {commit} may lose what was promised; set it to on for this database or user"
        ));
    }
    if encoding != "UTF8" {
        return Some(format!(
            "this database has the encoding {encoding}; create one with UTF8"
        ));
    }
    None
}

/// Creates what is not there, and adds what an older version did not have; several replicas may do so at once.
pub(super) fn create(connection: &mut Connection) -> Result<(), Error> {
    let missing = missing(connection)?;
    if missing.is_empty() && is_current(connection)? {
        return Ok(());
    }
    let create = format!(
        "BEGIN; SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock({CREATION_LOCK}); {} {} COMMIT",
        sql::SCHEMA,
        upgrade::additions(&missing, Adding::Together)
    );
    connection.run(&create).map_err(|trouble| match trouble {
        Trouble::Refused(code, text) => Error::Open(format!(
            "the tables cannot be created: {text} ({})",
            code.code()
        )),
        Trouble::Lost(text) => Error::Open(text),
    })
}

/// Whether every table of every version is there, and the index that keeps a code to one running cancellation.
pub(super) fn is_there(connection: &mut Connection) -> Result<bool, Error> {
    are_there(connection, &sql::TABLES)
}

/// Refuses what is left of a journal that lost a table: a start would make an empty one in its place.
pub(super) fn is_nothing_there(connection: &mut Connection) -> Result<(), Error> {
    match are_there(connection, &["op"])? {
        true => Err(Error::Unavailable(format!(
            "of its tables {} not all are there",
            sql::TABLES.join(", ")
        ))),
        false => Ok(()),
    }
}

/// Whether those are there too that this version added.
pub(super) fn is_current(connection: &mut Connection) -> Result<bool, Error> {
    Ok(is_there(connection)? && are_there(connection, &sql::LATER_TABLES)?)
}

/// The columns that this version added and this journal lacks.
pub(super) fn missing(connection: &mut Connection) -> Result<Vec<&'static str>, Error> {
    if !is_there(connection)? {
        return Ok(Vec::new());
    }
    upgrade::missing(|table, column| {
        let question = format!(
            "SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('{table}') AND attname = '{column}' AND NOT attisdropped)"
        );
        Ok(connection.ask(&question).map_err(told)? == ["t"])
    })
}

fn are_there(connection: &mut Connection, names: &[&str]) -> Result<bool, Error> {
    let names: Vec<String> = names
        .iter()
        .map(|name| format!("to_regclass('{name}') IS NOT NULL"))
        .collect();
    let question = format!("SELECT {}", names.join(" AND "));
    let answer = connection.ask(&question).map_err(told)?;
    Ok(answer == ["t"])
}

#[cfg(test)]
mod tests {
    use super::objection;

    #[test]
    fn a_server_that_may_forget_is_refused() {
        let good = ["150018", "f", "off", "on", "UTF8"];
        let objection_to = |at: usize, value: &'static str| {
            let mut answer = good;
            answer[at] = value;
            let [version, standby, read_only, commit, encoding] = answer;
            objection(version, standby, read_only, commit, encoding)
        };
        assert_eq!(objection_to(0, "140000"), None);
        assert_eq!(objection_to(3, "remote_apply"), None);
        for (at, value, word) in [
            (0, "130012", "older than 14"),
            (0, "", "older than 14"),
            (1, "t", "standby"),
            (2, "on", "only allows reading"),
            (3, "off", "synchronous_commit = off"),
            (3, "local", "synchronous_commit = local"),
            (3, "remote_write", "synchronous_commit = remote_write"),
            (4, "SQL_ASCII", "UTF8"),
        ] {
            let why = objection_to(at, value).unwrap_or_default();
            assert!(why.contains(word), "{value}: {why}");
        }
    }
}
