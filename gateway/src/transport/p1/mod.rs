//! The customer port of smart meters: P1 of the Dutch Smart Meter Requirements (DSMR 5.0.2), used alike in
//! Belgium, Luxembourg and Sweden. The meter sends a telegram each second or each ten; adapters pass it on as a
//! TCP stream or over HTTP.

pub mod obis;
pub mod telegram;
#[cfg(test)]
mod tests;

pub use obis::{ObisError, Registers};
pub use telegram::{Scanner, Telegram, TelegramError};
