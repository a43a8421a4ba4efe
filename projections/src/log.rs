//! What a program of this workspace says about itself, on standard error: the settings `log` of `registry` and
//! `projector` alike.

use std::{io::IsTerminal, sync::OnceLock};

use serde::{Deserialize, Serialize};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::ParseError,
    fmt::{self, time::ChronoUtc},
    layer::SubscriberExt,
    reload,
    util::SubscriberInitExt,
};

/// How it says it, and how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// For people, or for machines.
    pub format: Format,
    /// A level, or directives as in `info,registry::sequencer=debug`.
    pub level: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
/// How a record is written.
pub enum Format {
    /// One readable line per record, for people.
    Pretty,
    /// One JSON object per line, for machines.
    Json,
}

/// The level of this process, once logging has started: there is one per process, as there is one
/// standard error.
static LEVEL: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

impl Default for Log {
    fn default() -> Self {
        Self {
            format: Format::Pretty,
            level: "info".into(),
        }
    }
}

impl Log {
    /// Looks at the settings.
    ///
    /// # Errors
    /// As [`Log::start`].
    pub fn check(&self) -> Result<(), ParseError> {
        filter(&self.level).map(drop)
    }

    /// Starts logging for the whole process. A second call changes nothing: the first one holds.
    ///
    /// # Errors
    /// When `log.level` is not a valid directive.
    pub fn start(&self) -> Result<(), ParseError> {
        let (filter, handle) = reload::Layer::new(filter(&self.level)?);
        let lines = fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal());
        let lines = match self.format {
            // The day is known to whoever looks on.
            Format::Pretty => lines
                .with_timer(ChronoUtc::new("%H:%M:%S%.3f".to_owned()))
                .with_target(false)
                .compact()
                .boxed(),
            Format::Json => lines.json().flatten_event(true).boxed(),
        };
        let started = tracing_subscriber::registry()
            .with(filter)
            .with(lines)
            .try_init();
        if started.is_ok() && LEVEL.set(handle).is_err() {
            tracing::debug!("the log level keeps its first handle");
        }
        Ok(())
    }
}

/// Libraries that tell of their every step, unless `level` asks for it: what follows overrides what
/// stands before.
const QUIET: &str = "actix_server=warn,kurrentdb=off,refinery_core=off,tokio_postgres=warn";

fn filter(level: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::try_new(format!("{QUIET},{level}"))
}

/// Changes the level of this process while it runs; `level` as in [`Log::level`]. Without effect
/// where logging was not started by [`Log::start`].
///
/// # Errors
/// When `level` is not a valid directive.
pub fn change_level(level: &str) -> Result<(), ParseError> {
    let filter = filter(level)?;
    if let Some(handle) = LEVEL.get()
        && let Err(error) = handle.reload(filter)
    {
        tracing::warn!(%error, "the log level stays as it was");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn noisy_libraries_are_quiet_unless_asked() {
        let quiet = filter("debug").unwrap().to_string();
        assert!(quiet.contains("actix_server=warn") && quiet.contains("debug"));
        let asked = filter("info,actix_server=trace").unwrap().to_string();
        assert!(asked.contains("actix_server=trace") && !asked.contains("actix_server=warn"));
    }

    #[test]
    fn a_level_that_does_not_parse_is_refused() {
        assert!(filter("registry=loud").is_err());
    }
}
