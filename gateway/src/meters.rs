//! The devices of the configuration as meters that can be asked: profiles found by their id, and one connection for
//! all devices that share it.

use crate::clock::Clock;
use crate::config::DeviceConfig;
use crate::connection::Connection;
use crate::engine::{Meter, Meters, NotRead};
use crate::meter::{Bus, Device, MeterError, MeterHandle, P1Port, Sample};
use crate::profile::{Facts, Library, Meaning, Profile, Protocol};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use schemas::gateway::ProfileRef;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The devices of the configuration.
pub struct Connected {
    profiles: Library,
    clock: Clock,
    buses: Mutex<HashMap<Connection, Bus>>,
    ports: Mutex<HashMap<Connection, Weak<P1Port>>>,
}

impl Connected {
    /// Devices described by `profiles`.
    #[must_use]
    pub fn new(profiles: Library, clock: Clock) -> Self {
        Self {
            profiles,
            clock,
            buses: Mutex::default(),
            ports: Mutex::default(),
        }
    }

    /// The profiles.
    #[must_use]
    pub fn profiles(&self) -> &Library {
        &self.profiles
    }

    fn profile(&self, id: &str) -> Result<Arc<Profile>, String> {
        self.profiles.get(id).cloned().ok_or_else(|| {
            let known: Vec<_> = self.profiles.iter().map(|one| one.id.as_str()).collect();
            format!("there is no profile `{id}`; there are {}", known.join(", "))
        })
    }
}

impl Connected {
    /// The P1 port there; the one that another device is read through already, if there is one.
    fn port(&self, connection: &Connection) -> Result<Arc<P1Port>, String> {
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        ports.retain(|_, port| port.strong_count() > 0);
        if let Some(port) = ports.get(connection).and_then(Weak::upgrade) {
            return Ok(port);
        }
        let port = Arc::new(P1Port::open(connection, self.clock.clone())?);
        ports.insert(connection.clone(), Arc::downgrade(&port));
        Ok(port)
    }
}

/// The counter of that name.
fn counter(name: &str) -> Result<Meaning, String> {
    let found = Meaning::ALL.iter().find(|meaning| meaning.name() == name);
    found
        .copied()
        .ok_or_else(|| format!("there is no counter `{name}`"))
}

impl Meters for Connected {
    fn open(&self, config: &DeviceConfig) -> Result<Arc<dyn Meter>, String> {
        let profile = self.profile(&config.profile)?;
        let counter = config.counter.as_deref().map(counter).transpose()?;
        if profile.protocol == Protocol::P1 {
            let handle = self.port(&config.connection)?.meter(&profile, counter)?;
            return Ok(Arc::new(Opened { handle, profile }));
        }
        let device = Device {
            profile: Arc::clone(&profile),
            unit_id: config.unit_id,
            counter,
            facts: Facts {
                firmware: config.firmware.clone(),
                ..Facts::default()
            },
        };
        let mut buses = self.buses.lock().unwrap_or_else(PoisonError::into_inner);
        // Connections that were only tried, or whose devices were removed.
        buses.retain(|_, bus| bus.is_used());
        let bus = buses
            .entry(config.connection.clone())
            .or_insert_with(|| Bus::start(config.connection.clone(), self.clock.clone()));
        Ok(Arc::new(Opened {
            handle: bus.meter(device),
            profile,
        }))
    }
}

struct Opened {
    handle: MeterHandle,
    profile: Arc<Profile>,
}

impl Meter for Opened {
    fn profile(&self) -> ProfileRef {
        self.profile.reference()
    }

    fn sample(&self) -> BoxFuture<'_, Result<Sample, NotRead>> {
        async { self.handle.sample().await.map_err(|error| not_read(&error)) }.boxed()
    }
}

fn not_read(error: &MeterError) -> NotRead {
    NotRead {
        reason: error.to_string(),
        cause: error.cause(),
        again_in: match error {
            MeterError::BackingOff { wait, .. } => Some(*wait),
            _ => None,
        },
    }
}

#[cfg(test)]
#[path = "meters_tests.rs"]
mod tests;
