//! Which servers are refused, and the tables on a server: created and upgraded.
//!
//! It must never accept a server that may lose a commit, nor leave an upgrade half done.

use std::time::Duration;

use tokio_postgres::error::SqlState;

use super::connection::{Connection, Trouble, told};
use crate::journal::error::Error;
use crate::journal::migrations::{self, Added, Plan, Tables};
use crate::journal::sql;
use crate::journal::words::with_words;

/// The clock, in milliseconds since 1970.
pub(super) const NOW: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp())*1000 AS BIGINT)";

/// A statement in PostgreSQL's dialect; `record` is the list of a record's columns.
pub(super) fn translate(sql: &str, record: &str) -> String {
    with_words(sql)
        .replace("{RECORD}", record)
        .replace("{NOW}", NOW)
        .replace("{SKIP}", "FOR UPDATE SKIP LOCKED")
}

/// Older servers get no security fixes any more.
const VERSION_MIN: u32 = 140_000;

/// The advisory lock under which one replica at a time creates or upgrades the tables. Any number
/// that no other program uses; earlier versions of the service take the same.
const UPGRADE_LOCK: i64 = 0x6f7a_6d61_7063;

/// The longest time that a replica waits for an upgrade, its own or another replica's.
const UPGRADE_WITHIN: Duration = Duration::from_secs(600);

/// The longest time that an upgrade waits for the lock of a table. All running replicas wait behind
/// it.
const TABLE_LOCK_MS_MAX: u32 = 5_000;

/// The same for a rehearsal, beside running replicas.
const REHEARSAL_LOCK_MS_MAX: u32 = 500;

const QUESTION: &str = "SELECT current_setting('server_version_num'), pg_is_in_recovery(), \
     current_setting('transaction_read_only'), current_setting('synchronous_commit'), \
     current_setting('server_encoding'), current_setting('fsync')";

/// Refuses a server that may lose a commit.
pub(super) fn require_durable(connection: &mut Connection) -> Result<(), Error> {
    let answer = connection.ask(QUESTION).map_err(told)?;
    let [version, standby, read_only, commit, encoding, fsync] = answer.as_slice() else {
        return Err(Error::Open("the server does not say what it is".to_owned()));
    };
    if fsync == "off" {
        tracing::warn!(
            "the database runs with fsync = off: a power cut loses accepted cancellations"
        );
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
            "synchronous_commit = {commit} may lose accepted cancellations; set it to on for this database or user"
        ));
    }
    if encoding != "UTF8" {
        return Some(format!(
            "this database has the encoding {encoding}; create one with UTF8"
        ));
    }
    None
}

/// Creates the tables of a new journal, and adds to an older one what this version needs. One
/// replica does it; the others wait, and find it done.
pub(super) fn upgrade(connection: &mut Connection) -> Result<(), Error> {
    if plan(connection)? != Plan::Nothing {
        take_lock(connection)?;
        // Another replica may have been faster.
        let plan = plan(connection)?;
        run_in_transaction(connection, &plan, TABLE_LOCK_MS_MAX, "COMMIT")
            .map_err(|trouble| not_upgraded(connection, &plan, trouble))?;
        plan.log();
    }
    restore_indexes(connection)
}

/// Runs what the start would run, and rolls it back: `check` finds missing rights before a start.
pub(super) fn rehearse_upgrade(connection: &mut Connection, plan: &Plan) -> Result<(), Error> {
    if *plan == Plan::Nothing {
        return Ok(());
    }
    connection.run("BEGIN").map_err(told)?;
    let lock = format!("SELECT pg_try_advisory_xact_lock({UPGRADE_LOCK})");
    // A replica that is upgrading it has the rights.
    if connection.ask(&lock).map_err(told)? != ["t"] {
        return connection.run("ROLLBACK").map_err(told);
    }
    match run_in_transaction(connection, plan, REHEARSAL_LOCK_MS_MAX, "ROLLBACK") {
        Ok(()) => Ok(()),
        // A busy table says nothing about the rights.
        Err(Trouble::Refused(SqlState::LOCK_NOT_AVAILABLE | SqlState::QUERY_CANCELED, _)) => {
            connection.run("ROLLBACK").map_err(told)
        }
        Err(trouble) => Err(not_upgraded(connection, plan, trouble)),
    }
}

/// Begins a transaction that one replica at a time is in.
fn take_lock(connection: &mut Connection) -> Result<(), Error> {
    let lock = format!(
        "BEGIN; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock({UPGRADE_LOCK})"
    );
    connection
        .run_within(&lock, UPGRADE_WITHIN)
        .map_err(refused)
}

/// Carries a plan out in the transaction that has begun, and ends it.
fn run_in_transaction(
    connection: &mut Connection,
    plan: &Plan,
    lock_ms_max: u32,
    end: &str,
) -> Result<(), Trouble> {
    let mut commands = vec![format!("SET LOCAL lock_timeout = {lock_ms_max}")];
    commands.extend(commands_of(plan));
    commands.push(end.to_owned());
    connection.run_within(&commands.join("; "), UPGRADE_WITHIN)
}

/// The statements of a plan, and the note of the schema that they make.
fn commands_of(plan: &Plan) -> Vec<String> {
    let mut commands = plan.statements().to_vec();
    if *plan != Plan::Nothing {
        let version = sql::SCHEMA_VERSION.replace("{NOW}", NOW);
        commands.push(version.replace("$1", &migrations::newest().to_string()));
    }
    commands
}

/// Creates the indexes that an operator or another program removed. The journal works without
/// them, so a refusal stops no start.
fn restore_indexes(connection: &mut Connection) -> Result<(), Error> {
    if migrations::missing_indexes(&mut Existing(connection))?.is_empty() {
        return Ok(());
    }
    take_lock(connection)?;
    let missing = migrations::missing_indexes(&mut Existing(connection))?;
    let lock = format!("SET LOCAL lock_timeout = {TABLE_LOCK_MS_MAX}");
    connection.run(&lock).map_err(refused)?;
    for index in missing {
        let statement = &index.statement;
        let command = format!("SAVEPOINT one; {statement}; RELEASE one");
        match connection.run_within(&command, UPGRADE_WITHIN) {
            Ok(()) => index.log(),
            Err(Trouble::Refused(code, text)) => {
                index.log_failure(&format!("{text} ({})", code.code()));
                connection.run("ROLLBACK TO one").map_err(refused)?;
            }
            Err(trouble @ Trouble::Lost(_)) => return Err(refused(trouble)),
        }
    }
    connection
        .run_within("COMMIT", UPGRADE_WITHIN)
        .map_err(refused)
}

/// The migrations that the journal needs before it can be written.
pub(super) fn plan(connection: &mut Connection) -> Result<Plan, Error> {
    migrations::plan(&mut Existing(connection))
}

/// Whether a journal exists.
pub(super) fn is_there(connection: &mut Connection) -> Result<bool, Error> {
    migrations::is_there(&mut Existing(connection))
}

/// The columns of a record that a journal of an older schema does not have yet.
pub(super) fn lacking_columns(connection: &mut Connection) -> Result<Vec<String>, Error> {
    migrations::lacking_columns(&mut Existing(connection), "op")
}

/// Why the start cannot create or upgrade the tables, and what the operator can do.
fn not_upgraded(connection: &mut Connection, plan: &Plan, trouble: Trouble) -> Error {
    let Trouble::Refused(SqlState::INSUFFICIENT_PRIVILEGE, text) = &trouble else {
        return refused(trouble);
    };
    let asked = connection
        .run("ROLLBACK")
        .and_then(|()| connection.ask(ROLE_AND_SCHEMA));
    let asked = asked.unwrap_or_default();
    let [role, schema] = asked.as_slice() else {
        return refused(trouble);
    };
    Error::Open(without_rights(plan, text, role, schema))
}

/// The role of this connection, and the schema in which the journal is or will be.
const ROLE_AND_SCHEMA: &str = "SELECT quote_ident(current_user), \
     COALESCE((SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass('op')), \
     quote_ident(current_schema()), '')";

fn without_rights(plan: &Plan, text: &str, role: &str, schema: &str) -> String {
    let mut commands = vec!["BEGIN".to_owned()];
    if !schema.is_empty() {
        commands.push(format!("SET LOCAL search_path TO {schema}"));
    }
    for command in commands_of(plan) {
        let words: Vec<&str> = command.split_whitespace().collect();
        commands.push(words.join(" "));
    }
    let tables = plan.new_tables();
    let mut grants = Vec::new();
    if !tables.is_empty() {
        grants.push(format!(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {role}",
            tables.join(", ")
        ));
    }
    let grant = grants.join("; ");
    commands.extend(grants);
    commands.push("COMMIT;".to_owned());
    format!(
        "the tables cannot be created or upgraded: {text} (42501). The role {role} may not change the schema. Either start \
         this version once with a role that owns the schema and its tables, and then run: {grant}; or run as that role: {}",
        commands.join("; ")
    )
}

fn refused(trouble: Trouble) -> Error {
    match trouble {
        Trouble::Refused(SqlState::LOCK_NOT_AVAILABLE, _) => Error::Open(
            "the tables cannot be created or upgraded: another session locks them, as a backup does; start again when it \
             has ended"
                .to_owned(),
        ),
        Trouble::Refused(code, text) => Error::Open(format!(
            "the tables cannot be created or upgraded: {text} ({})",
            code.code()
        )),
        Trouble::Lost(text) => Error::Open(text),
    }
}

/// The tables that a connection finds.
struct Existing<'a>(&'a mut Connection);

impl Tables for Existing<'_> {
    fn has_each(&mut self, added: &[Added]) -> Result<Vec<bool>, Error> {
        let questions: Vec<String> = added.iter().map(has).collect();
        let question = format!("SELECT {}", questions.join(", "));
        let answer = self.0.ask(&question).map_err(told)?;
        Ok(answer.iter().map(|is_there| is_there == "t").collect())
    }

    fn version(&mut self) -> Result<Option<i64>, Error> {
        let version = "SELECT MAX(version) FROM schema_version";
        let answer = self.0.ask(version).map_err(told)?;
        Ok(answer.first().and_then(|version| version.parse().ok()))
    }

    fn has_rows(&mut self) -> Result<bool, Error> {
        let any = "SELECT EXISTS (SELECT 1 FROM op)";
        Ok(self.0.ask(any).map_err(told)? == ["t"])
    }
}

fn has(added: &Added) -> String {
    match added {
        Added::Table(name) | Added::Index(name) | Added::UniqueIndex(name) => {
            format!("to_regclass('{name}') IS NOT NULL")
        }
        Added::Column { table, column } => format!(
            "EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('{table}') AND attname = '{column}' AND NOT attisdropped)"
        ),
    }
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
