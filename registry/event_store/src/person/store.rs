//! An event store in which what is personal is sealed: every writer and every reader of a registry goes through it.

use super::PeopleError;
use super::field::{self, ERASURE};
use super::keys::PersonKeys;
use super::seal;
use crate::{AppendError, EventStore, Head, Limits, NewEvent, RecordedEvent, StoreError};
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use schemas::id::UserId;
use schemas::log::{Position, StreamName};
use std::sync::Arc;
use uuid::Uuid;

/// Events read at once.
const READ_EVENTS: usize = 1_000;

/// A store, and the keys of the people in it.
///
/// A key is made durable before the event that is sealed with it, and destroyed once the event that says so is durable:
/// the other way round, a person whose erasure is refused in the end would be lost. Who appended the event destroys the
/// key; if that was stopped before it could, whoever reads the event next does, and who opens the store looks for it.
pub struct SealedStore {
    inner: Arc<dyn EventStore>,
    people: People,
}

#[derive(Clone)]
struct People {
    keys: Arc<PersonKeys>,
    lost: Option<Uuid>,
}

impl SealedStore {
    /// The store, with these keys; `lost` is the id of a file of keys that is known to be lost.
    #[must_use]
    pub fn new(inner: Arc<dyn EventStore>, keys: PersonKeys, lost: Option<Uuid>) -> Self {
        let keys = Arc::new(keys);
        Self {
            inner,
            people: People { keys, lost },
        }
    }

    /// Carries out every erasure in the stream that is not known to have been: a process may have ended in between, or
    /// the keys may come from a backup.
    ///
    /// # Errors
    /// [`StoreError`] if events or keys can not be read.
    pub async fn finish_erasures(&self, identity: &StreamName) -> Result<(), StoreError> {
        let keys = self.people.keys.clone();
        let domain = domain_of(identity).to_owned();
        let mut after = off_thread(move || keys.erased_up_to(&domain)).await?;
        loop {
            let events = self.read(identity, after, READ_EVENTS).await?;
            let Some(last) = events.last() else {
                return Ok(());
            };
            after = last.position;
            let keys = self.people.keys.clone();
            let domain = domain_of(identity).to_owned();
            off_thread(move || keys.keep_erased_up_to(&domain, after)).await?;
        }
    }
}

/// Work on keys, off the threads that answer requests.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PeopleError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|stopped| StoreError::Unavailable(Arc::new(stopped)))?;
    done.map_err(StoreError::from)
}

/// The domain that a stream is of: what stands behind the first hyphen of its name.
fn domain_of(stream: &StreamName) -> &str {
    let name = stream.as_str();
    name.split_once('-').map_or(name, |(_, domain)| domain)
}

fn erased(event_type: &str, data: &[u8]) -> Option<UserId> {
    #[derive(serde::Deserialize)]
    struct Erasure {
        user_id: UserId,
    }
    (event_type == ERASURE).then_some(())?;
    let erasure: Erasure = serde_json::from_slice(data).ok()?;
    Some(erasure.user_id)
}

impl People {
    async fn seal(
        &self,
        stream: &StreamName,
        mut events: Vec<NewEvent>,
    ) -> Result<Vec<NewEvent>, StoreError> {
        let is_plain = |event: &NewEvent| field::personal(&event.event_type).is_none();
        if events.iter().all(is_plain) {
            return Ok(events);
        }
        let (people, domain) = (self.clone(), domain_of(stream).to_owned());
        off_thread(move || {
            for event in &mut events {
                seal::seal(&people.keys, &domain, event)?;
            }
            Ok(events)
        })
        .await
    }

    async fn open(
        &self,
        stream: &StreamName,
        mut events: Vec<RecordedEvent>,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let is_plain =
            |event: &RecordedEvent| event.event_type != ERASURE && !field::may_be_sealed(event);
        if events.iter().all(is_plain) {
            return Ok(events);
        }
        let (people, domain) = (self.clone(), domain_of(stream).to_owned());
        off_thread(move || {
            // First what is not to be read any more.
            for event in &events {
                if let Some(user_id) = erased(&event.event_type, &event.data)
                    && people.keys.destroy(&domain, user_id)?
                {
                    tracing::info!(%user_id, "an erasure that was broken off is finished");
                }
            }
            for event in &mut events {
                seal::open(&people.keys, people.lost, &domain, event)?;
            }
            Ok(events)
        })
        .await
    }

    /// Destroys the keys of who was erased by events that are durable.
    async fn destroy(&self, stream: &StreamName, erased: Vec<UserId>) {
        if erased.is_empty() {
            return;
        }
        let (keys, domain) = (self.keys.clone(), domain_of(stream).to_owned());
        let destroyed = off_thread(move || {
            for user_id in erased {
                keys.destroy(&domain, user_id)?;
            }
            Ok(())
        });
        if let Err(error) = destroyed.await {
            // Whoever reads the event next destroys the key.
            tracing::error!(%error, "the key of a person who was erased is still there");
        }
    }
}

impl EventStore for SealedStore {
    fn append<'a>(
        &'a self,
        stream: &'a StreamName,
        expected: Position,
        events: Vec<NewEvent>,
    ) -> BoxFuture<'a, Result<Head, AppendError>> {
        async move {
            let erased: Vec<_> = events
                .iter()
                .filter_map(|event| erased(&event.event_type, &event.data))
                .collect();
            let sealed = self.people.seal(stream, events).await;
            let sealed = sealed.map_err(|error| AppendError::Unavailable(Arc::new(error)))?;
            let head = self.inner.append(stream, expected, sealed).await?;
            self.people.destroy(stream, erased).await;
            Ok(head)
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        stream: &'a StreamName,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RecordedEvent>, StoreError>> {
        async move {
            let events = self.inner.read(stream, after, limit).await?;
            self.people.open(stream, events).await
        }
        .boxed()
    }

    fn subscribe(
        &self,
        stream: &StreamName,
        after: Position,
    ) -> BoxStream<'static, Result<Vec<RecordedEvent>, StoreError>> {
        let (people, name) = (self.people.clone(), stream.clone());
        let events = self.inner.subscribe(stream, after);
        events
            .then(move |events| {
                let (people, name) = (people.clone(), name.clone());
                async move { people.open(&name, events?).await }
            })
            .boxed()
    }

    fn head<'a>(&'a self, stream: &'a StreamName) -> BoxFuture<'a, Result<Head, StoreError>> {
        self.inner.head(stream)
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    fn size(&self, event: &NewEvent) -> usize {
        seal::size(event)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}
