//! The entries themselves. Each is a row of the WRITE database; what an entry becomes depends on
//! itself and the event alone, so entries may be loaded as of different positions.

mod device_day;
mod exchange;
mod gateway;
mod organisation;
mod session;
mod storage;

pub use device_day::{DayReading, DeviceDay, second_of_day};
pub use exchange::{Export, ExportState, Imported, Outcome, Ranges, Received};
pub use gateway::{Gateway, GatewayCode, GatewayKey, GatewayStream, KnownEnvelope};
pub use organisation::{Invitation, InvitationEnd, Membership, Organisation, Owner};
pub use session::{SecondFactor, Session};
pub use storage::{Allocation, DayRecord, EfficiencyKnown, Storage, StorageDay, StorageTrail};

use chrono::{DateTime, Utc};
use schemas::energy::EnergySource;
use schemas::event::device::{DeviceAttributes, DeviceOrigin};
use schemas::event::issuance::IssuanceMetadata;
use schemas::event::recurring::{OpenRun, RuleTerms};
use schemas::gateway::KeyId;
use schemas::id::{
    AccountId, ActionId, AllocationId, BundleId, CertificateId, DeviceId, GatewayId, ImportId,
    MeasurementId, MetadataId, MeterId, OrganisationId, RuleId, StorageRecordId, UserId,
};
use schemas::life_cycle::{AccountState, CertificateStatus, Role};
use schemas::log::Position;
use schemas::recurring::RuleStatus;
use schemas::{Interval, WattHours};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// One entry of the state. Bundles are the many, so the larger and fewer are kept behind a pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Under `Key::Counters`.
    Counters(Counters),
    /// Under `Key::Account`.
    Account(Box<Account>),
    /// Under `Key::AccountName`: who holds the name.
    AccountName(AccountId),
    /// Under `Key::Owner`.
    Owner(Owner),
    /// Under `Key::Device`.
    Device(Box<Device>),
    /// Under `Key::DeviceDay` and `Key::MeterDay`.
    DeviceDay(DeviceDay),
    /// Under `Key::Metadata`.
    Metadata(Box<IssuanceMetadata>),
    /// Under `Key::Bundle`.
    Bundle(Bundle),
    /// Under `Key::RecurringRule`.
    RecurringRule(Box<RecurringRule>),
    /// Under `Key::Storage`.
    Storage(Box<Storage>),
    /// Under `Key::StorageDay`.
    StorageDay(StorageDay),
    /// Under `Key::Allocation`.
    Allocation(Allocation),
    /// Under `Key::Origin`.
    Origin(Box<Imported>),
    /// Under `Key::ReceivedExport`.
    ReceivedExport(Box<Received>),
    /// Under `Key::Export`.
    Export(Box<Export>),
    /// Under `Key::Gateway`.
    Gateway(Gateway),
    /// Under `Key::GatewayKey`.
    GatewayKey(GatewayKey),
    /// Under `Key::GatewayCode`.
    GatewayCode(Box<GatewayCode>),
    /// Under `Key::GatewayStream`.
    GatewayStream(GatewayStream),
    /// Under `Key::Envelope`.
    Envelope(Box<KnownEnvelope>),
    /// Under `Key::Command`.
    Command(DoneCommand),
    /// Under `Key::IdentityCounters`.
    IdentityCounters(IdentityCounters),
    /// Under `Key::User`.
    User(User),
    /// Under `Key::Email`: who holds the address.
    Email(UserId),
    /// Under `Key::Session`.
    Session(Box<Session>),
    /// Under `Key::Organisation`.
    Organisation(Organisation),
    /// Under `Key::BusinessId`: which organisation has it.
    BusinessId(OrganisationId),
    /// Under `Key::Invitation`.
    Invitation(Box<Invitation>),
    /// Under `Key::Identity`: which user it is.
    Identity(UserId),
}

/// Next serials of the ledger stream; absent means all start at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Next account.
    pub account: AccountId,
    /// Next device.
    pub device: DeviceId,
    /// Next issuance metadata.
    pub metadata: MetadataId,
    /// The newest issuance metadata of this registry, where metadata came with imports; else the one
    /// before the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_metadata: Option<MetadataId>,
    /// Next import.
    #[serde(default = "first_import")]
    pub import: ImportId,
    /// Next reading.
    pub measurement: MeasurementId,
    /// Next bundle.
    pub bundle: BundleId,
    /// Next action.
    pub action: ActionId,
    /// Next recurring rule.
    #[serde(default = "first_rule")]
    pub rule: RuleId,
    /// Next record of storage.
    #[serde(
        default = "storage::first_record",
        skip_serializing_if = "storage::is_first_record"
    )]
    pub storage_record: StorageRecordId,
    /// Next allocation of a discharge.
    #[serde(
        default = "storage::first_allocation",
        skip_serializing_if = "storage::is_first_allocation"
    )]
    pub allocation: AllocationId,
    /// Next gateway.
    #[serde(
        default = "gateway::first_gateway",
        skip_serializing_if = "gateway::is_first_gateway"
    )]
    pub gateway: GatewayId,
}

/// Counters that were stored before there were rules lack theirs.
const fn first_rule() -> RuleId {
    RuleId(1)
}

const fn first_import() -> ImportId {
    ImportId(1)
}

impl Counters {
    /// The newest issuance metadata of this registry; below 1 if there is none.
    #[must_use]
    pub const fn newest_metadata(&self) -> MetadataId {
        match self.own_metadata {
            Some(own) => own,
            None => self.metadata.plus(-1),
        }
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            account: AccountId(1),
            device: DeviceId(1),
            metadata: MetadataId(1),
            own_metadata: None,
            import: first_import(),
            measurement: MeasurementId(1),
            bundle: BundleId(1),
            action: ActionId(1),
            rule: first_rule(),
            storage_record: storage::first_record(),
            allocation: storage::first_allocation(),
            gateway: gateway::first_gateway(),
        }
    }
}

/// A certificate account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub account_name: String,
    /// Its members.
    pub user_ids: Vec<UserId>,
    /// Accounts it accepts transfers from, in the order they were added.
    pub whitelist: Vec<AccountId>,
    /// Whether it was closed.
    pub is_closed: bool,
    /// What keeps it from being used, unless it is in use or closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Whether certificates can neither leave nor enter it by transfer or export.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transfer_disabled: bool,
    /// Wh it holds in bundles of a live state ([`CertificateStatus::is_live`]).
    pub live_wh: WattHours,
    /// Devices that belong to it.
    pub devices: i64,
    /// Whose it is, where it is an organisation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation_id: Option<OrganisationId>,
}

/// What keeps an account from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hold {
    /// It was asked for, and not approved yet.
    Requested,
    /// The issuing body suspended it.
    Suspended,
}

impl Account {
    /// Its state.
    #[must_use]
    pub const fn state(&self) -> AccountState {
        match (self.is_closed, self.hold) {
            (true, _) => AccountState::Closed,
            (false, Some(Hold::Requested)) => AccountState::Requested,
            (false, Some(Hold::Suspended)) => AccountState::Suspended,
            (false, None) => AccountState::Approved,
        }
    }

    /// Changes its state, other than by closing it.
    pub const fn stand(&mut self, state: AccountState) {
        self.hold = match state {
            AccountState::Requested => Some(Hold::Requested),
            AccountState::Suspended => Some(Hold::Suspended),
            AccountState::Approved | AccountState::Closed => None,
        };
    }
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The account that receives its certificates.
    pub account_id: AccountId,
    /// What is known of it.
    pub attributes: DeviceAttributes,
    /// Whether it was removed.
    pub is_removed: bool,
    /// Next certificate serial; never goes back.
    pub next_certificate_id: CertificateId,
    /// Wh that certificates stand for although they were not metered; the next issuances pay for them.
    #[serde(default, skip_serializing_if = "is_no_energy")]
    pub debt: WattHours,
    /// Its meters beside its own, by id from 1 on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub meters: Vec<Meter>,
    /// Where it is at home, if it is known here by imported certificates only: nothing is metered or
    /// issued for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<DeviceOrigin>,
}

const fn is_no_energy(amount: &WattHours) -> bool {
    amount.0 == 0
}

/// A meter of a device, beside its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    /// Unique within the device.
    pub identifier: String,
    /// Whether readings of it are accepted.
    pub is_active: bool,
}

impl Device {
    /// Every meter with its id, in order; the device's own first, as `None`.
    pub fn meter_ids(&self) -> impl Iterator<Item = Option<MeterId>> + '_ {
        std::iter::once(None).chain(MeterId::all().map(Some).take(self.meters.len()))
    }
}

/// A bundle: the inclusive range `[start, end]` of one device's certificates, in one account and state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Who holds it.
    pub account_id: AccountId,
    /// State.
    pub status: CertificateStatus,
    /// State it had when it was locked; it returns there.
    pub locked_from: Option<CertificateStatus>,
    /// The device that produced.
    pub device_id: DeviceId,
    /// What the energy was made from.
    pub energy_source: EnergySource,
    /// The meter that counted it, where it is not the device's own.
    pub meter_id: Option<MeterId>,
    /// First certificate.
    pub start: CertificateId,
    /// Last certificate, inclusive.
    pub end: CertificateId,
    /// When the energy was produced.
    pub interval: Interval,
    /// First instant at which it is expired.
    pub expiry: DateTime<Utc>,
    /// The bundle it was split from.
    pub parent_id: Option<BundleId>,
    /// Who benefits from its cancellation.
    pub beneficiary: Option<String>,
    /// The only account that may claim it, if the beneficiary has one here.
    pub beneficiary_account_id: Option<AccountId>,
    /// What it has to do with storage, where it has.
    pub storage: Option<Box<StorageTrail>>,
}

impl Bundle {
    /// A bundle that enters circulation: Active, whole, of the device's own meter.
    #[must_use]
    pub const fn new(
        account_id: AccountId,
        device_id: DeviceId,
        energy_source: EnergySource,
        [start, end]: [CertificateId; 2],
        interval: Interval,
        expiry: DateTime<Utc>,
    ) -> Self {
        Self {
            account_id,
            status: CertificateStatus::Active,
            locked_from: None,
            device_id,
            energy_source,
            meter_id: None,
            start,
            end,
            interval,
            expiry,
            parent_id: None,
            beneficiary: None,
            beneficiary_account_id: None,
            storage: None,
        }
    }

    /// What it has to do with storage.
    #[must_use]
    pub fn trail(&self) -> StorageTrail {
        self.storage.as_deref().copied().unwrap_or_default()
    }

    /// Notes what it has to do with storage.
    pub fn note(&mut self, change: impl FnOnce(&mut StorageTrail)) {
        change(self.storage.get_or_insert_default());
    }

    /// Certificates in the bundle: end − start + 1.
    #[must_use]
    pub const fn quantity(&self) -> WattHours {
        WattHours(self.end.0 - self.start.0 + 1)
    }
}

/// A rule by which bundles are acted on period after period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecurringRule {
    /// What it does.
    pub terms: RuleTerms,
    /// Whether it runs.
    pub status: RuleStatus,
    /// First period that no finished run stands for, counted from 0.
    pub next_period: i64,
    /// When it runs next; of an ongoing run, when that was due. `None` unless it is active.
    pub next_run: Option<DateTime<Utc>>,
    /// The run that has begun and not finished.
    pub open: Option<RunSoFar>,
}

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSoFar {
    /// Periods it stands for, from the rule's next on.
    pub periods: i64,
    /// When the last of them was due.
    pub due_at: DateTime<Utc>,
    /// Decisions it has taken.
    pub steps: i64,
    /// Wh it is to act on.
    pub wanted: WattHours,
    /// Wh it has acted on.
    pub moved: WattHours,
    /// Its actions.
    pub action_ids: Vec<ActionId>,
    /// Where it goes on.
    pub open: OpenRun,
}

/// What a command under an idempotency key led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoneCommand {
    /// Digest of the request.
    pub request: Uuid,
    /// Position of its first event.
    pub first: Position,
    /// Position of its last event.
    pub last: Position,
}

/// Next serials of the identity stream, the key that signs, and who manages users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityCounters {
    /// Next user.
    pub user: UserId,
    /// The key that signs access tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<KeyId>,
    /// Next organisation.
    #[serde(
        default = "first_organisation",
        skip_serializing_if = "is_first_organisation"
    )]
    pub organisation: OrganisationId,
    /// Users whose role may manage users, without those who were removed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub administrators: BTreeSet<UserId>,
}

const fn first_organisation() -> OrganisationId {
    OrganisationId(1)
}

/// Counters that were stored before there were organisations lack theirs.
const fn is_first_organisation(next: &OrganisationId) -> bool {
    next.0 == 1
}

impl Default for IdentityCounters {
    fn default() -> Self {
        Self {
            user: UserId(1),
            signing_key: None,
            organisation: first_organisation(),
            administrators: BTreeSet::new(),
        }
    }
}

/// A user, without personal data: name and address are known to the READ database only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// What they may do.
    pub role: Role,
    /// Digest of their e-mail address.
    pub email: Uuid,
    /// Whether they were removed.
    pub is_removed: bool,
    /// Whether they were erased.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_erased: bool,
    /// Their keys for machines that were not revoked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub api_keys: Vec<Uuid>,
    /// Their sessions that have not ended, in the order they were opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<Uuid>,
    /// Digest of the hash of their password; none where they have no password, or have not changed it since
    /// digests are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Uuid>,
    /// What they have to prove beside the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<Box<SecondFactor>>,
    /// Where a second factor was removed last: no secret that was offered before is taken any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor_removed: Option<Position>,
    /// The organisation they belong to, where they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<Membership>,
    /// Digests of who they are to other servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<Uuid>,
}
