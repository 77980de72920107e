//! SIGKILL at every write of a cancellation: each page and each sync of the journal, each request
//! to OZmap, the reply.
//!
//! strace kills the process in place of the n-th system call, so the points are real writes: in the
//! middle of a transaction, between the commit and the reply, before the bytes of the DELETE.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::*;
use crate::cancel::{SHORT, try_ask_of};
use crate::support::{Launch, has_strace, skipped, store::is_embedded};

/// The system calls that write the file of an embedded journal.
const FILE: &str = "pwrite64,fdatasync,fsync";

/// The system calls that write to the network, which a shared journal uses, too.
const NETWORK: &str = "sendto,sendmsg,writev";

/// What OZmap does during the kill, in turn.
const MEANWHILE: [&str; 10] = [
    "",
    "delete:reset_after*1",
    "delete:delayed_delete_ms=900*1",
    "delete:reset_before*1",
    "get:html_404*1",
    "delete:status=404*1",
    "lookup:status=503*1",
    "delete:stale_ms=900*1",
    "delete:status=503*1",
    "delete:timeout_after*1",
];

/// Whether every write is combined with everything that OZmap may do, which takes hours on a shared
/// journal. Otherwise each write gets one of them in turn.
fn is_long() -> bool {
    std::env::var("OZMAP_CANCEL_CRASH").as_deref() == Ok("long")
}

/// A write, and what OZmap does during it.
fn met(points: impl Iterator<Item = usize>) -> Vec<(usize, &'static str)> {
    let all = |which| MEANWHILE.map(|meanwhile| (which, meanwhile)).to_vec();
    let one = |which: usize| vec![(which, MEANWHILE[which % MEANWHILE.len()])];
    points
        .flat_map(|which| if is_long() { all(which) } else { one(which) })
        .collect()
}

/// Kills a service in place of one of its system calls.
struct Killer(Child);

impl Killer {
    fn at(service: &Service, calls: &str, which: usize) -> Self {
        let mut strace = Command::new("strace")
            .args(["-f", "-o", "/dev/null", "-e", &format!("trace={calls}")])
            .args(["-e", &format!("inject={calls}:signal=KILL:when={which}")])
            .args(["-p", &service.pid().to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(strace.stderr.take().unwrap());
        while !said.contains("attached") {
            let count = lines.read_line(&mut said).unwrap();
            assert!(count > 0, "strace ended: {said}");
        }
        Self(strace)
    }
}

impl Drop for Killer {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A world whose service uses as few threads as possible, so that the n-th call is the same every
/// time.
async fn narrow_world() -> World {
    let mut world = World::with(SHORT).await;
    let launch = world.service.launch().clone();
    world.service.kill();
    world.service = launch
        .environment("TOKIO_WORKER_THREADS", "1")
        .start()
        .await;
    world
}

/// Kills at these calls and returns how many cancellations were killed before their reply. The last
/// points come after the reply, so no point was left out.
async fn killed_at_each(calls: &'static str, points: impl Iterator<Item = usize>) -> usize {
    let killed = Arc::new(AtomicUsize::new(0));
    let cases: Vec<_> = met(points)
        .into_iter()
        .map(|point| (format!("{calls} {}, {}", point.0, point.1), point))
        .collect();
    let (count, all) = (killed.clone(), cases.len());
    each(6, cases, move |case, (which, meanwhile)| {
        let count = count.clone();
        async move {
            let mut world = narrow_world().await;
            if !meanwhile.is_empty() {
                world.ozmap.fault(meanwhile).await;
            }
            let killer = Killer::at(&world.service, calls, which);
            let asked = try_ask_of(world.service.address(), asking(CODE, "m-1")).await;
            match asked {
                Ok(reply) if reply.status == 200 => {
                    assert_is_true(&world.ozmap, CODE, PROPERTY, &reply, &case).await;
                }
                Ok(reply) => panic!("{case}: {reply:?}"),
                Err(_) => {
                    assert_eq!(world.service.ended().await, None, "{case}: killed");
                    count.fetch_add(1, SeqCst);
                }
            }
            drop(killer);
            world.restart().await;
            let reply = world.ask_until_final(asking(CODE, "m-1")).await;
            assert_eq!(reply.outcome(), "cancelled", "{case}");
            let rows = ended(&world).await;
            assert_eq!(rows.len(), 1, "{case}: {rows:?}");
            assert_eq!(rows[0]["protocol"], reply.json()["protocol"], "{case}");
            assert_deleted_only(&world.ozmap, &[PROPERTY], &case).await;
            if is_embedded() {
                let path = file::path(world.folder.path());
                let sound: String = rusqlite::Connection::open(path)
                    .unwrap()
                    .pragma_query_value(None, "integrity_check", |row| row.get(0))
                    .unwrap();
                assert_eq!(sound, "ok", "{case}");
            }
        }
    })
    .await;
    let killed = killed.load(SeqCst);
    assert!(killed < all, "there are more calls than {all}");
    killed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_any_transaction_leaves_it_whole_or_undone() {
    if !is_embedded() {
        return;
    }
    if !has_strace() {
        return skipped("strace");
    }
    // The acceptance, the budget, the intent, the response and the outcome: some pages each, and a
    // sync.
    let killed = killed_at_each(FILE, 1..=90).await;
    eprintln!("killed at {killed} writes of the journal's file");
    assert!(killed >= 12, "only {killed} were killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_before_any_bytes_leave_loses_nothing() {
    if !has_strace() {
        return skipped("strace");
    }
    // On a shared journal every statement is a write, and every kill costs a lease.
    let (points, least) = match (is_embedded(), is_long()) {
        (true, _) => ((1..=16).step_by(1), 4),
        (false, true) => ((1..=90).step_by(1), 20),
        (false, false) => ((1..=60).step_by(2), 10),
    };
    let killed = killed_at_each(NETWORK, points).await;
    eprintln!("killed at {killed} writes to the network");
    assert!(killed >= least, "only {killed} were killed");
}

/// A proxy to OZmap in which a DELETE gets stuck halfway; reports when it is.
async fn halving(ozmap: std::net::SocketAddr) -> (String, watch::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stuck, seen) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(ozmap).await.unwrap();
            tokio::spawn(carry(client, server, stuck.clone()));
        }
    });
    (url, seen)
}

async fn carry(client: TcpStream, server: TcpStream, stuck: watch::Sender<usize>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = tokio::spawn(async move {
        drop(tokio::io::copy(&mut from_server, &mut to_client).await);
    });
    let mut bytes = vec![0; 65_536];
    while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
        if bytes.starts_with(b"DELETE ") {
            // Half of the URL or half of the head: OZmap cannot know which property is meant.
            to_server.write_all(&bytes[..count / 2]).await.unwrap();
            stuck.send_modify(|stuck| *stuck += 1);
            drop(from_client.read(&mut bytes).await);
            break;
        }
        to_server.write_all(&bytes[..count]).await.unwrap();
    }
    drop(to_server.shutdown().await);
    drop(answers.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_the_deletion_is_half_written_is_not_a_deletion() {
    let mut world = World::with(PATIENT).await;
    let (url, mut stuck) = halving(world.ozmap.address()).await;
    let launch: Launch = world.service.launch().clone();
    world.service.kill();
    world.service = launch.set("OZMAP__BASE_URL", &url).start().await;
    let asked = tokio::spawn(try_ask_of(world.service.address(), asking(CODE, "m-1")));
    stuck.wait_for(|stuck| *stuck == 1).await.unwrap();
    world.kill();
    assert!(asked.await.unwrap().is_err());
    let row = file::cancellations(world.folder.path()).remove(0);
    assert_eq!(
        (&row["state"], &row["delete_sent"]),
        (&json!("intent"), &json!(1))
    );
    assert!(holds(&world.ozmap, CODE, PROPERTY).await);
    world.restart().await;
    let row = ended(&world).await.remove(0);
    assert_eq!(row["outcome"], "cancelled");
    assert_deleted_only(&world.ozmap, &[PROPERTY], "half-written").await;
    assert_eq!(calls_of(&world.ozmap, "delete").await.len(), 1);
}
