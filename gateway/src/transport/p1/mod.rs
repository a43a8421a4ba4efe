//! The customer port of smart meters: P1 of the Dutch Smart Meter Requirements (DSMR 5.0.2), used alike in
//! Belgium, Luxembourg and Sweden. The meter sends a telegram each second or each ten; adapters pass it on as a
//! TCP stream or over HTTP.

pub mod http;
pub mod obis;
pub mod stream;
#[cfg(test)]
mod stream_tests;
pub mod telegram;
#[cfg(test)]
mod tests;

pub use http::Http;
pub use obis::{ObisError, Registers};
pub use stream::Stream;
pub use telegram::{Scanner, Telegram, TelegramError};

use chrono::{DateTime, Utc};
use std::time::Duration;

/// A telegram and when it came, which is at most the time of one telegram (10 s) after the meter counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// When its last byte came, by the wall clock.
    pub at: DateTime<Utc>,
    /// The same moment on the monotonic clock.
    pub monotonic: Duration,
    /// The telegram.
    pub telegram: Telegram,
}

/// Why there is no telegram.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum P1Error {
    /// The adapter can not be reached, or hung up.
    #[error("the adapter can not be reached: {0}")]
    Connection(String),
    /// Connected, and nothing comes.
    #[error("no telegram came in time")]
    Silent,
    /// It answers something else than 200.
    #[error("the adapter answers with status {0}")]
    Status(u16),
    /// It answers too much.
    #[error("the adapter's answer has more than {} bytes", http::MAX_ANSWER_BYTES)]
    TooLong,
    /// It answers JSON of another form.
    #[error("the adapter's answer is not {{\"data\": [lines of a telegram]}}")]
    Json,
    /// What came is no whole telegram.
    #[error(transparent)]
    Telegram(#[from] TelegramError),
    /// The telegram says something that can not be meant.
    #[error(transparent)]
    Obis(#[from] ObisError),
}
