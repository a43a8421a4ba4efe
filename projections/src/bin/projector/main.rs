//! The program `projector`: carries events into the two databases, rebuilds and verifies them.

mod arguments;
mod check;
mod config;
mod rebuild;
mod run;
mod shutdown;
mod status;
mod verify;

use anyhow::Context;
use arguments::{Arguments, Command};
use clap::Parser;
use config::Config;
use event_store::EventStore;
use schemas::log::StreamName;
use std::process::ExitCode;
use std::sync::Arc;

#[tokio::main]
async fn main() -> ExitCode {
    match command(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("projector: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, each said once.
fn sentence(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

async fn command(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config = Config::load(&arguments.sources)?;
    config.log.start().context("`log.level`")?;
    if let Command::Status(command) = arguments.command
        && command.check
    {
        return check::check(&config, arguments.target, command.max_lag).await;
    }
    let databases = config.databases(arguments.target)?;
    let store = match arguments.command {
        Command::Run => run::wait_for(|| open_store(&config)).await?,
        _ => Some(open_store(&config).await?),
    };
    let Some(store) = store else {
        return Ok(ExitCode::SUCCESS);
    };
    match arguments.command {
        Command::Run => {
            config.traces.start("projector", &config.domain)?;
            run::run(&databases, store, &config.domain).await?;
        }
        Command::Status(_) => status::status(&databases, &store, &config.domain).await?,
        Command::Rebuild => rebuild::rebuild(&databases, &store, &config.domain).await?,
        Command::Verify => return verify::verify(&databases, &store, &config.domain).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn open_store(config: &Config) -> anyhow::Result<Arc<dyn EventStore>> {
    let location = config.events()?;
    let opened = async {
        let identity = StreamName::identity(&config.domain)?;
        let plain = location.open_read_only().await?;
        let keys = config.people_keys(&location);
        anyhow::Ok(keys.seal(plain, &identity).await?)
    };
    let store = opened.await;
    store.with_context(|| format!("the events at {location}"))
}
