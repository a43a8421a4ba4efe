//! `projector status --check`

use crate::arguments::Which;
use crate::config::Config;
use chrono::{TimeDelta, Utc};
use projections::health::ailments;
use projections::schema::{LIVE, connect};
use std::process::ExitCode;
use std::time::Duration;

/// How long a check may take. Whatever asks for one (the health check of a container) gives up soon after.
const PATIENCE: Duration = Duration::from_secs(8);

/// Says of each database what is wrong with its projector, and fails if anything is.
pub async fn check(config: &Config, which: Which, max_lag_s: u32) -> anyhow::Result<ExitCode> {
    match tokio::time::timeout(PATIENCE, look(config, which, max_lag_s)).await {
        Ok(code) => code,
        Err(_) => anyhow::bail!("no answer within {} s", PATIENCE.as_secs()),
    }
}

async fn look(config: &Config, which: Which, max_lag_s: u32) -> anyhow::Result<ExitCode> {
    // Nothing personal is looked at, so it needs no keys.
    let store = config.events()?.open_read_only().await?;
    let max_lag = TimeDelta::seconds(max_lag_s.into());
    let mut code = ExitCode::SUCCESS;
    for (target, connection) in config.databases(which)? {
        let found = async {
            let client = connect(&connection, LIVE).await?;
            ailments(target, &client, &store, &config.domain, max_lag, Utc::now()).await
        };
        let found = match found.await {
            Ok(found) => found.iter().map(ToString::to_string).collect(),
            Err(error) => vec![error.to_string()],
        };
        for ailment in &found {
            println!("{target}: {ailment}");
            code = ExitCode::FAILURE;
        }
        if found.is_empty() {
            println!("{target}: at work");
        }
    }
    Ok(code)
}
