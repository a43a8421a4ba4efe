//! Offers the service while it is wanted, and again when BlueZ was restarted.

use super::gatt::Offer as Offered;
use super::host::Host;
use super::key_file::{self, KeyFileError};
use super::network::Network;
use super::session::Trust;
use crate::config::{BluetoothConfig, Offer, TrustConfig};
use crate::control::Control;
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// After the start of the program it is offered to an owner who has pulled the plug for that.
pub const AFTER_START: Duration = Duration::from_secs(900);
/// Between looks whether it is wanted, and whether BlueZ is there.
const LOOK: Duration = Duration::from_secs(5);
/// Between attempts where there is no Bluetooth.
const AGAIN: Duration = Duration::from_secs(60);
/// What phones see where nothing is configured.
const NAME: &str = "gcr-gw";

/// Offers commissioning as it is configured, for as long as this is polled. A machine without Bluetooth goes without.
///
/// # Errors
/// If the key can not be used.
pub async fn commission(
    dir: &Path,
    config: &BluetoothConfig,
    control: Control,
) -> Result<(), KeyFileError> {
    if config.offer == Offer::Never {
        return Ok(());
    }
    let trust = match config.trust {
        TrustConfig::Key => Trust::Key(key_file::open_or_create(dir)?),
        TrustConfig::Pairing => Trust::Pairing,
    };
    let network = match Network::connect().await {
        Ok(network) => Some(network),
        Err(error) => {
            tracing::info!(%error, "there is no system bus: WiFi can not be set");
            None
        }
    };
    let name = config.name.clone().unwrap_or_else(|| NAME.to_owned());
    let start = Instant::now();
    let mut offered: Option<Offered> = None;
    let mut is_told = false;
    loop {
        let is_wanted = config.offer == Offer::Always
            || control.snapshot().gateway_id.is_none()
            || start.elapsed() < AFTER_START;
        if let Some(offer) = &offered
            && (!is_wanted || !offer.is_alive().await)
        {
            tracing::info!("commissioning over Bluetooth is no longer offered");
            offered = None;
        }
        let mut wait = LOOK;
        if is_wanted && offered.is_none() {
            let host = Host::new(control.clone(), network.clone());
            match Offered::begin(name.clone(), trust.clone(), host).await {
                Ok(offer) => {
                    tracing::info!(
                        adapter = offer.adapter(),
                        "commissioning over Bluetooth is offered"
                    );
                    is_told = false;
                    offered = Some(offer);
                }
                Err(error) => {
                    if !is_told {
                        tracing::info!(%error, "commissioning over Bluetooth is not offered");
                    }
                    is_told = true;
                    wait = AGAIN;
                }
            }
        }
        sleep(wait).await;
    }
}
