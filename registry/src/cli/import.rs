//! `registry import`.

use std::{path::PathBuf, time::Instant};

use anyhow::{Context, bail};
use chrono::FixedOffset;
use chrono_tz::Tz;
use clap::{Args, Subcommand, value_parser};
use indicatif::{ProgressBar, ProgressStyle};
use rust_decimal::Decimal;
use schemas::id::DeviceId;

use super::password;
use crate::{
    client::Client,
    config::Config,
    import::{
        IntervalLength, Local, Report, TimeFormat, TimeReader, Unit, grouped,
        mapping::{Duplicates, Mapped, Mapping, TimeIs, WithoutTime},
        submission::{self, MAX_BATCH, Target},
        table::{Columns, read_file},
    },
};

/// Holds the password where nobody is there to type it.
const PASSWORD_VARIABLE: &str = "GCR_IMPORT__PASSWORD";

/// Import from files, through the public API
#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Readings(Box<Readings>),
}

impl Import {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let What::Readings(readings) = self.what;
        readings.run(config).await
    }
}

/// Import a CSV file of interval values as readings of one device
///
/// Interrupted, or run again, it goes on where it was: the registry recognises readings it has.
#[derive(Debug, Args)]
struct Readings {
    /// CSV in UTF-8 with a header
    file: PathBuf,
    /// The registry [default: the one that the configuration describes]
    #[arg(long)]
    url: Option<String>,
    /// Who signs in; the password comes from GCR_IMPORT__PASSWORD, or is asked for
    #[arg(long, required_unless_present = "dry_run")]
    email: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
    /// Id of the device
    #[arg(long, required_unless_present = "dry_run")]
    device: Option<i64>,
    #[command(flatten)]
    mapping: MappingFlags,
    /// Stored with each reading
    #[arg(long, default_value = "NET", value_parser = ["NET", "GROSS"])]
    gross_net_indicator: String,
    /// Identifier of the meter, where it is not the device's own
    #[arg(long, value_name = "IDENTIFIER")]
    meter: Option<String>,
    /// Store the readings without issuing certificates; that is done on request
    #[arg(long)]
    unissued: bool,
    /// Import the good rows of a file that has bad ones
    #[arg(long)]
    partial: bool,
    /// Map and report, send nothing
    #[arg(long)]
    dry_run: bool,
    /// Readings per request
    #[arg(long, default_value_t = MAX_BATCH, value_parser = value_parser!(u16).range(1..=i64::from(MAX_BATCH)))]
    batch: u16,
}

#[derive(Debug, Args)]
struct MappingFlags {
    /// Header of the column of times; "" for a column without one
    #[arg(long, value_name = "NAME")]
    time_column: String,
    /// `auto` (RFC 3339, or YYYY-MM-DD HH:MM:SS with or without offset), or as in "%d/%m/%Y %H:%M"
    #[arg(long, default_value = "auto", value_name = "FORMAT")]
    time_format: TimeFormat,
    /// Zone of times without an offset, as in Europe/London
    #[arg(long, conflicts_with = "offset")]
    zone: Option<Tz>,
    /// Offset of times without one, as in +10:00
    #[arg(long, allow_hyphen_values = true)]
    offset: Option<FixedOffset>,
    /// Whether a time is the start or the end of its interval
    #[arg(long, default_value = "start", value_name = "start|end")]
    time_is: TimeIs,
    /// Header of the column of values
    #[arg(long, value_name = "NAME")]
    value_column: String,
    /// W, kW, MW, GW (average power) or Wh, kWh, MWh, GWh (energy)
    #[arg(long)]
    unit: Unit,
    /// Round values to a multiple of this, in the column's unit
    #[arg(long, value_name = "STEP", value_parser = step)]
    round_to: Option<Decimal>,
    /// Length of the intervals: 1h, 30m, 15m, …
    #[arg(long, value_name = "LENGTH")]
    interval: IntervalLength,
    /// Rows that repeat an instant: accept-identical counts those with the same value and refuses
    /// others, refuse refuses all, first lets the first row stand
    #[arg(long, default_value = "accept-identical", value_name = "POLICY")]
    duplicates: Duplicates,
    /// Rows without a time: refuse or skip
    #[arg(long, default_value = "refuse", value_name = "POLICY")]
    rows_without_time: WithoutTime,
}

fn step(text: &str) -> Result<Decimal, String> {
    match Decimal::from_str_exact(text) {
        Ok(step) if step > Decimal::ZERO => Ok(step),
        _ => Err("write a positive decimal number, as in 0.001".to_owned()),
    }
}

impl MappingFlags {
    fn mapping(&self) -> Mapping {
        let local = match (self.zone, self.offset) {
            (Some(zone), _) => Local::Zone(zone),
            (_, Some(offset)) => Local::Offset(offset),
            _ => Local::Unknown,
        };
        Mapping {
            time: TimeReader {
                format: self.time_format.clone(),
                local,
            },
            time_is: self.time_is,
            interval: self.interval,
            unit: self.unit,
            round_to: self.round_to,
            duplicates: self.duplicates,
            without_time: self.rows_without_time,
        }
    }
}

impl Readings {
    async fn run(self, config: &Config) -> anyhow::Result<()> {
        let began = Instant::now();
        let columns = Columns {
            time: self.mapping.time_column.clone(),
            value: self.mapping.value_column.clone(),
        };
        let mut mapped = read_file(&self.file, &columns, self.mapping.mapping())?;
        let reading = began.elapsed();
        let good = mapped.refused.count() == 0 || self.partial;
        let report = match (self.dry_run || !good, &self.email, self.device) {
            (false, Some(email), Some(device)) => {
                let password = password::read(self.password_stdin, PASSWORD_VARIABLE)?;
                let url = self.url.clone().unwrap_or_else(|| config.http.url());
                let client = Client::sign_in(&url, email, password).await?;
                let sending = Instant::now();
                let sent = self.send(&client, DeviceId(device), &mut mapped).await;
                Report::of(mapped, reading).and_sent(sent, reading + sending.elapsed())
            }
            _ => Report::of(mapped, reading),
        };
        print!("{report}");
        self.verdict(report)
    }

    async fn send(
        &self,
        client: &Client,
        device_id: DeviceId,
        mapped: &mut Mapped,
    ) -> submission::Sent {
        let readings = std::mem::take(&mut mapped.readings);
        let bar = progress_bar(readings.len() as u64);
        let target = Target {
            client,
            device_id,
            interval: self.mapping.interval,
            gross_net_indicator: &self.gross_net_indicator,
            batch: self.batch,
            partial: self.partial,
            meter_identifier: self.meter.as_deref(),
            issue: !self.unissued,
        };
        let sent = submission::send(&target, readings, |done| bar.inc(done)).await;
        bar.finish_and_clear();
        sent
    }

    fn verdict(&self, mut report: Report) -> anyhow::Result<()> {
        let left = grouped(report.left());
        if let Some(failure) = report.take_failure() {
            return Err(failure).context(format!(
                "{left} readings were not stored; once it is settled why, run the same command again, \
                 which recognises those that are"
            ));
        }
        match report.refused() {
            0 => Ok(()),
            _ if self.partial => Ok(()),
            _ if self.dry_run => bail!("rows are refused"),
            _ if report.was_sent() => {
                bail!("readings are refused, and {left} others with them; --partial imports those")
            }
            _ => bail!("rows are refused, so nothing was sent; --partial imports the others"),
        }
    }
}

fn progress_bar(readings: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:40} {human_pos}/{human_len} readings, {per_sec}, {eta} left",
    )
    .expect("the template is a constant with known placeholders");
    ProgressBar::new(readings).with_style(style)
}
