//! Histories: commands decided on an in-memory state and appended, so that the log is one the registry
//! could have written.

use chrono::{DateTime, TimeDelta, Utc};
use event_store::{EventStore, NewEvent};
use ledger::{Changes, Command, Context, Key, Policy, Recorded, Refusal, Slot, Stream};
use schemas::envelope::{Actor, Envelope, Idempotency, Origin};
use schemas::event::LedgerEvent;
use schemas::id::UserId;
use schemas::log::{Position, StreamName};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// The domain of every history.
pub const DOMAIN: &str = "test";

/// A ledger in memory, and the log of what was decided on it.
pub struct History {
    pub store: Arc<dyn EventStore>,
    pub state: HashMap<Key, Slot>,
    pub now: DateTime<Utc>,
    heads: [Position; 2],
    /// Events that were decided and not yet appended.
    waiting: [Vec<NewEvent>; 2],
    commands: u64,
}

impl History {
    /// An empty ledger. `store` must be empty too.
    pub fn new(store: Arc<dyn EventStore>) -> Self {
        Self {
            store,
            state: HashMap::new(),
            now: "2025-06-01T00:00:00.000001Z"
                .parse()
                .expect("a constant that is a time"),
            heads: [Position::START; 2],
            waiting: [Vec::new(), Vec::new()],
            commands: 0,
        }
    }

    /// Position of the last event decided.
    pub fn head(&self, stream: Stream) -> Position {
        self.heads[stream as usize]
    }

    /// Decides the command and keeps its events for the next [`History::flush`]. Every third command has
    /// an idempotency key.
    pub fn decide(&mut self, command: &Command) -> Result<ledger::Decision, Refusal> {
        self.commands += 1;
        self.now += TimeDelta::milliseconds(1);
        let stream = command.stream();
        let as_of = self.head(stream);
        loop {
            let missing: Vec<_> = ledger::needed(&self.state, command)
                .into_iter()
                .filter(|key| !self.state.contains_key(key))
                .collect();
            if missing.is_empty() {
                break;
            }
            let absent = Slot { entry: None, as_of };
            self.state
                .extend(missing.into_iter().map(|key| (key, absent.clone())));
        }
        let context = Context {
            now: self.now,
            requested_at: self.now,
            actor: Actor::User(UserId(1)),
            policy: Policy::default(),
        };
        let decision = ledger::decide(&self.state, command, &context)?;
        let idempotency = self.commands.is_multiple_of(3).then(|| Idempotency {
            key: Uuid::from_u64_pair(1, self.commands),
            request: Uuid::from_u64_pair(2, self.commands),
        });
        let envelope = Envelope {
            recorded_at: self.now,
            actor: context.actor,
            command_id: Uuid::from_u64_pair(3, self.commands),
            correlation_id: Uuid::from_u64_pair(4, self.commands),
            causation_id: None,
            idempotency,
            origin: None,
        };
        let first = Envelope {
            origin: Some(Origin {
                operation: command.name().into(),
                via: None,
                account_id: None,
            }),
            ..envelope.clone()
        };
        let further = std::iter::repeat(&envelope);
        for (event, envelope) in decision
            .events
            .iter()
            .zip(std::iter::once(&first).chain(further))
        {
            self.keep(stream, event, envelope);
        }
        Ok(decision)
    }

    /// Keeps an event of the ledger as an older program wrote it.
    pub fn tell(&mut self, event: impl Into<LedgerEvent>) {
        self.commands += 1;
        let envelope = Envelope {
            recorded_at: self.now,
            actor: Actor::User(UserId(1)),
            command_id: Uuid::from_u64_pair(3, self.commands),
            correlation_id: Uuid::from_u64_pair(4, self.commands),
            causation_id: None,
            idempotency: None,
            origin: None,
        };
        self.keep(Stream::Ledger, &event.into().into(), &envelope);
    }

    fn keep(&mut self, stream: Stream, event: &ledger::Event, envelope: &Envelope) {
        let position = self.head(stream).plus(1);
        self.heads[stream as usize] = position;
        self.apply(event, position, envelope.idempotency);
        self.waiting[stream as usize].push(NewEvent {
            event_id: Uuid::from_u64_pair(
                5 + stream as u64,
                u64::try_from(position.0).expect("positions are not negative"),
            ),
            event_type: event.event_type().into(),
            version: event.version(),
            data: event.encode(),
            metadata: serde_json::to_vec(envelope).expect("an envelope is JSON"),
        });
    }

    fn apply(
        &mut self,
        event: &ledger::Event,
        position: Position,
        idempotency: Option<Idempotency>,
    ) {
        let recorded = Recorded {
            position,
            idempotency,
            event,
        };
        for key in ledger::touched(&recorded) {
            self.state.entry(key).or_insert(Slot {
                entry: None,
                as_of: position.plus(-1),
            });
        }
        let mut changes = Changes::on(&self.state);
        ledger::apply(&mut changes, &recorded).expect("what is touched is in the state");
        let changed = changes.into_changed();
        self.state.extend(changed);
    }

    /// Appends what was decided.
    pub async fn flush(&mut self) -> anyhow::Result<()> {
        for stream in Stream::OF_STATE {
            let events = std::mem::take(&mut self.waiting[stream as usize]);
            let count = i64::try_from(events.len())?;
            let mut at = self.head(stream).plus(-count);
            let mut events = events.into_iter().peekable();
            while events.peek().is_some() {
                let some: Vec<_> = events.by_ref().take(1000).collect();
                at = self.store.append(&name(stream), at, some).await?.position;
            }
        }
        Ok(())
    }

    /// Decides and appends.
    pub async fn record(&mut self, command: &Command) -> anyhow::Result<ledger::Decision> {
        let decision = self
            .decide(command)
            .map_err(|refusal| anyhow::anyhow!("{command:?} was refused: {refusal:?}"))?;
        self.flush().await?;
        Ok(decision)
    }
}

/// The name of a history's stream.
pub fn name(stream: Stream) -> StreamName {
    stream.name(DOMAIN).expect("a constant that is a domain")
}
