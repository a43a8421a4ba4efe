//! What the gateway does when, and what its devices are at.
//!
//! Everything that is done is a [`Job`] in one queue on the monotonic clock: reading a device, sending, keeping
//! house. Each runs as a task of its own and says when it is due again; one that fails or panics comes again. A
//! device's state, from a table, says how urgent its next job is.
//!
//! A sample is taken in this order: the meter is asked, the accounts (a copy of them) make readings of it, readings
//! and accounts are made durable together, and only then the copy takes the place of the accounts. So whatever
//! stops in between, the next sample covers the same energy again.

mod device;
mod device_state;
mod meters;
mod publish;
mod runner;
mod sample;
mod schedule;
mod timing;

pub use device::last_sample;
pub use device_state::{BOUNDARY, Occurrence, SEND, TEND};
pub use meters::{ClockCheck, Meter, Meters, NotRead};
pub use runner::{Next, Runner};
pub use schedule::{Due, Priority, Schedule};

use crate::buffer::Buffer;
use crate::clock::Clock;
use crate::config::{Config, DeviceConfig};
use crate::signer::Signer;
use crate::snapshot::{Snapshot, UplinkState};
use crate::uplink::{Turn, Uplink};
use device::Device;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use schemas::id::DeviceId;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// With nothing to send, so long until it is looked whether that is still so.
const LOOK: Duration = Duration::from_secs(60);
/// How often what has had its time is cleared away, on the machine's clock.
const TIDY: Duration = Duration::from_secs(600);
/// How often it is published what the gateway is at, on the machine's clock.
const PUBLISH: Duration = Duration::from_secs(1);

/// Something to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Job {
    /// Read a device.
    Sample(DeviceId),
    /// Send what was taken.
    Send,
    /// Clear away what has had its time.
    Tidy,
    /// Tell what the gateway is at.
    Publish,
}

/// What the engine works with.
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// The clock.
    pub clock: Clock,
    /// What is known of the wall clock.
    pub clock_check: Arc<dyn ClockCheck>,
    /// Where devices are found.
    pub meters: Arc<dyn Meters>,
    /// Where what is taken is kept.
    pub buffer: Buffer,
    /// Who brings it to the registry; `None` before the gateway has enrolled.
    pub uplink: Option<Uplink>,
    /// Where it is published what the gateway is at; what is there now tells who the gateway is.
    pub publish: watch::Sender<Arc<Snapshot>>,
}

/// The gateway at work.
pub struct Engine {
    config: Mutex<Config>,
    clock: Clock,
    clock_check: Arc<dyn ClockCheck>,
    meters: Arc<dyn Meters>,
    buffer: Buffer,
    uplink: Mutex<Option<Arc<Uplink>>>,
    publish: watch::Sender<Arc<Snapshot>>,
    runner: Runner<Job>,
    devices: Mutex<BTreeMap<DeviceId, Device>>,
}

impl Engine {
    /// An engine that has begun nothing yet, with the devices of its configuration.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let now = parts.clock.wall();
        let device = |config: &DeviceConfig| (config.id, Device::new(config.clone(), now));
        let devices: BTreeMap<_, _> = parts.config.devices.iter().map(device).collect();
        let engine = Self {
            runner: Runner::new(parts.clock.clone()),
            config: Mutex::new(parts.config),
            clock: parts.clock,
            clock_check: parts.clock_check,
            meters: parts.meters,
            buffer: parts.buffer,
            uplink: Mutex::new(parts.uplink.map(Arc::new)),
            publish: parts.publish,
            devices: Mutex::new(devices),
        };
        engine.wake_all();
        Arc::new(engine)
    }

    fn wake_all(&self) {
        let every = self.config().sample_every();
        let devices: Vec<_> = self
            .devices()
            .values()
            .map(|one| (one.config.id, one.state))
            .collect();
        let count = u32::try_from(devices.len().max(1)).unwrap_or(u32::MAX);
        // Spread, so that a hundred connections are not opened in one moment.
        for (index, (id, state)) in (0..).zip(devices) {
            let after = every / count * index;
            self.runner.want(Job::Sample(id), after, state.priority());
        }
        self.runner.want(Job::Send, Duration::ZERO, SEND);
        self.runner.want(Job::Tidy, Duration::ZERO, TEND);
        self.runner.want(Job::Publish, Duration::ZERO, TEND);
    }

    /// Works until `stop`; what is being done comes to its end first.
    pub async fn run(self: &Arc<Self>, stop: impl Future<Output = ()>) {
        let engine = Arc::clone(self);
        self.runner.run(move |job| engine.job(job), stop).await;
        self.publish_now().await;
    }

    fn job(self: &Arc<Self>, job: Job) -> BoxFuture<'static, Next<Job>> {
        let engine = Arc::clone(self);
        async move {
            match job {
                Job::Sample(device) => engine.sample(device).await,
                Job::Send => engine.send().await,
                Job::Tidy => {
                    if let Err(error) = engine.buffer.prune(engine.clock.wall()).await {
                        tracing::warn!(%error, "the buffer was not cleared up");
                    }
                    Next::after(engine.clock.of_machine(TIDY), TEND)
                }
                Job::Publish => {
                    engine.publish_now().await;
                    Next::after(engine.clock.of_machine(PUBLISH), TEND)
                }
            }
        }
        .boxed()
    }

    async fn send(&self) -> Next<Job> {
        let uplink = self.uplink().clone();
        let wait = match uplink {
            None => LOOK,
            Some(uplink) => match uplink.send().await {
                Turn::Idle(wait) => wait.map_or(LOOK, |wait| wait.min(LOOK)),
                Turn::Wait(wait) => wait,
                Turn::Stopped => TIDY,
            },
        };
        Next::after(wait, SEND)
    }

    /// Reads a device from here on, or anew with another configuration.
    pub fn set_device(&self, config: DeviceConfig) {
        let id = config.id;
        {
            let mut whole = self.config();
            whole.devices.retain(|one| one.id != id);
            whole.devices.push(config.clone());
        }
        let device = Device::new(config, self.clock.wall());
        let priority = device.state.priority();
        self.devices().insert(id, device);
        self.runner.want(Job::Sample(id), Duration::ZERO, priority);
    }

    /// Reads a device no more. What was taken of it is still sent, and its accounts are kept.
    pub fn remove_device(&self, id: DeviceId) {
        self.runner.remove(&Job::Sample(id));
        self.config().devices.retain(|one| one.id != id);
        self.devices().remove(&id);
    }

    /// Sends by this uplink from here on: the gateway has enrolled.
    pub fn set_uplink(&self, uplink: Uplink) {
        *self.uplink() = Some(Arc::new(uplink));
        self.runner.want(Job::Send, Duration::ZERO, SEND);
    }

    /// Whether the gateway has enrolled and its registry takes its key, as of now.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        let uplink = self.uplink().clone();
        uplink.is_some_and(|uplink| uplink.report().state != UplinkState::Stopped)
    }

    /// Has what is sent signed by this key from here on.
    pub fn set_signer(&self, signer: Arc<dyn Signer>) {
        if let Some(uplink) = self.uplink().as_ref() {
            uplink.set_signer(signer);
        }
    }

    /// Reports to this registry from here on.
    pub fn set_registry(&self, registry: Option<url::Url>) {
        self.config().registry = registry;
    }

    /// The configuration as it is now.
    #[must_use]
    pub fn configuration(&self) -> Config {
        self.config().clone()
    }

    fn config(&self) -> MutexGuard<'_, Config> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn devices(&self) -> MutexGuard<'_, BTreeMap<DeviceId, Device>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn uplink(&self) -> MutexGuard<'_, Option<Arc<Uplink>>> {
        self.uplink.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
