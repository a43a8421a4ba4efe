//! Where the keys of people are.

use super::PeopleError;
use super::field;
use super::keys::{PersonKeys, id_of};
use crate::{EventStore, Location, SealedStore, StoreError};
use schemas::id::UserId;
use schemas::log::{Position, StreamName};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// The file, unless the configuration names another.
const FILE: &str = "people.db";
/// Events read at once.
const READ_EVENTS: usize = 1_000;

/// A file of keys, as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPlace {
    /// The file.
    pub path: PathBuf,
    /// The id of a file that is lost for good: what it had the keys of is read as that of people who were erased.
    pub lost: Option<Uuid>,
}

impl KeyPlace {
    /// The file that is named, a relative path taken from `folder`; else `people.db`, beside a file of events, or in
    /// `folder` where the events are on a server.
    #[must_use]
    pub fn new(named: Option<&Path>, lost: Option<Uuid>, events: &Location, folder: &Path) -> Self {
        let path = match (named, events.file()) {
            (Some(named), _) => folder.join(named),
            (None, Some(events)) => events.with_file_name(FILE),
            (None, None) => folder.join(FILE),
        };
        Self { path, lost }
    }

    /// The store with these keys. Finishes erasures that were broken off, as far as the store can be read.
    ///
    /// # Errors
    /// [`PeopleError::Missing`] if there is no such file and the identity stream holds something that needs it;
    /// otherwise an empty one is made. [`StoreError`] if either can not be read.
    pub async fn seal(
        &self,
        inner: Arc<dyn EventStore>,
        identity: &StreamName,
    ) -> Result<Arc<dyn EventStore>, StoreError> {
        if !self.path.exists()
            && let Some(id) = needed_file(inner.as_ref(), identity, self.lost).await?
        {
            let path = self.path.clone();
            return Err(PeopleError::Missing { path, id }.into());
        }
        let path = self.path.clone();
        let opened = tokio::task::spawn_blocking(move || PersonKeys::open(&path)).await;
        let keys = opened.map_err(|stopped| StoreError::Unavailable(Arc::new(stopped)))??;
        let store = SealedStore::new(inner, keys, self.lost);
        match store.finish_erasures(identity).await {
            // A server that is away is waited for later; then whoever reads an erasure finishes it.
            Err(StoreError::Unavailable(error)) => {
                tracing::warn!(%error, "the log can not be read yet to finish erasures");
            }
            done => done?,
        }
        Ok(Arc::new(store))
    }
}

impl KeyPlace {
    /// Whether the file is the one that the identity stream needs; changes nothing.
    ///
    /// # Errors
    /// [`PeopleError::Missing`], [`PeopleError::Other`] or [`PeopleError::NotKeys`] if it is not; [`StoreError`] if
    /// either can not be read.
    pub async fn prove(
        &self,
        store: &dyn EventStore,
        identity: &StreamName,
    ) -> Result<(), StoreError> {
        let needed = needed_file(store, identity, self.lost).await?;
        let path = self.path.clone();
        match (path.exists(), needed) {
            (false, None) => Ok(()),
            (false, Some(id)) => Err(PeopleError::Missing { path, id }.into()),
            (true, needed) => {
                let ours = id_of(&path)?;
                match needed {
                    Some(theirs) if theirs != ours => {
                        Err(PeopleError::Other { path, ours, theirs }.into())
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

/// Everybody of whom a stream tells something personal.
///
/// # Errors
/// [`StoreError`] if it can not be read.
pub async fn mentioned(
    store: &dyn EventStore,
    stream: &StreamName,
) -> Result<HashSet<UserId>, StoreError> {
    let (mut users, mut after) = (HashSet::new(), Position::START);
    loop {
        let events = store.read(stream, after, READ_EVENTS).await?;
        let Some(last) = events.last() else {
            return Ok(users);
        };
        after = last.position;
        users.extend(events.iter().flat_map(field::people));
    }
}

/// The id of the file that has the keys of the first person who has any, unless it is known to be lost.
async fn needed_file(
    store: &dyn EventStore,
    identity: &StreamName,
    lost: Option<Uuid>,
) -> Result<Option<Uuid>, StoreError> {
    let mut after = Position::START;
    loop {
        let events = store.read(identity, after, READ_EVENTS).await?;
        let Some(last) = events.last() else {
            return Ok(None);
        };
        after = last.position;
        let mut files = events.iter().filter_map(field::file);
        if let Some(id) = files.find(|id| Some(*id) != lost) {
            return Ok(Some(id));
        }
    }
}
