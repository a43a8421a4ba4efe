//! The kinds of faults.

use serde::Deserialize;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Kind {
    /// Values are shown that are not so, for a while.
    Shown(Shown),
    /// The device is another one from then on.
    Turn(Turn),
    /// Something happens between the device and who asks, for a while.
    Line(Line),
}

/// Values that are not so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// The bits that stand for "no value", where the profile knows any.
    NotAvailable,
    /// Zero.
    Zero,
    /// What they were when it began.
    Frozen,
    /// The most that the registers can hold.
    Highest,
}

/// A lasting change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// Counters begin at zero again.
    Reset,
    /// From the start on counters are so high that they begin at zero again after `after_wh` more.
    Wrap,
    /// Another device with another serial number, its counters at zero.
    MeterSwapped,
    /// Another firmware, `firmware`, with what the profile says of it.
    Firmware,
    /// Scale registers hold a power of ten less by one, and numbers ten times as much.
    ScaleChanged,
}

/// Between the device and who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// Connections are refused, those there are end: an inverter at night.
    Asleep,
    /// Connections are made, and nothing is ever answered.
    HalfOpen,
    /// A request is not answered.
    Silent,
    /// The answer comes `by_ms` of real time later.
    Late,
    /// The answer comes twice.
    Duplicate,
    /// The answer has a register less than was asked for.
    Short,
    /// The answer comes byte by byte, `by_ms` of real time apart.
    Dribble,
    /// Half of the answer comes, then the connection is reset.
    Disconnect,
    /// The answer is that the device is busy (exception 6).
    Busy,
}

impl Kind {
    /// The kind of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        use serde::de::{IntoDeserializer, value::Error};
        Self::deserialize(IntoDeserializer::<Error>::into_deserializer(name)).ok()
    }
}
