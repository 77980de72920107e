//! Slow commits: the server has received them, and neither finishes nor aborts them.

use ozmap_cancel::journal::{Accepted, ConnectOptions, Journal, JournalUrl};

use super::proxy::Cut;
use super::*;
use crate::journal;

/// A journal in which certain commits hang until they are released.
struct Standstill<'a> {
    journal: &'a Session,
}

impl<'a> Standstill<'a> {
    /// Selects the commits that change a table, like `INSERT ON delivery`.
    fn of(journal: &'a Session, change: &str) -> Self {
        // At the end of the transaction, where no timeout of the service applies.
        journal.run(&format!(
            "CREATE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS \
             $$ BEGIN PERFORM pg_advisory_xact_lock(hashtext(current_schema())); RETURN NULL; END $$; \
             CREATE CONSTRAINT TRIGGER stand_still AFTER {change} DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION stand_still(); \
             SELECT pg_advisory_lock(hashtext(current_schema()))"
        ));
        Self { journal }
    }

    /// Whether a commit hangs.
    fn holds_one(&self) -> bool {
        self.is_any("pg_backend_pid() = ANY(w.by)")
    }

    /// Whether another session waits for a hanging commit.
    fn is_waited_for(&self) -> bool {
        self.is_any("EXISTS (SELECT 1 FROM waits h WHERE h.pid = ANY(w.by) AND pg_backend_pid() = ANY(h.by))")
    }

    fn is_any(&self, what: &str) -> bool {
        let found = self.journal.run(&format!(
            "WITH waits AS MATERIALIZED (SELECT pid, pg_blocking_pids(pid) AS by FROM pg_stat_activity \
             WHERE wait_event_type = 'Lock') SELECT 1 FROM waits w WHERE {what}"
        ));
        !found.is_empty()
    }

    /// Releases the hanging commits, and all later ones.
    fn let_go(&self) {
        self.journal
            .run("SELECT pg_advisory_unlock(hashtext(current_schema()))");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_still_running_is_not_reported_as_rolled_back() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let patient = [("CHANNELS__CHATBOT__ANSWER_MS_MAX", "18000")];
    let (replicas, proxy) = behind(server, &patient).await;
    let standstill = Standstill::of(&replicas.journal, "INSERT ON delivery");
    proxy.cut(Cut::AnswerLost, 0);
    let answer = replicas.asking(0, asking(CODE, "m-1"));
    eventually("the query of the outcome", || async {
        // Or a caller was answered without a query.
        (standstill.is_waited_for() || answer.is_finished()).then_some(())
    })
    .await;
    assert_eq!(proxy.cuts(), 1);
    assert!(
        replicas.cancellations().is_empty(),
        "the commit is still in progress"
    );
    standstill.let_go();
    let reply = answer.await.unwrap().unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.outcome(), "cancelled", "{reply:?}");
    let rows = replicas.ended().await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["protocol"], reply.json()["protocol"]);
    assert_eq!(rows[0]["attempt"], json!(1), "the lease was kept");
    assert_deleted_only(&replicas.ozmap, &[PROPERTY], "under way").await;
}

/// The holder sends deletions by its own count of the lease; another replica takes it over by the
/// row.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_never_longer_than_the_journal_says_however_slow_its_commit() {
    let Some(server) = shared() else {
        return skipped(NEEDS);
    };
    let folder = tempfile::tempdir().unwrap();
    let url = server.place(folder.path().file_name().unwrap().to_str().unwrap());
    let place = JournalUrl::parse(&url, &ConnectOptions::default()).unwrap();
    let book = Journal::open(&place, journal::LONG).unwrap();
    let accepted = book.accept(journal::asking("c-1", "m-1"), || true).await;
    let Ok(Accepted::Fresh(mut held)) = accepted else {
        panic!("{accepted:?}");
    };
    let seen = Session::open(&url);
    let standstill = Standstill::of(&seen, "UPDATE ON op");
    let intending = tokio::spawn(async move {
        let target = journal::deletable("c-1", journal::TARGET);
        book.intend(&mut held, &target).await.unwrap();
        (book, held)
    });
    eventually("the commit to hang", || async {
        standstill.holds_one().then_some(())
    })
    .await;
    let now = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp())*1000 AS BIGINT)";
    let since = seen.run(now)[0].as_i64().unwrap();
    eventually("a second to pass on the database's clock", || async {
        (seen.run(now)[0].as_i64().unwrap() > since + 1_000).then_some(())
    })
    .await;
    standstill.let_go();
    let (_book, held) = intending.await.unwrap();
    let left =
        "SELECT lease_until - CAST(EXTRACT(EPOCH FROM clock_timestamp())*1000 AS BIGINT) FROM op";
    let there = seen.run(left)[0].as_u64().unwrap();
    let here = held.lease.left();
    // The database rounds to a millisecond.
    let most = Duration::from_millis(there + 1);
    assert!(here <= most, "{here:?} here, {there} ms there");
}
