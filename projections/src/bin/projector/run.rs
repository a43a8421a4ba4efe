//! `projector run`

use crate::shutdown;
use event_store::EventStore;
use futures_util::future::try_join_all;
use projections::Target;
use projections::postgres::Connection;
use projections::runner::Projector;
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
        running.push(projector.run(shutdown::asked()));
    }
    try_join_all(running).await?;
    Ok(())
}
