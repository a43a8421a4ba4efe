//! A registry that misbehaves as it is told to, in this process. What it takes it checks as a registry does.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use flate2::read::GzDecoder;
use schemas::gateway::api::SubmitEnvelopes;
use schemas::gateway::jws::{hash, parse};
use schemas::gateway::{MeterReadings, PublicKey, Reading};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::io::Read;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// What it does with a request.
#[derive(Debug, Clone)]
pub enum Act {
    /// Answers this status, with these headers.
    Status(u16, &'static str),
    /// Answers this status and text, as no registry does.
    Page(u16, &'static str),
    /// Takes it and closes the connection instead of answering.
    LoseAnswer,
    /// Closes the connection without having read it.
    Cut,
    /// Takes it and never answers.
    Hang,
    /// Answers 200 with something else.
    Nonsense,
    /// Refuses requests of more bytes, unpacked.
    TooLarge(usize),
    /// Refuses the first envelope with this code.
    Refuse(&'static str, Value),
    /// Has forgotten all of the device's envelopes from this one on.
    Forget(i64, i64),
}

#[derive(Default)]
pub struct Held {
    pub acts: VecDeque<Act>,
    /// Per device: the envelopes it has.
    pub envelopes: HashMap<i64, Vec<String>>,
    pub requests: u32,
}

/// The registry.
#[derive(Clone)]
pub struct Server {
    pub held: Arc<Mutex<Held>>,
    key: PublicKey,
    pub port: u16,
}

impl Server {
    pub async fn start(key: PublicKey) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self::new(key, listener.local_addr().unwrap().port());
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        server
    }

    pub fn new(key: PublicKey, port: u16) -> Self {
        Self {
            held: Arc::default(),
            key,
            port,
        }
    }

    pub fn will(&self, acts: impl IntoIterator<Item = Act>) {
        self.held.lock().unwrap().acts.extend(acts);
    }

    pub fn requests(&self) -> u32 {
        self.held.lock().unwrap().requests
    }

    /// The readings it has of a device, in the order of the envelopes.
    pub fn readings(&self, device: i64) -> Vec<Reading> {
        let held = self.held.lock().unwrap();
        let envelopes = held.envelopes.get(&device).into_iter().flatten();
        let payloads = envelopes.map(|one| parse::<MeterReadings>(one, 1 << 20).unwrap().payload);
        payloads.flat_map(|payload| payload.readings).collect()
    }

    pub fn envelopes(&self, device: i64) -> usize {
        self.held
            .lock()
            .unwrap()
            .envelopes
            .get(&device)
            .map_or(0, Vec::len)
    }

    /// Answers requests of a connection until it ends.
    pub async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        while let Some(body) = request(&mut stream).await {
            let act = {
                let mut held = self.held.lock().unwrap();
                held.requests += 1;
                held.acts.pop_front()
            };
            let mut text = Vec::new();
            GzDecoder::new(&body[..]).read_to_end(&mut text).unwrap();
            let answer = match act {
                Some(Act::Cut) => return,
                Some(Act::Status(status, headers)) => Some((status, headers, problem("not_now"))),
                Some(Act::Page(status, text)) => Some((status, "", json!(text))),
                Some(Act::TooLarge(limit)) if text.len() > limit => {
                    Some((413, "", problem("too_large")))
                }
                Some(Act::LoseAnswer) => {
                    self.take(&text, None);
                    return;
                }
                Some(Act::Hang) => {
                    self.take(&text, None);
                    std::future::pending().await
                }
                Some(Act::Nonsense) => Some((200, "", json!({"receipts": "none"}))),
                Some(Act::Forget(device, from)) => {
                    let mut held = self.held.lock().unwrap();
                    let envelopes = held.envelopes.entry(device).or_default();
                    envelopes.truncate(usize::try_from(from - 1).unwrap());
                    None
                }
                Some(Act::Refuse(code, more)) => {
                    Some((200, "", self.take(&text, Some((code, more)))))
                }
                None | Some(Act::TooLarge(_)) => None,
            };
            let (status, headers, body) =
                answer.unwrap_or_else(|| (200, "", self.take(&text, None)));
            let body = match body {
                Value::String(page) => page,
                body => body.to_string(),
            };
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n");
            if stream.write_all((head + &body).as_bytes()).await.is_err() {
                return;
            }
        }
    }

    fn take(&self, body: &[u8], refuse: Option<(&str, Value)>) -> Value {
        let batch: SubmitEnvelopes = serde_json::from_slice(body).unwrap();
        let mut held = self.held.lock().unwrap();
        let mut receipts = Vec::new();
        for (index, compact) in batch.envelopes.iter().enumerate() {
            let verdict = match &refuse {
                Some((code, more)) if index == 0 => {
                    let mut refused =
                        json!({"status": "refused", "code": code, "detail": "as told"});
                    refused
                        .as_object_mut()
                        .unwrap()
                        .extend(more.as_object().unwrap().clone());
                    refused
                }
                _ => decide(&self.key, &mut held.envelopes, compact),
            };
            let mut receipt = json!({
                "index": index, "device_id": null, "sequence": null, "code": null, "detail": null,
                "expected_sequence": null, "retry_after_s": null, "position": null,
                "accepted_readings": 0, "repeated_readings": 0, "refused_readings": [],
                "doubtful_readings": 0, "issued_bundles": 0, "issued_wh": 0,
            });
            receipt
                .as_object_mut()
                .unwrap()
                .extend(verdict.as_object().unwrap().clone());
            receipts.push(receipt);
        }
        json!({"receipts": receipts})
    }
}

fn decide(key: &PublicKey, envelopes: &mut HashMap<i64, Vec<String>>, compact: &str) -> Value {
    let refused = |code: &str| json!({"status": "refused", "code": code, "detail": code});
    let parsed = parse::<MeterReadings>(compact, 1 << 20).unwrap();
    if parsed.header.kid != key.key_id() {
        return refused("gateway_key_unknown");
    }
    let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.to_bytes().unwrap()).unwrap();
    public
        .verify_sig(parsed.signing_input, &parsed.signature)
        .unwrap();
    parsed.payload.check().unwrap();
    let stream = envelopes.entry(parsed.payload.device_id.0).or_default();
    let sequence = usize::try_from(parsed.payload.sequence).unwrap();
    if sequence <= stream.len() {
        return if stream[sequence - 1] == compact {
            json!({"status": "repeated"})
        } else {
            refused("envelope_replayed")
        };
    }
    if sequence > stream.len() + 1 {
        let mut gap = refused("sequence_gap");
        gap["expected_sequence"] = json!(stream.len() + 1);
        return gap;
    }
    if parsed.payload.previous != stream.last().map(|last| hash(last)) {
        return refused("envelope_chain_broken");
    }
    stream.push(compact.to_owned());
    json!({"status": "accepted"})
}

fn problem(code: &str) -> Value {
    json!({"code": code, "detail": format!("this is {code}")})
}

/// The body of the next request of a connection.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    assert!(
        head.starts_with("post /base/gateway/events http/1.1"),
        "{head}"
    );
    assert!(head.contains("content-encoding: gzip"), "{head}");
    let length = head
        .split("content-length: ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}
