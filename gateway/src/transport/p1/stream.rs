//! Telegrams from an adapter that passes them on over TCP.

use super::telegram::{Scanner, Telegram};
use super::{Arrived, P1Error};
use crate::clock::Clock;
use rand::RngExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// To connect.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest silence before the connection is taken for dead. Meters send each 1 to 10 s.
const SILENCE: Duration = Duration::from_secs(30);
/// How long the next telegram is waited for.
const PATIENCE: Duration = Duration::from_secs(15);
/// First and longest wait before connecting again.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
const CHUNK_BYTES: usize = 2048;

/// A connection that is read all the time, so that what is taken is never what waited in a buffer.
#[derive(Debug)]
pub struct Stream {
    latest: watch::Receiver<Option<Result<Arc<Arrived>, P1Error>>>,
    reader: JoinHandle<()>,
}

impl Stream {
    /// Reads from `host`, connecting again whenever the connection ends, until this is dropped.
    #[must_use]
    pub fn open(host: String, port: u16, clock: Clock) -> Self {
        let (publish, latest) = watch::channel(None);
        let reader = tokio::spawn(async move {
            let mut wait = FIRST_WAIT;
            loop {
                let error = match read(&host, port, &clock, &publish).await {
                    Ended::AfterTelegrams(error) => {
                        wait = FIRST_WAIT;
                        error
                    }
                    Ended::Before(error) => error,
                };
                publish.send_replace(Some(Err(error)));
                let jitter = rand::rng().random_range(50..=100);
                tokio::time::sleep(wait * jitter / 100).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        });
        Self { latest, reader }
    }

    /// The next telegram that arrives.
    ///
    /// # Errors
    /// If none does in 15 s, or the connection failed meanwhile.
    pub async fn next(&self) -> Result<Arc<Arrived>, P1Error> {
        let mut latest = self.latest.clone();
        latest.mark_unchanged();
        match timeout(PATIENCE, latest.changed()).await {
            Ok(Ok(())) => match latest.borrow_and_update().clone() {
                Some(latest) => latest,
                None => Err(P1Error::Silent),
            },
            Ok(Err(_)) => Err(P1Error::Silent),
            // Why nothing comes is in what was published before.
            Err(_) => match latest.borrow().clone() {
                Some(Err(error)) => Err(error),
                _ => Err(P1Error::Silent),
            },
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

enum Ended {
    Before(P1Error),
    AfterTelegrams(P1Error),
}

async fn read(
    host: &str,
    port: u16,
    clock: &Clock,
    publish: &watch::Sender<Option<Result<Arc<Arrived>, P1Error>>>,
) -> Ended {
    let mut stream = match timeout(CONNECT, TcpStream::connect((host, port))).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Ended::Before(P1Error::Connection(error.to_string())),
        Err(_) => return Ended::Before(P1Error::Connection("no answer".to_owned())),
    };
    let mut scanner = Scanner::default();
    let mut chunk = [0; CHUNK_BYTES];
    let mut is_good = false;
    let error = loop {
        let bytes = match timeout(SILENCE, stream.read(&mut chunk)).await {
            Ok(Ok(0)) => break P1Error::Connection("the adapter hung up".to_owned()),
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) => break P1Error::Connection(error.to_string()),
            Err(_) => break P1Error::Silent,
        };
        scanner.push(&chunk[..bytes]);
        for found in scanner.by_ref() {
            let found = found.map_err(P1Error::from);
            is_good |= found.is_ok();
            publish.send_replace(Some(found.map(|telegram: Telegram| {
                Arc::new(Arrived {
                    at: clock.wall(),
                    monotonic: clock.monotonic(),
                    telegram,
                })
            })));
        }
    };
    if is_good {
        Ended::AfterTelegrams(error)
    } else {
        Ended::Before(error)
    }
}
