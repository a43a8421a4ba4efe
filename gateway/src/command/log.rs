//! What the process says about itself, on standard error.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// A level, or directives as in `info,gateway::uplink=debug`.
const VARIABLE: &str = "GATEWAY_LOG";
/// Libraries that tell of their every step, or what the error tells as well, unless asked: what follows overrides what
/// stands before.
const QUIET: &str = "actix_server=warn,rustls_platform_verifier=off";

/// Starts logging for the whole process.
///
/// # Errors
/// When `GATEWAY_LOG` is not a valid directive.
pub fn start() -> anyhow::Result<()> {
    let level = std::env::var(VARIABLE).unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(format!("{QUIET},{level}"))
        .map_err(|error| anyhow::anyhow!("{VARIABLE} is {level:?}: {error}"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    Ok(())
}
