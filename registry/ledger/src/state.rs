//! State as a map of entries, and changes laid over it.

use crate::entry::Entry;
use crate::key::Key;
use schemas::log::Position;
use std::collections::HashMap;

/// What is known of a key: its entry or that there is none, with all events up to `as_of` folded in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The entry; `None` is knowledge too: there is none.
    pub entry: Option<Entry>,
    /// Events at or below this position are already in it.
    pub as_of: Position,
}

/// Entries that are in memory.
pub trait Entries {
    /// What is known of the key; `None` when it has not been loaded.
    fn slot(&self, key: &Key) -> Option<&Slot>;
}

impl<S: std::hash::BuildHasher> Entries for HashMap<Key, Slot, S> {
    fn slot(&self, key: &Key) -> Option<&Slot> {
        self.get(key)
    }
}

/// A rule looked at an entry that nobody loaded: a defect in [`crate::needed`] or [`crate::touched`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("state entry {0:?} has not been loaded")]
pub struct NotLoaded(pub Key);

/// Entries changed on top of others, which stay as they are.
pub struct Changes<'a> {
    base: &'a dyn Entries,
    changed: HashMap<Key, Slot>,
}

impl Entries for Changes<'_> {
    fn slot(&self, key: &Key) -> Option<&Slot> {
        self.changed.get(key).or_else(|| self.base.slot(key))
    }
}

impl<'a> Changes<'a> {
    /// No changes yet on top of `base`.
    #[must_use]
    pub fn on(base: &'a dyn Entries) -> Self {
        Self {
            base,
            changed: HashMap::new(),
        }
    }

    /// Every entry changed, as it is now.
    #[must_use]
    pub fn into_changed(self) -> HashMap<Key, Slot> {
        self.changed
    }

    /// The entry to be changed by the event at `position`; `None` when that event is already in it.
    pub(crate) fn edit(
        &mut self,
        key: Key,
        position: Position,
    ) -> Result<Option<&mut Option<Entry>>, NotLoaded> {
        use std::collections::hash_map::Entry as MapEntry;
        let slot = match self.changed.entry(key) {
            MapEntry::Occupied(found) => found.into_mut(),
            MapEntry::Vacant(vacant) => {
                let base = self.base.slot(&key).ok_or(NotLoaded(key))?;
                if base.as_of >= position {
                    return Ok(None);
                }
                vacant.insert(base.clone())
            }
        };
        if slot.as_of >= position {
            // An event may touch one entry several times; it is in the entry only once it is done.
            return Ok((slot.as_of == position).then_some(&mut slot.entry));
        }
        slot.as_of = position;
        Ok(Some(&mut slot.entry))
    }

    /// Removes an entry by the event at `position`, loaded or not.
    pub(crate) fn forget(&mut self, key: Key, position: Position) {
        if self.slot(&key).is_none_or(|slot| slot.as_of < position) {
            self.changed.insert(
                key,
                Slot {
                    entry: None,
                    as_of: position,
                },
            );
        }
    }

    /// Sets an entry that the event at `position` brings into being, loaded or not.
    pub(crate) fn create(&mut self, key: Key, position: Position, entry: Entry) {
        if self.slot(&key).is_none_or(|slot| slot.as_of < position) {
            self.changed.insert(
                key,
                Slot {
                    entry: Some(entry),
                    as_of: position,
                },
            );
        }
    }
}

/// Typed look-ups: the entry under a key, `None` when there is none.
macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $ty:ty),*) = $key:expr => $variant:ident($out:ty);)+) => {
        $($(#[$doc])*
        pub fn $name<'e>(entries: &'e (impl Entries + ?Sized), $($arg: $ty),*) -> Result<Option<&'e $out>, NotLoaded> {
            let key = $key;
            match &entries.slot(&key).ok_or(NotLoaded(key))?.entry {
                Some(Entry::$variant(found)) => Ok(Some(found)),
                _ => Ok(None),
            }
        })+
    };
}

/// Look-ups by key, each typed.
#[allow(
    clippy::needless_lifetimes,
    reason = "look-ups by a name need them, the macro is one for all"
)]
pub mod get {
    use super::{Entries, Entry, Key, NotLoaded};
    use crate::entry::{
        Account, Allocation, Bundle, Counters, Device, DeviceDay, DoneCommand, Export, Gateway,
        GatewayCode, GatewayKey, GatewayStream, IdentityCounters, Imported, Invitation,
        KnownEnvelope, Organisation, Owner, Received, RecurringRule, Session, Storage, StorageDay,
        User,
    };
    use schemas::event::device::DeviceOrigin;
    use schemas::event::import::ExportRef;
    use schemas::event::issuance::IssuanceMetadata;
    use schemas::event::link::ExternalIdentity;
    use schemas::gateway::KeyId;
    use schemas::id::{
        AccountId, ActionId, AllocationId, BundleId, DeviceId, GatewayId, MetadataId, MeterId,
        OrganisationId, RuleId, UserId,
    };
    use schemas::interval::Day;
    use uuid::Uuid;

    getters! {
        /// The account.
        account(id: AccountId) = Key::Account(id) => Account(Account);
        /// Who holds the account name.
        account_name(name: &str) = Key::AccountName(crate::key::name_digest(name)) => AccountName(AccountId);
        /// What the organisation owns.
        owner(id: OrganisationId) = Key::Owner(id) => Owner(Owner);
        /// The device.
        device(id: DeviceId) = Key::Device(id) => Device(Device);
        /// The readings of a meter on a day.
        readings(id: DeviceId, meter: Option<MeterId>, day: Day) = Key::readings(id, meter, day) => DeviceDay(DeviceDay);
        /// The issuance metadata.
        metadata(id: MetadataId) = Key::Metadata(id) => Metadata(IssuanceMetadata);
        /// The bundle.
        bundle(id: BundleId) = Key::Bundle(id) => Bundle(Bundle);
        /// The recurring rule.
        recurring_rule(id: RuleId) = Key::RecurringRule(id) => RecurringRule(RecurringRule);
        /// What is known of a storage device.
        storage(id: DeviceId) = Key::Storage(id) => Storage(Storage);
        /// The records of a storage device on a day.
        storage_day(id: DeviceId, day: Day) = Key::StorageDay(id, day) => StorageDay(StorageDay);
        /// The allocation.
        allocation(id: AllocationId) = Key::Allocation(id) => Allocation(Allocation);
        /// Which certificates of a device of a registry are here and which left.
        origin(origin: &DeviceOrigin) = Key::Origin(crate::key::origin_digest(origin)) => Origin(Imported);
        /// What became of exports of another registry under the id.
        received_export(export: &ExportRef) = Key::ReceivedExport(crate::key::export_digest(export)) => ReceivedExport(Received);
        /// The export.
        export(id: ActionId) = Key::Export(id) => Export(Export);
        /// The gateway.
        gateway(id: GatewayId) = Key::Gateway(id) => Gateway(Gateway);
        /// The key under the digest, of whichever gateway.
        gateway_key(id: KeyId) = Key::GatewayKey(crate::key::key_digest(id)) => GatewayKey(GatewayKey);
        /// The one-time code under the digest.
        gateway_code(digest: Uuid) = Key::GatewayCode(digest) => GatewayCode(GatewayCode);
        /// Where the envelopes of a device stand.
        gateway_stream(id: DeviceId) = Key::GatewayStream(id) => GatewayStream(GatewayStream);
        /// The device's envelope of this number.
        envelope(id: DeviceId, sequence: i64) = Key::Envelope(id, sequence) => Envelope(KnownEnvelope);
        /// What a command led to.
        command(key: Uuid) = Key::Command(key) => Command(DoneCommand);
        /// The user.
        user(id: UserId) = Key::User(id) => User(User);
        /// Who holds the address.
        email(address: &str) = Key::Email(crate::key::name_digest(address)) => Email(UserId);
        /// The session.
        session(id: Uuid) = Key::Session(id) => Session(Session);
        /// The organisation.
        organisation(id: OrganisationId) = Key::Organisation(id) => Organisation(Organisation);
        /// Which organisation has the business id.
        business_id(id: &str) = Key::BusinessId(crate::key::name_digest(id)) => BusinessId(OrganisationId);
        /// The invitation under the digest of its code.
        invitation(digest: Uuid) = Key::Invitation(digest) => Invitation(Invitation);
        /// Which user the identity elsewhere is.
        identity(identity: &ExternalIdentity) = Key::Identity(crate::key::identity_digest(identity)) => Identity(UserId);
    }

    /// Next serials of the ledger.
    pub fn counters(entries: &(impl Entries + ?Sized)) -> Result<Counters, NotLoaded> {
        match &entries
            .slot(&Key::Counters)
            .ok_or(NotLoaded(Key::Counters))?
            .entry
        {
            Some(Entry::Counters(counters)) => Ok(*counters),
            _ => Ok(Counters::default()),
        }
    }

    /// Next serials of the identity stream.
    pub fn identity_counters(
        entries: &(impl Entries + ?Sized),
    ) -> Result<IdentityCounters, NotLoaded> {
        match &entries
            .slot(&Key::IdentityCounters)
            .ok_or(NotLoaded(Key::IdentityCounters))?
            .entry
        {
            Some(Entry::IdentityCounters(counters)) => Ok(counters.clone()),
            _ => Ok(IdentityCounters::default()),
        }
    }
}
