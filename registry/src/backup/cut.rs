//! Positions of the streams that belong together.

use super::BackupError;
use event_store::{EventStore, Head};
use ledger::Stream;
use schemas::log::StreamName;
use std::time::Duration;
use tokio::time::Instant;

/// How long a moment is waited for in which one of two streams stands still.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where each stream stands at one instant; what was tried may be from a little before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut(pub Vec<(StreamName, Head)>);

impl Cut {
    /// Where the streams of `domain` stand now, so that what is in one because of something in another never comes
    /// without it.
    ///
    /// What was tried follows from both others, and nothing follows from it: it is looked at first. Of people and the
    /// ledger either may follow from the other. They are looked at in turns until one of them is where it was before
    /// the look at the other: streams only grow, so it was there at that look. The busier one need not pause.
    ///
    /// # Errors
    /// [`BackupError::Restless`], [`BackupError::Empty`], [`BackupError::Store`].
    pub async fn now(store: &dyn EventStore, domain: &str) -> Result<Self, BackupError> {
        let look = async |stream: Stream| -> Result<_, BackupError> {
            Ok((stream, store.head(&stream.name(domain)?).await?))
        };
        let deadline = Instant::now() + PATIENCE;
        let tried = look(Stream::Audit).await?;
        let mut before = look(Stream::Identity).await?;
        let mut between = look(Stream::Ledger).await?;
        loop {
            let after = look(before.0).await?;
            if after == before {
                return Self::of(domain, [after, between, tried]);
            }
            if Instant::now() >= deadline {
                return Err(BackupError::Restless(PATIENCE.as_secs()));
            }
            before = std::mem::replace(&mut between, after);
        }
    }

    fn of(domain: &str, mut heads: [(Stream, Head); 3]) -> Result<Self, BackupError> {
        if heads.iter().all(|(_, head)| *head == Head::START) {
            return Err(BackupError::Empty(domain.to_owned()));
        }
        heads.sort_by_key(|(stream, _)| *stream);
        let named = heads.map(|(stream, head)| Ok((stream.name(domain)?, head)));
        Ok(Self(named.into_iter().collect::<Result<_, BackupError>>()?))
    }
}

#[cfg(test)]
#[path = "cut_tests.rs"]
mod tests;
