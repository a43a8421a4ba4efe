//! One node: listens, answers, and goes wrong when it is told to.

use super::log::Log;
use super::protocol::{
    AppendReq, AppendResp, ClusterInfo, Empty, EndPoint, MemberInfo, ReadEvent, ReadReq, ReadResp,
    Recorded, StreamNotFound, Success, SupportedMethods,
};
use super::security::Security;
use super::wire::{Answer, answer, messages, refuse};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::Request;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

const UNIMPLEMENTED: u8 = 12;
const UNAVAILABLE: u8 = 14;
const UNAUTHENTICATED: u8 = 16;

/// What becomes of the next append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Carried out, and the answer is lost.
    LostApplied,
    /// Lost on the way.
    LostUnapplied,
    /// No answer; it is carried out a moment later, if it still can be.
    LostAppliedLate,
    /// No answer; it is carried out behind the next read.
    LostAppliedBehindRead,
    /// Carried out, and never answered.
    Silent,
    /// "Not ready", and not carried out.
    Unavailable,
}

/// What becomes of the next read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFault {
    /// The answer breaks off behind so many events.
    DropsAfter(usize),
    /// A pause before each event.
    Slow(Duration),
    /// "Not ready".
    Unavailable,
    /// "Not with these credentials".
    Denied,
}

/// What the connections of a node share.
#[derive(Default)]
pub struct Node {
    pub log: Arc<Mutex<Log>>,
    pub faults: Mutex<VecDeque<Fault>>,
    pub read_faults: Mutex<VecDeque<ReadFault>>,
    /// Where the leader is, if that is another node.
    pub leader: Mutex<Option<SocketAddr>>,
    /// The last credentials that were shown.
    pub authorization: Mutex<Option<String>>,
    pub appends: Mutex<usize>,
    /// What it was asked at all.
    pub calls: Mutex<usize>,
    /// What happens behind the next read.
    pub late: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// None: in the clear, and open to everybody.
    pub security: Option<Arc<Security>>,
}

pub struct Double {
    pub address: SocketAddr,
    pub node: Arc<Node>,
    listening: Option<JoinHandle<()>>,
}

impl Double {
    pub async fn start() -> Self {
        Self::start_on(Arc::default()).await
    }

    /// With TLS, for those who know the password.
    pub async fn secured(security: Arc<Security>) -> Self {
        let node = Node {
            security: Some(security),
            ..Node::default()
        };
        Self::start_on(Arc::new(node)).await
    }

    /// A further node of the cluster that this one leads.
    pub async fn follower(&self) -> Self {
        let node = Node {
            log: self.node.log.clone(),
            leader: Mutex::new(Some(self.address)),
            security: self.node.security.clone(),
            ..Node::default()
        };
        Self::start_on(Arc::new(node)).await
    }

    async fn start_on(node: Arc<Node>) -> Self {
        let mut double = Self {
            address: ([127, 0, 0, 1], 0).into(),
            node,
            listening: None,
        };
        double.up().await;
        double
    }

    pub async fn up(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.address = listener.local_addr().unwrap();
        let (node, me) = (self.node.clone(), self.address);
        self.listening = Some(tokio::spawn(async move {
            // They end with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(connection(stream, node.clone(), me));
            }
        }));
    }

    /// Breaks all connections and takes no more.
    pub async fn down(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.abort();
            // It was told to.
            let _ = listening.await;
        }
    }

    pub fn url(&self) -> String {
        format!("esdb://{}?tls=false", self.address)
    }

    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.node.faults.lock().unwrap().extend(faults);
    }

    pub fn fail_reads(&self, faults: impl IntoIterator<Item = ReadFault>) {
        self.node.read_faults.lock().unwrap().extend(faults);
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        if let Some(listening) = &self.listening {
            listening.abort();
        }
    }
}

async fn connection(stream: TcpStream, node: Arc<Node>, me: SocketAddr) {
    let _ = stream.set_nodelay(true);
    let Some(security) = node.security.clone() else {
        return converse(stream, node, me).await;
    };
    // Who does not trust it goes away.
    if let Ok(stream) = security.acceptor.accept(stream).await {
        converse(stream, node, me).await;
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, node: Arc<Node>, me: SocketAddr) {
    let mut builder = h2::server::Builder::new();
    builder
        .initial_window_size(4 << 20)
        .initial_connection_window_size(16 << 20);
    let Ok(mut connection) = builder.handshake(stream).await else {
        return;
    };
    let mut calls = JoinSet::new();
    // The client leaves Nagle's algorithm on: the second packet of each request waits until the first one is
    // acknowledged, which takes 40 ms unless something goes back at once.
    let (called, mut pings) = (Arc::new(Notify::new()), connection.ping_pong().unwrap());
    let was_called = called.clone();
    calls.spawn(async move {
        loop {
            was_called.notified().await;
            if pings.ping(h2::Ping::opaque()).await.is_err() {
                return;
            }
        }
    });
    while let Some(Ok((request, respond))) = connection.accept().await {
        called.notify_one();
        calls.spawn(call(request, respond, node.clone(), me));
    }
}

async fn call(
    request: Request<RecvStream>,
    respond: SendResponse<Bytes>,
    node: Arc<Node>,
    me: SocketAddr,
) {
    let (head, body) = request.into_parts();
    let authorization = head.headers.get("authorization");
    let authorization = authorization.map(|value| value.to_str().unwrap());
    if let Some(authorization) = authorization {
        *node.authorization.lock().unwrap() = Some(authorization.to_owned());
    }
    *node.calls.lock().unwrap() += 1;
    if let Some(security) = &node.security
        && !security.admits(authorization, head.uri.path())
    {
        return refuse(respond, UNAUTHENTICATED, &[]);
    }
    let leader = *node.leader.lock().unwrap();
    if let Some(leader) = leader
        && head
            .headers
            .get("requires-leader")
            .is_some_and(|value| value == "true")
        && head.uri.path().starts_with("/event_store.client.streams.")
    {
        let headers = [
            ("exception", "not-leader".to_owned()),
            ("leader-endpoint-host", leader.ip().to_string()),
            ("leader-endpoint-port", leader.port().to_string()),
        ];
        return refuse(respond, UNAVAILABLE, &headers);
    }
    match head.uri.path() {
        "/event_store.client.server_features.ServerFeatures/GetSupportedMethods" => {
            let event_store_server_version = "24.10.0".to_owned();
            answer(
                respond,
                &SupportedMethods {
                    event_store_server_version,
                },
            );
        }
        "/event_store.client.gossip.Gossip/Read" => {
            let member = |address: SocketAddr, state| MemberInfo {
                state,
                is_alive: true,
                http_end_point: Some(EndPoint {
                    address: address.ip().to_string(),
                    port: address.port().into(),
                }),
            };
            let members = match leader {
                None => vec![member(me, 8)],
                Some(leader) => vec![member(me, 6), member(leader, 8)],
            };
            answer(respond, &ClusterInfo { members });
        }
        "/event_store.client.streams.Streams/Append" => append(body, respond, &node).await,
        "/event_store.client.streams.Streams/Read" => read(body, respond, &node).await,
        _ => refuse(respond, UNIMPLEMENTED, &[]),
    }
}

async fn append(body: RecvStream, mut respond: SendResponse<Bytes>, node: &Arc<Node>) {
    // Given up by the one who sent it.
    let Some(messages) = messages::<AppendReq>(body).await else {
        return;
    };
    *node.appends.lock().unwrap() += 1;
    let mut messages = messages.into_iter();
    let options = messages.next().unwrap().options.unwrap();
    let name = options.stream_identifier.unwrap().stream_name;
    assert!(
        options.revision.is_some() || options.no_stream.is_some(),
        "an append without an expected revision"
    );
    let events: Vec<_> = messages
        .map(|message| message.proposed_message.unwrap())
        .collect();
    let fault = node.faults.lock().unwrap().pop_front();
    let log = node.log.clone();
    let carry_out = move || log.lock().unwrap().append(&name, options.revision, events);
    match fault {
        None => {
            let response = match carry_out() {
                Ok(revision) => AppendResp {
                    success: Some(Success {
                        current_revision: Some(revision),
                        no_position: Some(Empty {}),
                    }),
                    wrong_expected_version: None,
                },
                Err(wrong) => AppendResp {
                    success: None,
                    wrong_expected_version: Some(wrong),
                },
            };
            answer(respond, &response);
        }
        Some(Fault::LostApplied) => {
            let _ = carry_out();
            respond.send_reset(Reason::INTERNAL_ERROR);
        }
        Some(Fault::LostUnapplied) => respond.send_reset(Reason::INTERNAL_ERROR),
        Some(Fault::LostAppliedLate) => {
            respond.send_reset(Reason::INTERNAL_ERROR);
            // Not a pace to be held: whenever it comes, the outcome has to be the same.
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(60)).await;
                let _ = carry_out();
            });
        }
        Some(Fault::LostAppliedBehindRead) => {
            *node.late.lock().unwrap() = Some(Box::new(move || {
                let _ = carry_out();
            }));
            respond.send_reset(Reason::INTERNAL_ERROR);
        }
        Some(Fault::Silent) => {
            let _ = carry_out();
            std::future::pending().await
        }
        Some(Fault::Unavailable) => refuse(respond, UNAVAILABLE, &[]),
    }
}

async fn read(body: RecvStream, respond: SendResponse<Bytes>, node: &Arc<Node>) {
    let Some(request) = messages::<ReadReq>(body).await else {
        return;
    };
    let options = request.into_iter().next().unwrap().options.unwrap();
    let stream = options.stream.clone().unwrap();
    let fault = node.read_faults.lock().unwrap().pop_front();
    match fault {
        Some(ReadFault::Unavailable) => return refuse(respond, UNAVAILABLE, &[]),
        Some(ReadFault::Denied) => return refuse(respond, UNAUTHENTICATED, &[]),
        _ => {}
    }
    let chosen = chosen(&node.log.lock().unwrap(), &options);
    let late = node.late.lock().unwrap().take();
    if let Some(late) = late {
        late();
    }
    let Some(mut answer) = Answer::begin(respond) else {
        return;
    };
    let Some((chosen, last)) = chosen else {
        let not_found = ReadResp {
            stream_not_found: Some(StreamNotFound {
                stream_identifier: stream.stream_identifier,
            }),
            ..ReadResp::default()
        };
        if answer.send(&not_found).is_some() {
            answer.end();
        }
        return;
    };
    for (index, event) in chosen.into_iter().enumerate() {
        match fault {
            Some(ReadFault::DropsAfter(count)) if index == count => return answer.reset(),
            Some(ReadFault::Slow(pause)) => tokio::time::sleep(pause).await,
            _ => {}
        }
        let event = ReadResp {
            event: Some(ReadEvent {
                event: Some(event),
                no_position: Some(Empty {}),
            }),
            ..ReadResp::default()
        };
        if answer.send(&event).is_none() {
            return;
        }
    }
    let last = ReadResp {
        last_stream_position: Some(last),
        ..ReadResp::default()
    };
    if answer.send(&last).is_some() {
        answer.end();
    }
}

/// The events asked for and the last revision; nothing where there is no such stream.
fn chosen(log: &Log, options: &super::protocol::ReadOptions) -> Option<(Vec<Recorded>, u64)> {
    let stream = options.stream.as_ref().unwrap();
    let name = &stream.stream_identifier.as_ref().unwrap().stream_name;
    let events = log.streams.get(name).filter(|events| !events.is_empty())?;
    let count = usize::try_from(options.count.unwrap()).unwrap_or(usize::MAX);
    let from = stream.revision.unwrap_or_default();
    let chosen = if options.read_direction == 0 {
        let behind = events
            .iter()
            .skip_while(|event| event.stream_revision < from);
        behind.take(count).cloned().collect()
    } else {
        assert!(
            stream.end.is_some(),
            "backwards is asked for from the end only"
        );
        events.iter().rev().take(count).cloned().collect()
    };
    Some((chosen, events.last()?.stream_revision))
}
