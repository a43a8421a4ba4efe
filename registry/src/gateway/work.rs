//! Work that takes a processor for a while, beside the threads that serve requests.

use crate::http::Problem;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Bytes of envelopes up to which the work is done on the spot: handing it over takes longer than a few
/// signatures.
const INLINE_BYTES: usize = 16 * 1024;

/// As many workers as there are processors; whoever comes while all are taken waits.
#[derive(Clone)]
pub struct Workers(Arc<Semaphore>);

impl Default for Workers {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self(Arc::new(Semaphore::new(processors)))
    }
}

impl Workers {
    /// Does `work` over so many bytes.
    ///
    /// # Errors
    /// If it can not be done at all.
    pub async fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        if bytes <= INLINE_BYTES {
            return Ok(work());
        }
        let permit = Arc::clone(&self.0)
            .acquire_owned()
            .await
            .map_err(|error| Problem::internal(&error))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        done.await.map_err(|error| Problem::internal(&error))
    }
}
