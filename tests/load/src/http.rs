//! A small HTTP/1.1 client: requests are bytes made in advance, one connection each client, kept
//! alive. A general client would cost as much as the server it measures.

use anyhow::{Context, Result, bail, ensure};
use std::fmt::Write;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer; the body lies in the connection until the next request.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    pub status: u16,
    /// `X-Ledger-Position`, 0 if there is none.
    pub position: i64,
    pub body: &'a [u8],
}

impl Reply<'_> {
    /// Fails with the body, which says why, unless the status is this one.
    pub fn expect(&self, status: u16) -> Result<()> {
        ensure!(
            self.status == status,
            "answered {} instead of {status}: {}",
            self.status,
            String::from_utf8_lossy(&self.body[..self.body.len().min(600)])
        );
        Ok(())
    }

    pub fn json(&self) -> Result<serde_json::Value> {
        Ok(serde_json::from_slice(self.body)?)
    }
}

/// One connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What the head of an answer says.
struct Head {
    status: u16,
    position: i64,
    length: usize,
    body_at: usize,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(16 * 1024),
        })
    }

    /// Sends a request made by [`request`] and reads the answer whole.
    pub async fn send(&mut self, request: &[u8]) -> Result<Reply<'_>> {
        self.buffer.clear();
        self.stream.write_all(request).await?;
        let head = loop {
            self.read().await?;
            if let Some(head) = head(&self.buffer)? {
                break head;
            }
        };
        let end = head.body_at + head.length;
        self.buffer.reserve(end.saturating_sub(self.buffer.len()));
        while self.buffer.len() < end {
            self.read().await?;
        }
        Ok(Reply {
            status: head.status,
            position: head.position,
            body: &self.buffer[head.body_at..end],
        })
    }

    async fn read(&mut self) -> Result<()> {
        let read = self.stream.read_buf(&mut self.buffer).await?;
        ensure!(read > 0, "the registry closed the connection");
        Ok(())
    }
}

fn head(bytes: &[u8]) -> Result<Option<Head>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes[..end])?;
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|status| status.parse().ok())
        .context("no status line")?;
    let (mut length, mut position) = (None, 0);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse()?);
        } else if name.eq_ignore_ascii_case("x-ledger-position") {
            position = value.trim().parse()?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("an answer in chunks; this client reads those with a length only");
        }
    }
    Ok(Some(Head {
        status,
        position,
        length: length.unwrap_or(0),
        body_at: end + 4,
    }))
}

/// The bytes of a request; `token` is an access token or empty.
pub fn request(method: &str, path: &str, token: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: registry\r\n");
    // Writing to a string can not fail.
    if !token.is_empty() {
        let _ = write!(text, "Authorization: Bearer {token}\r\n");
    }
    if method != "GET" {
        let length = body.len();
        let _ = write!(
            text,
            "Content-Type: {content_type}\r\nContent-Length: {length}\r\n"
        );
    }
    text.push_str("\r\n");
    [text.as_bytes(), body].concat()
}

/// A request with a JSON body that is carried out once, however often it is sent.
pub fn post_once(path: &str, token: &str, key: &str, body: &str) -> Vec<u8> {
    let plain = post(path, token, body);
    let end_of_line = plain
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let (line, rest) = plain.split_at(end_of_line);
    [line, format!("Idempotency-Key: {key}\r\n").as_bytes(), rest].concat()
}

/// A request with a JSON body.
pub fn post(path: &str, token: &str, body: &str) -> Vec<u8> {
    request("POST", path, token, "application/json", body.as_bytes())
}

pub fn get(path: &str, token: &str) -> Vec<u8> {
    request("GET", path, token, "", b"")
}

/// A multipart form with readings as a CSV file.
pub fn upload(path: &str, token: &str, device_id: i64, csv: &str) -> Vec<u8> {
    const BOUNDARY: &str = "gcr-bench-boundary-7f4a7c15";
    let body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"deviceID\"\r\n\r\n{device_id}\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"readings.csv\"\r\n\
         Content-Type: text/csv\r\n\r\n{csv}\r\n--{BOUNDARY}--\r\n"
    );
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    request("POST", path, token, &content_type, body.as_bytes())
}
