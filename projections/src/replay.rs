//! History into a schema that nobody reads yet.

use crate::apply::{Notify, apply};
use crate::checkpoint::{Checkpoint, checkpoint};
use crate::chunk::Size;
use crate::feed::{Feed, Source};
use crate::{Error, Target};
use deadpool_postgres::ClientWrapper;
use event_store::{EventStore, StoreError};
use ledger::Stream;
use schemas::log::Position;
use std::sync::Arc;

/// A schema that is filled from the log.
pub(crate) struct Replay<'a> {
    pub client: &'a ClientWrapper,
    pub target: Target,
    pub store: &'a Arc<dyn EventStore>,
    pub domain: &'a str,
    /// Rows of a transaction.
    pub rows: u64,
}

/// Positions in all streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Positions {
    /// In the ledger stream.
    pub ledger: Position,
    /// In the identity stream.
    pub identity: Position,
    /// In the audit stream; the start where a database is not made from it.
    pub audit: Position,
}

impl Positions {
    /// In `stream`.
    #[must_use]
    pub const fn of(&self, stream: Stream) -> Position {
        match stream {
            Stream::Ledger => self.ledger,
            Stream::Identity => self.identity,
            Stream::Audit => self.audit,
        }
    }

    pub(crate) fn set(&mut self, stream: Stream, position: Position) {
        match stream {
            Stream::Ledger => self.ledger = position,
            Stream::Identity => self.identity = position,
            Stream::Audit => self.audit = position,
        }
    }

    /// All together, as a number of events.
    #[must_use]
    pub const fn events(&self) -> i64 {
        self.ledger.0 + self.identity.0 + self.audit.0
    }
}

impl Replay<'_> {
    /// What the schema is made from.
    pub(crate) fn streams(&self) -> impl Iterator<Item = Stream> + use<> {
        self.target.streams().iter().copied()
    }

    fn source(&self, stream: Stream) -> Result<Source, Error> {
        Source::new(stream, self.domain, self.target, self.rows)
    }

    /// Where the log ends now.
    pub(crate) async fn heads(&self) -> Result<Positions, Error> {
        let mut heads = Positions::default();
        for stream in self.streams() {
            let name = self.source(stream)?.name;
            heads.set(stream, self.store.head(&name).await?.position);
        }
        Ok(heads)
    }

    /// Where the schema stands, proved to be of this log.
    pub(crate) async fn checked(&self, stream: Stream) -> Result<Checkpoint, Error> {
        let at = checkpoint(self.client, stream).await?;
        self.store.check(&self.source(stream)?.name, at).await?;
        Ok(at)
    }

    /// Applies all events up to `until`; `tell` hears of each chunk. Returns the rules of the life
    /// cycle that the events broke, in sentences.
    pub(crate) async fn until(
        &self,
        until: Positions,
        mut tell: impl FnMut(Stream, Position, Size),
    ) -> Result<Vec<String>, Error> {
        let mut violations = Vec::new();
        for stream in self.streams() {
            let mut at = checkpoint(self.client, stream).await?;
            let until = until.of(stream);
            let name = self.source(stream)?.name;
            let head = self.store.head(&name).await?.position;
            if head < until {
                let (stream, checkpoint) = (name, until);
                return Err(StoreError::BehindCheckpoint {
                    stream,
                    head,
                    checkpoint,
                }
                .into());
            }
            let mut feed = Feed::history(self.store, self.source(stream)?, at, until);
            while at.position < until {
                let chunk = Arc::new(feed.next().await?);
                let broken = apply(self.client, self.target, &chunk, at, Notify::No).await?;
                violations.extend(broken);
                at = chunk.head;
                tell(stream, at.position, chunk.size);
            }
        }
        Ok(violations)
    }
}
