//! `registry migrate`.

use clap::{Args, ValueEnum};
use projections::{Target, migrate_live, postgres::ensure_database};

use crate::config::Config;

/// Make the tables of the databases, or bring them up to date
#[derive(Debug, Args)]
pub(super) struct Migrate {
    #[arg(long, value_enum, default_value = "all")]
    target: Which,
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
        let both = [
            (Which::Write, Target::Write, &config.database.write),
            (Which::Read, Target::Read, &config.database.read),
        ];
        for (which, target, connection) in both {
            if self.target == which || self.target == Which::All {
                ensure_database(connection).await?;
                migrate_live(connection, target).await?;
                println!("{target}: up to date ({})", connection.place());
            }
        }
        Ok(())
    }
}
