//! Events on their way into a database: decoded, and cut into chunks of about equal work.

use crate::checkpoint::Checkpoint;
use crate::read::Origin;
use crate::{Error, EventError};
use event_store::RecordedEvent;
use ledger::{Event, Recorded, Stream};
use schemas::envelope::Envelope;
use schemas::event::issuance::BundlesIssued;
use schemas::event::reading::Run;
use schemas::event::{AuditEvent, LedgerEvent};
use schemas::log::{Position, StreamName};

/// A decoded event with what surrounds it.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub position: Position,
    pub envelope: Envelope,
    pub event: Event,
    /// Hash of each bundle of an issuance, in order; empty where nobody asked for them.
    pub bundle_hashes: Vec<[u8; 32]>,
}

impl Decoded {
    pub(crate) fn recorded(&self) -> Recorded<'_> {
        Recorded {
            position: self.position,
            idempotency: self.envelope.idempotency,
            event: &self.event,
        }
    }
}

/// Consecutive events of one stream, to be applied in one transaction.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub stream: Stream,
    pub events: Vec<Decoded>,
    /// Where the stream stands after the last event.
    pub head: Checkpoint,
    pub size: Size,
}

/// How much work events are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Number of events.
    pub events: u64,
    /// Bundles issued and bundles acted on.
    pub bundles: u64,
    /// Readings, bundles and parts of actions; at least one per event.
    pub rows: u64,
}

impl std::ops::AddAssign for Size {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.bundles += other.bundles;
        self.rows += other.rows;
    }
}

impl Size {
    fn of(event: &Event) -> Self {
        let amounts = |runs: &[Run]| runs.iter().map(|run| run.wh.len() as u64).sum::<u64>();
        let (bundles, rows) = match event {
            Event::Ledger(LedgerEvent::ReadingsAccepted(event)) => (0, amounts(&event.runs)),
            Event::Ledger(LedgerEvent::BundlesIssued(event)) => {
                (amounts(&event.runs), amounts(&event.runs))
            }
            Event::Ledger(LedgerEvent::BundlesActed(action)) => {
                let parts = action.parts.len() as u64;
                (parts, parts)
            }
            Event::Ledger(LedgerEvent::StorageRecordsAccepted(event)) => (0, amounts(&event.runs)),
            Event::Ledger(LedgerEvent::StorageRecordsWithdrawn(event)) => {
                (0, event.records.len() as u64)
            }
            Event::Ledger(LedgerEvent::StorageAllocated(event)) => {
                // Three rows each: the allocation and its two records.
                (0, 3 * event.allocations().count() as u64)
            }
            Event::Ledger(LedgerEvent::StorageCertificatesIssued(event)) => {
                let sources = event.sources().count() as u64;
                (sources, 2 * sources)
            }
            Event::Ledger(LedgerEvent::DebtPaid(paid)) => (0, paid.parts.len() as u64),
            Event::Audit(AuditEvent::AttemptsRecorded(event)) => (0, event.attempts.len() as u64),
            Event::Audit(AuditEvent::ApiKeysUsed(event)) => (0, event.uses.len() as u64),
            Event::Audit(AuditEvent::ClientsRecorded(event)) => {
                let clients = event.clients.iter();
                (0, clients.map(|one| one.command_ids.len() as u64).sum())
            }
            Event::Ledger(LedgerEvent::BundlesImported(event)) => {
                let bundles = event.count() as u64;
                (bundles, bundles)
            }
            _ => (0, 1),
        };
        Self {
            events: 1,
            bundles,
            rows: rows.max(1),
        }
    }
}

impl Chunk {
    /// Appends the chunk that follows this one in its stream.
    pub(crate) fn extend(&mut self, next: Self) {
        self.events.extend(next.events);
        self.head = next.head;
        self.size += next.size;
    }

    /// Decodes recorded events and cuts them into chunks of at least `rows` rows, except the last.
    /// `hashes` asks for the hashes of issued bundles.
    pub(crate) fn cut(
        stream: Stream,
        name: &StreamName,
        recorded: Vec<RecordedEvent>,
        rows: u64,
        hashes: bool,
    ) -> Result<Vec<Self>, Error> {
        let mut chunks: Vec<Self> = Vec::new();
        for event in recorded {
            let head = Checkpoint {
                position: event.position,
                hash: event.hash,
            };
            let decoded = decode(stream, event, hashes).map_err(|source| Error::Event {
                stream: name.clone(),
                position: head.position,
                source,
            })?;
            let size = Size::of(&decoded.event);
            match chunks.last_mut() {
                Some(last) if last.size.rows < rows => {
                    last.events.push(decoded);
                    last.head = head;
                    last.size += size;
                }
                _ => chunks.push(Self {
                    stream,
                    events: vec![decoded],
                    head,
                    size,
                }),
            }
        }
        Ok(chunks)
    }
}

fn decode(stream: Stream, recorded: RecordedEvent, hashes: bool) -> Result<Decoded, EventError> {
    let event = Event::decode(
        stream,
        &recorded.event_type,
        recorded.version,
        &recorded.data,
    )?;
    let envelope: Envelope =
        serde_json::from_slice(&recorded.metadata).map_err(EventError::Envelope)?;
    let bundle_hashes = match &event {
        Event::Ledger(LedgerEvent::BundlesIssued(issued)) if hashes => hashes_of(issued, &envelope),
        _ => Vec::new(),
    };
    Ok(Decoded {
        position: recorded.position,
        envelope,
        event,
        bundle_hashes,
    })
}

fn hashes_of(issued: &BundlesIssued, envelope: &Envelope) -> Vec<[u8; 32]> {
    let origin = Origin::of(issued, envelope);
    issued
        .bundles()
        .map(|bundle| origin.hash(bundle.start, bundle.end, bundle.interval, None))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use schemas::event::reading::{ReadingsAccepted, Run};
    use schemas::id::{AccountId, DeviceId, MeasurementId};
    use schemas::log::RunningHash;
    use schemas::{WattHours, envelope::Actor};

    fn recorded(position: i64, readings: usize) -> RecordedEvent {
        let event = LedgerEvent::from(ReadingsAccepted {
            device_id: DeviceId(1),
            account_id: AccountId(1),
            meter_id: None,
            first_measurement_id: MeasurementId(1),
            gross_net_indicator: "NET".into(),
            runs: vec![Run {
                start: "2025-01-01T00:00:00Z".parse().unwrap(),
                step_s: 900,
                wh: vec![WattHours(1); readings],
            }],
            repeated: 0,
            gateway: None,
        });
        let envelope = Envelope {
            recorded_at: "2025-02-01T00:00:00Z".parse().unwrap(),
            actor: Actor::System("test".into()),
            command_id: uuid::Uuid::nil(),
            correlation_id: uuid::Uuid::nil(),
            causation_id: None,
            idempotency: None,
            origin: None,
        };
        RecordedEvent {
            position: Position(position),
            event_id: uuid::Uuid::nil(),
            event_type: event.event_type().into(),
            version: event.version(),
            data: event.encode(),
            metadata: serde_json::to_vec(&envelope).unwrap(),
            hash: RunningHash([u8::try_from(position).unwrap(); 32]),
            sealed: None,
        }
    }

    fn cut(events: Vec<RecordedEvent>, rows: u64) -> Result<Vec<Chunk>, Error> {
        let name = StreamName::ledger("test").unwrap();
        Chunk::cut(Stream::Ledger, &name, events, rows, false)
    }

    #[test]
    fn a_chunk_ends_with_the_event_that_fills_it() {
        let events = vec![
            recorded(1, 3),
            recorded(2, 7),
            recorded(3, 50),
            recorded(4, 1),
        ];
        let chunks = cut(events, 10).unwrap();
        let sizes: Vec<_> = chunks
            .iter()
            .map(|chunk| (chunk.size.events, chunk.size.rows))
            .collect();
        assert_eq!(sizes, [(2, 10), (1, 50), (1, 1)]);
        assert_eq!(chunks[0].head.position, Position(2));
        assert_eq!(chunks[0].head.hash, RunningHash([2; 32]));
    }

    #[test]
    fn an_event_that_can_not_be_read_is_named() {
        let unknown = RecordedEvent {
            event_type: "FromTheFuture".into(),
            ..recorded(7, 1)
        };
        let error = cut(vec![unknown], 10).unwrap_err();
        assert!(!error.is_transient());
        let sentence = error.to_string();
        assert!(sentence.contains("ledger-test, position 7"), "{sentence}");
        assert!(sentence.contains("FromTheFuture"), "{sentence}");
    }
}
