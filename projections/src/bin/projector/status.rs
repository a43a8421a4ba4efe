//! `projector status`

use event_store::EventStore;
use projections::Target;
use projections::postgres::Connection;
use projections::status::{self, Status};
use std::sync::Arc;

/// Prints how far each database has come, and how many rows its tables have.
pub async fn status(
    databases: &[(Target, Connection)],
    store: &Arc<dyn EventStore>,
    domain: &str,
) -> anyhow::Result<()> {
    for (target, connection) in databases {
        println!("{target}  {}", connection.place());
        match status::status(*target, connection, store, domain).await {
            Ok(Some(status)) => print(&status),
            Ok(None) => println!("  has no tables yet"),
            Err(error) => println!("  {error}"),
        }
    }
    Ok(())
}

fn print(status: &Status) {
    for stream in &status.streams {
        println!(
            "  {:<20} position {} of {}, lag {}",
            stream.name.as_str(),
            stream.position,
            stream.head,
            stream.head.0 - stream.position.0
        );
    }
    for (table, rows) in &status.tables {
        println!("  {table:<20} {rows} rows");
    }
}
