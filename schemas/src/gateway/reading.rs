//! A reading as a gateway takes it.

use crate::id::MAX_CERTIFICATE_ID;
use crate::{WattHours, words};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// How far a reading can be trusted.
    Quality {
        /// The counter was read at both ends of the interval.
        Measured = "measured",
        /// The counter's difference over several intervals is exact, its share in each is not.
        Interpolated = "interpolated",
        /// Something about it is wrong: nothing is issued for it before a person has settled it.
        Doubtful = "doubtful",
    }
}

words! {
    /// Why a reading is not simply measured.
    Cause {
        /// The meter answered with a value that means "not implemented" or "not available".
        Sentinel = "sentinel",
        /// More or less than the device can have produced.
        OutOfRange = "out_of_range",
        /// The counter was lower than before.
        CounterBackwards = "counter_backwards",
        /// The counter started again at the end of its range.
        Wrap = "wrap",
        /// The counter started again at zero.
        Reset = "reset",
        /// The counter stood still while the device was producing.
        Frozen = "frozen",
        /// The counter was zero for a moment.
        TransientZero = "transient_zero",
        /// Another meter answered than before.
        MeterSwapped = "meter_swapped",
        /// The gateway's clock was not synchronised.
        ClockUnsynchronised = "clock_unsynchronised",
        /// The gateway was off, or the meter out of reach.
        Gap = "gap",
    }
}

words! {
    /// What the gateway knows of its clock.
    ClockState {
        /// It follows a time server.
        Synchronised = "synchronised",
        /// It does not.
        Unsynchronised = "unsynchronised",
        /// The gateway can not tell.
        Unknown = "unknown",
    }
}

/// What a device produced in one interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Start of the interval, in UTC; a multiple of its length.
    pub interval_start: DateTime<Utc>,
    /// End of the interval, exclusive; at most one hour after its start.
    pub interval_end: DateTime<Utc>,
    /// Energy of the interval in whole Wh. Of a doubtful reading what the counter says, 0 where it says nothing.
    #[schema(value_type = i64, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub wh: WattHours,
    /// The counter at the start in whole Wh, rounded down. Absent only where a doubtful reading has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, nullable = false)]
    pub counter_start_wh: Option<WattHours>,
    /// The counter at the end in whole Wh, rounded down. Absent only where a doubtful reading has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, nullable = false)]
    pub counter_end_wh: Option<WattHours>,
    /// How far it can be trusted.
    pub quality: Quality,
    /// Why it is not simply measured: always there where it is interpolated or doubtful.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cause: Option<Cause>,
    /// What the gateway knew of its clock.
    pub clock: ClockState,
}

impl Reading {
    /// The rule that the reading breaks by itself, in a sentence. Rules that need the device are the
    /// registry's.
    pub(super) fn broken(&self) -> Option<String> {
        if self.interval_end <= self.interval_start {
            return Some("interval_end must be after interval_start".to_owned());
        }
        if self.wh < WattHours::ZERO {
            return Some(format!("wh must not be negative; it is {}", self.wh));
        }
        if self.wh.0 > MAX_CERTIFICATE_ID {
            return Some(format!(
                "wh is at most {MAX_CERTIFICATE_ID}; it is {}",
                self.wh.0
            ));
        }
        if self.quality == Quality::Doubtful {
            return self
                .cause
                .is_none()
                .then(|| "a doubtful reading names its cause".to_owned());
        }
        self.broken_trusted()
    }

    /// The same for readings that certificates are issued for.
    fn broken_trusted(&self) -> Option<String> {
        let fits = match self.quality {
            Quality::Interpolated => matches!(self.cause, Some(Cause::Gap)),
            _ => matches!(self.cause, None | Some(Cause::Wrap)),
        };
        if !fits {
            return Some(
                "a measured reading has no cause but `wrap`, an interpolated one the cause `gap`"
                    .to_owned(),
            );
        }
        if self.clock == ClockState::Unsynchronised {
            return Some("a reading of an unsynchronised clock is doubtful".to_owned());
        }
        let (Some(start), Some(end)) = (self.counter_start_wh, self.counter_end_wh) else {
            return Some(
                "counter_start_wh and counter_end_wh are missing in a reading that is not doubtful"
                    .to_owned(),
            );
        };
        let difference = end.0.checked_sub(start.0);
        (self.cause != Some(Cause::Wrap) && difference != Some(self.wh.0)).then(|| {
            format!(
                "wh must be counter_end_wh - counter_start_wh; {} is not {end} - {start}",
                self.wh
            )
        })
    }
}
