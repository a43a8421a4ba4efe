//! `gateway simulate`.

use anyhow::{Context, bail, ensure};
use chrono::{NaiveDate, NaiveTime, Timelike, Utc};
use clap::Args;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

use super::device::{Device, Family, Identity, Wiring};
use super::fault::Script;
use super::physics::{BatterySize, LocalDay, Size};
use super::server::{Framing, Simulator, UNITS};
use crate::clock::{Clock, Pace, Paced};
use crate::profile::{Library, Profile, Protocol};
use crate::stop;

/// Be an inverter or a meter: answer Modbus requests as a device of a profile does
#[derive(Debug, Clone, Args)]
pub struct Simulate {
    /// The profile's id
    #[arg(long)]
    pub profile: String,
    /// A folder with profiles of one's own
    #[arg(long)]
    pub profiles: Option<PathBuf>,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// The port to listen on; 0 finds a free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// How requests are framed; Modbus TCP, or of a P1 port a stream of telegrams, if it is not given
    #[arg(long, value_enum)]
    pub framing: Option<Framing>,
    /// The serial number of the data logger, of frames of Solarman
    #[arg(long, default_value_t = 2_712_345_678)]
    pub logger: u32,
    /// The unit id; what the profile says if it is not given
    #[arg(long)]
    pub unit_id: Option<u8>,
    /// So many devices with consecutive unit ids, each at a house of its own
    #[arg(long, default_value_t = 1)]
    pub units: u8,
    /// So many seconds pass in one
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub speed_up: u32,
    /// The day it begins, at local midnight of central Europe; now if it is not given
    #[arg(long)]
    pub date: Option<NaiveDate>,
    /// So long after midnight of that day, or of today
    #[arg(long)]
    pub time: Option<NaiveTime>,
    /// Live in the present, at a house that has been there since this day: counters go on from one start to the next
    #[arg(long, conflicts_with_all = ["date", "time", "speed_up"])]
    pub since: Option<NaiveDate>,
    /// How many hours the sun is ahead of that over central Europe
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..24))]
    pub east_h: u8,
    /// Weather, habits and chance
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// A script of faults
    #[arg(long)]
    pub faults: Option<PathBuf>,
    /// Least and most milliseconds that an answer takes
    #[arg(long, num_args = 2, value_names = ["LEAST", "MOST"], default_values_t = [20, 100])]
    pub latency_ms: Vec<u64>,
    /// Rated power of the panels, in W
    #[arg(long, default_value_t = Size::default().panels_w)]
    pub panels_w: u64,
    /// What the inverter can do, in W
    #[arg(long, default_value_t = Size::default().inverter_w)]
    pub inverter_w: u64,
    /// What the battery holds, in Wh; 0 for none
    #[arg(long, default_value_t = 10_000)]
    pub battery_wh: u64,
    /// What is used, in thousandths of a usual household
    #[arg(long, default_value_t = 1_000)]
    pub load_permille: u64,
    /// The serial number; made of the seed and the unit id if it is not given
    #[arg(long)]
    pub serial: Option<String>,
    /// The model
    #[arg(long)]
    pub model: Option<String>,
    /// The version of the firmware
    #[arg(long)]
    pub firmware: Option<String>,
    /// The vendor's number of the type
    #[arg(long)]
    pub device_type: Option<u64>,
    /// The models of a device that describes itself (profile sunspec)
    #[arg(long, value_enum, default_value_t = Family::Int)]
    pub family: Family,
    /// How such a device is wired
    #[arg(long, value_enum, default_value_t = Wiring::Wye)]
    pub wiring: Wiring,
    /// Stop when standard input ends
    #[arg(long, hide = true)]
    pub with_parent: bool,
}

/// Largest plant that is simulated: 1 GW. Above, a year of joules would not fit.
const MOST_W: u64 = 1_000_000_000;

impl Simulate {
    /// Answers until it is stopped.
    ///
    /// # Errors
    /// When there is no such profile, the script breaks a rule, or the port is taken.
    pub async fn run(self) -> anyhow::Result<()> {
        let framing = self.framing(self.profile()?.protocol)?;
        let (simulator, about) = self.simulator()?;
        let stop = stop::requested(self.with_parent)?;
        let listener = TcpListener::bind((self.host, self.port))
            .await
            .with_context(|| format!("{}:{} can not be listened on", self.host, self.port))?;
        println!("{about} listens on {}", listener.local_addr()?);
        tokio::select! {
            served = simulator.serve(listener, framing) => match served? {},
            () = stop => Ok(()),
        }
    }

    /// What is asked for, and a sentence about it.
    ///
    /// # Errors
    /// As [`Simulate::run`].
    pub fn simulator(&self) -> anyhow::Result<(Simulator, String)> {
        let profile = self.profile()?;
        let script = match &self.faults {
            Some(path) => Script::read(path)?,
            None => Script::default(),
        };
        let (clock, start) = self.clock();
        let first = self.unit_id.unwrap_or(profile.unit_id);
        let last = u16::from(first) + u16::from(self.units) - 1;
        ensure!(
            self.units > 0 && UNITS.contains(&first) && last <= u16::from(*UNITS.end()),
            "unit ids are {} to {}",
            UNITS.start(),
            UNITS.end()
        );
        let mut devices = BTreeMap::new();
        for (unit, seed) in (first..).zip(self.seed..).take(usize::from(self.units)) {
            let device = Device::new(
                profile.clone(),
                self.identity(unit),
                self.size()?,
                seed,
                start,
                script.clone(),
            );
            devices.insert(unit, device?);
        }
        let milliseconds = |n: usize| self.latency_ms.get(n).copied().unwrap_or_default();
        let latency =
            Duration::from_millis(milliseconds(0))..=Duration::from_millis(milliseconds(1));
        let about = format!(
            "{} with unit id {first}{} at {}, {} times as fast, seed {},",
            profile.id,
            if self.units > 1 {
                format!(" to {last}")
            } else {
                String::new()
            },
            start.format("%Y-%m-%d %H:%M UTC"),
            self.speed_up,
            self.seed,
        );
        let delay = profile.limits.connect_delay();
        Ok((
            Simulator::new(devices, clock, self.seed, latency, delay, self.logger),
            about,
        ))
    }

    fn profile(&self) -> anyhow::Result<Arc<Profile>> {
        let mut library = Library::embedded()?;
        if let Some(folder) = &self.profiles {
            library = library.with_folder(folder)?;
        }
        let Some(profile) = library.get(&self.profile) else {
            let known: Vec<_> = library.iter().map(|profile| profile.id.as_str()).collect();
            bail!(
                "there is no profile {:?}; there are {}",
                self.profile,
                known.join(", ")
            );
        };
        Ok(profile.clone())
    }

    fn framing(&self, protocol: Protocol) -> anyhow::Result<Framing> {
        let is_p1 = protocol == Protocol::P1;
        let usual = if is_p1 { Framing::P1Tcp } else { Framing::Tcp };
        let framing = self.framing.unwrap_or(usual);
        ensure!(
            framing.is_p1() == is_p1,
            "{:?} has {}, which --framing {framing:?} does not carry",
            self.profile,
            if is_p1 { "telegrams" } else { "registers" },
        );
        ensure!(
            !is_p1 || self.units == 1,
            "a P1 port has one meter behind it"
        );
        Ok(framing)
    }

    /// The clock of the simulation, and what it shows first.
    fn clock(&self) -> (Clock, chrono::DateTime<Utc>) {
        let now = Utc::now();
        if let Some(since) = self.since {
            return (Clock::default(), LocalDay(since).start());
        }
        let day = LocalDay(self.date.unwrap_or_else(|| LocalDay::of(now).0));
        let start = match (self.date, self.time) {
            (None, None) => now,
            (_, time) => {
                let midnight = chrono::TimeDelta::seconds(i64::from(
                    time.unwrap_or_default().num_seconds_from_midnight(),
                ));
                day.start() + midnight
            }
        };
        let pace = Pace {
            since: now,
            shows: start,
            factor: self.speed_up,
        };
        (Clock::from_source(Paced::new(pace)), start)
    }

    fn size(&self) -> anyhow::Result<Size> {
        for (option, given) in [
            ("--panels-w", self.panels_w),
            ("--inverter-w", self.inverter_w),
            ("--battery-wh", self.battery_wh),
            ("--load-permille", self.load_permille),
        ] {
            ensure!(given <= MOST_W, "{option} is at most {MOST_W}");
        }
        Ok(Size {
            panels_w: self.panels_w,
            inverter_w: self.inverter_w,
            battery: (self.battery_wh > 0).then_some(BatterySize {
                capacity_wh: self.battery_wh,
                // A battery that is full within three hours or so.
                power_w: self.battery_wh * 3 / 10,
            }),
            load_permille: self.load_permille,
            east_h: self.east_h,
        })
    }

    fn identity(&self, unit: u8) -> Identity {
        let serial = match &self.serial {
            Some(serial) => serial.clone(),
            None => format!("{:05}{unit:03}", self.seed % 100_000),
        };
        Identity {
            serial,
            model: self.model.clone().unwrap_or_default(),
            firmware: self.firmware.clone(),
            device_type: self.device_type,
            family: self.family,
            wiring: self.wiring,
        }
    }
}
