//! Names of the entries that make up the state of a registry.

use schemas::event::device::DeviceOrigin;
use schemas::event::import::ExportRef;
use schemas::event::link::ExternalIdentity;
use schemas::gateway::KeyId;
use schemas::id::{
    AccountId, ActionId, AllocationId, BundleId, DeviceId, GatewayId, MetadataId, MeterId,
    OrganisationId, RuleId, UserId,
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
    /// What an organisation owns.
    Owner(OrganisationId),
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
    /// Which certificates of a device are here and which left: digest by [`origin_digest`].
    Origin(Uuid),
    /// What became here of exports of another registry under one id: digest by [`export_digest`].
    ReceivedExport(Uuid),
    /// An export.
    Export(ActionId),
    /// A gateway.
    Gateway(GatewayId),
    /// A key of a gateway: digest by [`key_digest`].
    GatewayKey(Uuid),
    /// A one-time code: digest by [`code_digest`].
    GatewayCode(Uuid),
    /// Where the envelopes of a device stand.
    GatewayStream(DeviceId),
    /// The device's envelope of this number.
    Envelope(DeviceId, i64),
    /// What a command under an idempotency key led to.
    Command(Uuid),
    /// Serials of the identity stream.
    IdentityCounters,
    /// A user.
    User(UserId),
    /// Who holds an e-mail address: digest by [`name_digest`].
    Email(Uuid),
    /// A session.
    Session(Uuid),
    /// An organisation.
    Organisation(OrganisationId),
    /// Which organisation has a business id: digest by [`name_digest`].
    BusinessId(Uuid),
    /// An invitation: digest of its code by [`code_digest`].
    Invitation(Uuid),
    /// Which user an identity elsewhere is: digest by [`identity_digest`].
    Identity(Uuid),
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

/// Digest of the hash of a password: names it without showing it.
#[must_use]
pub fn password_digest(hash: &str) -> Uuid {
    let hash = Sha256::digest(hash);
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

/// Digest under which it is looked up what became of exports of the id.
#[must_use]
pub fn export_digest(export: &ExportRef) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(export.export_id.0.to_be_bytes());
    hash.update(&export.registry);
    let hash = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Uuid::from_bytes(bytes)
}

/// Digest under which an identity elsewhere is looked up. Keeps personal data out of the WRITE database.
#[must_use]
pub fn identity_digest(identity: &ExternalIdentity) -> Uuid {
    let mut hash = Sha256::new();
    // The length tells where the one ends and the other begins.
    hash.update((identity.issuer.len() as u64).to_be_bytes());
    hash.update(&identity.issuer);
    hash.update(&identity.subject);
    let hash = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Uuid::from_bytes(bytes)
}

/// Digest under which a key of a gateway is looked up: the first half of its thumbprint. Keys are small,
/// for there are many; the entry has the whole.
#[must_use]
pub fn key_digest(key_id: KeyId) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&key_id.0[..16]);
    Uuid::from_bytes(bytes)
}

/// Digest under which a one-time code is looked up: without regard to case and to what separates its
/// groups, as people type it.
#[must_use]
pub fn code_digest(code: &str) -> Uuid {
    let significant: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    let hash = Sha256::digest(significant.to_ascii_uppercase());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::{code_digest, identity_digest};
    use schemas::event::link::ExternalIdentity;

    #[test]
    fn an_identity_is_its_issuer_and_its_subject_to_the_letter() {
        let of = |issuer: &str, subject: &str| {
            identity_digest(&ExternalIdentity {
                issuer: issuer.to_owned(),
                subject: subject.to_owned(),
            })
        };
        assert_eq!(of("https://a", "1"), of("https://a", "1"));
        let all = [
            of("https://a", "1"),
            of("https://a", "2"),
            of("https://a1", ""),
            of("https://A", "1"),
            of("https://a/", "1"),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one), "{index}");
        }
    }

    #[test]
    fn a_code_is_found_however_it_is_typed() {
        assert_eq!(code_digest("7KQ4M-9XTBD"), code_digest(" 7kq4m 9xtbd\n"));
        assert_ne!(code_digest("7KQ4M-9XTBD"), code_digest("7KQ4M-9XTBE"));
    }
}
