//! `registry backup`.

use std::path::PathBuf;

use clap::Args;

use super::log::{bar, show};
use crate::{backup, config::Config};

/// Back up the events and the keys of the registry and of the people in it, while the registry runs
///
/// Databases are made from the events and need no backup. Called again with the same folder, it adds what is new.
/// The master secret (`auth.master_secret`) and the configuration are not in it.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The folder of the backup
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// The folder for the keys; keep them apart from the events, and not as long [default: the same]
    #[arg(long, value_name = "FOLDER")]
    keys: Option<PathBuf>,
}

impl Backup {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        config.log.start()?;
        let keys = self.keys.unwrap_or_else(|| self.to.clone());
        let bar = bar("", 0);
        let taken = backup::take(config, &self.to, &keys, |stream, step| {
            bar.set_prefix(stream.to_string());
            show(&bar, step);
        })
        .await;
        bar.finish_and_clear();
        let manifest = taken?;
        for ending in &manifest.streams {
            println!(
                "{}: {} events, running hash {}",
                ending.stream, ending.position, ending.hash
            );
        }
        println!("keys: {}", keys.display());
        println!("backed up to {}", self.to.display());
        Ok(())
    }
}
