//! `registry keys`.

use anyhow::Context;
use chrono::Duration;
use clap::{Args, Subcommand};

use crate::{
    config::Config,
    system::{Core, Projectors},
};

/// Manage the keys that sign access tokens
#[derive(Debug, Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Rotate(Rotate),
}

/// Have a new key sign; what the one before signed counts until it expires
#[derive(Debug, Args)]
struct Rotate {
    /// The key before is in wrong hands: nothing that it or an earlier one signed counts any longer
    #[arg(long)]
    compromised: bool,
}

impl Keys {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        config.log.start()?;
        let Action::Rotate(rotate) = self.action;
        let overlap = if rotate.compromised {
            Duration::zero()
        } else {
            Duration::minutes(config.auth.token_minutes.into())
        };
        let master = config.auth.master()?;
        let core = Core::start(config, Projectors::Elsewhere).await?;
        let replaced = core.replace_signing_key(&master, overlap).await;
        core.shutdown().await;
        let key_id = replaced.context("the key was not replaced")?;
        println!("Key {key_id} signs access tokens from here on.");
        Ok(())
    }
}
