//! The keys that an event changes.

use super::{gateway, session, storage};
use crate::decide::Recorded;
use crate::event::Event;
use crate::key::{Key, key_digest, origin_digest};
use crate::received_export;
use schemas::WattHours;
use schemas::event::import::Certificates;
use schemas::event::reading::Run;
use schemas::event::{IdentityEvent, LedgerEvent};
use schemas::id::{DeviceId, MeterId};
use schemas::interval::Day;

/// Keys an event changes that must be loaded before it can be applied; entries it brings into being are
/// not among them.
#[must_use]
pub fn touched(recorded: &Recorded<'_>) -> Vec<Key> {
    let mut keys = Vec::new();
    if let Some(idempotency) = recorded.idempotency {
        keys.push(Key::Command(idempotency.key));
    }
    match recorded.event {
        Event::Identity(event) => {
            keys.push(Key::IdentityCounters);
            match event {
                IdentityEvent::UserRegistered(_) => {}
                IdentityEvent::UserUpdated(updated) => keys.push(Key::User(updated.user_id)),
                IdentityEvent::UserRemoved(removed) => keys.push(Key::User(removed.user_id)),
                IdentityEvent::UserErased(erased) => keys.push(Key::User(erased.user_id)),
                IdentityEvent::ApiKeyIssued(issued) => keys.push(Key::User(issued.user_id)),
                IdentityEvent::ApiKeyRevoked(revoked) => keys.push(Key::User(revoked.user_id)),
                IdentityEvent::SessionOpened(opened) => keys.push(Key::User(opened.user_id)),
                IdentityEvent::SessionRefreshed(refreshed) => {
                    keys.push(Key::Session(refreshed.session_id));
                }
                IdentityEvent::SessionsEnded(ended) => session::touched_by_end(ended, &mut keys),
                IdentityEvent::IdentityLinked(link) => keys.push(Key::User(link.user_id)),
                IdentityEvent::IdentityUnlinked(link) => keys.push(Key::User(link.user_id)),
                IdentityEvent::SigningKeyAdded(_) => {}
                IdentityEvent::SecondFactorAdded(event) => keys.push(Key::User(event.user_id)),
                IdentityEvent::SecondFactorUsed(event) => keys.push(Key::User(event.user_id)),
                IdentityEvent::SecondFactorRemoved(event) => keys.push(Key::User(event.user_id)),
                IdentityEvent::OrganisationFounded(_) => {}
                IdentityEvent::OrganisationUpdated(updated) => {
                    keys.push(Key::Organisation(updated.organisation_id));
                }
                IdentityEvent::OrganisationClosed(closed) => {
                    keys.push(Key::Organisation(closed.organisation_id));
                }
                IdentityEvent::OrganisationLeft(left) => keys.extend([
                    Key::User(left.user_id),
                    Key::Organisation(left.organisation_id),
                ]),
                IdentityEvent::OrganisationManagerChanged(changed) => keys.extend([
                    Key::User(changed.user_id),
                    Key::Organisation(changed.organisation_id),
                ]),
                IdentityEvent::InvitationIssued(issued) => {
                    keys.push(Key::Organisation(issued.organisation_id));
                }
                IdentityEvent::InvitationRevoked(revoked) => keys.extend([
                    Key::Invitation(revoked.code),
                    Key::Organisation(revoked.organisation_id),
                ]),
                IdentityEvent::InvitationAccepted(accepted) => keys.extend([
                    Key::Invitation(accepted.code),
                    Key::Organisation(accepted.organisation_id),
                    Key::User(accepted.user_id),
                ]),
            }
        }
        Event::Ledger(event) => {
            keys.push(Key::Counters);
            touched_by(event, &mut keys);
        }
        Event::Audit(_) => {}
    }
    keys
}

fn touched_by(event: &LedgerEvent, keys: &mut Vec<Key>) {
    let days =
        |device_id: DeviceId, meter_id: Option<MeterId>, runs: &[Run], keys: &mut Vec<Key>| {
            let mut last = None;
            for (interval, _) in runs.iter().flat_map(Run::intervals) {
                let day = Day::of(interval.start());
                if last != Some(day) {
                    keys.push(Key::readings(device_id, meter_id, day));
                    last = Some(day);
                }
            }
        };
    match event {
        LedgerEvent::AccountOpened(event) => keys.extend(event.organisation_id.map(Key::Owner)),
        LedgerEvent::OwnerClosed(event) => keys.push(Key::Owner(event.organisation_id)),
        LedgerEvent::GatewayCodeIssued(_)
        | LedgerEvent::IssuanceMetadataRecorded(_)
        | LedgerEvent::RecurringRuleCreated(_) => {}
        LedgerEvent::AccountUpdated(event) => keys.push(Key::Account(event.account_id)),
        LedgerEvent::WhitelistChanged(event) => keys.push(Key::Account(event.account_id)),
        LedgerEvent::AccountClosed(event) => {
            keys.push(Key::Account(event.account_id));
            keys.extend(event.organisation_id.map(Key::Owner));
        }
        LedgerEvent::AccountStandingChanged(event) => keys.push(Key::Account(event.account_id)),
        LedgerEvent::AccountAssigned(event) => {
            keys.push(Key::Account(event.account_id));
            let owners = [event.previous_organisation_id, event.organisation_id];
            keys.extend(owners.into_iter().flatten().map(Key::Owner));
        }
        LedgerEvent::DeviceRegistered(event) => {
            keys.push(Key::Account(event.account_id));
            keys.extend(
                event
                    .origin
                    .iter()
                    .map(|origin| Key::Origin(origin_digest(origin))),
            );
        }
        LedgerEvent::DeviceUpdated(event) => keys.extend([
            Key::Device(event.device_id),
            Key::Account(event.previous_account_id),
            Key::Account(event.account_id),
        ]),
        LedgerEvent::DeviceRemoved(event) => {
            keys.extend([Key::Device(event.device_id), Key::Account(event.account_id)]);
        }
        LedgerEvent::ReadingsAccepted(event) => {
            days(event.device_id, event.meter_id, &event.runs, keys);
        }
        LedgerEvent::MeasurementMoved(event) => keys.extend([
            Key::readings(
                event.previous_device_id,
                event.previous_meter_id,
                Day::of(event.previous_interval.start()),
            ),
            Key::readings(
                event.device_id,
                event.meter_id,
                Day::of(event.interval.start()),
            ),
        ]),
        LedgerEvent::MeasurementWithdrawn(event) => {
            keys.push(Key::readings(
                event.device_id,
                event.meter_id,
                Day::of(event.interval.start()),
            ));
        }
        LedgerEvent::BundlesIssued(event) => {
            keys.extend([Key::Device(event.device_id), Key::Account(event.account_id)]);
            days(event.device_id, event.meter_id, &event.runs, keys);
        }
        LedgerEvent::MeterRegistered(event) => keys.push(Key::Device(event.device_id)),
        LedgerEvent::MeterUpdated(event) => keys.push(Key::Device(event.device_id)),
        LedgerEvent::ReadingCorrected(event) => {
            keys.push(Key::readings(
                event.device_id,
                event.meter_id,
                Day::of(event.interval.start()),
            ));
            if event.debt > WattHours::ZERO {
                keys.push(Key::Device(event.device_id));
            }
        }
        LedgerEvent::DebtPaid(event) => {
            keys.push(Key::Device(event.device_id));
            keys.extend(event.parts.iter().map(|part| {
                Key::readings(event.device_id, part.meter_id, Day::of(part.interval_start))
            }));
        }
        LedgerEvent::RecurringRulePaused(event) => keys.push(Key::RecurringRule(event.rule_id)),
        LedgerEvent::RecurringRuleResumed(event) => keys.push(Key::RecurringRule(event.rule_id)),
        LedgerEvent::RecurringRuleEnded(event) => keys.push(Key::RecurringRule(event.rule_id)),
        LedgerEvent::RecurringRuleRan(event) => keys.push(Key::RecurringRule(event.rule_id)),
        LedgerEvent::StorageRecordsAccepted(event) => storage::touched_by_records(event, keys),
        LedgerEvent::StorageRecordsWithdrawn(event) => storage::touched_by_withdrawal(event, keys),
        LedgerEvent::StorageEfficiencyFixed(event) => keys.push(Key::Storage(event.device_id)),
        LedgerEvent::StorageAllocated(event) => storage::touched_by_allocation(event, keys),
        LedgerEvent::StorageCertificatesIssued(event) => storage::touched_by_issuance(event, keys),
        LedgerEvent::BundlesImported(event) => {
            keys.push(Key::Account(event.account_id));
            let origins = event.lots.iter().map(|lot| origin_digest(&lot.origin));
            keys.extend(origins.map(Key::Origin));
            keys.extend(event.export.as_ref().map(received_export::key));
        }
        LedgerEvent::ExportRefused(event) => {
            keys.push(received_export::key(&event.export));
            keys.extend(origins(&event.certificates));
        }
        LedgerEvent::GatewayEnrolled(event) => gateway::touched_by_enrolment(event, keys),
        LedgerEvent::GatewayKeyAdded(event) => gateway::touched_by_new_key(event, keys),
        LedgerEvent::GatewayKeyRevoked(event) => {
            keys.push(Key::GatewayKey(key_digest(event.key_id)));
        }
        LedgerEvent::GatewayRevoked(event) => keys.push(Key::Gateway(event.gateway_id)),
        LedgerEvent::GatewayDevicesChanged(event) => gateway::touched_by_devices(event, keys),
        LedgerEvent::EnvelopeAccepted(event) => keys.push(Key::GatewayStream(event.device_id)),
        LedgerEvent::BundlesActed(action) => {
            keys.push(Key::Account(action.source_id));
            let offer = action.export.as_ref().and_then(|export| export.offer_id);
            keys.extend(offer.map(Key::Export));
            let left = action
                .export
                .iter()
                .flat_map(|export| origins(&export.certificates));
            keys.extend(left);
            keys.extend(action.target_id.map(Key::Account));
            for part in &action.parts {
                keys.push(Key::Bundle(part.bundle_id));
                keys.extend(part.origin.map(|from| {
                    Key::readings(from.device_id, from.meter_id, Day::of(from.interval_start))
                }));
            }
        }
    }
}

fn origins(certificates: &[Certificates]) -> impl Iterator<Item = Key> {
    let devices = certificates.iter();
    devices.map(|device| Key::Origin(origin_digest(&device.origin)))
}
