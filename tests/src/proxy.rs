//! A way to the registry that can be cut, and on which answers get lost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How the way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Bytes pass.
    Open,
    /// Connections are cut, new ones end at once.
    Cut,
    /// Connections stay and nothing passes.
    Silent,
}

/// A way to a port of this machine. Ends with this.
pub struct Proxy {
    address: SocketAddr,
    way: watch::Sender<Way>,
    loses_permille: Arc<AtomicU16>,
    lost: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// A way to `port`, open.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (way, seen) = watch::channel(Way::Open);
        let (loses_permille, lost) = (Arc::new(AtomicU16::new(0)), Arc::new(AtomicU64::new(0)));
        let losses = Losses {
            permille: loses_permille.clone(),
            lost: lost.clone(),
            answers: Arc::default(),
        };
        let task = tokio::spawn(accept(listener, port, seen, losses));
        Self {
            address,
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

async fn accept(listener: TcpListener, port: u16, way: watch::Receiver<Way>, losses: Losses) {
    while let Ok((client, _)) = listener.accept().await {
        let (way, losses) = (way.clone(), losses.clone());
        tokio::spawn(async move {
            // Whoever is at the ends learns of it by the end of their connections.
            let _ = carry(client, port, way, losses).await;
        });
    }
}

async fn carry(
    mut client: TcpStream,
    port: u16,
    mut way: watch::Receiver<Way>,
    losses: Losses,
) -> std::io::Result<()> {
    if *way.borrow() == Way::Cut {
        return Ok(());
    }
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    // An answer begins with the first bytes that come back after some were sent.
    let mut is_asked = false;
    loop {
        let now = *way.borrow_and_update();
        match now {
            Way::Cut => return Ok(()),
            Way::Silent => {
                if way.changed().await.is_err() {
                    return Ok(());
                }
            }
            Way::Open => tokio::select! {
                length = client.read(&mut asked) => {
                    let request = &asked[..length?];
                    if request.is_empty() {
                        return Ok(());
                    }
                    server.write_all(request).await?;
                    is_asked = true;
                }
                length = server.read(&mut answered) => {
                    let answer = &answered[..length?];
                    if answer.is_empty() || std::mem::take(&mut is_asked) && losses.meets() {
                        return Ok(());
                    }
                    client.write_all(answer).await?;
                }
                _ = way.changed() => {}
            },
        }
    }
}
