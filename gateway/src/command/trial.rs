//! `gateway try`.

use super::{Dir, local};
use anyhow::{Context, bail};
use clap::Args;
use gateway::clock::Clock;
use gateway::config::{Config, ConfigError, DeviceConfig};
use gateway::connection::Connection;
use gateway::control::Trial;
use gateway::engine::Meters;
use gateway::folder::{self, FolderError};
use gateway::meters::Connected;
use gateway::profile::Library;
use gateway::trial::trial;
use reqwest::Method;
use schemas::api::problem::ProblemDocument;
use schemas::id::DeviceId;
use std::fmt::Write;
use std::time::Duration;

/// Time for a running gateway to say how it is.
const PATIENCE: Duration = Duration::from_secs(50);
/// Time for a running gateway to ask it: longer than it gives itself.
const PATIENCE_WITH_GATEWAY: Duration = Duration::from_secs(70);
/// Power of a device that is not configured; nothing is held against it when it is tried.
const ANY_NAMEPLATE_W: i64 = 1_000_000_000;

/// Read devices once and show what they say; nothing of it is kept or sent
///
/// Those of the configuration, or one that is not configured yet: --profile sunspec --at tcp://192.168.1.20
#[derive(Debug, Args)]
pub struct Try {
    #[command(flatten)]
    dir: Dir,
    /// Only this one of the configured devices, by its id at the registry
    #[arg(long, value_name = "ID", conflicts_with = "profile")]
    device: Option<i64>,
    /// The profile of a device that is not configured
    #[arg(long, requires = "at")]
    profile: Option<String>,
    /// Where that is: tcp://HOST[:PORT], rtu:/dev/ttyUSB0[?baud=9600&parity=none|even|odd], rtu+tcp://HOST[:PORT],
    /// solarman://HOST[:PORT]?logger=SERIAL, p1://HOST:PORT or http://HOST/PATH
    #[arg(long, requires = "profile")]
    at: Option<Connection>,
    /// Its unit id, if not the profile's
    #[arg(long, requires = "profile")]
    unit_id: Option<u8>,
    /// The energy counter to look at, if not the profile's
    #[arg(long, requires = "profile")]
    counter: Option<String>,
    /// The version of its firmware, where no register tells it and it matters
    #[arg(long, requires = "profile")]
    firmware: Option<String>,
}

impl Try {
    pub async fn run(self) -> anyhow::Result<()> {
        super::log::start()?;
        let dir = &self.dir.dir;
        let config = match Config::load(dir) {
            Ok(config) => config,
            Err(ConfigError::Missing { .. }) => Config::new(None),
            Err(error) => return Err(error.into()),
        };
        let devices = self.devices(&config)?;
        // A line or a port may be one reader's at a time: whoever reads it already is asked, and none begins to meanwhile.
        let (is_running, _kept) = match folder::at_rest(dir) {
            Err(FolderError::InUse { .. }) => (true, None),
            kept => (false, kept?),
        };
        if is_running {
            local::snapshot(dir, &config, PATIENCE).await?;
        }
        let meters = self.meters(&config)?;
        let mut failed = 0_usize;
        for device in &devices {
            println!("device {} at {}", device.profile, device.connection);
            let tried = if is_running {
                self.by_the_running_gateway(&config, device).await
            } else {
                directly(&meters, device).await
            };
            match tried {
                Ok(trial) => print!("{}", shown(&trial)),
                Err(error) => {
                    failed += 1;
                    println!("  not read: {error:#}");
                }
            }
        }
        if failed > 0 {
            bail!("{failed} of {} devices could not be read", devices.len());
        }
        Ok(())
    }

    /// What is to be read.
    fn devices(&self, config: &Config) -> anyhow::Result<Vec<DeviceConfig>> {
        if let (Some(profile), Some(at)) = (&self.profile, &self.at) {
            return Ok(vec![DeviceConfig {
                id: DeviceId(1),
                profile: profile.clone(),
                connection: at.clone(),
                unit_id: self.unit_id,
                counter: self.counter.clone(),
                firmware: self.firmware.clone(),
                nameplate_w: ANY_NAMEPLATE_W,
                paused: false,
            }]);
        }
        let Some(id) = self.device.map(DeviceId) else {
            if config.devices.is_empty() {
                bail!("no device is configured here; name one with --profile and --at");
            }
            return Ok(config.devices.clone());
        };
        let device = config.device(id).cloned();
        let device = device.with_context(|| format!("no device {id} is configured here"))?;
        Ok(vec![device])
    }

    fn meters(&self, config: &Config) -> anyhow::Result<Connected> {
        let mut profiles = Library::embedded()?;
        if let Some(more) = &config.profiles {
            profiles = profiles.with_folder(&self.dir.dir.join(more))?;
        }
        Ok(Connected::new(profiles, Clock::default()))
    }

    async fn by_the_running_gateway(
        &self,
        config: &Config,
        device: &DeviceConfig,
    ) -> anyhow::Result<Trial> {
        let question = (Method::POST, "/devices/try");
        let patience = PATIENCE_WITH_GATEWAY;
        let asked = local::ask(&self.dir.dir, config, question, patience, |request| {
            request.json(device)
        });
        let answer = asked.await?.context("the gateway has stopped")?;
        if !answer.status().is_success() {
            let problem: ProblemDocument = answer.json().await?;
            bail!("{}", problem.detail);
        }
        Ok(answer.json().await?)
    }
}

async fn directly(meters: &Connected, device: &DeviceConfig) -> anyhow::Result<Trial> {
    let meter = meters.open(device).map_err(anyhow::Error::msg)?;
    trial(meter.as_ref()).await.map_err(anyhow::Error::msg)
}

/// What a device says, for people.
fn shown(trial: &Trial) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<32} {value}");
    };
    let meter = &trial.meter;
    for (name, value) in [
        ("maker", &meter.maker),
        ("model", &meter.model),
        ("serial number", &meter.serial),
    ] {
        line(name, if value.is_empty() { "not told" } else { value });
    }
    if let Some(firmware) = &meter.firmware {
        line("firmware", firmware);
    }
    let wh = rust_decimal::Decimal::new(trial.sample.energy_mwh, 3);
    line("counter for certificates", &format!("{wh} Wh"));
    if let Some(power) = trial.sample.power_w {
        line("power", &format!("{power} W"));
    }
    for point in &trial.sample.values {
        let value = format!("{} {}", point.value, point.unit);
        line(&point.meaning, value.trim_end());
    }
    text
}
