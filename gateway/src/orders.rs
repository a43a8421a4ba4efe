//! Carries out what the local API and Bluetooth ask for. Who is answered can see what was done.

use crate::buffer::Buffer;
use crate::clock::Clock;
use crate::config::{Config, ConfigError, DeviceConfig, Wrong};
use crate::control::{ControlError, Order, Secret, Trial};
use crate::engine::{Engine, Meters};
use crate::enrolment::{self, Enrolment, EnrolmentError};
use crate::trial::trial;
use crate::uplink::{Registry, Uplink};
use schemas::gateway::{Algorithm, KeyId};
use schemas::id::DeviceId;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use url::Url;

/// What orders are carried out upon.
pub struct Desk {
    /// The gateway's folder.
    pub dir: PathBuf,
    /// The engine.
    pub engine: Arc<Engine>,
    /// Where devices are found.
    pub meters: Arc<dyn Meters>,
    /// The buffer.
    pub buffer: Buffer,
    /// The clock.
    pub clock: Clock,
    /// One change of the configuration at a time.
    pub changing: Mutex<()>,
}

/// Takes orders until nobody can give any; each is a task of its own.
pub async fn take(desk: Arc<Desk>, mut orders: mpsc::Receiver<Order>) {
    let mut tasks = JoinSet::new();
    while let Some(order) = orders.recv().await {
        while tasks.try_join_next().is_some() {}
        let desk = Arc::clone(&desk);
        tasks.spawn(async move { desk.carry_out(order).await });
    }
}

impl Desk {
    async fn carry_out(&self, order: Order) {
        // Who asked may have gone; what was done stays done.
        match order {
            Order::AddDevice(device, reply) => drop(reply.send(self.add(device).await)),
            Order::RemoveDevice(id, reply) => drop(reply.send(self.remove(id).await)),
            Order::TryDevice(device, reply) => drop(reply.send(self.try_device(&device).await)),
            Order::Enrol {
                registry,
                code,
                reply,
            } => drop(reply.send(self.enrol(registry, &code).await)),
            Order::ChangeKey(algorithm, reply) => {
                drop(reply.send(self.change_key(algorithm).await));
            }
        }
    }

    async fn add(&self, device: DeviceConfig) -> Result<(), ControlError> {
        let _one = self.changing.lock().await;
        let mut config = self.engine.configuration();
        if config.device(device.id).is_some() {
            let device_id = device.id;
            return Err(ControlError::DeviceThere { device_id });
        }
        self.opened(&device)?;
        config.devices.push(device.clone());
        config.check().map_err(|wrong| {
            let wrong = wrong.into_iter().map(of_the_device).collect();
            ControlError::Invalid { wrong }
        })?;
        self.save(config).await?;
        self.engine.set_device(device);
        self.engine.publish_now().await;
        Ok(())
    }

    async fn remove(&self, device_id: DeviceId) -> Result<(), ControlError> {
        let _one = self.changing.lock().await;
        let mut config = self.engine.configuration();
        if config.device(device_id).is_none() {
            return Err(ControlError::NoSuchDevice { device_id });
        }
        config.devices.retain(|one| one.id != device_id);
        self.save(config).await?;
        self.engine.remove_device(device_id);
        self.engine.publish_now().await;
        Ok(())
    }

    async fn try_device(&self, device: &DeviceConfig) -> Result<Trial, ControlError> {
        let meter = self.opened(device)?;
        let tried = trial(meter.as_ref()).await;
        tried.map_err(|reason| ControlError::Unreadable { reason })
    }

    fn opened(&self, device: &DeviceConfig) -> Result<Arc<dyn crate::engine::Meter>, ControlError> {
        self.meters
            .open(device)
            .map_err(|rule| ControlError::Invalid {
                wrong: vec![Wrong {
                    place: String::new(),
                    rule,
                }],
            })
    }

    async fn enrol(&self, registry: Url, code: &Secret) -> Result<(), ControlError> {
        let _one = self.changing.lock().await;
        let mut config = self.engine.configuration();
        if self.engine.is_taken() {
            let reason = "this gateway has enrolled, and its registry takes its key".to_owned();
            return Err(ControlError::NotNow { reason });
        }
        config.registry = Some(registry);
        config
            .check()
            .map_err(|wrong| ControlError::Invalid { wrong })?;
        let failed = |error: &dyn std::error::Error| ControlError::Failed {
            reason: error.to_string(),
        };
        let (dir, buffer) = (&self.dir, &self.buffer);
        // A code is good once: what comes after it is proved before.
        self.with_file(config.clone(), |config, dir, before| {
            config.text_of(dir, before).map(drop)
        })
        .await?;
        let enrolled =
            enrolment::enrol(dir, &config, buffer, code.reveal(), None, Algorithm::Es256).await;
        let (enrolment, _) = enrolled.map_err(|error: EnrolmentError| failed(&error))?;
        self.save(config.clone()).await?;
        let signer = enrolment
            .signer(dir, &config)
            .map_err(|error| failed(&error))?;
        let registry = Registry::new(dir, &config).map_err(|error| failed(&error))?;
        let (id, clock) = (enrolment.gateway_id, self.clock.clone());
        let uplink = Uplink::new(registry, id, signer, buffer.clone(), clock).await;
        self.engine
            .set_uplink(uplink.map_err(|error| failed(&error))?);
        self.engine.set_registry(config.registry);
        self.engine
            .set_identity(|snapshot| enrolment.identify(snapshot));
        self.engine.publish_now().await;
        Ok(())
    }

    /// What is being sealed is sealed with the old key, which is taken for a while yet.
    async fn change_key(&self, algorithm: Algorithm) -> Result<KeyId, ControlError> {
        let _one = self.changing.lock().await;
        let config = self.engine.configuration();
        let failed = |error: EnrolmentError| ControlError::Failed {
            reason: error.to_string(),
        };
        let Some(enrolment) = Enrolment::load(&self.dir).map_err(failed)? else {
            let reason = "this gateway has not enrolled".to_owned();
            return Err(ControlError::NotNow { reason });
        };
        let changed = enrolment::change_key(&self.dir, &config, &enrolment, algorithm);
        let changed = changed.await.map_err(failed)?;
        let signer = changed.signer(&self.dir, &config).map_err(failed)?;
        self.engine.set_signer(signer);
        self.engine
            .set_identity(|snapshot| changed.identify(snapshot));
        Ok(changed.key_id)
    }

    async fn save(&self, config: Config) -> Result<(), ControlError> {
        self.with_file(config, Config::save).await
    }

    /// What is read or written of the file, off the threads that answer.
    async fn with_file(
        &self,
        config: Config,
        work: fn(&Config, &Path, &Config) -> Result<(), ConfigError>,
    ) -> Result<(), ControlError> {
        let (dir, before) = (self.dir.clone(), self.engine.configuration());
        let done = tokio::task::spawn_blocking(move || work(&config, &dir, &before)).await;
        let failed = |reason: String| ControlError::Failed { reason };
        done.map_err(|error| failed(error.to_string()))?
            .map_err(|error| failed(error.to_string()))
    }
}

/// A place within the configuration, as a place within the device that was given.
fn of_the_device(wrong: Wrong) -> Wrong {
    let place = match wrong.place.split_once("].") {
        Some((whole, field)) if whole.starts_with("device[") => field.to_owned(),
        _ => wrong.place,
    };
    Wrong { place, ..wrong }
}

#[cfg(test)]
#[path = "orders_tests.rs"]
mod tests;
