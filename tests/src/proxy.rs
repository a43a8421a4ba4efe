//! A way to a server on which everything happens that happens to networks.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How much later what is sent arrives on a slow way.
const LATER: Duration = Duration::from_millis(40);

/// How many pieces may be under way in each direction: far more than come within that time.
const PIECES: usize = 1_024;

/// How the way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Bytes pass.
    Open,
    /// Bytes pass, each piece a while later, however many are under way.
    Slow,
    /// Connections are ended, new ones as soon as something is asked.
    Cut,
    /// Connections are reset, new ones as soon as something is asked.
    Reset,
    /// Connections stay and nothing passes, as if every packet were lost.
    Silent,
    /// The other end has forgotten the connections that there are, which nothing tells this end until the way
    /// changes again; new ones pass.
    HalfOpen,
    /// Nothing passes any more on the connections that there are, of which either end still has its own until the way
    /// changes again; new ones pass. As behind a firewall that was restarted.
    Stale,
}

impl Way {
    /// Whether only connections that begin now are of use.
    fn passes_new_only(self) -> bool {
        matches!(self, Self::HalfOpen | Self::Stale)
    }
}

/// A way to a server of this machine. Ends with this.
pub struct Proxy {
    address: SocketAddr,
    server: Arc<Mutex<SocketAddr>>,
    way: watch::Sender<Way>,
    loses_permille: Arc<AtomicU16>,
    lost: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A way to `port` of 127.0.0.1, open.
    pub async fn to(port: u16) -> Self {
        Self::to_address((Ipv4Addr::LOCALHOST, port).into()).await
    }

    /// A way to `server`, open.
    pub async fn to_address(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (way, seen) = watch::channel(Way::Open);
        let server = Arc::new(Mutex::new(server));
        let (loses_permille, lost) = (Arc::new(AtomicU16::new(0)), Arc::new(AtomicU64::new(0)));
        let losses = Losses {
            permille: loses_permille.clone(),
            lost: lost.clone(),
            answers: Arc::default(),
        };
        let task = tokio::spawn(accept(listener, server.clone(), seen, losses));
        Self {
            address,
            server,
            way,
            loses_permille,
            lost,
            task,
        }
    }

    /// Where it begins, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port that it begins at.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// New connections go to this server.
    pub fn lead_to(&self, server: SocketAddr) {
        *self.server.lock().unwrap() = server;
    }

    /// Opens or closes it.
    pub fn set(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// From now on so many of a thousand answers are lost, together with their connection: what was asked
    /// has been done.
    pub fn lose(&self, permille: u16) {
        self.loses_permille.store(permille, Ordering::Release);
    }

    /// How many answers have been lost.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Acquire)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Losses {
    permille: Arc<AtomicU16>,
    lost: Arc<AtomicU64>,
    answers: Arc<AtomicU64>,
}

impl Losses {
    /// Whether the next answer is lost: spread evenly, so that few answers suffice to lose some.
    fn meets(&self) -> bool {
        let permille = u64::from(self.permille.load(Ordering::Acquire));
        let n = self.answers.fetch_add(1, Ordering::AcqRel);
        let is_lost = (n + 1) * permille / 1_000 > n * permille / 1_000;
        self.lost.fetch_add(u64::from(is_lost), Ordering::AcqRel);
        is_lost
    }
}

async fn accept(
    listener: TcpListener,
    server: Arc<Mutex<SocketAddr>>,
    way: watch::Receiver<Way>,
    losses: Losses,
) {
    while let Ok((client, _)) = listener.accept().await {
        let (way, losses) = (way.clone(), losses.clone());
        let server = *server.lock().unwrap();
        tokio::spawn(async move {
            // Whoever is at the ends learns of it by the end of their connections.
            let _ = carry(client, server, way, losses).await;
        });
    }
}

async fn carry(
    mut client: TcpStream,
    server: SocketAddr,
    mut way: watch::Receiver<Way>,
    losses: Losses,
) -> std::io::Result<()> {
    let begun = *way.borrow_and_update();
    match begun {
        Way::Cut => return asked_something(&mut client).await,
        Way::Reset => {
            asked_something(&mut client).await?;
            return client.set_zero_linger();
        }
        Way::Open | Way::Slow | Way::Silent | Way::HalfOpen | Way::Stale => {}
    }
    let mut server = match TcpStream::connect(server).await {
        Ok(server) => server,
        Err(_) => return asked_something(&mut client).await,
    };
    // Neither waits for the other end to acknowledge what went before.
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut asked, mut answered) = (Passing::default(), Passing::default());
    let (mut request, mut answer) = (vec![0; 65_536], vec![0; 65_536]);
    // An answer begins with the first bytes that come back after some were sent.
    let mut is_asked = false;
    let mut is_known = begun.passes_new_only();
    loop {
        let now = *way.borrow_and_update();
        is_known &= now.passes_new_only();
        match now {
            Way::Cut => return Ok(()),
            Way::Reset => {
                client.set_zero_linger()?;
                return server.set_zero_linger();
            }
            Way::Silent => {
                if way.changed().await.is_err() {
                    return Ok(());
                }
            }
            Way::HalfOpen | Way::Stale if !is_known => {
                // Else the other end keeps it.
                let _server = (now == Way::Stale).then_some(server);
                // An error means that the way has ended.
                let _ = way.changed().await;
                return Ok(());
            }
            Way::Open | Way::Slow | Way::HalfOpen | Way::Stale => tokio::select! {
                length = client.read(&mut request), if asked.takes() => {
                    asked.take(&request[..length?], now);
                    is_asked = true;
                }
                length = server.read(&mut answer), if answered.takes() => {
                    let answer = &answer[..length?];
                    if !answer.is_empty() && std::mem::take(&mut is_asked) && losses.meets() {
                        return Ok(());
                    }
                    answered.take(answer, now);
                }
                piece = asked.arrives() => match piece {
                    Some(piece) => server.write_all(&piece).await?,
                    None => return Ok(()),
                },
                piece = answered.arrives() => match piece {
                    Some(piece) => client.write_all(&piece).await?,
                    None => return Ok(()),
                },
                changed = way.changed() => if changed.is_err() {
                    return Ok(());
                },
            },
        }
    }
}

/// Waits for the first bytes. Of requests whose connection ends while they are handed to it, one in 100,000 never ends:
/// `reqwest` waits for ever, without a connection (hyper-util 0.1.21), where nothing limits its time.
async fn asked_something(client: &mut TcpStream) -> std::io::Result<()> {
    client.read(&mut vec![0; 65_536]).await.map(drop)
}

/// What is under way in one direction.
#[derive(Default)]
struct Passing {
    /// When it arrives, and what it is; nothing for the end.
    pieces: VecDeque<(Instant, Option<Vec<u8>>)>,
    has_ended: bool,
}

impl Passing {
    fn takes(&self) -> bool {
        !self.has_ended && self.pieces.len() < PIECES
    }

    /// What was sent; nothing is the end.
    fn take(&mut self, bytes: &[u8], way: Way) {
        let now = Instant::now();
        let due = if way == Way::Slow { now + LATER } else { now };
        let due = self
            .pieces
            .back()
            .map_or(due, |(before, _)| due.max(*before));
        self.has_ended = bytes.is_empty();
        let piece = (!self.has_ended).then(|| bytes.to_vec());
        self.pieces.push_back((due, piece));
    }

    /// Waits until the next piece has come all the way.
    async fn arrives(&mut self) -> Option<Vec<u8>> {
        match self.pieces.front() {
            Some((due, _)) => tokio::time::sleep_until(*due).await,
            None => std::future::pending().await,
        }
        self.pieces.pop_front().and_then(|(_, piece)| piece)
    }
}
