//! Looks at everything a registry stands on, and says what to do about what is wrong. Changes nothing.

mod clock;
mod configuration;
mod database;
pub mod disk;
mod event_store;
mod finding;
mod keys;

pub use finding::{Finding, Grade};

use crate::clock::Clock;
use crate::config::Config;
use std::time::Duration;

/// How long each part may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Examines the registry of this configuration, whether or not it runs. What is well has a finding as well.
pub async fn examine(config: &Config, clock: &Clock) -> Vec<Finding> {
    let mut found = configuration::examine(config);
    found.extend(disk::examine(config));
    let store = event_store::open(config).await;
    found.extend(event_store::examine(config, &store, clock).await);
    found.extend(database::examine(config, store.as_ref().ok(), clock).await);
    found.extend(keys::examine(config, store.as_ref().ok()).await);
    if let Ok(store) = store {
        store.close().await;
    }
    found
}

/// The answer, if it comes in time.
async fn in_time<T>(answer: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let late = || format!("no answer within {} s", PATIENCE.as_secs());
    tokio::time::timeout(PATIENCE, answer)
        .await
        .unwrap_or_else(|_| Err(late()))
}
