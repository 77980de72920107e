//! A proxy to the server that can cut a connection at a commit, or go silent.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The fate of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The server receives it; its answer is lost.
    AnswerLost,
    /// The server never receives it.
    CommitLost,
    /// The server never receives it and neither side notices: the open connections stay, and
    /// nothing passes on them any more.
    Stuck,
}

/// The fate of the next commits.
#[derive(Default)]
struct Plan {
    cut: Option<Cut>,
    skip: usize,
    // No new connection is accepted after the cut, until it is opened again.
    stays_closed: bool,
    cuts: usize,
}

/// The traffic that passes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    Silent,
    Closed,
    /// Nothing goes through on the connections before this number; on new ones it does.
    OnlyNew(usize),
    /// Nothing goes through on connections that only read.
    OnlyWrites,
}

/// One connection and its state.
#[derive(Default)]
struct Link {
    number: usize,
    only_reads: Mutex<bool>,
    has_written: Mutex<bool>,
}

impl Way {
    fn passes(self, link: &Link) -> bool {
        match self {
            Self::Open | Self::Closed => true,
            Self::Silent => false,
            Self::OnlyNew(first) => link.number >= first,
            Self::OnlyWrites => !*link.only_reads.lock().unwrap(),
        }
    }
}

#[derive(Clone)]
pub struct Proxy {
    address: SocketAddr,
    plan: Arc<Mutex<Plan>>,
    way: watch::Sender<Way>,
    connections: Arc<Mutex<usize>>,
}

impl Proxy {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            plan: Arc::default(),
            way: watch::channel(Way::Open).0,
            connections: Arc::default(),
        };
        let this = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *this.way.borrow() == Way::Closed {
                    continue;
                }
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
                if let Ok(server) = server {
                    let link = Link {
                        number: this.next_number(),
                        ..Link::default()
                    };
                    tokio::spawn(this.clone().carry(link, client, server));
                }
            }
        });
        proxy
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Cuts the connection at a commit that wrote something; `skip` such commits pass first.
    pub fn cut(&self, cut: Cut, skip: usize) {
        *self.plan.lock().unwrap() = Plan {
            cut: Some(cut),
            skip,
            ..Plan::default()
        };
    }

    /// Like `cut`, and no new connection is accepted until the proxy is opened.
    pub fn cut_and_close(&self, cut: Cut, skip: usize) {
        self.cut(cut, skip);
        self.plan.lock().unwrap().stays_closed = true;
    }

    /// The number of connections that were cut.
    pub fn cuts(&self) -> usize {
        self.plan.lock().unwrap().cuts
    }

    /// Lets nothing through, without ending any connection.
    pub fn fall_silent(&self) {
        self.way.send_replace(Way::Silent);
    }

    /// Lets nothing through on the existing connections, without ending them.
    pub fn fall_silent_on_those_there(&self) {
        let first = *self.connections.lock().unwrap();
        self.way.send_replace(Way::OnlyNew(first));
    }

    /// Lets nothing through on connections that only read, without ending them.
    pub fn fall_silent_for_readers(&self) {
        self.way.send_replace(Way::OnlyWrites);
    }

    fn next_number(&self) -> usize {
        let mut connections = self.connections.lock().unwrap();
        let number = *connections;
        *connections += 1;
        number
    }

    /// Lets everything through again.
    pub fn open(&self) {
        self.way.send_replace(Way::Open);
    }

    async fn carry(self, link: Link, client: TcpStream, server: TcpStream) {
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let answers = async {
            let mut way = self.way.subscribe();
            let mut bytes = vec![0; 65_536];
            while let Ok(count @ 1..) = from_server.read(&mut bytes).await {
                let tags: [&[u8]; 3] = [b"INSERT 0 1\0", b"UPDATE 1\0", b"DELETE 1\0"];
                if tags.iter().any(|tag| contains(&bytes[..count], tag)) {
                    *link.has_written.lock().unwrap() = true;
                }
                drop(way.wait_for(|way| way.passes(&link)).await);
                if to_client.write_all(&bytes[..count]).await.is_err() {
                    return;
                }
            }
        };
        let questions = async {
            let mut way = self.way.subscribe();
            let mut bytes = vec![0; 65_536];
            while let Ok(count @ 1..) = from_client.read(&mut bytes).await {
                let said = &bytes[..count];
                if contains(said, b"SET default_transaction_read_only = on") {
                    *link.only_reads.lock().unwrap() = true;
                }
                drop(way.wait_for(|way| way.passes(&link)).await);
                if contains(said, b"BEGIN\0") {
                    *link.has_written.lock().unwrap() = false;
                }
                let is_commit = contains(said, b"COMMIT\0") && *link.has_written.lock().unwrap();
                match is_commit.then(|| self.fate()).flatten() {
                    Some(Cut::CommitLost) => return,
                    Some(Cut::AnswerLost) => {
                        // Delivered, and executed before the connection ends.
                        drop(to_server.write_all(said).await);
                        drop(to_server.shutdown().await);
                        return;
                    }
                    Some(Cut::Stuck) => return std::future::pending().await,
                    None => {}
                }
                if to_server.write_all(said).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = answers => {}
            () = questions => {}
        }
    }

    /// Whether this commit is the one to cut.
    fn fate(&self) -> Option<Cut> {
        let mut plan = self.plan.lock().unwrap();
        let cut = plan.cut?;
        if plan.skip > 0 {
            plan.skip -= 1;
            return None;
        }
        plan.cut = None;
        plan.cuts += 1;
        if plan.stays_closed {
            self.way.send_replace(Way::Closed);
        }
        if cut == Cut::Stuck {
            self.fall_silent_on_those_there();
        }
        Some(cut)
    }
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}
