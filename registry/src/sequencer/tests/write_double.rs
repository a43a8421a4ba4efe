//! A WRITE database in memory that lags, stops, fails, goes back or is rebuilt when the test says so.

use crate::sequencer::{Loaded, SourceError, StateSource};
use event_store::EventStore;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ledger::{Changes, Entries, Event, Key, Recorded, Slot, Stream};
use schemas::envelope::Envelope;
use schemas::log::{Position, RunningHash, StreamName};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

#[derive(Clone, Default)]
struct State {
    entries: HashMap<Key, Slot>,
    position: Position,
    hash: RunningHash,
}

pub struct WriteDouble {
    store: Arc<dyn EventStore>,
    name: StreamName,
    state: Mutex<State>,
    backup: Mutex<State>,
    absent: std::sync::atomic::AtomicBool,
    checkpoint: watch::Sender<Position>,
}

struct Complete<'a>(&'a HashMap<Key, Slot>, &'a Slot);

impl Entries for Complete<'_> {
    fn slot(&self, key: &Key) -> Option<&Slot> {
        Some(self.0.get(key).unwrap_or(self.1))
    }
}

impl WriteDouble {
    pub fn new(store: Arc<dyn EventStore>, name: StreamName) -> Arc<Self> {
        Arc::new(Self {
            store,
            name,
            state: Mutex::default(),
            backup: Mutex::default(),
            absent: false.into(),
            checkpoint: watch::Sender::new(Position::START),
        })
    }

    /// Projects up to `limit` more events.
    pub async fn project(&self, limit: usize) {
        let after = self.state.lock().unwrap().position;
        let stored = self.store.read(&self.name, after, limit).await.unwrap();
        let mut state = self.state.lock().unwrap();
        if state.position != after {
            return;
        }
        for one in &stored {
            let event =
                Event::decode(Stream::Ledger, &one.event_type, one.version, &one.data).unwrap();
            let envelope: Envelope = serde_json::from_slice(&one.metadata).unwrap();
            let recorded = Recorded {
                position: one.position,
                idempotency: envelope.idempotency,
                event: &event,
            };
            let nothing = Slot {
                entry: None,
                as_of: Position::START,
            };
            let changed = {
                let base = Complete(&state.entries, &nothing);
                let mut changes = Changes::on(&base);
                ledger::apply(&mut changes, &recorded).unwrap();
                changes.into_changed()
            };
            state.entries.extend(changed);
            state.position = one.position;
            state.hash = one.hash;
        }
        self.checkpoint.send_replace(state.position);
    }

    /// Takes a backup.
    pub fn back_up(&self) {
        *self.backup.lock().unwrap() = self.state.lock().unwrap().clone();
    }

    /// Goes back to the backup.
    pub fn restore(&self) {
        let old = self.backup.lock().unwrap().clone();
        self.checkpoint.send_replace(old.position);
        *self.state.lock().unwrap() = old;
    }

    /// Is absent from here on, or back.
    pub fn set_absent(&self, absent: bool) {
        self.absent
            .store(absent, std::sync::atomic::Ordering::SeqCst);
    }

    /// Every entry as projected, by key.
    pub fn entries(&self) -> HashMap<Key, Option<ledger::Entry>> {
        let state = self.state.lock().unwrap();
        state
            .entries
            .iter()
            .map(|(key, slot)| (*key, slot.entry.clone()))
            .collect()
    }
}

impl StateSource for WriteDouble {
    fn load<'a>(
        &'a self,
        _: Stream,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Loaded, SourceError>> {
        async move {
            tokio::task::yield_now().await;
            if self.absent.load(std::sync::atomic::Ordering::SeqCst) {
                return Err(SourceError("absent".into()));
            }
            let state = self.state.lock().unwrap();
            let slots = keys
                .iter()
                .map(|key| {
                    let entry = state.entries.get(key).and_then(|slot| slot.entry.clone());
                    (
                        *key,
                        Slot {
                            entry,
                            as_of: state.position,
                        },
                    )
                })
                .collect();
            Ok(Loaded {
                slots,
                checkpoint: state.position,
                hash: state.hash,
            })
        }
        .boxed()
    }

    fn checkpoint(&self, _: Stream) -> watch::Receiver<Position> {
        self.checkpoint.subscribe()
    }
}
