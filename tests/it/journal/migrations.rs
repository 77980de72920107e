//! Journals of older schemas: each can be read before the upgrade, is upgraded, and continues; a
//! newer one is refused.
//!
//! `fixtures/schema_1` was written by the first version of the service, `fixtures/schema_4` by the
//! last one before journals knew their schema.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::*;
use crate::cancel::{CODE, SHORT, each};
use crate::support::store::{is_embedded, journal_url};
use crate::support::{Launch, Ozmap, Service, eventually, has_strace, skipped};

/// The schemas that fixtures have, and the newest one.
const OLDER: [i64; 2] = [1, 4];
const NEWEST: i64 = 5;

/// The fixtures, as SQLite and PostgreSQL take them.
pub fn fixture(schema: i64) -> [&'static str; 2] {
    match schema {
        1 => [
            include_str!("fixtures/schema_1.sqlite.sql"),
            include_str!("fixtures/schema_1.postgres.sql"),
        ],
        4 => [
            include_str!("fixtures/schema_4.sqlite.sql"),
            include_str!("fixtures/schema_4.postgres.sql"),
        ],
        other => panic!("there is no fixture of schema {other}"),
    }
}

/// Moves the times of a fixture, as if it had been written just now.
pub fn to_now(newest_ms: i64) -> String {
    let later = Moment::now().unix_ms() - newest_ms;
    format!(
        "UPDATE op SET created_at = created_at + {later}, updated_at = updated_at + {later}, done_at = done_at + {later}, \
         next_at = next_at + {later}, deadline_at = deadline_at + {later}, \
         settle_at = CASE WHEN settle_at = 0 THEN 0 ELSE settle_at + {later} END; \
         UPDATE delivery SET received_at = received_at + {later}, told_at = told_at + {later}; \
         UPDATE op_event SET at_ms = at_ms + {later}"
    )
}

/// The last change of any row.
pub fn newest_ms(rows: &[Value]) -> i64 {
    let changed = rows.iter().map(|row| row["updated_at"].as_i64().unwrap());
    changed.max().unwrap()
}

/// Puts a journal of an older schema into a folder.
fn restore(folder: &Path, schema: i64) -> file::Foreign {
    let older = file::Foreign::of(folder);
    let [sqlite, postgres] = fixture(schema);
    older.run(if is_embedded() { sqlite } else { postgres });
    if is_embedded() {
        older.run("PRAGMA journal_mode = WAL");
    }
    older.run(&to_now(newest_ms(&file::cancellations(folder))));
    older
}

fn launch(ozmap: &Ozmap, folder: &Path) -> Launch {
    let launch = Launch::new(&ozmap.url(), &journal_url(folder));
    SHORT
        .iter()
        .fold(launch, |launch, (name, value)| launch.set(name, value))
}

/// A request like those in the fixtures.
fn request(code: &str, key: &str) -> Value {
    json!({"code": code, "message_id": key, "conversation_id": format!("c-{key}")})
}

async fn ends_as(service: &Service, outcome: &str, code: &str, key: &str) {
    eventually(&format!("{code} to end as {outcome}"), || async {
        let reply = service.ask(&request(code, key)).await;
        (reply.outcome() == outcome).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_of_every_older_schema_is_read_upgraded_and_continued() {
    for schema in OLDER {
        let ozmap = Ozmap::start().await;
        let folder = tempfile::tempdir().unwrap();
        drop(restore(folder.path(), schema));
        let before = file::cancellations(folder.path());
        let launch = launch(&ozmap, folder.path());

        // The operator looks first, which upgrades nothing.
        let listed = launch.run(&["journal", "list", "--json"]);
        assert!(
            listed.status.success() && listed.stderr.is_empty(),
            "{schema}: {listed:?}"
        );
        assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 6);
        let shown = launch.run(&["journal", "show", CODE]);
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.contains("outcome     cancelled"), "{schema}: {shown}");
        let checked = launch.run(&["check"]);
        let said = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert_eq!(checked.status.code(), Some(0), "{schema}: {said}");
        assert_eq!(file::cancellations(folder.path()), before, "{schema}");

        ozmap.reserve(json!({"code": "open-1"})).await;
        ozmap.reserve(json!({"code": "new-1"})).await;
        let service = launch.start().await;
        let logs = service.logs();
        let upgraded = format!("journal upgraded from schema {schema} to {NEWEST}");
        assert!(logs.contains(&upgraded), "{logs}");
        assert!(!logs.contains("ERROR"), "{logs}");

        // The webhooks of the older version are still recognized.
        for (code, key, outcome) in [
            (CODE, "m-1", "cancelled"),
            ("999|999", "m-2", "not_found"),
            // The first version stored a code as it was typed.
            ("“9|9”", "m-0", "not_found"),
        ] {
            let again = service.ask(&request(code, key)).await;
            let is_of = |row: &&Value| row["code"] == code || row["came_as"] == code;
            let row = before.iter().find(is_of).unwrap();
            assert_eq!(again.outcome(), outcome, "{schema}");
            assert_eq!(again.json()["protocol"], row["protocol"], "{schema}");
            assert_eq!(again.json()["replayed"], true, "{schema}");
        }
        // The open cancellations end: one that had not begun, and one whose deletion was sent.
        ends_as(&service, "cancelled", "open-1", "m-5").await;
        ends_as(&service, "cancelled", "open-2", "m-4").await;
        // New requests are written, with the columns that the upgrade added.
        ends_as(&service, "cancelled", "new-1", "m-6").await;
        ends_as(&service, "not_found", "“8 | 8”", "m-7").await;
        let rows = file::cancellations(folder.path());
        assert_eq!(rows.len(), 8, "{schema}: {rows:?}");
        let odd = rows.iter().find(|row| row["code"] == "8|8").unwrap();
        assert_eq!(odd["came_as"], "“8 | 8”");

        // The next start finds nothing to do.
        drop(service);
        let logs = launch.start().await.logs();
        assert!(!logs.contains("upgraded"), "{schema}: {logs}");
        assert_eq!(versions(folder.path()), [NEWEST], "{schema}");
    }
}

/// The versions that a journal was upgraded to.
fn versions(folder: &Path) -> Vec<i64> {
    let rows = file::table(folder, "schema_version");
    let version = |row: &Value| row["version"].as_i64().unwrap();
    rows.iter().map(version).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgraded_journal_without_questions_stores_a_question() {
    let ozmap = Ozmap::start().await;
    let folder = tempfile::tempdir().unwrap();
    {
        let older = restore(folder.path(), 1);
        older.run(&migration("0002_received_code.sql"));
        let now = Moment::now().unix_ms();
        older.run(&format!(
            "INSERT INTO conversation (id, failures, updated_at) VALUES ('chat\u{1f}5548', 2, {now})"
        ));
    }
    ozmap.reserve(json!({"code": "77|77"})).await;
    let service = Launch::new(&ozmap.url(), &journal_url(folder.path()))
        .set("CHANNELS__CHAT__PRESET", "evolution")
        .set("CHANNELS__CHAT__SECRET", crate::support::SECRET)
        .start()
        .await;
    assert!(service.logs().contains("upgraded from schema 2 to"));
    let authorization = format!("Bearer {}", crate::support::SECRET);
    let headers = [("Authorization", authorization.as_str())];
    for (text, said) in [("77|77", "77|77"), ("sim", "Pronto")] {
        let body = json!({"query": text, "user": "5548@s.whatsapp.net"}).to_string();
        let reply = crate::support::http::send(
            service.address(),
            "POST",
            "/webhooks/chat",
            &headers,
            body.as_bytes(),
        )
        .await
        .unwrap();
        assert!(reply.body.contains(said), "{text}: {reply:?}");
    }
    assert!(ozmap.holds("77|77").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_of_a_newer_schema_is_refused_with_instructions() {
    let ozmap = Ozmap::start().await;
    let folder = tempfile::tempdir().unwrap();
    let launch = launch(&ozmap, folder.path());
    let mut service = launch.start().await;
    ends_as(&service, "cancelled", CODE, "m-1").await;
    service.signal("TERM");
    assert_eq!(service.ended().await, Some(0));
    file::Foreign::of(folder.path())
        .run("INSERT INTO schema_version (version, at_ms) VALUES (99, 1)");
    let before = file::cancellations(folder.path());
    assert_refused(
        &launch,
        &[
            "its schema 99 is newer than schema 5",
            "start the newer version that upgraded it",
            "restore the backup that was made before the upgrade",
        ],
    );
    assert_eq!(file::cancellations(folder.path()), before);
    // An operator may still read it.
    let listed = launch.run(&["journal", "list"]);
    assert!(listed.status.success(), "{listed:?}");
}

/// Runs a verb to its end; its exit code and everything that it printed.
pub fn run_to_end(launch: &Launch, verb: &str) -> (Option<i32>, String) {
    let ended = launch.run(&[verb]);
    let said = [ended.stdout, ended.stderr].concat();
    (
        ended.status.code(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// `serve` and `check` refuse the journal, and both print each of these parts.
fn assert_refused(launch: &Launch, parts: &[&str]) {
    for verb in ["serve", "check"] {
        let (code, said) = run_to_end(launch, verb);
        assert_eq!(code, Some(1), "{verb}: {said}");
        for part in parts {
            assert!(said.contains(part), "{verb}: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_index_is_created_again_and_a_lost_unique_index_is_refused() {
    let ozmap = Ozmap::start().await;
    let folder = tempfile::tempdir().unwrap();
    drop(Journal::open(&journal_place(folder.path()), LONG).unwrap());
    let whole = schema_of(folder.path());
    let launch = launch(&ozmap, folder.path());
    file::Foreign::of(folder.path()).run("DROP INDEX op_for_a_person; DROP INDEX heard_age");
    let (code, said) = run_to_end(&launch, "check");
    assert_eq!(code, Some(0), "{said}");
    let mut service = launch.start().await;
    let logs = service.logs();
    for index in ["op_for_a_person", "heard_age"] {
        let said = format!("journal index {index} was missing and was created again");
        assert!(logs.contains(&said), "{logs}");
    }
    assert_eq!(schema_of(folder.path()), whole);
    service.signal("TERM");
    assert_eq!(service.ended().await, Some(0));
    file::Foreign::of(folder.path()).run("DROP INDEX op_one_active");
    assert_refused(&launch, &["its unique index op_one_active is gone"]);
}

/// The first versions of the service created the tables one statement after another.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_that_was_killed_half_way_is_completed_unless_there_is_a_cancellation() {
    let ozmap = Ozmap::start().await;
    let new = tempfile::tempdir().unwrap();
    drop(Journal::open(&journal_place(new.path()), LONG).unwrap());
    let whole = schema_of(new.path());
    let first = migration("0001_first.sql");
    let half = &first[..first.find("CREATE TABLE IF NOT EXISTS delivery").unwrap()];

    let folder = tempfile::tempdir().unwrap();
    file::Foreign::of(folder.path()).run(half);
    let launched = launch(&ozmap, folder.path());
    let (code, said) = run_to_end(&launched, "check");
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("will be created at the first start"),
        "{said}"
    );
    let service = launched.start().await;
    ends_as(&service, "cancelled", CODE, "m-1").await;
    assert_eq!(schema_of(folder.path()), whole);

    let folder = tempfile::tempdir().unwrap();
    let damaged = file::Foreign::of(folder.path());
    damaged.run(half);
    damaged.run(
        "INSERT INTO op (id, protocol, code, dry_run, channel, state, next_at, deadline_at, created_at, updated_at) \
         VALUES ('1', 'p', 'c', 0, 'chat', 'accepted', 1, 1, 1, 1)",
    );
    drop(damaged);
    let launched = launch(&ozmap, folder.path());
    assert_refused(&launched, &["its table delivery is gone"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_without_a_version_that_lost_its_cancellations_is_refused() {
    for schema in OLDER {
        let ozmap = Ozmap::start().await;
        let folder = tempfile::tempdir().unwrap();
        restore(folder.path(), schema).run("ALTER TABLE op RENAME TO ops");
        let launch = launch(&ozmap, folder.path());
        assert_refused(&launch, &["its table op is gone"]);
    }
}

/// Every column, key and rule of a journal's tables, however they came to be.
fn schema_of(folder: &Path) -> BTreeSet<String> {
    match file::Foreign::of(folder) {
        file::Foreign::Embedded(connection) => embedded_schema(&connection),
        file::Foreign::Shared(session) => shared_schema(&session),
    }
}

/// SQLite stores the text of each statement, which differs in order and comments between a new
/// table and an upgraded one.
fn embedded_schema(connection: &rusqlite::Connection) -> BTreeSet<String> {
    let mut schema = BTreeSet::new();
    let mut objects = connection
        .prepare("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        .unwrap();
    let objects = objects.query_map([], |row| {
        let text = |name: &str| row.get::<_, String>(name);
        Ok((text("type")?, text("name")?, text("sql")?))
    });
    for object in objects.unwrap() {
        let (kind, name, sql) = object.unwrap();
        let code = sql.lines().filter(|line| !line.trim().starts_with("--"));
        let words: Vec<String> = code
            .flat_map(str::split_whitespace)
            .map(str::to_owned)
            .collect();
        let sql = words.join(" ");
        if kind != "table" {
            schema.insert(format!("{kind} {sql}"));
            continue;
        }
        let body = &sql[sql.find('(').unwrap() + 1..sql.rfind(')').unwrap()];
        for definition in at_top_level(body) {
            schema.insert(format!("table {name}: {definition}"));
        }
        let mut columns = connection
            .prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")
            .unwrap();
        let columns = columns.query_map([&name], |row| row.get::<_, String>(0));
        let columns: Vec<String> = columns.unwrap().map(Result::unwrap).collect();
        schema.insert(format!("table {name} in order: {}", columns.join(" ")));
    }
    schema
}

/// The parts between the commas outside all parentheses.
fn at_top_level(body: &str) -> Vec<String> {
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for letter in body.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if letter == ',' && depth == 0 {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(letter);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

fn shared_schema(session: &crate::support::postgres::Session) -> BTreeSet<String> {
    let questions = [
        "SELECT table_name || ' ' || ordinal_position || ' ' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || COALESCE(column_default, '') \
         FROM information_schema.columns WHERE table_schema = current_schema()",
        "SELECT replace(indexdef, current_schema() || '.', '') FROM pg_indexes WHERE schemaname = current_schema()",
        "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = current_schema()::regnamespace",
    ];
    let rows = questions.iter().flat_map(|question| session.run(question));
    rows.map(|row| row.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_journal_and_an_upgraded_one_have_the_same_schema() {
    let new = tempfile::tempdir().unwrap();
    drop(Journal::open(&journal_place(new.path()), LONG).unwrap());
    let expected = schema_of(new.path());
    assert!(expected.len() > 60, "{expected:#?}");
    for schema in OLDER {
        let folder = tempfile::tempdir().unwrap();
        drop(restore(folder.path(), schema));
        assert_ne!(schema_of(folder.path()), expected, "{schema}");
        drop(Journal::open(&journal_place(folder.path()), LONG).unwrap());
        assert_eq!(schema_of(folder.path()), expected, "{schema}");
    }
}

/// SIGKILL in place of each write of the start that upgrades a journal.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_during_an_upgrade_leaves_the_old_schema_or_the_new_one() {
    if !is_embedded() {
        return;
    }
    if !has_strace() {
        return skipped("strace");
    }
    let new = tempfile::tempdir().unwrap();
    drop(Journal::open(&journal_place(new.path()), LONG).unwrap());
    let new_schema = Arc::new(schema_of(new.path()));
    let ozmap = Arc::new(Ozmap::start().await);
    let counts = Arc::new([const { AtomicUsize::new(0) }; 3]);
    let points = (1..=60).step_by(2);
    let cases = points
        .map(|point| (format!("write {point}"), point))
        .collect();
    let (schema, seen) = (new_schema.clone(), counts.clone());
    each(6, cases, move |case, point: usize| {
        let (schema, seen, ozmap) = (schema.clone(), seen.clone(), ozmap.clone());
        async move {
            let folder = tempfile::tempdir().unwrap();
            drop(restore(folder.path(), 1));
            let old_schema = schema_of(folder.path());
            let before = file::cancellations(folder.path()).len();
            let launch = launch(&ozmap, folder.path());
            let killed = tokio::task::spawn_blocking({
                let launch = launch.clone();
                move || is_killed_at(&launch, point)
            });
            if !killed.await.unwrap() {
                seen[2].fetch_add(1, SeqCst);
                return;
            }
            // The test reads a copy: SQLite would move the write-ahead log when the connection
            // closes.
            let copy = copied(folder.path());
            let found = schema_of(copy.path());
            if found == old_schema {
                seen[0].fetch_add(1, SeqCst);
            } else {
                assert_eq!(found, *schema, "{case}");
                assert_eq!(versions(copy.path()), [NEWEST], "{case}");
                seen[1].fetch_add(1, SeqCst);
            }
            let _service = launch.start().await;
            assert_eq!(file::cancellations(folder.path()).len(), before, "{case}");
            assert_eq!(schema_of(folder.path()), *schema, "{case}");
        }
    })
    .await;
    let [old, upgraded, not_killed] = [0, 1, 2].map(|at| counts[at].load(SeqCst));
    eprintln!("killed before the upgrade was durable: {old}, after it: {upgraded}");
    assert!(
        old >= 3 && upgraded >= 3 && not_killed >= 1,
        "{old} {upgraded} {not_killed}"
    );
}

/// Copies the files of a journal that no process has open into another folder.
fn copied(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["journal.db", "journal.db-wal"] {
        let from = folder.join(name);
        if from.exists() {
            std::fs::copy(from, copy.path().join(name)).unwrap();
        }
    }
    copy
}

/// Starts a service that is killed instead of one of its writes to its files; false when it listens
/// before that write.
fn is_killed_at(launch: &Launch, which: usize) -> bool {
    use std::io::{BufRead, BufReader};
    let service = launch.command();
    let calls = "pwrite64,fdatasync,fsync";
    let mut child = Command::new("strace")
        // The service is our child, and strace a process beside it.
        .args([
            "-D",
            "-f",
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={calls}"),
        ])
        .args(["-e", &format!("inject={calls}:signal=KILL:when={which}")])
        .arg(service.get_program())
        .args(service.get_args())
        .arg("serve")
        .env_clear()
        .envs(
            service
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let listens = lines
        .map_while(Result::ok)
        .any(|line| line.contains("listening on"));
    drop(child.kill());
    drop(child.wait());
    !listens
}

fn folder_of_migrations() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/journal/migrations")
}

fn migration(name: &str) -> String {
    std::fs::read_to_string(folder_of_migrations().join(name)).unwrap()
}

/// The names of the files, in order.
fn migrations() -> Vec<String> {
    let names = std::fs::read_dir(folder_of_migrations()).unwrap();
    let names = names.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".sql")).collect();
    names.sort();
    names
}

/// The statements that make a migration more than an addition that an older version can ignore.
fn objections(migration: &str) -> Vec<String> {
    let code: Vec<&str> = migration
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .collect();
    let code = code.join(" ");
    let mut objections = Vec::new();
    for statement in code.split(';').filter(|part| !part.trim().is_empty()) {
        let words: Vec<&str> = statement.split_whitespace().collect();
        let statement = words.join(" ");
        let is_addition = [
            "CREATE TABLE IF NOT EXISTS ",
            "CREATE INDEX IF NOT EXISTS ",
            "CREATE UNIQUE INDEX IF NOT EXISTS ",
        ]
        .iter()
        .any(|start| statement.starts_with(start));
        let is_column =
            statement.starts_with("ALTER TABLE ") && words.get(3..5) == Some(&["ADD", "COLUMN"]);
        if !is_addition && !is_column {
            objections.push(format!(
                "the statement does more than add something: {statement}"
            ));
        }
        if is_column && statement.contains("NOT NULL") && !statement.contains("DEFAULT") {
            objections.push(format!("older rows have no value: {statement}"));
        }
        let kind = words.get(6).map(|kind| kind.trim_end_matches(','));
        if is_column && !matches!(kind, Some("TEXT" | "BIGINT")) {
            objections.push(format!("a column must be TEXT or BIGINT: {statement}"));
        }
        if statement.contains('\'') && statement.contains("--") {
            objections.push(format!(
                "a comment must be on a line of its own: {statement}"
            ));
        }
    }
    objections
}

#[test]
fn migrations_are_numbered_listed_in_order_and_only_add() {
    let list = std::fs::read_to_string(folder_of_migrations().join("mod.rs")).unwrap();
    let named: Vec<&str> = list
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix("include_str!(\"")?
                .strip_suffix("\"),")
        })
        .collect();
    assert_eq!(named, migrations());
    assert_eq!(i64::try_from(named.len()).unwrap(), NEWEST);
    for (number, name) in (1..).zip(migrations()) {
        assert!(name.starts_with(&format!("{number:04}_")), "{name}");
        assert_eq!(
            objections(&migration(&name)),
            Vec::<String>::new(),
            "{name}"
        );
    }
    for bad in [
        "DROP TABLE op;",
        "ALTER TABLE op DROP COLUMN note;",
        "ALTER TABLE op RENAME COLUMN note TO remark;",
        "ALTER TABLE op ADD COLUMN more BIGINT NOT NULL;",
        "ALTER TABLE op ADD COLUMN more INTEGER;",
        "UPDATE op SET reason = NULL;",
        "DELETE FROM op;",
        "CREATE TABLE more (id TEXT);",
    ] {
        assert_ne!(objections(bad), Vec::<String>::new(), "{bad}");
    }
}

/// A released migration has already run on the journals of operators: a new one must change its
/// result.
#[test]
fn a_released_migration_is_never_edited() {
    use sha2::{Digest, Sha256};
    let hashes: Vec<String> = migrations()
        .iter()
        .map(|name| {
            let digest = Sha256::digest(migration(name));
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{digest}  {name}")
        })
        .collect();
    let released = include_str!("fixtures/migrations.sha256");
    let released: Vec<&str> = released.lines().collect();
    assert_eq!(
        released, hashes,
        "write a new migration instead of editing one; add only the line of the new one to migrations.sha256"
    );
}
