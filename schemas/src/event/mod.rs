//! The events of the three streams, their versions, and how old versions are read.
//!
//! An event is stored as type name, version and JSON payload. Golden files under `schemas/golden/`
//! pin the bytes of each version ever written.

pub mod account;
pub mod action;
pub mod api_key;
pub mod audit;
pub mod device;
pub mod gateway;
pub mod identity;
pub mod import;
pub mod issuance;
pub mod link;
pub mod organisation;
pub mod reading;
pub mod recurring;
pub mod session;
pub mod storage;
mod upcast;

use account::{
    AccountAssigned, AccountClosed, AccountOpened, AccountStandingChanged, AccountUpdated,
    OwnerClosed, WhitelistChanged,
};
use action::BundleAction;
use api_key::{ApiKeyIssued, ApiKeyRevoked};
use audit::{ApiKeysUsed, AttemptsRecorded, ClientsRecorded};
use device::{DeviceRegistered, DeviceRemoved, DeviceUpdated, MeterRegistered, MeterUpdated};
use gateway::{
    EnvelopeAccepted, GatewayCodeIssued, GatewayDevicesChanged, GatewayEnrolled, GatewayKeyAdded,
    GatewayKeyRevoked, GatewayRevoked,
};
use identity::{UserErased, UserRegistered, UserRemoved, UserUpdated};
use import::{BundlesImported, ExportRefused};
use issuance::{BundlesIssued, IssuanceMetadataRecorded};
use link::{IdentityLinked, IdentityUnlinked};
use organisation::{
    InvitationAccepted, InvitationIssued, InvitationRevoked, OrganisationClosed,
    OrganisationFounded, OrganisationLeft, OrganisationManagerChanged, OrganisationUpdated,
};
use reading::{
    DebtPaid, MeasurementMoved, MeasurementWithdrawn, ReadingCorrected, ReadingsAccepted,
};
use recurring::{
    RecurringRuleCreated, RecurringRuleEnded, RecurringRulePaused, RecurringRuleRan,
    RecurringRuleResumed,
};
use session::{
    SecondFactorAdded, SecondFactorRemoved, SecondFactorUsed, SessionOpened, SessionRefreshed,
    SessionsEnded, SigningKeyAdded,
};
use storage::{
    StorageAllocated, StorageCertificatesIssued, StorageEfficiencyFixed, StorageRecordsAccepted,
    StorageRecordsWithdrawn,
};

/// A stored event can not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The type is unknown to this program.
    #[error("unknown event type {0:?}; it may come from a newer version of the registry")]
    UnknownType(String),
    /// The version is newer than this program writes.
    #[error("event {event_type} has version {version}, this program knows up to {newest}")]
    NewerVersion {
        /// Type of the event.
        event_type: String,
        /// Version found.
        version: u16,
        /// Newest version known.
        newest: u16,
    },
    /// The payload does not have the shape its type and version promise.
    #[error("payload of event {event_type} v{version} does not parse")]
    Payload {
        /// Type of the event.
        event_type: String,
        /// Version found.
        version: u16,
        /// What serde found.
        #[source]
        source: serde_json::Error,
    },
}

macro_rules! event_set {
    ($(#[$doc:meta])* $name:ident {
        $($variant:ident v $version:literal),+ $(,)?
        $(; $(#[$ldoc:meta])* $listed:ident($payload:ident) v $lversion:literal named by $types:ident)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = concat!("See [`", stringify!($variant), "`].")] $variant($variant),)+
            $($(#[$ldoc])* $listed($payload),)?
        }

        impl $name {
            /// Name under which the event is stored.
            #[must_use]
            pub fn event_type(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($variant),)+
                    $(Self::$listed(event) => event.event_type(),)?
                }
            }

            /// Version of the payload as this program writes it.
            #[must_use]
            pub fn version(&self) -> u16 {
                match self {
                    $(Self::$variant(_) => $version,)+
                    $(Self::$listed(_) => $lversion,)?
                }
            }

            /// JSON payload.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                match self {
                    $(Self::$variant(event) => serde_json::to_vec(event),)+
                    $(Self::$listed(event) => serde_json::to_vec(event),)?
                }
                .expect("events hold only strings, integers and lists, which always serialise")
            }

            /// Reads a stored payload of any version written so far.
            pub fn decode(event_type: &str, version: u16, data: &[u8]) -> Result<Self, DecodeError> {
                match event_type {
                    $(stringify!($variant) =>
                        upcast::payload(event_type, version, $version, data).map(Self::$variant),)+
                    $(listed if $payload::$types.contains(&listed) =>
                        upcast::payload(event_type, version, $lversion, data).map(Self::$listed),)?
                    _ => Err(DecodeError::UnknownType(event_type.to_owned())),
                }
            }
        }

        $(impl From<$variant> for $name {
            fn from(event: $variant) -> Self { Self::$variant(event) }
        })+
        $(impl From<$payload> for $name {
            fn from(event: $payload) -> Self { Self::$listed(event) }
        })?
    };
}

event_set! {
    /// An event of the stream `ledger-<domain>`.
    LedgerEvent {
        AccountOpened v 1,
        AccountUpdated v 1,
        WhitelistChanged v 1,
        AccountClosed v 1,
        AccountStandingChanged v 1,
        AccountAssigned v 1,
        OwnerClosed v 1,
        DeviceRegistered v 1,
        DeviceUpdated v 1,
        DeviceRemoved v 1,
        IssuanceMetadataRecorded v 1,
        ReadingsAccepted v 1,
        MeasurementMoved v 1,
        MeasurementWithdrawn v 1,
        BundlesIssued v 1,
        RecurringRuleCreated v 1,
        RecurringRulePaused v 1,
        RecurringRuleResumed v 1,
        RecurringRuleEnded v 1,
        RecurringRuleRan v 1,
        StorageRecordsAccepted v 1,
        StorageRecordsWithdrawn v 1,
        StorageEfficiencyFixed v 1,
        StorageAllocated v 1,
        StorageCertificatesIssued v 1,
        MeterRegistered v 1,
        MeterUpdated v 1,
        ReadingCorrected v 1,
        DebtPaid v 1,
        BundlesImported v 2,
        ExportRefused v 2,
        GatewayCodeIssued v 1,
        GatewayEnrolled v 1,
        GatewayKeyAdded v 1,
        GatewayKeyRevoked v 1,
        GatewayRevoked v 1,
        GatewayDevicesChanged v 1,
        EnvelopeAccepted v 1,
        ;
        /// `BundlesTransferred`, `BundlesCancelled` and so on: one type name per action.
        BundlesActed(BundleAction) v 1 named by EVENT_TYPES
    }
}

event_set! {
    /// An event of the stream `identity-<domain>`.
    IdentityEvent {
        UserRegistered v 1,
        UserUpdated v 1,
        UserRemoved v 1,
        UserErased v 1,
        ApiKeyIssued v 1,
        ApiKeyRevoked v 1,
        SessionOpened v 1,
        SessionRefreshed v 1,
        SessionsEnded v 1,
        SigningKeyAdded v 1,
        SecondFactorAdded v 1,
        SecondFactorUsed v 1,
        SecondFactorRemoved v 1,
        OrganisationFounded v 1,
        OrganisationUpdated v 1,
        OrganisationClosed v 1,
        OrganisationLeft v 1,
        OrganisationManagerChanged v 1,
        InvitationIssued v 1,
        InvitationRevoked v 1,
        InvitationAccepted v 1,
        IdentityLinked v 1,
        IdentityUnlinked v 1,
    }
}

event_set! {
    /// An event of the stream `audit-<domain>`.
    AuditEvent {
        AttemptsRecorded v 1,
        ClientsRecorded v 1,
        ApiKeysUsed v 1,
    }
}
