//! Commissioning over Bluetooth Low Energy: telling a new gateway its WiFi, its registry and its first devices
//! from a phone standing beside it.
//!
//! A pure core ([`frame`] cuts messages, [`session`] says who may ask, [`operation`] what can be asked at all,
//! [`service`] joins them) and two thin edges on D-Bus: [`gatt`] to BlueZ, [`network`] to NetworkManager.

pub mod frame;
pub mod key_file;
pub mod operation;
pub mod service;
pub mod session;

#[cfg(all(feature = "bluetooth", target_os = "linux"))]
pub mod commission;
#[cfg(all(feature = "bluetooth", target_os = "linux"))]
pub mod gatt;
#[cfg(all(feature = "bluetooth", target_os = "linux"))]
pub mod host;
#[cfg(all(feature = "bluetooth", target_os = "linux"))]
pub mod network;
pub use operation::{Answer, Operation, Refusal};
pub use service::Service;
pub use session::{AppKey, Trust};
