//! A client that sends the same again until it is acknowledged, to another registry if one does not answer.

use crate::http::Connection;
use anyhow::{Result, bail};
use std::net::SocketAddr;
use std::time::Duration;

/// When it asks again.
const AGAIN: Duration = Duration::from_millis(10);

/// What it was answered.
pub struct Answer {
    pub position: i64,
    pub body: Vec<u8>,
}

pub struct Steadfast {
    addresses: Vec<SocketAddr>,
    /// Which of them it asks.
    at: usize,
    connection: Option<Connection>,
    /// Answers 503, and connections that were lost or not to be had.
    pub turned_away: u64,
}

impl Steadfast {
    /// Asks the first of these as long as that answers.
    pub const fn new(addresses: Vec<SocketAddr>) -> Self {
        Self {
            addresses,
            at: 0,
            connection: None,
            turned_away: 0,
        }
    }

    /// Sends a request until the answer has this status.
    ///
    /// # Errors
    /// Any answer but that and 503.
    pub async fn insist(&mut self, request: &[u8], status: u16) -> Result<Answer> {
        loop {
            match self.ask(request).await {
                Ok((answered, answer)) if answered == status => return Ok(answer),
                Ok((503, _)) => tokio::time::sleep(AGAIN).await,
                Ok((other, answer)) => bail!(
                    "answered {other} instead of {status}: {}",
                    String::from_utf8_lossy(&answer.body)
                ),
                Err(_) => self.go_elsewhere().await,
            }
            self.turned_away += 1;
        }
    }

    async fn ask(&mut self, request: &[u8]) -> Result<(u16, Answer)> {
        // One that fails is not used again.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.addresses[self.at]).await?,
        };
        let reply = connection.send(request).await?;
        let answer = Answer {
            position: reply.position,
            body: reply.body.to_vec(),
        };
        let status = reply.status;
        self.connection = Some(connection);
        Ok((status, answer))
    }

    async fn go_elsewhere(&mut self) {
        self.at = (self.at + 1) % self.addresses.len();
        if self.at == 0 {
            tokio::time::sleep(AGAIN).await;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    /// Takes one request, answers it so (or not at all), and tells it.
    async fn registry(answer: &'static str) -> (SocketAddr, JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4_096];
            let length = stream.read(&mut request).await.unwrap();
            request.truncate(length);
            stream.write_all(answer.as_bytes()).await.unwrap();
            request
        });
        (address, asked)
    }

    #[tokio::test]
    async fn who_is_not_answered_by_one_registry_sends_the_same_to_the_other() {
        let (killed, first) = registry("").await;
        let (other, second) = registry(
            "HTTP/1.1 202 Accepted\r\nX-Ledger-Position: 7\r\nContent-Length: 2\r\n\r\n{}",
        )
        .await;
        let mut client = Steadfast::new(vec![killed, other]);
        let request = crate::http::post_once("/certificate/transfer", "token", "key-1", "{}");
        let answer = client.insist(&request, 202).await.unwrap();
        assert_eq!((answer.position, client.turned_away), (7, 1));
        let (first, second) = (first.await.unwrap(), second.await.unwrap());
        assert_eq!(first, second);
        let text = String::from_utf8(second).unwrap();
        assert!(text.contains("\r\nIdempotency-Key: key-1\r\n"), "{text}");
    }

    #[tokio::test]
    async fn an_answer_that_no_failure_explains_is_none_to_wait_out() {
        let (address, _asked) =
            registry("HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\n\r\nlost").await;
        let refused = Steadfast::new(vec![address])
            .insist(b"GET / HTTP/1.1\r\n\r\n", 202)
            .await;
        let refused = refused.err().unwrap().to_string();
        assert!(
            refused.contains("409") && refused.contains("lost"),
            "{refused}"
        );
    }
}
