//! `gateway run`.

use super::Dir;
use clap::Args;
use gateway::api::{self, Access};
#[cfg(all(feature = "bluetooth", target_os = "linux"))]
use gateway::bluetooth::commission::commission;
use gateway::clock::Clock;
use gateway::clock_check::SystemClock;
use gateway::clock_file::ClockFile;
use gateway::config::{Config, ConfigError};
use gateway::discover::Discovery;
use gateway::engine::ClockCheck;
use gateway::folder::Folder;
use gateway::meters::Connected;
use gateway::profile::Library;
use gateway::program::{Program, Surroundings};
use gateway::stop;
use schemas::gateway::ClockState;
use std::path::PathBuf;
use std::sync::Arc;

/// Read the meters, keep what they say, sign it and send it, until interrupted
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    dir: Dir,
    /// A file that tells the time, for tests and demonstrations
    #[arg(long, hide = true)]
    clock: Option<PathBuf>,
    /// Stop when standard input ends
    #[arg(long, hide = true)]
    with_parent: bool,
}

impl Run {
    pub async fn run(self) -> anyhow::Result<()> {
        super::log::start()?;
        // Before anything is opened: from here on a signal ends it cleanly.
        let stop = stop::requested(self.with_parent)?;
        let folder = Folder::hold(&self.dir.dir)?;
        let config = match Config::load(folder.path()) {
            Ok(config) => config,
            // To be told its registry and devices over its interfaces.
            Err(ConfigError::Missing { .. }) => Config::new(None),
            Err(error) => return Err(error.into()),
        };
        let (clock, clock_check): (Clock, Arc<dyn ClockCheck>) = match &self.clock {
            Some(path) => {
                let file = ClockFile::open(path)?;
                (Clock::from_source(file.clone()), Arc::new(file))
            }
            None if config.clock_check => (Clock::default(), Arc::new(SystemClock)),
            None => (Clock::default(), Arc::new(ClockState::Unknown)),
        };
        let mut profiles = Library::embedded()?;
        if let Some(more) = &config.profiles {
            profiles = profiles.with_folder(&folder.path().join(more))?;
        }
        let library = Arc::new(profiles.clone());
        let meters = Arc::new(Connected::new(profiles, clock.clone()));
        let api = config.api.clone();
        let token = api.token_file.as_ref().map(|file| folder.path().join(file));
        #[cfg(all(feature = "bluetooth", target_os = "linux"))]
        let (dir, bluetooth) = (folder.path().to_owned(), config.bluetooth.clone());
        let access = Access::new(api.listen, token.as_deref())?;
        let surroundings = Surroundings {
            clock,
            clock_check,
            meters,
        };
        let program = Program::open(folder, config, surroundings).await?;
        let control = program.control();
        let discovery = Discovery::new(library, control.clone());
        #[cfg(all(feature = "bluetooth", target_os = "linux"))]
        let commission = {
            let control = control.clone();
            tokio::spawn(async move {
                if let Err(error) = commission(&dir, &bluetooth, control).await {
                    tracing::error!(%error, "commissioning over Bluetooth is not offered");
                }
            })
        };
        // Meters are read whether anybody can look on or not.
        let server = api::serve(api.listen, access, control, discovery)
            .inspect_err(|error| tracing::error!(%error, "there is no local API"))
            .ok();
        let address = server.as_ref().map(|server| server.address().to_string());
        tracing::info!(api = address, "the gateway is running");
        program.run(stop).await;
        #[cfg(all(feature = "bluetooth", target_os = "linux"))]
        commission.abort();
        if let Some(server) = server {
            server.stop().await;
        }
        tracing::info!("the gateway has stopped; everything that was taken is kept");
        Ok(())
    }
}
