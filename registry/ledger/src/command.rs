//! What can be asked of the registry.

mod account;
mod bundle;
mod device;
mod exchange;
mod organisation;
mod reading;
mod rule;
mod user;

pub use exchange::{
    ImportBundles, ImportDevice, ImportRow, RefuseExport, SettleExport, Settlement,
};
pub use organisation::{
    AcceptInvitation, AssignAccount, ChangeManager, ChangeMembers, Guest, IssueInvitation,
    LeaveOrganisation, RevokeInvitation, UpdateOrganisation,
};

use crate::event::Stream;
pub use crate::gateway::command::{
    AcceptEnvelope, ChangeGatewayDevices, ChangeGatewayKey, EnrolGateway, IssueGatewayCode,
    RevokeGateway,
};
pub use crate::link::{AdmitUser, Link};
pub use crate::second_factor::{
    AddSecondFactor, FactorProof, FactorRemover, RemoveSecondFactor, UseSecondFactor,
};
pub use crate::session::{AddSigningKey, EndSessions, OpenSession, RefreshSession, Which};
pub use crate::storage::command::{
    AllocateRows, AllocateStorage, AllocationRow, FixStorageEfficiency, Flow, FlowRow,
    IssueForStorage, RecordPlace, RowAmount, StatedFactor, SubmitStorageRecords,
    WithdrawStorageRecords,
};
pub use account::{ChangeStanding, ChangeTransfers, OpenAccount, UpdateAccount, UpdateWhitelist};
pub use bundle::{ActOnBundles, Amount, IssueBundle};
pub use device::{DevicePatch, RegisterDevice, RegisterMeter, UpdateDevice, UpdateMeter};
pub use reading::{
    CorrectReading, IssueReadings, MeasurementRef, MoveMeasurement, ReadingRow, SubmitReadings,
};
pub use rule::{CreateRule, RunRule};
use schemas::event::api_key::{ApiKeyIssued, ApiKeyRevoked};
use schemas::event::identity::UserProfile;
use schemas::event::issuance::IssuanceMetadata;
use schemas::event::organisation::OrganisationDetails;
use schemas::id::{AccountId, DeviceId, OrganisationId, RuleId, UserId};
pub use schemas::life_cycle::AccountStep;
pub use user::{RehashPassword, UpdateUser};

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
    /// Gives an organisation no account any more.
    CloseOwner(OrganisationId),
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
    /// Forgets the person behind a user.
    EraseUser(UserId),
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
    /// Has a user of it manage it, or no longer.
    ChangeManager(ChangeManager),
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
            | Self::EraseUser(_)
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
            | Self::ChangeManager(_)
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
            Self::CloseOwner(_) => "close_owner",
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
            Self::EraseUser(_) => "erase_user",
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
            Self::ChangeManager(_) => "change_manager",
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
