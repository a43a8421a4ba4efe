//! From a command to events or a refusal.

use crate::command::Command;
use crate::context::Context;
use crate::event::{Event, Stream};
use crate::key::{Key, name_digest};
use crate::refusal::Refusal;
use crate::state::Entries;
use crate::{
    account, action, api_key, correction, device, export, gateway, import, invitation, issuance,
    link, measurement, meter, on_request, organisation, reading, received_export, recurring,
    second_factor, session, standing, storage, user,
};
use schemas::log::Position;

/// What follows from a command.
#[derive(Debug, Clone, Default)]
pub struct Decision {
    /// Events to append, in order; none where everything asked for was so already.
    pub events: Vec<Event>,
    /// Events that would follow, of a command that only asks for them.
    pub proposed: Vec<Event>,
    /// The largest of what may have to be recorded to end what these events begin: it must fit as well.
    pub reserved: Vec<Event>,
    /// What became of the rows of a submission.
    pub submission: Option<reading::Submission>,
    /// What became of an envelope.
    pub envelope: Option<gateway::Accepted>,
}

impl Decision {
    /// Several events.
    pub(crate) fn of<E: Into<Event>>(events: Vec<E>) -> Self {
        Self {
            events: events.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Several events, or where the command only asks, those that would follow.
    pub(crate) fn unless_dry(dry_run: bool, events: Vec<Event>) -> Self {
        let (events, proposed) = if dry_run {
            (Vec::new(), events)
        } else {
            (events, Vec::new())
        };
        Self {
            events,
            proposed,
            ..Self::default()
        }
    }
}

impl<E: Into<Event>> From<E> for Decision {
    fn from(event: E) -> Self {
        Self {
            events: vec![event.into()],
            ..Self::default()
        }
    }
}

/// Keys that deciding the command looks at, as far as the entries in memory tell. Load what is missing
/// and ask again until nothing is.
pub fn needed(entries: &impl Entries, command: &Command) -> Vec<Key> {
    let mut keys = Vec::new();
    match command.stream() {
        Stream::Ledger => keys.push(Key::Counters),
        Stream::Identity => keys.push(Key::IdentityCounters),
        Stream::Audit => {}
    }
    match command {
        Command::OpenAccount(open) => {
            keys.push(Key::AccountName(name_digest(&open.account_name)));
            keys.extend(open.organisation_id.map(Key::Owner));
        }
        Command::UpdateAccount(update) => {
            keys.push(Key::Account(update.account_id));
            keys.extend(
                update
                    .account_name
                    .as_deref()
                    .map(|name| Key::AccountName(name_digest(name))),
            );
        }
        Command::UpdateWhitelist(update) => {
            keys.push(Key::Account(update.account_id));
            keys.extend(
                update
                    .add
                    .iter()
                    .chain(&update.remove)
                    .copied()
                    .map(Key::Account),
            );
        }
        Command::CloseAccount(account_id) => account::needed(entries, *account_id, &mut keys),
        Command::ChangeStanding(change) => account::needed(entries, change.account_id, &mut keys),
        Command::ChangeTransfers(change) => keys.push(Key::Account(change.account_id)),
        Command::AssignAccount(assign) => {
            account::needed(entries, assign.account_id, &mut keys);
            keys.extend(assign.organisation_id.map(Key::Owner));
        }
        Command::CloseOwner(id) => keys.push(Key::Owner(*id)),
        Command::ChangeMembers(change) => keys.push(Key::Account(change.account_id)),
        Command::RegisterDevice(register) => keys.push(Key::Account(register.account_id)),
        Command::UpdateDevice(update) => {
            keys.push(Key::Device(update.device_id));
            keys.extend(update.account_id.map(Key::Account));
        }
        Command::RemoveDevice(device_id) => keys.push(Key::Device(*device_id)),
        Command::RegisterMeter(register) => keys.push(Key::Device(register.device_id)),
        Command::UpdateMeter(update) => keys.push(Key::Device(update.device_id)),
        Command::RecordIssuanceMetadata(_) => {}
        Command::SubmitReadings(submit) => reading::needed(entries, submit, &mut keys),
        Command::MoveMeasurement(moved) => measurement::needed_to_move(entries, moved, &mut keys),
        Command::WithdrawMeasurement(measurement) => measurement.needed(&mut keys),
        Command::CorrectReading(correct) => correction::needed(entries, correct, &mut keys),
        Command::IssueReadings(issue) => on_request::needed(entries, issue, &mut keys),
        Command::IssueBundle(issue) => issuance::needed(entries, issue, &mut keys),
        Command::ActOnBundles(act) => action::needed(entries, act, &mut keys),
        Command::CreateRule(create) => recurring::needed_to_create(create, &mut keys),
        Command::PauseRule(rule_id) | Command::EndRule(rule_id) => {
            keys.push(Key::RecurringRule(*rule_id));
        }
        Command::ResumeRule(rule_id) => recurring::needed_to_resume(entries, *rule_id, &mut keys),
        Command::RunRule(run) => recurring::needed_to_run(entries, run, &mut keys),
        Command::SubmitStorageRecords(submit) => storage::record::needed(submit, &mut keys),
        Command::WithdrawStorageRecords(withdraw) => {
            storage::record::needed_to_withdraw(entries, withdraw, &mut keys);
        }
        Command::FixStorageEfficiency(fix) => storage::efficiency::needed(fix, &mut keys),
        Command::AllocateStorage(allocate) => {
            storage::allocation::needed(entries, allocate, &mut keys);
        }
        Command::AllocateRows(allocate) => {
            storage::allocation::needed_for_rows(allocate, &mut keys)
        }
        Command::IssueForStorage(issue) => storage::issuance::needed(entries, issue, &mut keys),
        Command::ImportBundles(bundles) => import::needed(entries, bundles, &mut keys),
        Command::RefuseExport(refuse) => received_export::needed(refuse, &mut keys),
        Command::SettleExport(settle) => export::needed(entries, settle, &mut keys),
        Command::IssueGatewayCode(issue) => gateway::code::needed(issue, &mut keys),
        Command::EnrolGateway(enrol) => gateway::enrol::needed(entries, enrol, &mut keys),
        Command::ChangeGatewayKey(change) => gateway::key::needed(change, &mut keys),
        Command::RevokeGateway(revoke) => gateway::key::needed_to_revoke(revoke, &mut keys),
        Command::ChangeGatewayDevices(change) => gateway::device::needed(change, &mut keys),
        Command::AcceptEnvelope(accept) => gateway::envelope::needed(entries, accept, &mut keys),
        Command::RegisterUser(profile) => {
            user::needed_for_email(entries, &profile.email, &mut keys);
        }
        Command::UpdateUser(update) => {
            session::needed(entries, update.user_id, &mut keys);
            if let Some(email) = &update.changes.email {
                user::needed_for_email(entries, email, &mut keys);
            }
        }
        Command::RemoveUser(user_id) | Command::EraseUser(user_id) => {
            keys.push(Key::User(*user_id));
        }
        Command::IssueApiKey(key) => keys.push(Key::User(key.user_id)),
        Command::RevokeApiKey(key) => keys.push(Key::User(key.user_id)),
        Command::RehashPassword(rehash) => keys.push(Key::User(rehash.user_id)),
        Command::AddSecondFactor(add) => keys.push(Key::User(add.user_id)),
        Command::UseSecondFactor(used) => keys.push(Key::User(used.user_id)),
        Command::RemoveSecondFactor(remove) => keys.push(Key::User(remove.user_id)),
        Command::OpenSession(open) => session::needed(entries, open.user_id, &mut keys),
        Command::RefreshSession(refresh) => {
            session::needed_to_refresh(entries, refresh, &mut keys);
        }
        Command::EndSessions(end) => session::needed(entries, end.user_id, &mut keys),
        Command::AddSigningKey(_) => {}
        Command::FoundOrganisation(details) => {
            keys.push(Key::BusinessId(name_digest(&details.business_id)));
        }
        Command::UpdateOrganisation(update) => organisation::needed_to_update(update, &mut keys),
        Command::CloseOrganisation(id) => keys.push(Key::Organisation(*id)),
        Command::ChangeManager(change) => {
            organisation::needed_to_change_manager(entries, change, &mut keys);
        }
        Command::LeaveOrganisation(leave) => keys.extend([
            Key::Organisation(leave.organisation_id),
            Key::User(leave.user_id),
        ]),
        Command::IssueInvitation(issue) => invitation::needed(entries, issue, &mut keys),
        Command::RevokeInvitation(revoke) => {
            invitation::needed_to_revoke(entries, revoke.code, &mut keys);
        }
        Command::AcceptInvitation(accept) => {
            invitation::needed_to_accept(entries, accept, &mut keys);
        }
        Command::AdmitUser(admit) => link::needed_to_admit(entries, admit, &mut keys),
        Command::LinkIdentity(link) | Command::UnlinkIdentity(link) => {
            link::needed(entries, link, &mut keys);
        }
    }
    keys.extend(standing::device_of(command).map(Key::Device));
    // Whoever belongs to an entry found is touched by what follows: devices and bundles name accounts.
    for index in 0..keys.len() {
        if let Some(crate::Slot {
            entry: Some(crate::Entry::Device(device)),
            ..
        }) = entries.slot(&keys[index])
        {
            keys.push(Key::Account(device.account_id));
        }
    }
    keys
}

/// Decides the command on the state as it stands, as the one before left it.
pub fn decide(
    entries: &impl Entries,
    command: &Command,
    context: &Context,
) -> Result<Decision, Refusal> {
    standing::check_device(entries, command)?;
    match command {
        Command::OpenAccount(open) => account::open(entries, open).map(Decision::from),
        Command::UpdateAccount(update) => account::update(entries, update).map(Decision::from),
        Command::UpdateWhitelist(update) => {
            account::update_whitelist(entries, update).map(Decision::from)
        }
        Command::CloseAccount(account_id) => {
            account::close(entries, *account_id).map(Decision::from)
        }
        Command::ChangeStanding(change) => standing::change(entries, change).map(Decision::from),
        Command::ChangeTransfers(change) => standing::change_transfers(entries, change),
        Command::AssignAccount(assign) => account::assign(entries, assign),
        Command::CloseOwner(id) => account::close_owner(entries, *id),
        Command::ChangeMembers(change) => account::change_members(entries, change),
        Command::RegisterDevice(register) => {
            device::register(entries, register).map(Decision::from)
        }
        Command::UpdateDevice(update) => device::update(entries, update).map(Decision::from),
        Command::RemoveDevice(device_id) => device::remove(entries, *device_id).map(Decision::from),
        Command::RegisterMeter(register) => meter::register(entries, register).map(Decision::from),
        Command::UpdateMeter(update) => meter::update(entries, update),
        Command::RecordIssuanceMetadata(metadata) => {
            issuance::record_metadata(entries, metadata).map(Decision::from)
        }
        Command::SubmitReadings(submit) => reading::submit(entries, submit, context),
        Command::MoveMeasurement(moved) => {
            measurement::move_measurement(entries, moved, context).map(Decision::from)
        }
        Command::WithdrawMeasurement(measurement) => {
            measurement::withdraw(entries, measurement).map(Decision::from)
        }
        Command::CorrectReading(correct) => correction::correct(entries, correct, context),
        Command::IssueReadings(issue) => on_request::issue(entries, issue, context),
        Command::IssueBundle(issue) => issuance::issue_by_hand(entries, issue, context),
        Command::ActOnBundles(act) => action::act(entries, act, context),
        Command::CreateRule(create) => {
            recurring::create(entries, create, context).map(Decision::from)
        }
        Command::PauseRule(rule_id) => recurring::pause(entries, *rule_id),
        Command::ResumeRule(rule_id) => recurring::resume(entries, *rule_id, context),
        Command::EndRule(rule_id) => recurring::end(entries, *rule_id),
        Command::RunRule(run) => recurring::run(entries, run, context),
        Command::SubmitStorageRecords(submit) => storage::record::submit(entries, submit, context),
        Command::WithdrawStorageRecords(withdraw) => storage::record::withdraw(entries, withdraw),
        Command::FixStorageEfficiency(fix) => storage::efficiency::fix(entries, fix),
        Command::AllocateStorage(allocate) => storage::allocation::allocate(entries, allocate),
        Command::AllocateRows(allocate) => storage::allocation::allocate_rows(entries, allocate),
        Command::IssueForStorage(issue) => storage::issuance::issue(entries, issue, context),
        Command::ImportBundles(bundles) => import::import(entries, bundles, context),
        Command::RefuseExport(refuse) => received_export::refuse(entries, refuse),
        Command::SettleExport(settle) => export::settle(entries, settle, context),
        Command::IssueGatewayCode(issue) => gateway::code::issue(entries, issue, context),
        Command::EnrolGateway(enrol) => gateway::enrol::enrol(entries, enrol, context),
        Command::ChangeGatewayKey(change) => gateway::key::change(entries, change, context),
        Command::RevokeGateway(revoke) => gateway::key::revoke(entries, revoke),
        Command::ChangeGatewayDevices(change) => gateway::device::change(entries, change),
        Command::AcceptEnvelope(accept) => gateway::envelope::accept(entries, accept, context),
        Command::RegisterUser(profile) => user::register(entries, profile).map(Decision::from),
        Command::UpdateUser(update) => user::update(entries, update),
        Command::RemoveUser(user_id) => user::remove(entries, *user_id).map(Decision::from),
        Command::EraseUser(user_id) => user::erase(entries, *user_id),
        Command::IssueApiKey(key) => api_key::issue(entries, key, context).map(Decision::from),
        Command::RevokeApiKey(key) => api_key::revoke(entries, key).map(Decision::from),
        Command::RehashPassword(rehash) => user::rehash(entries, rehash),
        Command::AddSecondFactor(add) => second_factor::add(entries, add).map(Decision::from),
        Command::UseSecondFactor(used) => second_factor::spend(entries, used).map(Decision::from),
        Command::RemoveSecondFactor(remove) => {
            second_factor::remove(entries, remove).map(Decision::from)
        }
        Command::OpenSession(open) => session::open(entries, open, context),
        Command::RefreshSession(refresh) => session::refresh(entries, refresh, context),
        Command::EndSessions(end) => session::end(entries, end),
        Command::AddSigningKey(add) => session::add_key(entries, add, context),
        Command::FoundOrganisation(details) => {
            organisation::found(entries, details).map(Decision::from)
        }
        Command::UpdateOrganisation(update) => {
            organisation::update(entries, update).map(Decision::from)
        }
        Command::CloseOrganisation(id) => organisation::close(entries, *id).map(Decision::from),
        Command::ChangeManager(change) => organisation::change_manager(entries, change),
        Command::LeaveOrganisation(leave) => {
            organisation::leave(entries, leave).map(Decision::from)
        }
        Command::IssueInvitation(issue) => invitation::issue(entries, issue, context),
        Command::RevokeInvitation(revoke) => {
            invitation::revoke(entries, revoke).map(Decision::from)
        }
        Command::AcceptInvitation(accept) => invitation::accept(entries, accept, context),
        Command::AdmitUser(admit) => link::admit(entries, admit),
        Command::LinkIdentity(link) => link::link(entries, link),
        Command::UnlinkIdentity(link) => link::unlink(entries, link),
    }
}

/// An event with where and how it was recorded, as [`crate::apply`] takes it.
#[derive(Debug, Clone)]
pub struct Recorded<'a> {
    /// Its position.
    pub position: Position,
    /// The idempotency key of its command, if it had one.
    pub idempotency: Option<schemas::envelope::Idempotency>,
    /// The event.
    pub event: &'a Event,
}
