//! Carries operations out.

use super::network::Network;
use super::operation::{Answer, Operation, Refusal};
use crate::config::registry_address;
use crate::control::Control;
use serde_json::{Value, json};

/// Devices shown at most.
pub const MAX_DEVICES_SHOWN: usize = 50;

/// What operations act upon.
#[derive(Debug, Clone)]
pub struct Host {
    control: Control,
    /// Absent where there is no system bus.
    network: Option<Network>,
}

impl Host {
    /// Acts upon this gateway and this network.
    #[must_use]
    pub const fn new(control: Control, network: Option<Network>) -> Self {
        Self { control, network }
    }

    /// Carries out one operation.
    pub async fn carry_out(&self, operation: Operation) -> Answer {
        match self.outcome(operation).await {
            Ok(value) => Answer::Ok(value),
            Err(refusal) => Answer::Refused(refusal),
        }
    }

    async fn outcome(&self, operation: Operation) -> Result<Value, Refusal> {
        match operation {
            Operation::Identity {} => Ok(self.identity()),
            Operation::State {} => Ok(self.state()),
            Operation::WifiScan {} => Ok(json!(self.network()?.scan().await?)),
            Operation::WifiConnect { ssid, passphrase } => {
                self.network()?.join(&ssid, passphrase.as_ref()).await?;
                Ok(json!({}))
            }
            Operation::Enrol { registry, code } => {
                let registry = registry_address(&registry)
                    .map_err(|rule| Refusal::new("request_invalid", format!("registry: {rule}")))?;
                self.control.enrol(registry, code).await?;
                Ok(self.identity())
            }
            Operation::AddDevice { device } => {
                self.control.add_device(device).await?;
                Ok(json!({}))
            }
            // The service answers these itself.
            Operation::Hello {} | Operation::Authenticate { .. } => {
                Err(Refusal::new("not_needed", "nothing is to be done"))
            }
        }
    }

    fn network(&self) -> Result<&Network, Refusal> {
        let missing = || Refusal::new("no_wifi", "this gateway's WiFi is not managed");
        self.network.as_ref().ok_or_else(missing)
    }

    fn identity(&self) -> Value {
        let snapshot = self.control.snapshot();
        json!({
            "version": snapshot.version,
            "gateway_id": snapshot.gateway_id,
            "key_id": snapshot.key_id,
            "registry": snapshot.registry,
        })
    }

    fn state(&self) -> Value {
        let snapshot = self.control.snapshot();
        let shown = snapshot.devices.iter().take(MAX_DEVICES_SHOWN);
        let devices: Vec<Value> = shown
            .map(|device| {
                json!({
                    "device_id": device.device_id,
                    "profile": device.profile,
                    "state": device.state,
                    "power_w": device.last_sample.as_ref().and_then(|sample| sample.power_w),
                    "last_error": device.last_error,
                })
            })
            .collect();
        json!({
            "taken_at": snapshot.taken_at,
            "clock": snapshot.clock,
            "queue": snapshot.queue,
            "uplink": snapshot.uplink,
            "devices": devices,
            "devices_total": snapshot.devices.len(),
        })
    }
}
