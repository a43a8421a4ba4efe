//! A P1 port behind an adapter: telegrams that come by themselves over TCP, or that are asked for over HTTP.

use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::simulator::Simulator;
use crate::simulate::fault::Line;

/// From one telegram to the next (DSMR 5.0.2, 5.1), in the time of the simulation.
const EVERY: Duration = Duration::from_secs(1);
/// Longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 4_096;
/// Where adapters answer: with a telegram as it is, and with its lines.
const TEXT: &str = "/api/v1/telegram";
const LINES: &str = "/telegram.json";

/// Sends telegrams to whoever connects.
pub async fn stream(simulator: &Simulator, listener: TcpListener) -> io::Result<()> {
    serve(simulator, listener, send).await
}

/// Answers requests with a telegram.
pub async fn http(simulator: &Simulator, listener: TcpListener) -> io::Result<()> {
    serve(simulator, listener, answer).await
}

async fn serve<F>(
    simulator: &Simulator,
    listener: TcpListener,
    attend: impl Fn(Simulator, DuplexStream) -> F,
) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    // Its clients are gone as soon as it is.
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let line = simulator.line(accepted?.0);
                clients.spawn(attend(simulator.clone(), line));
            }
            Some(_) = clients.join_next() => {}
        }
    }
}

async fn send(simulator: Simulator, mut line: DuplexStream) -> io::Result<()> {
    let mut unasked = [0; 64];
    loop {
        tokio::select! {
            () = simulator.clock().sleep(EVERY) => {
                if let Some(telegram) = telegram(&simulator) {
                    line.write_all(telegram.as_bytes()).await?;
                }
            }
            bytes = line.read(&mut unasked) => {
                if bytes? == 0 {
                    return Ok(());
                }
            }
        }
    }
}

/// HTTP/1.1 (RFC 9112) as far as adapters know it: one request after another, none with a body.
async fn answer(simulator: Simulator, mut line: DuplexStream) -> io::Result<()> {
    let mut head = Vec::new();
    let mut chunk = [0; 512];
    loop {
        let Some(end) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            let bytes = line.read(&mut chunk).await?;
            if bytes == 0 || head.len() + bytes > MAX_HEAD_BYTES {
                return Ok(());
            }
            head.extend(&chunk[..bytes]);
            continue;
        };
        let request = String::from_utf8_lossy(&head[..end]).into_owned();
        head.drain(..end + 4);
        let (status, kind, body) = respond(&simulator, &request);
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        line.write_all(answer.as_bytes()).await?;
    }
}

fn respond(simulator: &Simulator, request: &str) -> (&'static str, &'static str, String) {
    const PLAIN: &str = "text/plain";
    let mut words = request.split(' ');
    let (Some("GET"), Some(path @ (TEXT | LINES))) = (words.next(), words.next()) else {
        return ("404 Not Found", PLAIN, String::new());
    };
    match telegram(simulator) {
        None => ("503 Service Unavailable", PLAIN, String::new()),
        Some(telegram) if path == TEXT => ("200 OK", PLAIN, telegram),
        Some(telegram) => {
            let lines: Vec<&str> = telegram.lines().collect();
            let json = serde_json::json!({"data": lines});
            ("200 OK", "application/json", json.to_string())
        }
    }
}

/// The telegram of the moment; `None` while there is none to be had.
fn telegram(simulator: &Simulator) -> Option<String> {
    if simulator.has(Line::HalfOpen) {
        return None;
    }
    let (mut telegram, faults) = simulator.telegram()?;
    if faults.contains(&Line::Busy) {
        return None;
    }
    if faults.contains(&Line::Short) {
        // Without its last line but one, so that the checksum does not fit.
        let mut lines: Vec<&str> = telegram.lines().collect();
        lines.remove(lines.len().saturating_sub(2));
        telegram = lines.join("\r\n") + "\r\n";
    }
    Some(telegram)
}
