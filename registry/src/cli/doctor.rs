//! `registry doctor`.

use std::process::ExitCode;

use clap::Args;

use crate::{
    clock::Clock,
    config::Config,
    doctor::{Grade, examine},
};

/// Look at configuration, clocks, disk, databases, event store and keys, and say what to do
///
/// Changes nothing, and may be run while the registry runs, as the user it runs as. Fails if there is a problem.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Say what is well, too
    #[arg(long)]
    all: bool,
}

impl Doctor {
    pub async fn run(self, config: &Config) -> ExitCode {
        let found = examine(config, &Clock::default()).await;
        let count = |grade| {
            found
                .iter()
                .filter(|finding| finding.grade == grade)
                .count()
        };
        for finding in &found {
            if self.all || finding.grade != Grade::Well {
                println!("{finding}");
            }
        }
        let (problems, warnings) = (count(Grade::Problem), count(Grade::Warning));
        println!(
            "{} things looked at: {problems} problems, {warnings} warnings",
            found.len()
        );
        if problems == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
