//! Amounts of energy within a simulation.

use std::ops::{Add, AddAssign, Sub};

/// Joules in a watt-hour.
const PER_WH: u64 = 3_600;

/// Energy that has flown in one direction, in joules (watt-seconds).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Joules(pub u64);

impl Joules {
    /// So many watt-hours.
    #[must_use]
    pub const fn of_wh(wh: u64) -> Self {
        Self(wh * PER_WH)
    }

    /// Whole watt-hours, what is left over cut off.
    #[must_use]
    pub const fn wh(self) -> u64 {
        self.0 / PER_WH
    }

    /// Whole milliwatt-hours, what is left over cut off.
    #[must_use]
    pub const fn mwh(self) -> u64 {
        // A mWh is 3.6 J. Wh apart, so that nothing overflows before the counter does.
        self.wh() * 1_000 + self.0 % PER_WH * 1_000 / PER_WH
    }

    /// The share of one of so many phases: the shares grow one after another and add up to the whole.
    #[must_use]
    pub const fn phase(self, phase: u8, phases: u8) -> Self {
        Self((self.0 + phase as u64) / phases as u64)
    }
}

impl Add for Joules {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Joules {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Joules {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}
