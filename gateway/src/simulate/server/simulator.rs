//! Devices behind one address, and the time they live in.

use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio_modbus::server::{rtu_over_tcp, tcp};

use super::line::{BUFFER, carry};
use super::p1;
use super::service::Answers;
use crate::clock::Clock;
use crate::simulate::device::{Device, Map};
use crate::simulate::fault::{Kind, Line};
use crate::simulate::physics::{Totals, hash};
use crate::transport::solarman::Solarman;

/// Unit ids that devices can have (Modbus over Serial Line 1.02, 2.2).
pub const UNITS: RangeInclusive<u8> = 1..=247;
/// How often it is looked whether a device falls asleep or wakes up, in real time.
const LOOK: Duration = Duration::from_millis(20);
/// Channel of chance for what happens to answers; one for each fault from here on.
const ANSWERS: u64 = 100;
/// Channel of chance for how long an answer takes.
const LATENCY: u64 = 99;

/// How requests are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Framing {
    /// Modbus TCP.
    Tcp,
    /// Modbus RTU through a TCP connection.
    RtuOverTcp,
    /// Modbus RTU inside the frames of a Solarman V5 data logger.
    Solarman,
    /// Telegrams of a P1 port, one each second, over TCP.
    P1Tcp,
    /// The same when asked for over HTTP, as text at `/api/v1/telegram` and as JSON at `/telegram.json`.
    P1Http,
}

impl Framing {
    /// Whether it carries telegrams and not registers.
    #[must_use]
    pub const fn is_p1(self) -> bool {
        matches!(self, Self::P1Tcp | Self::P1Http)
    }
}

/// Devices behind one address; clones are the same ones.
#[derive(Debug, Clone)]
pub struct Simulator(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    devices: BTreeMap<u8, Mutex<Unit>>,
    clock: Clock,
    seed: u64,
    latency: RangeInclusive<Duration>,
    connect_delay: Duration,
    logger: u32,
    answers: AtomicI64,
}

#[derive(Debug)]
struct Unit {
    device: Device,
    /// What its registers held at that second.
    seen: Option<(DateTime<Utc>, Map)>,
}

impl Simulator {
    /// Devices by unit id that live in the time of `clock` and take `latency` of real time for an answer, in
    /// Solarman's frames behind the data logger with serial number `logger`.
    #[must_use]
    pub fn new(
        devices: BTreeMap<u8, Device>,
        clock: Clock,
        seed: u64,
        latency: RangeInclusive<Duration>,
        connect_delay: Duration,
        logger: u32,
    ) -> Self {
        let unit = |device| Mutex::new(Unit { device, seen: None });
        Self(Arc::new(Inner {
            devices: devices
                .into_iter()
                .map(|(id, device)| (id, unit(device)))
                .collect(),
            clock,
            seed,
            latency,
            connect_delay,
            logger,
            answers: AtomicI64::new(0),
        }))
    }

    /// Answers whoever connects to `listener`, except while the script says that the device sleeps.
    ///
    /// # Errors
    /// When the port can not be listened on any more.
    pub async fn serve(self, listener: TcpListener, framing: Framing) -> io::Result<Infallible> {
        let address = listener.local_addr()?;
        let mut listener = Some(listener);
        loop {
            self.until(false).await;
            let awake = match listener.take() {
                Some(listener) => listener,
                None => TcpListener::bind(address).await?,
            };
            tokio::select! {
                served = self.awake(awake, framing) => return Err(served.err().unwrap_or_else(
                    || io::Error::other("the server has ended"),
                )),
                // Dropping the server ends its connections and gives the port back.
                () = self.until(true) => {}
            }
        }
    }

    async fn awake(&self, listener: TcpListener, framing: Framing) -> io::Result<()> {
        let answers = || Answers {
            simulator: self.clone(),
            framing,
        };
        let ended = |error: io::Error| tracing::debug!(%error, "a connection ended");
        match framing {
            Framing::Tcp => {
                let connected = async |client, _| Ok(Some((answers(), self.line(client))));
                tcp::Server::new(listener).serve(&connected, ended).await
            }
            Framing::RtuOverTcp => {
                let connected = async |client, _| Ok(Some((answers(), self.line(client))));
                rtu_over_tcp::Server::new(listener)
                    .serve(&connected, ended)
                    .await
            }
            Framing::Solarman => {
                let connected = async |client, _| {
                    let line = Solarman::logger(self.line(client), self.0.logger);
                    Ok(Some((answers(), line)))
                };
                rtu_over_tcp::Server::new(listener)
                    .serve(&connected, ended)
                    .await
            }
            Framing::P1Tcp => p1::stream(self, listener).await,
            Framing::P1Http => p1::http(self, listener).await,
        }
    }

    pub(super) fn line(&self, client: TcpStream) -> DuplexStream {
        let (inside, outside) = duplex(BUFFER);
        tokio::spawn(carry(client, outside, self.clone()));
        inside
    }

    /// Returns when the device sleeps, or does not.
    async fn until(&self, sleeps: bool) {
        while self.has(Line::Asleep) != sleeps {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The registers of a unit now, and what happens to its answer; `None` if there is no such unit.
    pub(super) fn look(&self, unit: u8) -> Option<(Map, Vec<Line>)> {
        let mut unit = self
            .0
            .devices
            .get(&unit)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        unit.device.advance_to(self.0.clock.wall());
        let now = unit.device.plant().at();
        let map = match &unit.seen {
            Some((at, map)) if *at == now => map.clone(),
            _ => unit.device.registers(),
        };
        unit.seen = Some((now, map.clone()));
        drop(unit);
        Some((map, self.faults_of_an_answer().0))
    }

    /// The telegram of the first unit now, and what happens to it; `None` if it has no P1 port.
    pub(super) fn telegram(&self) -> Option<(String, Vec<Line>)> {
        let unit = self.0.devices.values().next()?;
        let telegram = {
            let mut unit = unit.lock().unwrap_or_else(PoisonError::into_inner);
            unit.device.advance_to(self.0.clock.wall());
            unit.device.telegram()?
        };
        Some((telegram, self.faults_of_an_answer().0))
    }

    /// The clock of the time it lives in.
    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Whether this is so now, whatever the chance.
    pub(super) fn has(&self, line: Line) -> bool {
        self.faults(|_, _| true).0.contains(&line)
    }

    /// What happens to the next answer, and how long what takes a while takes.
    pub(super) fn faults_of_an_answer(&self) -> (Vec<Line>, Duration) {
        let n = self.0.answers.fetch_add(1, Ordering::Relaxed);
        self.faults(|number, chance| {
            hash(self.0.seed, ANSWERS + number, n) % 1_000 < u64::from(chance)
        })
    }

    /// The faults of the line there are now. All units of one address have the same script.
    fn faults(&self, meets: impl Fn(u64, u16) -> bool) -> (Vec<Line>, Duration) {
        let (mut lines, mut pause) = (Vec::new(), Duration::ZERO);
        let now = self.0.clock.wall();
        let Some(unit) = self.0.devices.values().next() else {
            return (lines, pause);
        };
        let unit = unit.lock().unwrap_or_else(PoisonError::into_inner);
        let start = unit.device.start();
        for (number, fault) in (0..).zip(&unit.device.script().0) {
            if let Kind::Line(line) = fault.kind
                && fault.since(start, now).is_some()
                && meets(number, fault.chance_permille)
            {
                lines.push(line);
                pause = pause.max(Duration::from_millis(u64::from(fault.by_ms)));
            }
        }
        (lines, pause)
    }

    /// How long the next answer takes, in real time.
    pub(super) fn latency(&self) -> Duration {
        let (least, most) = (*self.0.latency.start(), *self.0.latency.end());
        let n = self.0.answers.load(Ordering::Relaxed);
        let permille = u32::try_from(hash(self.0.seed, LATENCY, n) % 1_000).unwrap_or_default();
        least + most.saturating_sub(least) * permille / 1_000
    }

    /// For how long a device does not hear after somebody has connected.
    pub(super) fn connect_delay(&self) -> Duration {
        self.0.connect_delay
    }

    /// What has flown at the house of a unit until now, whatever the device shows; `None` if there is no
    /// such unit.
    #[must_use]
    pub fn totals(&self, unit: u8) -> Option<Totals> {
        let mut unit = self
            .0
            .devices
            .get(&unit)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        unit.device.advance_to(self.0.clock.wall());
        Some(unit.device.totals())
    }
}
