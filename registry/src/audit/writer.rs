//! One task that puts what waits into one append.

use super::flood::{Floods, Kind, merge};
use super::trail::lost;
use chrono::{SubsecRound, Utc};
use event_store::{AppendError, EventStore, NewEvent, StoreError};
use schemas::envelope::{Actor, Envelope};
use schemas::event::AuditEvent;
use schemas::event::audit::{
    ApiKeyUse, ApiKeysUsed, Attempt, AttemptsRecorded, Client, ClientsRecorded,
};
use schemas::id::UserId;
use schemas::log::{Position, StreamName};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

/// Messages put into one append.
const BATCH: usize = 1_024;
/// How long attempts of a flood, and addresses, are gathered.
const GATHERED: Duration = Duration::from_millis(100);
/// Gathered at most: then they are written at once.
const MOST_GATHERED: usize = 10_000;
/// How often an append is tried that other processes got in the way of.
const TRIES: u32 = 20;

/// What is to be recorded.
pub(super) enum Message {
    /// An attempt, and who waits until it is.
    Attempt(Box<Attempt>, Option<oneshot::Sender<()>>),
    /// Where commands came from.
    Client(Client),
    /// That an API key was used.
    Use(ApiKeyUse),
}

/// Told once an attempt is durable; dropped when it is lost.
type Waiting = Vec<oneshot::Sender<()>>;

/// What goes into one append.
#[derive(Default)]
struct Batch {
    attempts: Vec<Attempt>,
    clients: BTreeMap<(Option<IpAddr>, Option<UserId>), Vec<Uuid>>,
    uses: Vec<ApiKeyUse>,
    waiting: Waiting,
}

/// What is gathered for a while.
#[derive(Default)]
struct Gathered {
    attempts: HashMap<Kind, Attempt>,
    clients: BTreeMap<(Option<IpAddr>, Option<UserId>), Vec<Uuid>>,
    uses: Vec<ApiKeyUse>,
    waiting: Waiting,
    count: usize,
    /// When it is to be written.
    due: Option<Instant>,
}

pub(super) struct Writer {
    store: Arc<dyn EventStore>,
    stream: StreamName,
    queue: mpsc::Receiver<Message>,
    /// Where the stream ends, as far as is known.
    head: Option<Position>,
    floods: Floods,
    gathered: Gathered,
    is_away: bool,
}

impl Writer {
    pub(super) fn new(
        store: Arc<dyn EventStore>,
        stream: StreamName,
        queue: mpsc::Receiver<Message>,
    ) -> Self {
        Self {
            store,
            stream,
            queue,
            head: None,
            floods: Floods::default(),
            gathered: Gathered::default(),
            is_away: false,
        }
    }

    pub(super) async fn run(mut self, stopping: impl Future<Output = ()> + Send) {
        let mut stopping = pin!(stopping);
        let mut is_stopping = false;
        loop {
            let mut batch = Batch::default();
            let due = self.gathered.due;
            let ripe = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            let mut is_over = false;
            tokio::select! {
                message = self.queue.recv() => match message {
                    Some(message) => self.take(message, &mut batch),
                    None => is_over = true,
                },
                () = ripe => {}
                () = &mut stopping, if !is_stopping => {
                    is_stopping = true;
                    self.queue.close();
                }
            }
            for _ in 0..BATCH {
                let Ok(message) = self.queue.try_recv() else {
                    break;
                };
                self.take(message, &mut batch);
            }
            let is_ripe = due.is_some_and(|due| due <= Instant::now());
            if is_ripe || is_over || self.gathered.count >= MOST_GATHERED {
                std::mem::take(&mut self.gathered).into_batch(&mut batch);
            }
            self.write(batch).await;
            if is_over {
                return;
            }
        }
    }

    fn take(&mut self, message: Message, batch: &mut Batch) {
        match message {
            Message::Client(client) => self.gathered.client(client),
            Message::Use(one) => self.gathered.used(one),
            Message::Attempt(attempt, waiting) => {
                let kind = Kind::of(&attempt);
                if self.floods.is_flood(&kind, Instant::now()) {
                    self.gathered.attempt(kind, *attempt, waiting);
                } else {
                    batch.attempts.push(*attempt);
                    batch.waiting.extend(waiting);
                }
            }
        }
    }

    async fn write(&mut self, batch: Batch) {
        let attempts = batch.attempts.iter().map(|one| one.count).sum::<i64>();
        let attempts = u64::try_from(attempts).unwrap_or_default();
        let events = batch.events();
        if events.is_empty() {
            return;
        }
        match self.append(events).await {
            Ok(()) => {
                metrics::counter!("audit_attempts_total").increment(attempts);
                if std::mem::take(&mut self.is_away) {
                    tracing::info!("the audit trail can be written again");
                }
                for waiting in batch.waiting {
                    // Whoever waited may have gone away.
                    let _ = waiting.send(());
                }
            }
            Err(error) => {
                lost(attempts);
                self.head = None;
                if !std::mem::replace(&mut self.is_away, true) {
                    tracing::error!(%error, attempts, "the audit trail can not be written");
                }
            }
        }
    }

    /// Appends behind whatever is there, in as many appends as it takes: the order of entries decides nothing.
    async fn append(&mut self, events: Vec<NewEvent>) -> Result<(), Lost> {
        for part in self.store.limits().cut(events) {
            self.append_part(part).await?;
        }
        Ok(())
    }

    async fn append_part(&mut self, events: Vec<NewEvent>) -> Result<(), Lost> {
        let mut expected = match self.head {
            Some(head) => head,
            None => self.store.head(&self.stream).await?.position,
        };
        for _ in 0..TRIES {
            match self
                .store
                .append(&self.stream, expected, events.clone())
                .await
            {
                Ok(head) => {
                    self.head = Some(head.position);
                    return Ok(());
                }
                Err(AppendError::Conflict { actual, .. }) => expected = actual,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Lost::Crowded)
    }
}

/// Why entries are not in the trail.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("other processes were always faster")]
    Crowded,
}

impl Gathered {
    fn client(&mut self, client: Client) {
        self.count += client.command_ids.len();
        let whose = (client.address, client.user_id);
        self.clients
            .entry(whose)
            .or_default()
            .extend(client.command_ids);
        self.soon();
    }

    fn used(&mut self, one: ApiKeyUse) {
        self.count += 1;
        self.uses.push(one);
        self.soon();
    }

    fn attempt(&mut self, kind: Kind, attempt: Attempt, waiting: Option<oneshot::Sender<()>>) {
        self.count += 1;
        self.waiting.extend(waiting);
        self.attempts
            .entry(kind)
            .and_modify(|entry| merge(entry, &attempt))
            .or_insert(attempt);
        self.soon();
    }

    fn soon(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + GATHERED);
    }

    fn into_batch(self, batch: &mut Batch) {
        batch.attempts.extend(self.attempts.into_values());
        batch.clients = self.clients;
        batch.uses = self.uses;
        batch.waiting.extend(self.waiting);
    }
}

impl Batch {
    fn events(&self) -> Vec<NewEvent> {
        let mut events = Vec::new();
        for attempts in self.attempts.chunks(BATCH) {
            let attempts = attempts.to_vec();
            events.push(event(&AttemptsRecorded { attempts }.into()));
        }
        if !self.clients.is_empty() {
            let clients = self.clients.iter().map(|(whose, command_ids)| Client {
                address: whose.0,
                user_id: whose.1,
                command_ids: command_ids.clone(),
            });
            let clients = clients.collect();
            events.push(event(&ClientsRecorded { clients }.into()));
        }
        if !self.uses.is_empty() {
            let uses = self.uses.clone();
            events.push(event(&ApiKeysUsed { uses }.into()));
        }
        events
    }
}

fn event(event: &AuditEvent) -> NewEvent {
    let envelope = Envelope {
        recorded_at: Utc::now().trunc_subsecs(6),
        actor: Actor::System("audit".to_owned()),
        command_id: Uuid::now_v7(),
        correlation_id: Uuid::now_v7(),
        causation_id: None,
        idempotency: None,
        origin: None,
    };
    NewEvent {
        event_id: Uuid::now_v7(),
        event_type: Cow::Borrowed(event.event_type()),
        version: event.version(),
        data: event.encode(),
        metadata: serde_json::to_vec(&envelope)
            .expect("an envelope holds only strings and ids, which always serialise"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::flood::SINGLY;
    use super::super::trail::Trail;
    use super::*;
    use event_store::SqliteStore;
    use tempfile::TempDir;

    fn attempt(user: i64) -> Attempt {
        Attempt {
            at: Utc::now(),
            last_at: None,
            count: 1,
            actor: Some(Actor::User(UserId(user))),
            via: None,
            address: Some("192.0.2.1".parse().unwrap()),
            operation: "transfer_certificates".to_owned(),
            account_id: None,
            idempotency_key: None,
            target: None,
            code: Some("bundle_state".to_owned()),
            request_id: Uuid::now_v7(),
        }
    }

    async fn recorded(store: &SqliteStore, stream: &StreamName) -> (Vec<Attempt>, Vec<Client>) {
        let (mut attempts, mut clients) = (Vec::new(), Vec::new());
        for event in store.read(stream, Position::START, 10_000).await.unwrap() {
            match AuditEvent::decode(&event.event_type, event.version, &event.data).unwrap() {
                AuditEvent::AttemptsRecorded(event) => attempts.extend(event.attempts),
                AuditEvent::ClientsRecorded(event) => clients.extend(event.clients),
                AuditEvent::ApiKeysUsed(_) => {}
            }
        }
        (attempts, clients)
    }

    struct Written {
        store: Arc<SqliteStore>,
        stream: StreamName,
        _folder: TempDir,
    }

    fn written() -> Written {
        let folder = TempDir::new().unwrap();
        Written {
            store: Arc::new(SqliteStore::open(&folder.path().join("events.db")).unwrap()),
            stream: StreamName::audit("test").unwrap(),
            _folder: folder,
        }
    }

    #[tokio::test]
    async fn a_flood_is_counted_to_the_last_and_an_attempt_is_durable_when_it_is_recorded() {
        const FLOOD: usize = 3_000;
        let written = written();
        let never = std::future::pending();
        let (trail, writer) = Trail::new(written.store.clone(), written.stream.clone(), never);
        let writer = tokio::spawn(writer);
        trail.record(vec![attempt(2)]).await;
        assert_eq!(recorded(&written.store, &written.stream).await.0.len(), 1);
        let flood = (0..FLOOD).map(|_| trail.record(vec![attempt(1)]));
        futures_util::future::join_all(flood).await;
        let (attempts, _) = recorded(&written.store, &written.stream).await;
        let of_flood = attempts.iter().filter(|one| one.actor == attempt(1).actor);
        let counts: Vec<_> = of_flood.map(|one| one.count).collect();
        assert_eq!(counts.iter().sum::<i64>(), i64::try_from(FLOOD).unwrap());
        assert!(
            counts.len() > SINGLY as usize && counts.len() < FLOOD / 10,
            "{counts:?}"
        );
        drop(trail);
        writer.await.unwrap();
    }

    #[tokio::test]
    async fn who_is_refused_is_answered_when_the_event_store_is_away() {
        let written = written();
        let never = std::future::pending();
        let (trail, writer) = Trail::new(written.store.clone(), written.stream.clone(), never);
        let writer = tokio::spawn(writer);
        written.store.close().await;
        trail.record(vec![attempt(1)]).await;
        trail.record(vec![attempt(1)]).await;
        drop(trail);
        writer.await.unwrap();
    }

    #[tokio::test]
    async fn two_processes_write_one_trail_and_what_waits_at_the_end_is_written() {
        let written = written();
        let (stop, stopping) = oneshot::channel::<()>();
        let stopping = async move { drop(stopping.await) };
        let (one, first) = Trail::new(written.store.clone(), written.stream.clone(), stopping);
        let never = std::future::pending();
        let (other, second) = Trail::new(written.store.clone(), written.stream.clone(), never);
        let (first, second) = (tokio::spawn(first), tokio::spawn(second));
        for user in 0..10 {
            one.record(vec![attempt(user)]).await;
            other.record(vec![attempt(user)]).await;
        }
        let command = Uuid::now_v7();
        one.came_from(Client {
            address: Some("192.0.2.9".parse().unwrap()),
            user_id: None,
            command_ids: vec![command],
        });
        stop.send(()).unwrap();
        first.await.unwrap();
        drop(other);
        second.await.unwrap();
        let (attempts, clients) = recorded(&written.store, &written.stream).await;
        assert_eq!(attempts.len(), 20);
        assert_eq!(clients[0].command_ids, [command]);
    }
}
