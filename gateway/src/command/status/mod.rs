//! `gateway status`.

mod table;

use super::{Dir, local};
use clap::Args;
use gateway::buffer;
use gateway::config::{Config, ConfigError};
use gateway::enrolment::Enrolment;
use gateway::folder::{self, FolderError};
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Time for an answer of the running gateway.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often `--watch` looks.
const EVERY: Duration = Duration::from_secs(1);
/// Home, and clear what is below (ECMA-48, CUP and ED).
const CLEAR: &str = "\x1b[H\x1b[J";

/// Show what the gateway is at
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    dir: Dir,
    /// Show it live until interrupted
    #[arg(long)]
    watch: bool,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

impl Status {
    pub async fn run(self) -> anyhow::Result<()> {
        loop {
            let text = match self.text().await {
                // One that is only just starting may not answer yet.
                Err(error) if self.watch => format!("{error:#}"),
                text => text?,
            };
            let mut out = std::io::stdout().lock();
            if self.watch && out.is_terminal() {
                write!(out, "{CLEAR}")?;
            }
            writeln!(out, "{text}")?;
            out.flush()?;
            drop(out);
            if !self.watch {
                return Ok(());
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn text(&self) -> anyhow::Result<String> {
        let dir = &self.dir.dir;
        let (config, missing) = match Config::load(dir) {
            // It may have been started before anybody has told it anything.
            Err(missing @ ConfigError::Missing { .. }) => (Config::new(None), Some(missing)),
            loaded => (loaded?, None),
        };
        match (folder::at_rest(dir).map(drop), missing) {
            (Err(FolderError::InUse { .. }), _) => {
                let snapshot = local::snapshot(dir, &config, PATIENCE).await?;
                if self.json {
                    return Ok(serde_json::to_string_pretty(&snapshot)?);
                }
                Ok(table::running(&snapshot))
            }
            (Err(error), _) => Err(error.into()),
            (Ok(()), Some(missing)) => Err(missing.into()),
            (Ok(()), None) => self.at_rest(&config),
        }
    }

    /// What the folder says of a gateway that is not running.
    fn at_rest(&self, config: &Config) -> anyhow::Result<String> {
        let dir = &self.dir.dir;
        let enrolment = Enrolment::load(dir)?;
        let path = dir.join(buffer::FILE_NAME);
        let kept = if path.exists() {
            Some(buffer::look(&path, config.disk_share())?)
        } else {
            None
        };
        if self.json {
            let waiting = kept.as_ref().map_or(0, |(usage, _)| usage.readings);
            let value = serde_json::json!({
                "running": false,
                "gateway_id": enrolment.as_ref().map(|one| one.gateway_id),
                "readings_waiting": waiting,
            });
            return Ok(serde_json::to_string_pretty(&value)?);
        }
        Ok(table::at_rest(config, enrolment.as_ref(), kept.as_ref()))
    }
}
