//! Typed identifiers. On the wire each is the bare integer the API contract asks for.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU16;

macro_rules! serial_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            utoipa::ToSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// The id `offset` places after this one in the same serial.
            #[must_use]
            pub const fn plus(self, offset: i64) -> Self {
                Self(self.0 + offset)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

serial_id! {
    /// A person or machine that signs in.
    UserId,
    /// A certificate account.
    AccountId,
    /// An organisation that owns accounts.
    OrganisationId,
    /// A production or consumption device.
    DeviceId,
    /// One row of issuance metadata.
    MetadataId,
    /// One accepted meter reading.
    MeasurementId,
    /// A granular certificate bundle.
    BundleId,
    /// The serial of a single 1 Wh certificate, counted per device and never reused.
    CertificateId,
    /// A life-cycle action.
    ActionId,
    /// A rule by which bundles are acted on period after period.
    RuleId,
    /// One record of what a storage device charged or discharged.
    StorageRecordId,
    /// A share of a discharge, allocated to what was charged before.
    AllocationId,
    /// A gateway that meters devices.
    GatewayId,
    /// An import of bundles from another registry.
    ImportId,
}

/// A further meter of a device, counted per device from 1; the device's own meter has none. It is small,
/// since every bundle in memory may have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MeterId(NonZeroU16);

impl MeterId {
    /// The meter with this number; `None` where none can have it.
    #[must_use]
    pub fn new(number: i64) -> Option<Self> {
        u16::try_from(number)
            .ok()
            .and_then(NonZeroU16::new)
            .map(Self)
    }

    /// Its number.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0.get().into()
    }

    /// Every meter that there can be, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=u16::MAX).filter_map(NonZeroU16::new).map(Self)
    }
}

impl fmt::Display for MeterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Largest serial a certificate may carry: RFC 8785 hashes integers as IEEE doubles, which are exact
/// up to here.
pub const MAX_CERTIFICATE_ID: i64 = (1 << 53) - 1;
