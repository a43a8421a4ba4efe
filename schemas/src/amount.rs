//! Integer amounts with their unit in the type.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub, SubAssign};

/// Energy in watt hours. One certificate is one of these.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct WattHours(pub i64);

impl WattHours {
    /// No energy.
    pub const ZERO: Self = Self(0);
}

impl fmt::Display for WattHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Wh", self.0)
    }
}

impl Add for WattHours {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for WattHours {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for WattHours {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl SubAssign for WattHours {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Sum for WattHours {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Power in whole watts. The API speaks decimal MW; inside it is always this.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Watts(pub i64);

impl Watts {
    const PER_MEGAWATT: i64 = 1_000_000;

    /// Whole watts of a decimal number of megawatts; `None` when it is negative, finer than a watt
    /// or beyond 64 bit.
    #[must_use]
    pub fn from_megawatts(megawatts: rust_decimal::Decimal) -> Option<Self> {
        let watts = megawatts.checked_mul(Self::PER_MEGAWATT.into())?;
        if !watts.is_integer() || watts.is_sign_negative() && !watts.is_zero() {
            return None;
        }
        i64::try_from(watts).ok().map(Self)
    }

    /// The same power in megawatts, without trailing zeros.
    #[must_use]
    pub fn to_megawatts(self) -> rust_decimal::Decimal {
        (rust_decimal::Decimal::from(self.0) / rust_decimal::Decimal::from(Self::PER_MEGAWATT))
            .normalize()
    }
}

impl fmt::Display for Watts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} W", self.0)
    }
}
