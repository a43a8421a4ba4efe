//! `projector run`

use crate::shutdown;
use event_store::EventStore;
use futures_util::future::try_join_all;
use projections::postgres::Connection;
use projections::runner::Projector;
use projections::traces;
use projections::{Error, Target};
use std::sync::Arc;

/// Projects into all databases until the process is asked to end.
pub async fn run(
    databases: &[(Target, Connection)],
    store: Arc<dyn EventStore>,
    domain: &str,
) -> anyhow::Result<()> {
    let mut running = Vec::new();
    for (target, connection) in databases {
        tracing::info!(%target, database = connection.place(), domain, "projecting");
        let projector = Projector::new(*target, connection.clone(), Arc::clone(&store), domain)?;
        running.push(until_replaced(projector));
    }
    let ended = try_join_all(running).await;
    traces::flush();
    ended?;
    Ok(())
}

/// One whose tables a later release has replaced is done; those of the other database may not be.
async fn until_replaced(projector: Projector) -> Result<(), Error> {
    match projector.run(shutdown::asked()).await {
        Err(error @ Error::Replaced { .. }) => {
            tracing::warn!(%error, "this projector ends");
            Ok(())
        }
        ended => ended,
    }
}
