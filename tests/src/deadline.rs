//! Waiting for what happens by itself.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long anything may take here: a debug build on a loaded machine of two cores.
const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);

/// Asks until there is an answer; panics, naming `what`, when there is none within two minutes.
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let give_up_at = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            Instant::now() < give_up_at,
            "not within {PATIENCE:?}: {what}"
        );
        tokio::time::sleep(POLL).await;
    }
}
