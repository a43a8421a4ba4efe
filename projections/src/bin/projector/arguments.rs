//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use projections::Target;
use std::path::PathBuf;

/// Carries events into the two databases, rebuilds and verifies them.
#[derive(Debug, Parser)]
#[command(name = "projector", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Which database.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub target: Which,
    /// Where the settings come from.
    #[command(flatten)]
    pub sources: SourceArguments,
}

/// What to do.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Command {
    /// Project until stopped; of several for one database, one works and the others stand by.
    Run,
    /// Show positions, lag and row counts.
    Status(Status),
    /// Make the tables anew from the events, beside the live ones, and swap; may be interrupted and
    /// started again.
    Rebuild,
    /// Replay the events, compare row by row, and check the invariants.
    Verify,
}

/// How to show them.
#[derive(Debug, Clone, Copy, Args)]
pub struct Status {
    /// Count no rows; fail, and say why, unless a projector is at work in each database meant and is not behind.
    #[arg(long)]
    pub check: bool,
    /// How long an event may wait to be projected.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "check")]
    pub max_lag: u32,
}

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Which {
    /// The state of the ledger.
    Write,
    /// The answers to questions.
    Read,
    /// Both.
    #[default]
    All,
}

impl Which {
    /// The databases meant.
    pub const fn targets(self) -> &'static [Target] {
        match self {
            Self::Write => &[Target::Write],
            Self::Read => &[Target::Read],
            Self::All => &Target::ALL,
        }
    }
}

/// Where the settings come from.
#[derive(Debug, Args)]
pub struct SourceArguments {
    /// The registry's TOML file.
    #[arg(long, global = true, env = projections::settings::FILE_VARIABLE)]
    pub config: Option<PathBuf>,
    /// The SQLite file of the events.
    #[arg(long, global = true, value_name = "PATH")]
    pub events: Option<PathBuf>,
    /// The issuing body's registry, e.g. gb.
    #[arg(long, global = true)]
    pub domain: Option<String>,
    /// The WRITE database: `postgres://user@host:port/name`; the password is better left to the file or
    /// the environment.
    #[arg(long, global = true, value_name = "URL", hide_env_values = true)]
    pub write_url: Option<String>,
    /// The READ database, likewise.
    #[arg(long, global = true, value_name = "URL", hide_env_values = true)]
    pub read_url: Option<String>,
}
