//! How a program that goes on until it is told to stop is told.

use futures_util::FutureExt;
use futures_util::future::OptionFuture;
use std::future::Future;
use tokio::signal::unix::{SignalKind, signal};

use crate::parent;

/// Completes at the first SIGINT or SIGTERM after this call, or when the parent has gone. The first process of a container
/// is not ended by signals that it does not ask for.
///
/// # Errors
/// If no signal can be asked for, or no thread be started.
pub fn requested(with_parent: bool) -> std::io::Result<impl Future<Output = ()>> {
    let parent = with_parent.then(parent::gone).transpose()?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = OptionFuture::from(parent).map(|_| ()), if with_parent => {}
        }
    })
}
