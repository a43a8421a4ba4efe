//! The command line: one file per sub-command. Each reads the configuration, does one thing through
//! the library, and says what it did.

mod backup;
mod config;
mod dev;
mod doctor;
mod import;
mod keys;
mod log;
mod migrate;
mod openapi;
mod password;
mod place;
mod restore;
mod seed;
mod serve;
mod settings;
mod user;
mod verify_bundle;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::settings::Settings;
use crate::config::Hazard;

/// The granular certificate registry: meter readings in, certificates issued, moved, cancelled and
/// claimed, every action an event.
#[derive(Debug, Parser)]
#[command(name = "registry", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Dev(dev::Dev),
    Migrate(migrate::Migrate),
    Import(import::Import),
    Log(log::Log),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Seed(seed::Seed),
    User(user::User),
    Keys(keys::Keys),
    Config(config::Print),
    Doctor(doctor::Doctor),
    Openapi(openapi::Openapi),
    VerifyBundle(verify_bundle::VerifyBundle),
}

impl Command {
    /// Unsafe settings that it refuses unless they are allowed: those that concern what it does by itself. `serve` and
    /// `config --check` look at all of them.
    const fn concerns(&self) -> &'static [Hazard] {
        match self {
            Self::Migrate(_) => &[Hazard::PlainDatabase],
            Self::User(_) => &[
                Hazard::InsecureEventStore,
                Hazard::PlainDatabase,
                Hazard::CheapPasswords,
            ],
            Self::Keys(_) => &[
                Hazard::InsecureEventStore,
                Hazard::PlainDatabase,
                Hazard::GuessableMasterSecret,
            ],
            Self::Restore(_) => &[Hazard::InsecureEventStore, Hazard::PlainDatabase],
            Self::Backup(_) => &[Hazard::InsecureEventStore],
            _ => &[],
        }
    }
}

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    /// A sentence for the person at the terminal.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        // It needs no configuration, so a broken one is none of its business.
        if let Command::VerifyBundle(command) = &self.command {
            return Ok(command.run());
        }
        let config = self.settings.load()?;
        config.check_hazards_among(self.command.concerns())?;
        match self.command {
            Command::Serve(command) => command.run(config).await,
            Command::Dev(command) => command.run(config).await,
            Command::Migrate(command) => command.run(&config).await,
            Command::Import(command) => command.run(&config).await,
            Command::Log(command) => command.run(&config).await,
            Command::Backup(command) => command.run(&config).await,
            Command::Restore(command) => command.run(&config).await,
            Command::User(command) => command.run(&config).await,
            Command::Keys(command) => command.run(&config).await,
            Command::Seed(command) => command.run(&config).await,
            Command::Config(command) => command.run(&config),
            Command::Openapi(command) => command.run(),
            Command::VerifyBundle(command) => return Ok(command.run()),
            Command::Doctor(command) => return Ok(command.run(&config).await),
        }?;
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
