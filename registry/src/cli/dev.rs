//! `registry dev`.

use std::io::{self, IsTerminal, Write};

use anyhow::{Context, bail};
use clap::Args;
use projections::traces;

use crate::{config::Config, dev};

/// Run all of it on this machine: event store, two Postgres, projectors, API, inverter, gateway
#[derive(Debug, Args)]
pub(super) struct Dev {
    /// Delete the data instead, events included
    #[arg(long)]
    reset: bool,
    /// Do not ask before deleting
    #[arg(long, requires = "reset")]
    yes: bool,
    /// Without the simulated inverter and its gateway
    #[arg(long)]
    no_gateway: bool,
}

impl Dev {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        config.log.start()?;
        if self.reset {
            reset(&config, self.yes).await
        } else {
            config.traces.start("registry", &config.domain)?;
            let ended = dev::run(config, !self.no_gateway).await;
            traces::flush();
            Ok(ended?)
        }
    }
}

async fn reset(config: &Config, sure: bool) -> anyhow::Result<()> {
    let found = dev::leftovers(config)?;
    if found.is_empty() {
        println!("There is nothing to delete.");
        return Ok(());
    }
    println!("This deletes, for good:");
    for item in &found {
        println!("  {:<20} {}", item.what, item.path.display());
    }
    if !sure && !confirmed()? {
        println!("Nothing was deleted.");
        return Ok(());
    }
    dev::reset(config).await?;
    println!("Deleted.");
    Ok(())
}

fn confirmed() -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("nobody is there to answer: give --yes (make: CONFIRM=yes)");
    }
    print!("Go on? [y/N] ");
    io::stdout().flush().context("the question")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).context("the answer")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
