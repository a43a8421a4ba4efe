//! `registry config`.

use clap::Args;

use crate::config::Config;

/// Print the configuration that file, environment and flags make, secrets masked
#[derive(Debug, Args)]
pub(super) struct Print {
    /// Print nothing; fail unless `serve` would start with it
    #[arg(long)]
    check: bool,
}

impl Print {
    pub fn run(self, config: &Config) -> anyhow::Result<()> {
        if self.check {
            config.check_production()?;
        } else {
            print!("{}", config.to_toml()?);
        }
        Ok(())
    }
}
