//! A stand-in for OZmap over raw sockets: it responds with the exact bytes of a test, and records
//! the requests.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub target: String,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// The number of its connection, from 0.
    pub connection: usize,
    pub at: Instant,
}

impl Request {
    /// The values of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let values = self.headers.iter().filter(|(found, _)| found == name);
        values.map(|(_, value)| value.as_str()).collect()
    }

    /// The method and the target.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// One act of the stand-in after it has read a request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Writes bytes.
    Send(Vec<u8>),
    /// Writes bytes one at a time with a pause before each.
    Drip(Vec<u8>, Duration),
    /// Closes the connection.
    Close,
    /// Resets the connection.
    Reset,
    /// Sends nothing more and keeps the connection open.
    Hold,
}

type Script = Arc<dyn Fn(&Request) -> Vec<Act> + Send + Sync>;

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    in_work: AtomicUsize,
    in_work_most: AtomicUsize,
}

/// The stand-in; it stops with the test.
pub struct StandIn {
    address: SocketAddr,
    seen: Arc<Seen>,
    _stop: DropGuard,
}

impl StandIn {
    /// A stand-in that follows a script for each request.
    pub async fn start(script: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self::listen(Some(Arc::new(script))).await
    }

    /// A stand-in that resets every connection without reading from it.
    pub async fn slamming() -> Self {
        Self::listen(None).await
    }

    async fn listen(script: Option<Script>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, stop) = (Arc::new(Seen::default()), CancellationToken::new());
        let (shared, stopped) = (seen.clone(), stop.clone());
        tokio::spawn(stopped.run_until_cancelled_owned(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = shared.connections.fetch_add(1, SeqCst);
                match &script {
                    None => stream.set_zero_linger().unwrap(),
                    Some(script) => {
                        tokio::spawn(converse(stream, number, script.clone(), shared.clone()));
                    }
                }
            }
        }));
        Self {
            address,
            seen,
            _stop: stop.drop_guard(),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// The requests of one method.
    pub fn of(&self, method: &str) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(|request| request.method == method);
        requests
    }

    /// The number of connections.
    pub fn connections(&self) -> usize {
        self.seen.connections.load(SeqCst)
    }

    /// The greatest number of concurrent requests.
    pub fn in_work_most(&self) -> usize {
        self.seen.in_work_most.load(SeqCst)
    }
}

async fn converse(mut stream: TcpStream, connection: usize, script: Script, seen: Arc<Seen>) {
    let mut unread = Vec::new();
    while let Some(request) = read(&mut stream, &mut unread, connection).await {
        seen.requests.lock().unwrap().push(request.clone());
        let in_work = seen.in_work.fetch_add(1, SeqCst) + 1;
        seen.in_work_most.fetch_max(in_work, SeqCst);
        let goes_on = perform(&mut stream, script(&request)).await;
        seen.in_work.fetch_sub(1, SeqCst);
        if !goes_on {
            return;
        }
    }
}

/// Performs the acts of the script; false when the connection has ended.
async fn perform(stream: &mut TcpStream, acts: Vec<Act>) -> bool {
    for act in acts {
        let done = match act {
            Act::Send(bytes) => stream.write_all(&bytes).await,
            Act::Drip(bytes, pause) => drip(stream, &bytes, pause).await,
            Act::Close => return false,
            Act::Reset => {
                stream.set_zero_linger().unwrap();
                return false;
            }
            Act::Hold => {
                let mut nothing = [0; 64];
                while stream.read(&mut nothing).await.is_ok_and(|read| read > 0) {}
                return false;
            }
        };
        if done.is_err() {
            return false;
        }
    }
    true
}

async fn drip(stream: &mut TcpStream, bytes: &[u8], pause: Duration) -> std::io::Result<()> {
    for byte in bytes {
        tokio::time::sleep(pause).await;
        stream.write_all(&[*byte]).await?;
    }
    Ok(())
}

async fn read(stream: &mut TcpStream, unread: &mut Vec<u8>, connection: usize) -> Option<Request> {
    loop {
        if let Some(end) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
            let head: Vec<u8> = unread.drain(..end + 4).collect();
            return Some(parse(&head, connection));
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => unread.extend_from_slice(&chunk[..read]),
        }
    }
}

fn parse(head: &[u8], connection: usize) -> Request {
    let head = String::from_utf8_lossy(head).into_owned();
    let mut lines = head.trim_end().split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let mut word = || first.next().unwrap_or_default().to_owned();
    Request {
        method: word(),
        target: word(),
        headers: lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect(),
        connection,
        at: Instant::now(),
    }
}

/// A response with its length; `headers` are complete lines with their line ends.
pub fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "HTTP/1.1 {status} Whatever\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A response with a JSON body.
pub fn json(status: u16, body: &str) -> Vec<u8> {
    answer(
        status,
        "Content-Type: application/json\r\n",
        body.as_bytes(),
    )
}

/// A response without a body, like OZmap gives to a DELETE.
pub fn empty(status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} Whatever\r\n\r\n").into_bytes()
}
