//! When this process is asked to stop.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};

/// Completes at the first SIGINT (Ctrl-C) or SIGTERM after this call, not after its first poll: from
/// here on neither ends the process by itself.
pub fn stop_requested() -> impl Future<Output = ()> {
    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    async move {
        match (interrupt, terminate) {
            (Ok(mut interrupt), Ok(mut terminate)) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            // The system gives no handlers: the default action of the signals stops the process.
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(%error, "signals will stop this process without a clean end");
                std::future::pending().await
            }
        }
    }
}
