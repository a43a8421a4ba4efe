//! The devices of the configuration as meters that can be asked: profiles found by their id, and one connection for
//! all devices that share it.

use crate::clock::Clock;
use crate::config::DeviceConfig;
use crate::connection::Connection;
use crate::engine::{Meter, Meters, NotRead};
use crate::meter::{Bus, Device, MeterError, MeterHandle, Sample, p1};
use crate::profile::{Facts, Library, Meaning, Profile, Protocol};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use schemas::gateway::ProfileRef;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The devices of the configuration.
pub struct Connected {
    profiles: Library,
    clock: Clock,
    buses: Mutex<HashMap<Connection, Bus>>,
}

impl Connected {
    /// Devices described by `profiles`.
    #[must_use]
    pub fn new(profiles: Library, clock: Clock) -> Self {
        Self {
            profiles,
            clock,
            buses: Mutex::default(),
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
            let handle = p1(&config.connection, &profile, counter, self.clock.clone())?;
            return Ok(Arc::new(Opened { handle, profile }));
        }
        let device = Device {
            profile: Arc::clone(&profile),
            unit_id: config.unit_id,
            counter,
            facts: Facts::default(),
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
            MeterError::BackingOff(wait) => Some(*wait),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use schemas::id::DeviceId;

    fn open(profile: &str, counter: Option<&str>) -> Result<(), String> {
        let meters = Connected::new(Library::embedded().unwrap(), Clock::default());
        let config = DeviceConfig {
            id: DeviceId(1),
            profile: profile.into(),
            connection: Connection::Tcp {
                host: "127.0.0.1".into(),
                port: 1,
            },
            unit_id: None,
            counter: counter.map(str::to_owned),
            nameplate_w: 10_000,
            paused: false,
        };
        meters.open(&config).map(drop)
    }

    #[tokio::test]
    async fn a_device_is_opened_by_its_profile_and_counter_or_told_what_is_wrong() {
        open("eastron_sdm630", None).unwrap();
        open("eastron_sdm630", Some("import_total")).unwrap();
        let unknown = open("eastron", None).unwrap_err();
        assert!(
            unknown.contains("`eastron`") && unknown.contains("eastron_sdm630"),
            "{unknown}"
        );
        assert_eq!(
            open("eastron_sdm630", Some("exports")).unwrap_err(),
            "there is no counter `exports`"
        );
    }
}
