//! A program that another one has started and that ends with it, however that one ends.

use std::future::Future;
use std::io::{copy, sink, stdin};
use tokio::sync::oneshot;

/// Completes when standard input ends, as it does when the process at its other end has gone.
///
/// # Errors
/// If no thread can be started.
pub fn gone() -> std::io::Result<impl Future<Output = ()>> {
    let (ends, ended) = oneshot::channel();
    // A thread of its own: the runtime would wait for a read of standard input before it ends.
    std::thread::Builder::new()
        .name("parent".to_owned())
        .spawn(move || {
            // A failure says as much as the end does.
            copy(&mut stdin(), &mut sink()).ok();
            ends.send(()).ok();
        })?;
    Ok(async {
        ended.await.ok();
    })
}
