//! `projector run`

use crate::shutdown;
use event_store::{EventStore, StoreError};
use futures_util::future::try_join_all;
use projections::postgres::Connection;
use projections::runner::Projector;
use projections::traces;
use projections::{Error, Target};
use std::sync::Arc;
use std::time::Duration;

/// How often a projector that was replaced looks whether it is needed again.
const REPLACED: Duration = Duration::from_secs(10);
/// How often it looks for events that are not there yet.
const WAITING: Duration = Duration::from_secs(1);

/// The events as `open` finds them, once they are there: a registry that starts for the first time makes them, and a server
/// may be away. None if the process is asked to end before.
pub async fn wait_for<F: Future<Output = anyhow::Result<Arc<dyn EventStore>>>>(
    open: impl Fn() -> F,
) -> anyhow::Result<Option<Arc<dyn EventStore>>> {
    let mut asked = Box::pin(shutdown::asked());
    let mut is_told = false;
    loop {
        match open().await {
            Err(error) if may_come(&error) => {
                if !is_told {
                    tracing::warn!(error = format!("{error:#}"), "the events are waited for");
                }
                is_told = true;
            }
            opened => return opened.map(Some),
        }
        tokio::select! {
            () = asked.as_mut() => return Ok(None),
            () = tokio::time::sleep(WAITING) => {}
        }
    }
}

fn may_come(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<StoreError>();
    cause.is_some_and(|cause| matches!(cause, StoreError::Missing { .. }) || cause.may_pass())
}

/// Projects into all databases until the process is asked to end.
pub async fn run(
    databases: &[(Target, Connection)],
    store: Arc<dyn EventStore>,
    domain: &str,
) -> anyhow::Result<()> {
    let mut running = Vec::new();
    for (target, connection) in databases {
        tracing::info!(%target, database = connection.place(), domain, "projecting");
        running.push(project(*target, connection, &store, domain));
    }
    let ended = try_join_all(running).await;
    traces::flush();
    ended?;
    Ok(())
}

/// One whose tables a later release has replaced has nothing to do until they are its own again. It stays: if it ended,
/// whatever looks after it would start it again and again.
async fn project(
    target: Target,
    connection: &Connection,
    store: &Arc<dyn EventStore>,
    domain: &str,
) -> Result<(), Error> {
    let mut asked = Box::pin(shutdown::asked());
    let mut is_told = false;
    loop {
        let projector = Projector::new(target, connection.clone(), Arc::clone(store), domain)?;
        match projector.run(asked.as_mut()).await {
            Err(error @ Error::Replaced { .. }) => {
                if !is_told {
                    tracing::warn!(%error, "this projector has nothing to do; it can be stopped");
                }
                is_told = true;
            }
            ended => return ended,
        }
        tokio::select! {
            () = asked.as_mut() => return Ok(()),
            () = tokio::time::sleep(REPLACED) => {}
        }
    }
}
