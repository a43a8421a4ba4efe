//! `registry serve`.

use clap::Args;

use projections::traces;

use crate::{
    config::Config,
    signal,
    system::{Projectors, System},
};

/// Serve the API in production: databases and event store are where the configuration says
#[derive(Debug, Args)]
pub(super) struct Serve {}

impl Serve {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        config.check_production()?;
        config.log.start()?;
        config.traces.start("registry", &config.domain)?;
        for hazard in config.hazards() {
            tracing::warn!(%hazard, "an unsafe setting is allowed");
        }
        let stop = signal::stop_requested();
        let mut system = System::start(&config, Projectors::Elsewhere).await?;
        tracing::info!(address = %system.address(), domain = config.domain, "serving");
        let ended = tokio::select! {
            () = stop => {
                tracing::info!("stopping");
                system.drain().await.map_err(Into::into)
            }
            error = system.ended() => Err(error.into()),
        };
        system.shutdown().await;
        traces::flush();
        ended
    }
}
