//! What goes into the trail together, and the events that it becomes.

use super::flood::{Kind, merge};
use chrono::{SubsecRound, Utc};
use event_store::{EventStore, NewEvent};
use schemas::envelope::{Actor, Envelope};
use schemas::event::AuditEvent;
use schemas::event::audit::{
    ApiKeyUse, ApiKeysUsed, Attempt, AttemptsRecorded, Client, ClientsRecorded,
};
use schemas::id::UserId;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

/// Entries of one event at most.
const ENTRIES: usize = 1_024;
/// Commands of one client in one entry at most.
const COMMANDS: usize = 1_000;
/// How long attempts of a flood, and addresses, are gathered.
const GATHERED: Duration = Duration::from_millis(100);

/// Told once an attempt is durable; dropped when it is lost.
pub(super) type Waiting = Vec<oneshot::Sender<()>>;

/// What is written at once.
#[derive(Default)]
pub(super) struct Batch {
    pub attempts: Vec<Attempt>,
    pub clients: Vec<Client>,
    pub uses: Vec<ApiKeyUse>,
    pub waiting: Waiting,
}

/// What is gathered for a while.
#[derive(Default)]
pub(super) struct Gathered {
    attempts: HashMap<Kind, Attempt>,
    clients: BTreeMap<(Option<IpAddr>, Option<UserId>), Vec<Uuid>>,
    uses: Vec<ApiKeyUse>,
    waiting: Waiting,
    pub count: usize,
    /// When it is to be written.
    pub due: Option<Instant>,
}

impl Gathered {
    pub fn client(&mut self, client: Client) {
        self.count += client.command_ids.len();
        let whose = (client.address, client.user_id);
        self.clients
            .entry(whose)
            .or_default()
            .extend(client.command_ids);
        self.soon();
    }

    pub fn used(&mut self, one: ApiKeyUse) {
        self.count += 1;
        self.uses.push(one);
        self.soon();
    }

    pub fn attempt(&mut self, kind: Kind, attempt: Attempt, waiting: Option<oneshot::Sender<()>>) {
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

    pub fn into_batch(self, batch: &mut Batch) {
        batch.attempts.extend(self.attempts.into_values());
        batch.clients = clients(self.clients);
        batch.uses = self.uses;
        batch.waiting.extend(self.waiting);
    }
}

/// An entry each, or several of those who asked for more commands than an entry holds.
fn clients(gathered: BTreeMap<(Option<IpAddr>, Option<UserId>), Vec<Uuid>>) -> Vec<Client> {
    let mut clients = Vec::with_capacity(gathered.len());
    for ((address, user_id), command_ids) in gathered {
        clients.extend(command_ids.chunks(COMMANDS).map(|command_ids| Client {
            address,
            user_id,
            command_ids: command_ids.to_vec(),
        }));
    }
    clients
}

impl Batch {
    /// Attempts in it, those that share an entry each counted.
    pub fn attempts(&self) -> u64 {
        let attempts = self.attempts.iter().map(|one| one.count).sum::<i64>();
        u64::try_from(attempts).unwrap_or_default()
    }

    /// Commands whose addresses are in it.
    pub fn commands(&self) -> u64 {
        self.clients
            .iter()
            .map(|client| client.command_ids.len() as u64)
            .sum()
    }

    /// The events of it, none larger than `store` takes.
    pub fn events(&self, store: &dyn EventStore) -> Vec<NewEvent> {
        let mut events = Vec::new();
        let attempts = |attempts| AttemptsRecorded { attempts }.into();
        fill(&mut events, store, &self.attempts, attempts);
        let clients = |clients| ClientsRecorded { clients }.into();
        fill(&mut events, store, &self.clients, clients);
        let uses = |uses| ApiKeysUsed { uses }.into();
        fill(&mut events, store, &self.uses, uses);
        events
    }
}

/// Adds events of as many entries as fit: halved until they do.
fn fill<T: Clone>(
    events: &mut Vec<NewEvent>,
    store: &dyn EventStore,
    entries: &[T],
    make: impl Fn(Vec<T>) -> AuditEvent + Copy,
) {
    let limits = store.limits();
    let most = limits.event_bytes.min(limits.append_bytes);
    for chunk in entries.chunks(ENTRIES) {
        let event = event(&make(chunk.to_vec()));
        if chunk.len() == 1 || store.size(&event) <= most {
            events.push(event);
            continue;
        }
        let (first, second) = chunk.split_at(chunk.len() / 2);
        fill(events, store, first, make);
        fill(events, store, second, make);
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
