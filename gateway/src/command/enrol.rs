//! `gateway enrol`.

use super::Dir;
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use gateway::buffer::{self, Buffer};
use gateway::config::{Config, ConfigError, registry_address};
use gateway::enrolment::{self, Enrolment};
use gateway::folder::Folder;
use schemas::gateway::Algorithm;
use std::io::Read;
use url::Url;

/// Enrol at a registry with a one-time code: makes a key and proves that it is here
#[derive(Debug, Args)]
pub struct Enrol {
    #[command(flatten)]
    dir: Dir,
    /// The registry's address; the configured one if not given
    #[arg(long, value_parser = registry_address)]
    registry: Option<Url>,
    /// The one-time code; `-` reads it from standard input, where no list of processes shows it
    #[arg(long)]
    code: String,
    /// What people shall call this gateway
    #[arg(long)]
    name: Option<String>,
    /// How it signs
    #[arg(long, value_enum, default_value_t = Alg::Es256)]
    alg: Alg,
    /// Further certificates to trust, PEM; relative to the folder
    #[arg(long)]
    ca_file: Option<std::path::PathBuf>,
}

/// How a gateway signs.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Alg {
    /// ECDSA on P-256, which every secure element can
    Es256,
    /// Ed25519
    Eddsa,
}

impl From<Alg> for Algorithm {
    fn from(alg: Alg) -> Self {
        match alg {
            Alg::Es256 => Self::Es256,
            Alg::Eddsa => Self::EdDsa,
        }
    }
}

impl Enrol {
    pub async fn run(self) -> anyhow::Result<()> {
        super::log::start()?;
        let folder = Folder::hold(&self.dir.dir)?;
        let dir = folder.path();
        let before = match Config::load(dir) {
            Ok(config) => config,
            Err(ConfigError::Missing { .. }) => Config::new(None),
            Err(error) => return Err(error.into()),
        };
        let mut config = before.clone();
        if self.registry.is_some() {
            config.registry = self.registry;
        }
        if self.ca_file.is_some() {
            config.ca_file = self.ca_file;
        }
        let Some(registry) = config.registry.clone() else {
            bail!("no registry is configured: give --registry URL");
        };
        if let Err(wrong) = config.check() {
            let lines: String = wrong.iter().map(|one| format!("\n  {one}")).collect();
            bail!("the configuration would be wrong:{lines}");
        }
        let code = match self.code.as_str() {
            "-" => {
                let mut text = String::new();
                std::io::stdin().take(1_000).read_to_string(&mut text)?;
                text
            }
            given => given.to_owned(),
        };
        if code.trim().is_empty() {
            bail!("the code is empty; it looks like 7KQ4M-9XTBD-2VHWN-C3RPF");
        }
        if let Some(before) = Enrolment::load(dir)? {
            eprintln!(
                "This is gateway {} at {} already; it enrols anew, with another key.",
                before.gateway_id, before.registry
            );
        }
        // A code is good once: what comes after it is proved before.
        config.text_of(dir, &before)?;
        let buffer = Buffer::open(&dir.join(buffer::FILE_NAME), config.disk_share())?;
        let enrolled = enrolment::enrol(
            dir,
            &config,
            &buffer,
            code.trim(),
            self.name,
            self.alg.into(),
        );
        let (enrolment, answer) = enrolled
            .await
            .with_context(|| format!("the gateway has not enrolled at {registry}"))?;
        buffer.close().await;
        config.save(dir, &before)?;
        println!(
            "Gateway {} of account {} enrolled at {}.",
            enrolment.gateway_id, enrolment.account_id, enrolment.registry
        );
        for device in &answer.devices {
            let missing = match config.device(device.device_id) {
                Some(_) => "",
                None => " — to be configured",
            };
            println!(
                "  device {} {}{missing}",
                device.device_id, device.device_name
            );
        }
        println!(
            "Devices are configured in {}; `gateway run` works from then on.",
            dir.join(gateway::config::FILE_NAME).display()
        );
        Ok(())
    }
}
