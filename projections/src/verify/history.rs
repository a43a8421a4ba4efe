//! What must hold of the log itself: I5, and of I1 that no command took effect twice.

use super::report::{AuditReport, Invariant};
use crate::Error;
use crate::checkpoint::Checkpoint;
use event_store::{EventStore, RecordedEvent};
use ledger::Stream;
use schemas::envelope::Envelope;
use schemas::log::StreamName;
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

/// Events read at once.
const BATCH_EVENTS: usize = 4096;

/// More findings than anybody reads.
const MAX_FINDINGS: usize = 100;

#[derive(Default)]
struct Found {
    gaps: Vec<String>,
    repeated: Vec<String>,
}

/// Reads all streams to their ends.
pub(super) async fn audit(
    store: &Arc<dyn EventStore>,
    domain: &str,
    report: &mut AuditReport,
    mut tell: impl FnMut(i64),
) -> Result<(), Error> {
    let mut found = Found::default();
    for stream in Stream::ALL {
        let name = stream.name(domain)?;
        let mut chain = Chain::new(&name);
        loop {
            let batch = store.read(&name, chain.last.position, BATCH_EVENTS).await?;
            if batch.is_empty() {
                break;
            }
            tell(i64::try_from(batch.len()).unwrap_or_default());
            for event in &batch {
                chain.follow(event, &mut found);
            }
        }
    }
    found.gaps.truncate(MAX_FINDINGS);
    found.repeated.truncate(MAX_FINDINGS);
    report.add(Invariant::Gapless, None, found.gaps);
    report.add(Invariant::Acknowledged, None, found.repeated);
    Ok(())
}

struct Chain<'a> {
    name: &'a StreamName,
    last: Checkpoint,
    /// Of the last event.
    command: Option<Uuid>,
    key: Option<Uuid>,
    commands: HashSet<Uuid>,
    keys: HashSet<Uuid>,
}

impl<'a> Chain<'a> {
    fn new(name: &'a StreamName) -> Self {
        Self {
            name,
            last: Checkpoint::START,
            command: None,
            key: None,
            commands: HashSet::new(),
            keys: HashSet::new(),
        }
    }

    fn follow(&mut self, event: &RecordedEvent, found: &mut Found) {
        let name = self.name;
        if event.position != self.last.position.plus(1) {
            found.gaps.push(format!(
                "stream {name} goes on at position {} after {}",
                event.position, self.last.position
            ));
        } else if event.hash != event.hash_after(self.last.hash) {
            found.gaps.push(format!(
                "stream {name}, position {}: the running hash does not follow from the event",
                event.position
            ));
        }
        self.last = Checkpoint {
            position: event.position,
            hash: event.hash,
        };
        let Ok(envelope) = serde_json::from_slice::<Envelope>(&event.metadata) else {
            found.gaps.push(format!(
                "stream {name}, position {}: the envelope does not parse",
                event.position
            ));
            return;
        };
        // The events of a command stand together; one that comes again was applied twice.
        let key = envelope.idempotency.map(|idempotency| idempotency.key);
        if self.command != Some(envelope.command_id) && !self.commands.insert(envelope.command_id) {
            found.repeated.push(format!(
                "stream {name}, position {}: command {} took effect before",
                event.position, envelope.command_id
            ));
        }
        if let Some(key) = key
            && self.key != Some(key)
            && !self.keys.insert(key)
        {
            found.repeated.push(format!(
                "stream {name}, position {}: the request with idempotency key {key} took effect before",
                event.position
            ));
        }
        self.command = Some(envelope.command_id);
        self.key = key;
    }
}
