//! What a device can take: how much in one read, how fast, how long it thinks.

use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Registers one request may ask for (Modbus Application Protocol 1.1b3, 6.3).
pub const MAX_REGISTERS: u16 = 125;
/// Timeouts that make sense, in milliseconds: below, a serial bus can not answer; above, one dead unit
/// holds up all others of its bus.
pub const TIMEOUT_MS: RangeInclusive<u32> = 50..=60_000;
/// Pauses that make sense, in milliseconds.
pub const PAUSE_MS: RangeInclusive<u32> = 0..=10_000;

/// Limits of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Most registers one request may ask for.
    pub max_registers: u16,
    /// Registers that no point is in, read along so that one request serves the points on both sides.
    pub max_gap: u16,
    /// Pause between two requests, in milliseconds.
    pub min_gap_ms: u32,
    /// Pause between the connection and the first request, in milliseconds.
    pub connect_delay_ms: u32,
    /// How long a connection may take to be made, and an answer to come, in milliseconds.
    pub timeout_ms: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_registers: MAX_REGISTERS,
            max_gap: 0,
            min_gap_ms: 0,
            connect_delay_ms: 0,
            timeout_ms: 3_000,
        }
    }
}

impl Limits {
    /// The rules that are broken, as (field, rule).
    pub(super) fn broken(&self) -> Vec<(&'static str, String)> {
        let mut broken = Vec::new();
        if !(1..=MAX_REGISTERS).contains(&self.max_registers) {
            let rule = format!("is 1 to {MAX_REGISTERS}; it is {}", self.max_registers);
            broken.push(("max_registers", rule));
        }
        if self.max_gap >= MAX_REGISTERS {
            broken.push((
                "max_gap",
                format!("is below {MAX_REGISTERS}; it is {}", self.max_gap),
            ));
        }
        for (field, value, range) in [
            ("min_gap_ms", self.min_gap_ms, PAUSE_MS),
            ("connect_delay_ms", self.connect_delay_ms, PAUSE_MS),
            ("timeout_ms", self.timeout_ms, TIMEOUT_MS),
        ] {
            if !range.contains(&value) {
                let (least, most) = range.into_inner();
                broken.push((field, format!("is {least} to {most}; it is {value}")));
            }
        }
        broken
    }

    /// Pause between two requests.
    #[must_use]
    pub const fn min_gap(&self) -> Duration {
        Duration::from_millis(self.min_gap_ms as u64)
    }

    /// Pause between the connection and the first request.
    #[must_use]
    pub const fn connect_delay(&self) -> Duration {
        Duration::from_millis(self.connect_delay_ms as u64)
    }

    /// How long a connection or an answer may take.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms as u64)
    }
}
