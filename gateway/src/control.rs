//! What the local API and Bluetooth can ask of the running gateway: look at its [`Snapshot`], and the few
//! [`Order`]s there are. Nothing can be signed, read or written for anybody through this.

use crate::config::{DeviceConfig, Wrong};
use crate::snapshot::{LastSample, Snapshot};
use schemas::gateway::{Algorithm, KeyId, MeterIdentity};
use schemas::id::DeviceId;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use url::Url;
use utoipa::ToSchema;

/// Orders that may wait to be carried out.
pub const MAX_ORDERS: usize = 16;
/// How long an order may take: to connect and to read once, or to enrol.
const PATIENCE: Duration = Duration::from_secs(60);

/// Something that shall never be shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from being shown.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one who needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What a device answered when it was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Trial {
    /// Who it says it is.
    pub meter: MeterIdentity,
    /// What was read.
    pub sample: LastSample,
}

/// Why an order was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// What was given breaks rules.
    #[error("{}", wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid {
        /// All that is wrong.
        wrong: Vec<Wrong>,
    },
    /// There is no such device.
    #[error("no device {device_id} is configured here")]
    NoSuchDevice {
        /// Which was asked for.
        device_id: DeviceId,
    },
    /// There is such a device already.
    #[error("device {device_id} is configured already")]
    DeviceThere {
        /// Which was to be added.
        device_id: DeviceId,
    },
    /// The device did not answer, or nothing usable.
    #[error("the device could not be read: {reason}")]
    Unreadable {
        /// Why.
        reason: String,
    },
    /// The gateway is not in a state for it.
    #[error("{reason}")]
    NotNow {
        /// Why.
        reason: String,
    },
    /// It was tried and failed.
    #[error("{reason}")]
    Failed {
        /// Why; holds no secret.
        reason: String,
    },
    /// As many orders wait as are taken, or it took too long.
    #[error("the gateway is busy; try again")]
    Busy,
    /// The gateway is about to stop.
    #[error("the gateway is stopping")]
    Stopping,
}

/// Where the answer to an order goes.
pub type Reply<T> = oneshot::Sender<Result<T, ControlError>>;

/// All that can be asked for.
#[derive(Debug)]
pub enum Order {
    /// Configure a device and begin to read it.
    AddDevice(DeviceConfig, Reply<()>),
    /// Read a device no more. What was taken of it is still sent.
    RemoveDevice(DeviceId, Reply<()>),
    /// Read a device once, whether it is configured or not; nothing of it is kept.
    TryDevice(DeviceConfig, Reply<Trial>),
    /// Enrol at a registry with a one-time code.
    Enrol {
        /// Where.
        registry: Url,
        /// The code.
        code: Secret,
        /// Where the answer goes.
        reply: Reply<()>,
    },
    /// Sign with another key from here on.
    ChangeKey(Algorithm, Reply<KeyId>),
}

/// A hold on the running gateway; clones are alike.
#[derive(Debug, Clone)]
pub struct Control {
    snapshot: watch::Receiver<Arc<Snapshot>>,
    orders: mpsc::Sender<Order>,
}

/// A control, and the two ends that whoever runs the gateway keeps: publish snapshots here, take orders there.
#[must_use]
pub fn channel(first: Snapshot) -> (Control, watch::Sender<Arc<Snapshot>>, mpsc::Receiver<Order>) {
    let (publish, snapshot) = watch::channel(Arc::new(first));
    let (orders, taken) = mpsc::channel(MAX_ORDERS);
    (Control { snapshot, orders }, publish, taken)
}

impl Control {
    /// What the gateway is at.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.borrow().clone()
    }

    /// Configures a device.
    ///
    /// # Errors
    /// Why it was not done.
    pub async fn add_device(&self, device: DeviceConfig) -> Result<(), ControlError> {
        self.order(|reply| Order::AddDevice(device, reply)).await
    }

    /// Removes a device from the configuration.
    ///
    /// # Errors
    /// Why it was not done.
    pub async fn remove_device(&self, device_id: DeviceId) -> Result<(), ControlError> {
        self.order(|reply| Order::RemoveDevice(device_id, reply))
            .await
    }

    /// Reads a device once.
    ///
    /// # Errors
    /// Why it was not read.
    pub async fn try_device(&self, device: DeviceConfig) -> Result<Trial, ControlError> {
        self.order(|reply| Order::TryDevice(device, reply)).await
    }

    /// Enrols the gateway.
    ///
    /// # Errors
    /// Why it was not done.
    pub async fn enrol(&self, registry: Url, code: Secret) -> Result<(), ControlError> {
        self.order(|reply| Order::Enrol {
            registry,
            code,
            reply,
        })
        .await
    }

    /// Changes the key that the gateway signs with; gives the new one's id.
    ///
    /// # Errors
    /// Why it was not done.
    pub async fn change_key(&self, algorithm: Algorithm) -> Result<KeyId, ControlError> {
        self.order(|reply| Order::ChangeKey(algorithm, reply)).await
    }

    async fn order<T>(&self, order: impl FnOnce(Reply<T>) -> Order) -> Result<T, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.orders
            .try_send(order(reply))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => ControlError::Busy,
                mpsc::error::TrySendError::Closed(_) => ControlError::Stopping,
            })?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(ControlError::Stopping),
            Err(_) => Err(ControlError::Busy),
        }
    }
}
