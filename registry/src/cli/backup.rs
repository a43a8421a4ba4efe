//! `registry backup`.

use clap::Args;
use schemas::log::StreamName;

use super::log::{bar, show};
use super::place::{Place, Places};
use crate::backup::{self, Manifest, PIECE_BYTES};
use crate::config::Config;

/// Back up the events and the keys of the registry and of the people in it, while the registry runs
///
/// Databases are made from the events and need no backup. Called again with the same place, it adds what is new.
/// The master secret (`auth.master_secret`) and the configuration are not in it.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// Where the backup goes: a folder, or `s3://BUCKET/PREFIX` in the object store of the configuration
    #[arg(long, value_name = "PLACE")]
    to: Place,
    /// Where the keys go; keep them apart from the events, and not as long [default: the same]
    #[arg(long, value_name = "PLACE")]
    keys: Option<Place>,
}

impl Backup {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        config.log.start()?;
        let places = Places::of(self.to, self.keys)?;
        let bar = bar("", 0);
        let tell = |stream: &StreamName, step| {
            bar.set_prefix(stream.to_string());
            show(&bar, step);
        };
        let taken = match &places {
            Places::Folders { events, keys } => backup::take(config, events, keys, tell).await,
            Places::Buckets(buckets) => backup::send(config, buckets, PIECE_BYTES, tell).await,
        };
        bar.finish_and_clear();
        print(&taken?, &places);
        Ok(())
    }
}

fn print(manifest: &Manifest, places: &Places) {
    for ending in &manifest.streams {
        println!(
            "{}: {} events, running hash {}",
            ending.stream, ending.position, ending.hash
        );
    }
    println!("keys: {}", places.keys());
    println!("backed up to {}", places.events());
}
