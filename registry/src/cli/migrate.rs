//! `registry migrate`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use projections::{Target, migrate_live, postgres::ensure_database_within};

use crate::config::Config;

/// Make the tables of the databases, or bring them up to date
///
/// Waits for databases that are being started.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    #[arg(long, value_enum, default_value = "all")]
    target: Which,
    /// How long to wait for a database
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    Write,
    Read,
    All,
}

impl Migrate {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        config.log.start()?;
        let patience = Duration::from_secs(self.wait.into());
        let both = [
            (Which::Write, Target::Write, &config.database.write),
            (Which::Read, Target::Read, &config.database.read),
        ];
        for (which, target, connection) in both {
            if self.target == which || self.target == Which::All {
                ensure_database_within(patience, connection, |absence| {
                    println!("{target}: {absence}; waiting up to {} s", self.wait);
                })
                .await?;
                migrate_live(connection, target).await?;
                println!("{target}: up to date ({})", connection.place());
            }
        }
        Ok(())
    }
}
