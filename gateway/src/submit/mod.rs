//! `gateway submit`.

mod file;
mod session;

use anyhow::{Context, bail};
use clap::Args;
use reqwest::Url;
use schemas::id::DeviceId;
use session::Session;
use std::{fs, path::PathBuf};

/// Rows sent in one request.
const ROWS: usize = 5_000;
/// The password, where no file is given.
const PASSWORD_VARIABLE: &str = "GATEWAY_PASSWORD";

/// Send a CSV of readings for one device; wait while the registry is away
#[derive(Debug, Args)]
pub struct Submit {
    /// The registry's address
    #[arg(long, default_value = "http://127.0.0.1:8000")]
    registry: Url,
    /// Who signs in; the password is read from --password-file or GATEWAY_PASSWORD
    #[arg(long)]
    email: String,
    /// A file whose first line is the password
    #[arg(long)]
    password_file: Option<PathBuf>,
    /// The device that was metered
    #[arg(long)]
    device: DeviceId,
    /// Columns as in GET /measurement/meter_readings_template
    file: PathBuf,
}

impl Submit {
    pub async fn run(self) -> anyhow::Result<()> {
        let password = self.password()?;
        let source = fs::File::open(&self.file).with_context(|| self.file.display().to_string())?;
        let pieces = file::pieces(source, ROWS).with_context(|| self.file.display().to_string())?;
        let mut session = Session::new(self.registry, self.email, password)?;
        let (mut accepted, mut repeated, mut wh) = (0, 0, 0_i128);
        for piece in pieces {
            let answer = session.submit(self.device, &piece).await?;
            accepted += answer.accepted;
            repeated += answer.repeated;
            wh += i128::from(answer.total_device_usage);
        }
        println!(
            "{accepted} readings accepted, {repeated} the registry had already, {wh} Wh in all"
        );
        Ok(())
    }

    fn password(&self) -> anyhow::Result<String> {
        if let Some(path) = &self.password_file {
            let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
            return Ok(text.lines().next().unwrap_or_default().to_owned());
        }
        match std::env::var(PASSWORD_VARIABLE) {
            Ok(password) => Ok(password),
            Err(_) => bail!("no password: give --password-file or set {PASSWORD_VARIABLE}"),
        }
    }
}
