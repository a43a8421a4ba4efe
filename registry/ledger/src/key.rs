//! Names of the entries that make up the state of a registry.

use schemas::event::device::DeviceOrigin;
use schemas::id::{
    AccountId, ActionId, AllocationId, BundleId, DeviceId, MetadataId, MeterId, RuleId, UserId,
};
use schemas::interval::Day;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Name of one entry of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// Serials of the ledger stream.
    Counters,
    /// An account.
    Account(AccountId),
    /// Who holds an account name: digest by [`name_digest`].
    AccountName(Uuid),
    /// A device.
    Device(DeviceId),
    /// Accepted readings of a device's own meter on a day.
    DeviceDay(DeviceId, Day),
    /// Accepted readings of a further meter of a device on a day.
    MeterDay(DeviceId, MeterId, Day),
    /// Issuance metadata.
    Metadata(MetadataId),
    /// A bundle.
    Bundle(BundleId),
    /// A recurring rule.
    RecurringRule(RuleId),
    /// What is known of a storage device beside its records.
    Storage(DeviceId),
    /// Records of a storage device on a day.
    StorageDay(DeviceId, Day),
    /// A share of a discharge allocated to a charge.
    Allocation(AllocationId),
    /// What was imported of a device of another registry: digest by [`origin_digest`].
    Origin(Uuid),
    /// An export.
    Export(ActionId),
    /// What a command under an idempotency key led to.
    Command(Uuid),
    /// Serials of the identity stream.
    IdentityCounters,
    /// A user.
    User(UserId),
    /// Who holds an e-mail address: digest by [`name_digest`].
    Email(Uuid),
}

impl Key {
    /// Accepted readings of a meter on a day.
    #[must_use]
    pub const fn readings(device_id: DeviceId, meter_id: Option<MeterId>, day: Day) -> Self {
        match meter_id {
            None => Self::DeviceDay(device_id, day),
            Some(meter_id) => Self::MeterDay(device_id, meter_id, day),
        }
    }
}

/// Digest under which a unique name is looked up: without regard to case or surrounding space. Keeps
/// personal data out of the WRITE database.
#[must_use]
pub fn name_digest(name: &str) -> Uuid {
    let hash = Sha256::digest(name.trim().to_lowercase());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Uuid::from_bytes(bytes)
}

/// Digest under which what was imported of a device is looked up: of the registry's name and the
/// device's, both as they were given.
#[must_use]
pub fn origin_digest(origin: &DeviceOrigin) -> Uuid {
    let mut hash = Sha256::new();
    // The length tells where the one name ends and the other begins.
    hash.update((origin.registry.len() as u64).to_be_bytes());
    hash.update(&origin.registry);
    hash.update(&origin.device);
    let hash = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Uuid::from_bytes(bytes)
}
