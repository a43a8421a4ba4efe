//! What the process says about itself, on standard error.

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

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: Format,
    /// A level, or directives as in `info,registry::sequencer=debug`.
    pub level: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
            // These two tell of every look of a migration that changes nothing.
            level: "info,refinery_core=warn,tokio_postgres=warn".into(),
        }
    }
}

impl Log {
    /// Starts logging for the whole process. A second call changes nothing: the first one holds.
    ///
    /// # Errors
    /// When `log.level` is not a valid directive.
    pub fn start(&self) -> Result<(), ParseError> {
        let (filter, handle) = reload::Layer::new(EnvFilter::try_new(&self.level)?);
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

/// Changes the level of this process while it runs; `level` as in [`Log::level`]. Without effect
/// where logging was not started by [`Log::start`].
///
/// # Errors
/// When `level` is not a valid directive.
pub fn change_level(level: &str) -> Result<(), ParseError> {
    let filter = EnvFilter::try_new(level)?;
    if let Some(handle) = LEVEL.get()
        && let Err(error) = handle.reload(filter)
    {
        tracing::warn!(%error, "the log level stays as it was");
    }
    Ok(())
}
