//! What can be asked of the registry.

mod exchange;
mod organisation;

pub use exchange::{
    ImportBundles, ImportDevice, ImportRow, RefuseExport, SettleExport, Settlement,
};
pub use organisation::{
    AcceptInvitation, AssignAccount, ChangeMembers, Guest, IssueInvitation, LeaveOrganisation,
    RevokeInvitation, UpdateOrganisation,
};

use crate::event::Stream;
pub use crate::gateway::command::{
    AcceptEnvelope, ChangeGatewayDevices, ChangeGatewayKey, EnrolGateway, IssueGatewayCode,
    RevokeGateway,
};
pub use crate::link::{AdmitUser, Link};
use crate::refusal::FieldError;
pub use crate::second_factor::{
    AddSecondFactor, FactorProof, FactorRemover, RemoveSecondFactor, UseSecondFactor,
};
pub use crate::session::{AddSigningKey, EndSessions, OpenSession, RefreshSession, Which};
pub use crate::storage::command::{
    AllocateRows, AllocateStorage, AllocationRow, FixStorageEfficiency, Flow, FlowRow,
    IssueForStorage, RecordPlace, RowAmount, StatedFactor, SubmitStorageRecords,
    WithdrawStorageRecords,
};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use schemas::WattHours;
use schemas::energy::{EnergyCarrier, EnergySource};
use schemas::event::api_key::{ApiKeyIssued, ApiKeyRevoked};
use schemas::event::device::DeviceAttributes;
use schemas::event::identity::{UserChanges, UserProfile};
use schemas::event::issuance::IssuanceMetadata;
use schemas::event::organisation::OrganisationDetails;
use schemas::id::{
    AccountId, BundleId, CertificateId, DeviceId, MeasurementId, MetadataId, MeterId,
    OrganisationId, RuleId, UserId,
};
use schemas::interval::Interval;
pub use schemas::life_cycle::AccountStep;
use schemas::life_cycle::{ActionType, CertificateStatus, QuantityMode, Settle};
use schemas::recurring::{MissedPeriods, PeriodUnit, Shortfall};
use uuid::Uuid;

/// A command, to be decided on the state as it stands.
#[derive(Debug, Clone)]
pub enum Command {
    /// Opens an account.
    OpenAccount(OpenAccount),
    /// Changes name or members of an account.
    UpdateAccount(UpdateAccount),
    /// Changes from whom an account accepts transfers.
    UpdateWhitelist(UpdateWhitelist),
    /// Closes an account.
    CloseAccount(AccountId),
    /// Approves, suspends or reinstates an account.
    ChangeStanding(ChangeStanding),
    /// Stops the transfers of an account, or lets them go on.
    ChangeTransfers(ChangeTransfers),
    /// Makes an account an organisation's, or nobody's.
    AssignAccount(AssignAccount),
    /// Takes users of an organisation into an account of it, and users out of it.
    ChangeMembers(ChangeMembers),
    /// Registers a device.
    RegisterDevice(RegisterDevice),
    /// Changes a device.
    UpdateDevice(Box<UpdateDevice>),
    /// Takes a device out of the registry.
    RemoveDevice(DeviceId),
    /// Gives a device a further meter.
    RegisterMeter(RegisterMeter),
    /// Accepts readings of a meter, or no longer.
    UpdateMeter(UpdateMeter),
    /// Records issuance metadata.
    RecordIssuanceMetadata(Box<IssuanceMetadata>),
    /// Submits readings and issues for them.
    SubmitReadings(SubmitReadings),
    /// Moves a reading that nothing was issued for.
    MoveMeasurement(MoveMeasurement),
    /// Takes back a reading that nothing was issued for.
    WithdrawMeasurement(MeasurementRef),
    /// Gives a reading another value.
    CorrectReading(CorrectReading),
    /// Issues for readings that nothing was issued for.
    IssueReadings(IssueReadings),
    /// Issues one bundle by hand.
    IssueBundle(Box<IssueBundle>),
    /// Acts on bundles.
    ActOnBundles(ActOnBundles),
    /// Creates a recurring rule.
    CreateRule(Box<CreateRule>),
    /// Keeps a rule from running until it is resumed.
    PauseRule(RuleId),
    /// Lets a paused rule run again.
    ResumeRule(RuleId),
    /// Ends a rule for good.
    EndRule(RuleId),
    /// Runs a period of a rule that is due.
    RunRule(RunRule),
    /// Submits what a storage device charged and discharged.
    SubmitStorageRecords(SubmitStorageRecords),
    /// Takes back the last records of a storage device.
    WithdrawStorageRecords(WithdrawStorageRecords),
    /// Fixes the efficiency of a storage device for a window.
    FixStorageEfficiency(FixStorageEfficiency),
    /// Allocates discharges to charges by the device's method.
    AllocateStorage(AllocateStorage),
    /// Allocates discharges to charges as a validator says.
    AllocateRows(AllocateRows),
    /// Issues certificates for energy released from storage.
    IssueForStorage(IssueForStorage),
    /// Brings bundles of another registry into circulation here.
    ImportBundles(Box<ImportBundles>),
    /// Makes sure that an export of another registry is never imported here.
    RefuseExport(Box<RefuseExport>),
    /// Confirms an export or takes it back.
    SettleExport(SettleExport),
    /// Issues a one-time code for a gateway.
    IssueGatewayCode(IssueGatewayCode),
    /// Enrols a gateway by such a code.
    EnrolGateway(Box<EnrolGateway>),
    /// Gives a gateway another key.
    ChangeGatewayKey(Box<ChangeGatewayKey>),
    /// Revokes a gateway or one of its keys.
    RevokeGateway(RevokeGateway),
    /// Changes which devices a gateway meters.
    ChangeGatewayDevices(ChangeGatewayDevices),
    /// Accepts a signed envelope of readings.
    AcceptEnvelope(Box<AcceptEnvelope>),
    /// Registers a user.
    RegisterUser(UserProfile),
    /// Changes a user.
    UpdateUser(UpdateUser),
    /// Removes a user.
    RemoveUser(UserId),
    /// Gives a user a key for machines.
    IssueApiKey(Box<ApiKeyIssued>),
    /// Ends one.
    RevokeApiKey(ApiKeyRevoked),
    /// Hashes a password anew that stays the same.
    RehashPassword(RehashPassword),
    /// Opens a session for a user who signed in.
    OpenSession(OpenSession),
    /// Puts another refresh token in the place of the one used.
    RefreshSession(RefreshSession),
    /// Ends sessions of a user.
    EndSessions(EndSessions),
    /// Asks a user for codes of a second factor from here on.
    AddSecondFactor(Box<AddSecondFactor>),
    /// Uses up a code of a second factor.
    UseSecondFactor(UseSecondFactor),
    /// Asks a user for the password alone from here on.
    RemoveSecondFactor(RemoveSecondFactor),
    /// Has another key sign access tokens.
    AddSigningKey(Box<AddSigningKey>),
    /// Creates an organisation.
    FoundOrganisation(Box<OrganisationDetails>),
    /// Changes what is known of one.
    UpdateOrganisation(Box<UpdateOrganisation>),
    /// Closes one.
    CloseOrganisation(OrganisationId),
    /// Has a user belong to it no longer.
    LeaveOrganisation(LeaveOrganisation),
    /// Invites into an organisation.
    IssueInvitation(Box<IssueInvitation>),
    /// Takes an invitation back.
    RevokeInvitation(RevokeInvitation),
    /// Has a user, known or new, join.
    AcceptInvitation(Box<AcceptInvitation>),
    /// Registers somebody whom another server signed in.
    AdmitUser(Box<AdmitUser>),
    /// Links a user to who they are to another server.
    LinkIdentity(Link),
    /// Unlinks them.
    UnlinkIdentity(Link),
}

impl Command {
    /// The stream that records what follows from the command.
    #[must_use]
    pub const fn stream(&self) -> Stream {
        match self {
            Self::RegisterUser(_)
            | Self::UpdateUser(_)
            | Self::RemoveUser(_)
            | Self::IssueApiKey(_)
            | Self::RevokeApiKey(_)
            | Self::RehashPassword(_)
            | Self::AddSecondFactor(_)
            | Self::UseSecondFactor(_)
            | Self::RemoveSecondFactor(_)
            | Self::OpenSession(_)
            | Self::RefreshSession(_)
            | Self::EndSessions(_)
            | Self::AddSigningKey(_)
            | Self::FoundOrganisation(_)
            | Self::UpdateOrganisation(_)
            | Self::CloseOrganisation(_)
            | Self::LeaveOrganisation(_)
            | Self::IssueInvitation(_)
            | Self::RevokeInvitation(_)
            | Self::AcceptInvitation(_)
            | Self::AdmitUser(_)
            | Self::LinkIdentity(_)
            | Self::UnlinkIdentity(_) => Stream::Identity,
            _ => Stream::Ledger,
        }
    }

    /// Name used in metrics and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OpenAccount(_) => "open_account",
            Self::UpdateAccount(_) => "update_account",
            Self::UpdateWhitelist(_) => "update_whitelist",
            Self::CloseAccount(_) => "close_account",
            Self::ChangeStanding(change) => change.step.as_str(),
            Self::ChangeTransfers(_) => "change_transfers",
            Self::AssignAccount(_) => "assign_account",
            Self::ChangeMembers(_) => "change_members",
            Self::RegisterDevice(_) => "register_device",
            Self::UpdateDevice(_) => "update_device",
            Self::RemoveDevice(_) => "remove_device",
            Self::RegisterMeter(_) => "register_meter",
            Self::UpdateMeter(_) => "update_meter",
            Self::RecordIssuanceMetadata(_) => "record_issuance_metadata",
            Self::SubmitReadings(_) => "submit_readings",
            Self::MoveMeasurement(_) => "move_measurement",
            Self::WithdrawMeasurement(_) => "withdraw_measurement",
            Self::CorrectReading(_) => "correct_reading",
            Self::IssueReadings(_) => "issue_readings",
            Self::IssueBundle(_) => "issue_bundle",
            Self::ActOnBundles(act) => act.action_type.as_str(),
            Self::CreateRule(_) => "create_rule",
            Self::PauseRule(_) => "pause_rule",
            Self::ResumeRule(_) => "resume_rule",
            Self::EndRule(_) => "end_rule",
            Self::RunRule(_) => "run_rule",
            Self::SubmitStorageRecords(_) => "submit_storage_records",
            Self::WithdrawStorageRecords(_) => "withdraw_storage_records",
            Self::FixStorageEfficiency(_) => "fix_storage_efficiency",
            Self::AllocateStorage(_) => "allocate_storage",
            Self::AllocateRows(_) => "allocate_storage_rows",
            Self::IssueForStorage(_) => "issue_for_storage",
            Self::ImportBundles(_) => "import_bundles",
            Self::RefuseExport(_) => "refuse_export",
            Self::SettleExport(settle) => settle.settlement.action_type().as_str(),
            Self::IssueGatewayCode(_) => "issue_gateway_code",
            Self::EnrolGateway(_) => "enrol_gateway",
            Self::ChangeGatewayKey(_) => "change_gateway_key",
            Self::RevokeGateway(_) => "revoke_gateway",
            Self::ChangeGatewayDevices(_) => "change_gateway_devices",
            Self::AcceptEnvelope(_) => "accept_envelope",
            Self::RegisterUser(_) => "register_user",
            Self::UpdateUser(_) => "update_user",
            Self::RemoveUser(_) => "remove_user",
            Self::IssueApiKey(_) => "issue_api_key",
            Self::RevokeApiKey(_) => "revoke_api_key",
            Self::RehashPassword(_) => "rehash_password",
            Self::AddSecondFactor(_) => "add_second_factor",
            Self::UseSecondFactor(_) => "use_second_factor",
            Self::RemoveSecondFactor(_) => "remove_second_factor",
            Self::OpenSession(_) => "open_session",
            Self::RefreshSession(_) => "refresh_session",
            Self::EndSessions(_) => "end_sessions",
            Self::AddSigningKey(_) => "add_signing_key",
            Self::FoundOrganisation(_) => "found_organisation",
            Self::UpdateOrganisation(_) => "update_organisation",
            Self::CloseOrganisation(_) => "close_organisation",
            Self::LeaveOrganisation(_) => "leave_organisation",
            Self::IssueInvitation(_) => "issue_invitation",
            Self::RevokeInvitation(_) => "revoke_invitation",
            Self::AcceptInvitation(_) => "accept_invitation",
            Self::AdmitUser(_) => "admit_user",
            Self::LinkIdentity(_) => "link_identity",
            Self::UnlinkIdentity(_) => "unlink_identity",
        }
    }
}

/// See [`Command::OpenAccount`].
#[derive(Debug, Clone)]
pub struct OpenAccount {
    /// Name, unique without regard to case.
    pub account_name: String,
    /// Members; the caller has checked that they exist.
    pub user_ids: Vec<UserId>,
    /// Whether the issuing body has to approve it before it is used.
    pub is_requested: bool,
    /// The organisation that owns it; the caller has checked that it is there.
    pub organisation_id: Option<OrganisationId>,
}

/// See [`Command::ChangeStanding`].
#[derive(Debug, Clone)]
pub struct ChangeStanding {
    /// The account.
    pub account_id: AccountId,
    /// What becomes of it.
    pub step: AccountStep,
    /// Why; needed to suspend.
    pub reason: Option<String>,
}

/// See [`Command::ChangeTransfers`].
#[derive(Debug, Clone)]
pub struct ChangeTransfers {
    /// The account.
    pub account_id: AccountId,
    /// Whether certificates can neither leave nor enter it by transfer or export.
    pub disabled: bool,
    /// Why.
    pub reason: Option<String>,
}

/// See [`Command::UpdateAccount`]; what is `None` stays.
#[derive(Debug, Clone)]
pub struct UpdateAccount {
    /// The account.
    pub account_id: AccountId,
    /// New name.
    pub account_name: Option<String>,
    /// New members, replacing all.
    pub user_ids: Option<Vec<UserId>>,
}

/// See [`Command::UpdateWhitelist`]; all or nothing.
#[derive(Debug, Clone)]
pub struct UpdateWhitelist {
    /// The receiving account.
    pub account_id: AccountId,
    /// Accounts that may send from here on.
    pub add: Vec<AccountId>,
    /// Accounts that may no longer.
    pub remove: Vec<AccountId>,
}

/// See [`Command::RegisterDevice`].
#[derive(Debug, Clone)]
pub struct RegisterDevice {
    /// Account that receives its certificates.
    pub account_id: AccountId,
    /// What is known of it.
    pub attributes: DeviceAttributes,
}

/// See [`Command::UpdateDevice`].
#[derive(Debug, Clone)]
pub struct UpdateDevice {
    /// The device.
    pub device_id: DeviceId,
    /// Account that receives its certificates from here on; `None` leaves it.
    pub account_id: Option<AccountId>,
    /// Changes to the attributes.
    pub patch: DevicePatch,
}

/// Attributes of a device to change; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct DevicePatch {
    /// See [`DeviceAttributes::device_name`].
    pub device_name: Option<String>,
    /// See [`DeviceAttributes::local_device_identifier`].
    pub local_device_identifier: Option<String>,
    /// See [`DeviceAttributes::device_unique_id`].
    pub device_unique_id: Option<String>,
    /// See [`DeviceAttributes::grid`].
    pub grid: Option<String>,
    /// See [`DeviceAttributes::energy_source`].
    pub energy_source: Option<EnergySource>,
    /// See [`DeviceAttributes::technology_type`].
    pub technology_type: Option<schemas::energy::TechnologyType>,
    /// See [`DeviceAttributes::operational_date`].
    pub operational_date: Option<DateTime<Utc>>,
    /// See [`DeviceAttributes::capacity_w`].
    pub capacity_w: Option<schemas::Watts>,
    /// See [`DeviceAttributes::peak_demand_w`].
    pub peak_demand_w: Option<schemas::Watts>,
    /// See [`DeviceAttributes::location`].
    pub location: Option<String>,
    /// See [`DeviceAttributes::gps_location`].
    pub gps_location: Option<schemas::energy::GpsLocation>,
}

/// See [`Command::RegisterMeter`].
#[derive(Debug, Clone)]
pub struct RegisterMeter {
    /// The device.
    pub device_id: DeviceId,
    /// Identifier, unique within the device.
    pub identifier: String,
    /// Whether readings of it are accepted.
    pub is_active: bool,
}

/// See [`Command::UpdateMeter`].
#[derive(Debug, Clone)]
pub struct UpdateMeter {
    /// The device.
    pub device_id: DeviceId,
    /// Identifier of the meter.
    pub identifier: String,
    /// Whether readings of it are accepted.
    pub is_active: bool,
}

/// See [`Command::SubmitReadings`].
#[derive(Debug, Clone)]
pub struct SubmitReadings {
    /// The metered device.
    pub device_id: DeviceId,
    /// Rows that could be read.
    pub rows: Vec<ReadingRow>,
    /// Rows that could not; they are refused with the others.
    pub unreadable: Vec<FieldError>,
    /// Whether to accept the good rows of a submission that has bad ones.
    pub partial: bool,
    /// Whether to issue for the accepted rows at once.
    pub issue: bool,
}

/// One row of a submission. Times are as given: the rules look at them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingRow {
    /// Number of the row, counted from 1 without the header.
    pub row: u32,
    /// Start of the interval.
    pub start: DateTime<Utc>,
    /// End of the interval, exclusive.
    pub end: DateTime<Utc>,
    /// Metered energy.
    pub wh: WattHours,
    /// `NET` or `GROSS`, or what else was given.
    pub gross_net_indicator: String,
    /// The meter, where it is not the device's own.
    pub meter_identifier: Option<String>,
}

/// A reading by id, with where the caller found it.
#[derive(Debug, Clone, Copy)]
pub struct MeasurementRef {
    /// The reading.
    pub measurement_id: MeasurementId,
    /// Its device.
    pub device_id: DeviceId,
    /// Its meter, where it is not the device's own.
    pub meter_id: Option<MeterId>,
    /// Its interval.
    pub interval: Interval,
}

/// See [`Command::CorrectReading`].
#[derive(Debug, Clone)]
pub struct CorrectReading {
    /// The reading.
    pub measurement: MeasurementRef,
    /// Its amount from here on.
    pub wh: WattHours,
    /// Why.
    pub reason: String,
    /// What becomes of certificates that can not be taken back.
    pub settle: Settle,
    /// The reading's bundles, as the caller found them; the rules look at each.
    pub candidates: Vec<BundleId>,
    /// Whether to tell what would follow, and do nothing.
    pub dry_run: bool,
}

/// See [`Command::IssueReadings`].
#[derive(Debug, Clone)]
pub struct IssueReadings {
    /// The device.
    pub device_id: DeviceId,
    /// Intervals start here or later,
    pub from: DateTime<Utc>,
    /// and before.
    pub to: DateTime<Utc>,
    /// Identifier of the only meter to issue for; `None` for all meters of the device.
    pub meter_identifier: Option<String>,
    /// Whether to issue anew what the issuing body withdrew, too.
    pub include_withdrawn: bool,
    /// Whether to issue for doubtful readings of gateways, too: that settles them.
    pub include_doubtful: bool,
    /// Whether to tell what would follow, and do nothing.
    pub dry_run: bool,
}

/// See [`Command::MoveMeasurement`].
#[derive(Debug, Clone, Copy)]
pub struct MoveMeasurement {
    /// The reading.
    pub from: MeasurementRef,
    /// Device from here on; another than before takes it under its own meter.
    pub device_id: DeviceId,
    /// Start from here on.
    pub start: DateTime<Utc>,
    /// End from here on.
    pub end: DateTime<Utc>,
}

/// See [`Command::IssueBundle`].
#[derive(Debug, Clone)]
pub struct IssueBundle {
    /// The device that produced.
    pub device_id: DeviceId,
    /// The account that receives.
    pub account_id: AccountId,
    /// The issuance metadata that applies.
    pub metadata_id: MetadataId,
    /// First certificate; `None` takes the next free one.
    pub start: Option<CertificateId>,
    /// Last certificate; `None` follows from the quantity.
    pub end: Option<CertificateId>,
    /// Certificates to issue.
    pub quantity: WattHours,
    /// Start of production.
    pub production_start: DateTime<Utc>,
    /// End of production.
    pub production_end: DateTime<Utc>,
    /// Source; must be the device's.
    pub energy_source: EnergySource,
    /// Form of energy.
    pub energy_carrier: EnergyCarrier,
    /// Whether after carrier conversion.
    pub issuance_post_energy_carrier_conversion: bool,
    /// First instant at which it is expired; `None` follows the policy.
    pub expiry: Option<DateTime<Utc>>,
    /// Emissions factor in kgCO2e/MWh.
    pub emissions_factor_production_device: Option<Decimal>,
    /// Source of the emissions factor.
    pub emissions_factor_source: Option<String>,
}

/// See [`Command::ActOnBundles`].
#[derive(Debug, Clone)]
pub struct ActOnBundles {
    /// What to do.
    pub action_type: ActionType,
    /// The account that holds the bundles.
    pub source_id: AccountId,
    /// The bundles, each once.
    pub bundle_ids: Vec<BundleId>,
    /// How much.
    pub amount: Amount,
    /// Receiving account (transfer).
    pub target_id: Option<AccountId>,
    /// Who benefits (cancel; claim: must be the recorded one).
    pub beneficiary: Option<String>,
    /// The beneficiary's account here (cancel).
    pub beneficiary_account_id: Option<AccountId>,
    /// The storage device that charged the energy (cancel for storage).
    pub storage_device_id: Option<DeviceId>,
    /// Why (withdraw, lock).
    pub reason: Option<String>,
    /// Name of the registry the bundles are offered to (export).
    pub receiving_registry: Option<String>,
    /// Kept because the contract has it.
    pub localise_time: bool,
}

/// How much of the listed bundles an action concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// All of each.
    Whole,
    /// So many Wh of each, or of all together.
    Quantity(WattHours, QuantityMode),
    /// Such a share of each, or of all together.
    Percentage(Decimal, QuantityMode),
}

/// See [`Command::CreateRule`].
#[derive(Debug, Clone)]
pub struct CreateRule {
    /// A transfer or a cancellation.
    pub action_type: ActionType,
    /// The account whose bundles it acts on.
    pub source_id: AccountId,
    /// Receiving account (transfer).
    pub target_id: Option<AccountId>,
    /// Who benefits (cancel).
    pub beneficiary: Option<String>,
    /// The beneficiary's account here (cancel).
    pub beneficiary_account_id: Option<AccountId>,
    /// Wh per period; not together with a percentage.
    pub certificate_quantity: Option<WattHours>,
    /// Share of what matches; not together with a quantity.
    pub certificate_bundle_percentage: Option<Decimal>,
    /// Kept because the contract has it.
    pub localise_time: bool,
    /// Bundles it is restricted to, and what is split from them; none restrict nothing.
    pub bundle_ids: Vec<BundleId>,
    /// Devices it is restricted to; none restrict nothing.
    pub device_ids: Vec<DeviceId>,
    /// Sources it is restricted to; none restrict nothing.
    pub energy_sources: Vec<EnergySource>,
    /// States it takes bundles in; none mean Active.
    pub statuses: Vec<CertificateStatus>,
    /// Seconds since the end of production, at least.
    pub min_age_s: Option<i64>,
    /// Seconds since the end of production, at most.
    pub max_age_s: Option<i64>,
    /// When it runs first; `None` means at once.
    pub start: Option<DateTime<Utc>>,
    /// Unit of its period.
    pub period_unit: PeriodUnit,
    /// Units per period.
    pub period_quantity: i64,
    /// Periods there are; `None` means until it is ended.
    pub repetitions: Option<i64>,
    /// What becomes of missed periods.
    pub missed: MissedPeriods,
    /// What a run does that can not be met in full.
    pub shortfall: Shortfall,
}

/// See [`Command::RunRule`]. Whoever looks for candidates proposes; the ledger alone decides which
/// period it is and what of the candidates is taken.
#[derive(Debug, Clone)]
pub struct RunRule {
    /// The rule.
    pub rule_id: RuleId,
    /// The period that is thought to be its next.
    pub period: i64,
    /// The step of it that is thought to be next: 0 unless the run is ongoing.
    pub step: i64,
    /// Bundles that matched when they were looked up, at most as many as an action lists, oldest
    /// production first; those that do not match any more are passed over.
    pub candidates: Vec<BundleId>,
    /// Whether more matched than are listed.
    pub more: bool,
    /// Whether a shortfall is final although candidates changed since they were looked up.
    pub settle: bool,
}

/// See [`Command::RehashPassword`].
#[derive(Clone)]
pub struct RehashPassword {
    /// The user.
    pub user_id: UserId,
    /// The hash so far.
    pub before: String,
    /// The new one, of the same password.
    pub after: String,
}

/// Shows no hash: a command may end up in a log line.
impl std::fmt::Debug for RehashPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RehashPassword")
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

/// See [`Command::UpdateUser`].
#[derive(Debug, Clone)]
pub struct UpdateUser {
    /// The user.
    pub user_id: UserId,
    /// What shall be different.
    pub changes: UserChanges,
    /// The one session that outlives a new password: that in which the user changed it.
    pub session: Option<Uuid>,
}
