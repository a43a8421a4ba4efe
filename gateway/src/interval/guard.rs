//! What a counter's next value can be after its last one.

use crate::meter::Counter;
use schemas::gateway::Cause;
use serde::{Deserialize, Serialize};

/// How much more than its nameplate says a device may produce, in percent of it: inverters overdrive, and
/// meters have a tolerance.
pub const NAMEPLATE_PERCENT: i64 = 120;
/// A device may bring its counter up to date this late, in seconds.
pub const COUNTER_LAG_S: i64 = 60;
/// A counter may jitter down by so many of its steps, as rounded ones do, without having gone back.
pub const JITTER_STEPS: i64 = 1;
/// So many steps' worth of energy by the power, on top of what the lag explains, make an unchanged counter a
/// frozen one.
pub const FROZEN_STEPS: i64 = 10;
/// Without a nameplate a counter counts as wrapped if it was in the last part of its range and is in the
/// first, each a so-manieth of it.
const PART_OF_RANGE: i64 = 16;

/// What a value is after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The counter advanced by so much, or stood still.
    Advanced(i64),
    /// It passed the end of its range and advanced by so much.
    Wrapped(i64),
    /// It can not be that.
    Odd(Oddity),
}

/// Why a value can not be what the counter advanced to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Oddity {
    /// More than the device can have produced.
    Beyond,
    /// Zero.
    Zero,
    /// Lower, and no more than can have been counted from zero since.
    FromZero,
    /// Lower.
    Lower,
    /// Of another meter.
    OtherMeter,
    /// The end of the range was passed; to be seen once more.
    Wrap,
}

impl Oddity {
    /// The cause if it stays so.
    pub(super) const fn lasting(self) -> Cause {
        match self {
            Self::Beyond => Cause::OutOfRange,
            Self::Zero | Self::FromZero => Cause::Reset,
            Self::Lower => Cause::CounterBackwards,
            Self::OtherMeter => Cause::MeterSwapped,
            Self::Wrap => Cause::Wrap,
        }
    }

    /// The cause if it passes.
    pub(super) const fn passing(self) -> Cause {
        match self {
            Self::Beyond => Cause::OutOfRange,
            Self::Zero => Cause::TransientZero,
            Self::FromZero | Self::Lower | Self::Wrap => Cause::CounterBackwards,
            Self::OtherMeter => Cause::MeterSwapped,
        }
    }
}

/// The most that a device of `nameplate_w` can advance its counter by in `elapsed_ms` since it last did, in mWh;
/// `None` without a nameplate.
#[must_use]
pub fn most(nameplate_w: Option<i64>, counter: &Counter, elapsed_ms: i64) -> Option<i64> {
    let watts = i128::from(nameplate_w?) * i128::from(NAMEPLATE_PERCENT);
    let ms = i128::from(elapsed_ms.max(0)) + i128::from(COUNTER_LAG_S) * 1_000;
    // W × ms × percent / 100 / 3,600 is mWh.
    let energy = watts * ms / 100 / 3_600;
    let most = energy + 2 * i128::from(counter.resolution_mwh);
    Some(i64::try_from(most).unwrap_or(i64::MAX))
}

/// What `now` is after `last`; `elapsed_ms` since the counter last advanced.
#[must_use]
pub fn step(
    counter: &Counter,
    nameplate_w: Option<i64>,
    last: i64,
    now: i64,
    elapsed_ms: i64,
) -> Step {
    let most = most(nameplate_w, counter, elapsed_ms);
    let possible = |advance: i64| most.is_none_or(|most| advance <= most);
    let difference = now.saturating_sub(last);
    if difference >= 0 {
        return if possible(difference) {
            Step::Advanced(difference)
        } else {
            Step::Odd(Oddity::Beyond)
        };
    }
    if difference >= -counter.resolution_mwh.saturating_mul(JITTER_STEPS) {
        return Step::Advanced(0);
    }
    if let Some(modulus) = counter.modulus_mwh {
        let advance = difference.saturating_add(modulus);
        let ends = last >= modulus - modulus / PART_OF_RANGE && now < modulus / PART_OF_RANGE;
        if advance >= 0 && ends && possible(advance) {
            return Step::Wrapped(advance);
        }
    }
    Step::Odd(match now {
        0 => Oddity::Zero,
        _ if most.map_or(now < last / PART_OF_RANGE, |most| now <= most) => Oddity::FromZero,
        _ => Oddity::Lower,
    })
}

/// Whether a counter that has not advanced, although the power says `expected_mwh`, is frozen.
#[must_use]
pub fn frozen(nameplate_w: Option<i64>, counter: &Counter, expected_mwh: i64) -> bool {
    let lag = i128::from(nameplate_w.unwrap_or(0)) * i128::from(COUNTER_LAG_S) * 1_000 / 3_600;
    let allowed = lag + i128::from(counter.resolution_mwh) * i128::from(FROZEN_STEPS);
    i128::from(expected_mwh) > allowed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Meaning;

    const COUNTER: Counter = Counter {
        meaning: Meaning::GenerationTotal,
        resolution_mwh: 100_000,
        modulus_mwh: Some(65_536 * 100_000),
    };
    /// 3.6 kW at 120 % is 1.2 mWh a millisecond.
    const NAMEPLATE: Option<i64> = Some(3_600);
    const LAG: i64 = COUNTER_LAG_S * 1_000;

    fn after(last: i64, now: i64) -> Step {
        step(&COUNTER, NAMEPLATE, last, now, 1_000_000)
    }

    #[test]
    fn the_nameplate_bounds_an_advance() {
        let most = (1_000_000 + LAG) * 12 / 10 + 200_000;
        assert_eq!(after(0, most), Step::Advanced(most));
        assert_eq!(after(0, most + 1), Step::Odd(Oddity::Beyond));
        assert_eq!(
            step(&COUNTER, None, 0, i64::MAX, 0),
            Step::Advanced(i64::MAX)
        );
    }

    #[test]
    fn a_counter_wraps_at_the_end_of_its_range_only() {
        let modulus = 65_536 * 100_000;
        assert_eq!(after(modulus - 100_000, 200_000), Step::Wrapped(300_000));
        assert_eq!(after(modulus / 2, 200_000), Step::Odd(Oddity::FromZero));
        assert_eq!(
            after(modulus - 100_000, 100_000_000),
            Step::Odd(Oddity::Lower)
        );
        let endless = Counter {
            modulus_mwh: None,
            ..COUNTER
        };
        assert_eq!(
            step(&endless, NAMEPLATE, modulus - 100_000, 200_000, 0),
            Step::Odd(Oddity::FromZero)
        );
    }

    #[test]
    fn a_counter_that_goes_back_is_told_apart() {
        let last = 3_000_000_000;
        assert_eq!(after(last, last - 100_000), Step::Advanced(0));
        assert_eq!(after(last, last - 100_001), Step::Odd(Oddity::Lower));
        assert_eq!(after(last, 0), Step::Odd(Oddity::Zero));
        assert_eq!(after(last, 100_000), Step::Odd(Oddity::FromZero));
        assert_eq!(after(last, last / 2), Step::Odd(Oddity::Lower));
    }

    #[test]
    fn a_counter_is_frozen_when_the_power_says_much_more_than_its_steps_hide() {
        let allowed = 3_600 * LAG / 3_600 + 1_000_000;
        assert!(!frozen(NAMEPLATE, &COUNTER, allowed));
        assert!(frozen(NAMEPLATE, &COUNTER, allowed + 1));
    }
}
