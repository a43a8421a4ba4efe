//! Bundles by id for many callers at once: those who ask while a question is under way share the next
//! one. Starting a statement costs Postgres far more than finding one more row by its key.

use super::ReadError;
use super::bundle::by_ids;
use deadpool_postgres::Pool;
use schemas::api::certificate::BundleFull;
use schemas::id::BundleId;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{mpsc, oneshot};

/// Questions under way at a time.
const AT_ONCE: usize = 2;
/// Most bundles of one question.
const MOST: usize = 64;
/// Callers that may wait for one of them; further ones wait for room.
const QUEUE: usize = 512;

type Answer = Result<Option<BundleFull>, ReadError>;

struct Wanted {
    bundle_id: BundleId,
    answer: oneshot::Sender<Answer>,
}

/// A handle; what it started ends when it is dropped.
pub struct BundleLoader {
    queues: [mpsc::Sender<Wanted>; AT_ONCE],
    turn: AtomicUsize,
}

impl BundleLoader {
    /// Starts to serve, inside the current Tokio runtime.
    #[must_use]
    pub fn start(pool: Pool) -> Self {
        let queues = std::array::from_fn(|_| {
            let (wanted, queue) = mpsc::channel(QUEUE);
            tokio::spawn(serve(pool.clone(), queue));
            wanted
        });
        let turn = AtomicUsize::new(0);
        Self { queues, turn }
    }

    /// The bundle with its device and issuance metadata, whatever its state, as of a moment after this
    /// was called.
    ///
    /// # Errors
    /// [`ReadError`] if the database does not answer.
    pub async fn get(&self, bundle_id: BundleId) -> Answer {
        let ended = || ReadError::Unavailable("nobody asks it any more".to_owned());
        let (answer, answered) = oneshot::channel();
        let wanted = Wanted { bundle_id, answer };
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % AT_ONCE;
        self.queues[turn].send(wanted).await.map_err(|_| ended())?;
        answered.await.unwrap_or_else(|_| Err(ended()))
    }
}

async fn serve(pool: Pool, mut queue: mpsc::Receiver<Wanted>) {
    let mut batch = Vec::with_capacity(MOST);
    while queue.recv_many(&mut batch, MOST).await > 0 {
        // Whoever has gone away meanwhile needs no answer.
        batch.retain(|wanted| !wanted.answer.is_closed());
        let found = ask(&pool, &batch).await;
        for Wanted { bundle_id, answer } in batch.drain(..) {
            let one = found.as_ref().map_err(Clone::clone).map(|found| {
                let bundle = found.iter().find(|bundle| bundle.id == bundle_id);
                bundle.cloned()
            });
            // Likewise.
            let _ = answer.send(one);
        }
    }
}

async fn ask(pool: &Pool, batch: &[Wanted]) -> Result<Vec<BundleFull>, ReadError> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let client = pool.get().await?;
    let mut ids: Vec<BundleId> = batch.iter().map(|wanted| wanted.bundle_id).collect();
    ids.sort_unstable();
    ids.dedup();
    by_ids(&client, &ids).await
}
