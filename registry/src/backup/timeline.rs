//! Where streams end at an instant, by what their events say of when they were recorded.
//!
//! Clocks of several machines differ. By how much is read off the events: where one writer comes after another in a
//! stream, its clock should not be behind. What stands in one stream may follow from what another clock dated later by
//! that much in the other, so a cut goes on until nothing is that close behind it.

use super::BackupError;
use chrono::{DateTime, TimeDelta, Utc};
use event_store::{EventStore, RecordedEvent};
use ledger::Stream;
use schemas::log::{Position, StreamName};
use serde::Deserialize;

/// Events read at once.
const READ_EVENTS: usize = 10_000;
/// How long before and behind an instant clocks are compared, and how far behind it a cut may go on.
const NEAR: TimeDelta = TimeDelta::minutes(1);
/// How far clocks may differ: looking ahead by it three times stays near.
const MOST_SKEW: TimeDelta = TimeDelta::seconds(15);

/// When the events of a stream were recorded, around an instant.
#[derive(Debug)]
pub(super) struct Timeline {
    stream: StreamName,
    /// Positions and the latest time at which anything up to there was recorded: the last one that is not near the
    /// instant, and those that are.
    steps: Vec<(Position, DateTime<Utc>)>,
    recorded: Growing,
    /// What an event is recorded at is held back by earlier events. When its id was made is not.
    clock: Growing,
    /// How far clocks of writers were seen to differ, and where.
    skew: TimeDelta,
    seen: Position,
}

/// What of an envelope is needed.
#[derive(Deserialize)]
struct Recorded {
    recorded_at: DateTime<Utc>,
}

/// A time that should only grow.
#[derive(Debug)]
struct Growing {
    around: DateTime<Utc>,
    latest: DateTime<Utc>,
}

impl Growing {
    const fn new(around: DateTime<Utc>) -> Self {
        let latest = DateTime::<Utc>::MIN_UTC;
        Self { around, latest }
    }

    /// By how much a time is before one that was seen earlier, if what is between is near the instant.
    fn back(&mut self, to: DateTime<Utc>) -> TimeDelta {
        let from = self.latest;
        self.latest = from.max(to);
        let is_near = to <= self.around + NEAR && from >= self.around - NEAR;
        if is_near && to < from {
            from - to
        } else {
            TimeDelta::zero()
        }
    }
}

impl Timeline {
    pub fn new(stream: StreamName, around: DateTime<Utc>) -> Self {
        Self {
            stream,
            steps: Vec::new(),
            recorded: Growing::new(around),
            clock: Growing::new(around),
            skew: TimeDelta::zero(),
            seen: Position::START,
        }
    }

    /// Of the events of a stream up to `end`.
    ///
    /// # Errors
    /// [`BackupError::Undated`], [`BackupError::Store`].
    pub async fn read(
        store: &dyn EventStore,
        stream: &StreamName,
        end: Position,
        around: DateTime<Utc>,
    ) -> Result<Self, BackupError> {
        let mut timeline = Self::new(stream.clone(), around);
        let mut after = Position::START;
        while after < end {
            let left = usize::try_from(end.0 - after.0).unwrap_or(usize::MAX);
            let events = store.read(stream, after, left.min(READ_EVENTS)).await?;
            let Some(last) = events.last() else { break };
            after = last.position;
            for event in &events {
                let at = recorded_at(stream, event)?;
                timeline.push(event.position, at, id_made_at(event));
            }
        }
        Ok(timeline)
    }

    /// The next event: when it was recorded, and when its id was made.
    fn push(&mut self, position: Position, at: DateTime<Utc>, id: Option<DateTime<Utc>>) {
        let back = self.recorded.back(at);
        let skew = id.map_or(back, |id| back.max(self.clock.back(id)));
        if skew > self.skew {
            (self.skew, self.seen) = (skew, position);
        }
        let (around, latest) = (self.recorded.around, self.recorded.latest);
        if latest > around + NEAR {
            return;
        }
        match self.steps.last_mut() {
            Some(last) if latest < around - NEAR || last.1 == latest => *last = (position, latest),
            _ => self.steps.push((position, latest)),
        }
    }

    /// The last event up to which nothing was recorded later than `at`, and the latest time up to there.
    fn by(&self, at: DateTime<Utc>) -> (Position, DateTime<Utc>) {
        let count = self.steps.partition_point(|(_, latest)| *latest <= at);
        let last = count.checked_sub(1).and_then(|last| self.steps.get(last));
        last.copied()
            .unwrap_or((Position::START, DateTime::<Utc>::MIN_UTC))
    }

    /// When the latest of the events up to one near the instant was recorded.
    fn latest(&self, position: Position) -> Option<DateTime<Utc>> {
        let step = self.steps.partition_point(|(last, _)| *last < position);
        self.steps.get(step).map(|(_, latest)| *latest)
    }
}

/// The streams of a registry around an instant.
pub(super) struct Timelines {
    pub ledger: Timeline,
    pub people: Timeline,
    /// What was tried: it follows from both others, and nothing from it.
    pub tried: Timeline,
}

impl Timelines {
    /// How far clocks were seen to differ.
    fn skew(&self) -> Result<TimeDelta, BackupError> {
        let skew = self.most_skewed().skew;
        if skew > MOST_SKEW {
            return Err(self.skewed());
        }
        Ok(skew)
    }

    /// What was tried does not count: it is put together before it is known what it comes behind.
    fn most_skewed(&self) -> &Timeline {
        if self.people.skew > self.ledger.skew {
            &self.people
        } else {
            &self.ledger
        }
    }

    /// Clocks differ so much that no cut can be told to be whole.
    fn skewed(&self) -> BackupError {
        let most = self.most_skewed();
        BackupError::Skewed {
            stream: most.stream.clone(),
            position: most.seen,
            ms: most.skew.num_milliseconds(),
        }
    }

    /// Where each stream ends as of `at`, or as soon behind it as none lacks what another has because of it.
    ///
    /// # Errors
    /// [`BackupError::Skewed`] if that is not within a minute.
    pub fn as_of(&self, at: DateTime<Utc>) -> Result<[(Stream, Position); 3], BackupError> {
        let skew = self.skew()?;
        let closed = closed([&self.ledger, &self.people], at, skew);
        let [ledger, people] = closed.ok_or_else(|| self.skewed())?;
        Ok([
            (Stream::Ledger, self.ledger.by(ledger).0),
            (Stream::Identity, self.people.by(people).0),
            (Stream::Audit, self.tried.by(at - skew).0),
        ])
    }

    /// Where the others end where the ledger ends at `position`, which was recorded at the instant.
    ///
    /// # Errors
    /// [`BackupError::Skewed`] if what is needed of people may follow from what is behind that.
    pub fn at_place(&self, position: Position) -> Result<[(Stream, Position); 3], BackupError> {
        let skew = self.skew()?;
        let latest = self.ledger.latest(position).ok_or_else(|| self.skewed())?;
        let (people, latest_of_people) = self.people.by(latest + skew);
        let follows = self.ledger.by(latest_of_people + skew).0 > position;
        if !skew.is_zero() && people > Position::START && follows {
            return Err(self.skewed());
        }
        Ok([
            (Stream::Ledger, position),
            (Stream::Identity, people),
            (Stream::Audit, self.tried.by(latest - skew).0),
        ])
    }
}

/// Up to when two streams that follow from each other are to be taken so that neither lacks what is in the other
/// because of it, where clocks differ by `skew` at most: from `at` on, and none if it is not before [`NEAR`] behind it.
fn closed(
    [one, other]: [&Timeline; 2],
    at: DateTime<Utc>,
    skew: TimeDelta,
) -> Option<[DateTime<Utc>; 2]> {
    let reach = |stream: &Timeline, by| match stream.by(by) {
        (Position::START, _) => at,
        (_, latest) => latest + skew,
    };
    let mut by = [at, at];
    loop {
        let next = [by[0].max(reach(other, by[1])), by[1].max(reach(one, by[0]))];
        if next == by {
            return Some(by);
        }
        by = next;
        if by.iter().any(|by| *by >= at + NEAR) {
            return None;
        }
    }
}

/// When the event at a position was recorded.
pub(super) async fn recorded_by(
    store: &dyn EventStore,
    stream: &StreamName,
    position: Position,
) -> Result<DateTime<Utc>, BackupError> {
    let events = store.read(stream, position.plus(-1), 1).await?;
    let event = events.first().ok_or_else(|| undated(stream, position))?;
    recorded_at(stream, event)
}

fn recorded_at(stream: &StreamName, event: &RecordedEvent) -> Result<DateTime<Utc>, BackupError> {
    let envelope: Result<Recorded, _> = serde_json::from_slice(&event.metadata);
    let recorded = envelope.map_err(|_| undated(stream, event.position))?;
    Ok(recorded.recorded_at)
}

fn undated(stream: &StreamName, position: Position) -> BackupError {
    let stream = stream.clone();
    BackupError::Undated { stream, position }
}

/// When the id of an event was made, by its writer's clock (RFC 9562, section 5.7), in milliseconds.
fn id_made_at(event: &RecordedEvent) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = event.event_id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
