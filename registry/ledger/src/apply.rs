//! Folding an event into the state: the one place where each transition is written.
//!
//! What becomes of an entry depends on the event and that entry alone (a child of a split also on what
//! never changes of its parent), so entries known as of different positions can be folded together.

mod exchange;
mod gateway;
mod identity;
mod link;
mod organisation;
mod reading;
mod session;
mod storage;
mod touched;

pub use touched::touched;

use crate::decide::Recorded;
use crate::entry::{
    Account, Bundle, Counters, DayReading, Device, DeviceDay, DoneCommand, Entry, Hold,
    IdentityCounters, Meter, Owner, RecurringRule, User, second_of_day,
};
use crate::event::Event;
use crate::key::{Key, name_digest};
use crate::state::{Changes, NotLoaded, get};
use crate::state_machine::{Outcome, transition};
use schemas::WattHours;
use schemas::event::LedgerEvent;
use schemas::event::action::{BundleAction, Part, Split};
use schemas::id::{AccountId, BundleId, CertificateId, DeviceId, MeterId, RuleId, UserId};
use schemas::interval::Day;
use schemas::life_cycle::{ActionType, CertificateStatus};
use schemas::log::Position;
use schemas::recurring::RuleStatus;

/// Folds one event into the entries it touches.
pub fn apply(changes: &mut Changes<'_>, recorded: &Recorded<'_>) -> Result<(), NotLoaded> {
    let position = recorded.position;
    if let Some(idempotency) = recorded.idempotency
        && let Some(slot) = changes.edit(Key::Command(idempotency.key), position)?
    {
        let first = match slot {
            Some(Entry::Command(done)) => done.first,
            _ => position,
        };
        *slot = Some(Entry::Command(DoneCommand {
            request: idempotency.request,
            first,
            last: position,
        }));
    }
    match recorded.event {
        Event::Ledger(event) => Fold { changes, position }.ledger(event),
        Event::Identity(event) => Fold { changes, position }.identity(event),
        Event::Audit(_) => Ok(()),
    }
}

/// What the action makes of a bundle that it acts on as a whole: a listed one that is not split, or
/// the child that was taken.
pub fn act_on(bundle: &mut Bundle, action: &BundleAction) {
    let before = bundle.status;
    match transition(action.action_type).outcome {
        Outcome::Stays => {}
        Outcome::Becomes(status) => bundle.status = status,
        Outcome::Returns => {
            bundle.status = bundle
                .locked_from
                .take()
                .unwrap_or(CertificateStatus::Active);
        }
    }
    match action.action_type {
        ActionType::Transfer => {
            if let Some(target) = action.target_id {
                bundle.account_id = target;
            }
        }
        ActionType::Cancel => {
            bundle.beneficiary.clone_from(&action.beneficiary);
            bundle.beneficiary_account_id = action.beneficiary_account_id;
        }
        ActionType::CancelForStorage => {
            bundle.beneficiary.clone_from(&action.beneficiary);
            bundle.note(|trail| trail.cancelled_for = action.storage_device_id);
        }
        ActionType::Lock => bundle.locked_from = Some(before),
        _ => {}
    }
}

struct Fold<'c, 'a> {
    changes: &'c mut Changes<'a>,
    position: Position,
}

impl Fold<'_, '_> {
    fn counters(&mut self, count: impl FnOnce(&mut Counters)) -> Result<(), NotLoaded> {
        if let Some(slot) = self.changes.edit(Key::Counters, self.position)? {
            let mut counters = match slot {
                Some(Entry::Counters(counters)) => *counters,
                _ => Counters::default(),
            };
            count(&mut counters);
            *slot = Some(Entry::Counters(counters));
        }
        Ok(())
    }

    fn identity_counters(
        &mut self,
        change: impl FnOnce(&mut IdentityCounters),
    ) -> Result<(), NotLoaded> {
        if let Some(slot) = self.changes.edit(Key::IdentityCounters, self.position)? {
            let mut counters = match slot.take() {
                Some(Entry::IdentityCounters(counters)) => counters,
                _ => IdentityCounters::default(),
            };
            change(&mut counters);
            *slot = Some(Entry::IdentityCounters(counters));
        }
        Ok(())
    }

    fn user(&mut self, id: UserId, change: impl FnOnce(&mut User)) -> Result<(), NotLoaded> {
        if let Some(Some(Entry::User(user))) = self.changes.edit(Key::User(id), self.position)? {
            change(user);
        }
        Ok(())
    }

    fn account(
        &mut self,
        id: AccountId,
        change: impl FnOnce(&mut Account),
    ) -> Result<(), NotLoaded> {
        if let Some(Some(Entry::Account(account))) =
            self.changes.edit(Key::Account(id), self.position)?
        {
            change(account);
        }
        Ok(())
    }

    fn device(&mut self, id: DeviceId, change: impl FnOnce(&mut Device)) -> Result<(), NotLoaded> {
        if let Some(Some(Entry::Device(device))) =
            self.changes.edit(Key::Device(id), self.position)?
        {
            change(device);
        }
        Ok(())
    }

    fn rule(
        &mut self,
        id: RuleId,
        change: impl FnOnce(&mut RecurringRule),
    ) -> Result<(), NotLoaded> {
        if let Some(Some(Entry::RecurringRule(rule))) =
            self.changes.edit(Key::RecurringRule(id), self.position)?
        {
            change(rule);
        }
        Ok(())
    }

    fn day(
        &mut self,
        id: DeviceId,
        meter: Option<MeterId>,
        day: Day,
        change: impl FnOnce(&mut DeviceDay),
    ) -> Result<(), NotLoaded> {
        let key = Key::readings(id, meter, day);
        if let Some(slot) = self.changes.edit(key, self.position)? {
            if let Some(Entry::DeviceDay(readings)) = slot {
                change(readings);
            } else {
                let mut readings = DeviceDay::default();
                change(&mut readings);
                *slot = Some(Entry::DeviceDay(readings));
            }
        }
        Ok(())
    }

    fn create(&mut self, key: Key, entry: Entry) {
        self.changes.create(key, self.position, entry);
    }

    fn ledger(&mut self, event: &LedgerEvent) -> Result<(), NotLoaded> {
        match event {
            LedgerEvent::AccountOpened(event) => {
                self.create(
                    Key::Account(event.account_id),
                    Entry::Account(Box::new(Account {
                        account_name: event.account_name.clone(),
                        user_ids: event.user_ids.clone(),
                        whitelist: Vec::new(),
                        is_closed: false,
                        hold: event.is_requested.then_some(Hold::Requested),
                        transfer_disabled: false,
                        live_wh: WattHours::ZERO,
                        devices: 0,
                        organisation_id: event.organisation_id,
                    })),
                );
                self.create(
                    Key::AccountName(name_digest(&event.account_name)),
                    Entry::AccountName(event.account_id),
                );
                self.owner(event.organisation_id, Owner::gain)?;
                self.counters(|counters| counters.account = event.account_id.plus(1))
            }
            LedgerEvent::AccountUpdated(event) => {
                let (old, new) = (
                    name_digest(&event.previous_name),
                    name_digest(&event.account_name),
                );
                if old != new {
                    self.changes.forget(Key::AccountName(old), self.position);
                    self.create(Key::AccountName(new), Entry::AccountName(event.account_id));
                }
                self.account(event.account_id, |account| {
                    account.account_name.clone_from(&event.account_name);
                    account.user_ids.clone_from(&event.user_ids);
                })
            }
            LedgerEvent::WhitelistChanged(event) => self.account(event.account_id, |account| {
                account.whitelist.retain(|id| !event.removed.contains(id));
                account.whitelist.extend(&event.added);
            }),
            LedgerEvent::AccountClosed(event) => {
                self.owner(event.organisation_id, Owner::lose)?;
                self.account(event.account_id, |account| account.is_closed = true)
            }
            LedgerEvent::AccountStandingChanged(event) => {
                self.account(event.account_id, |account| {
                    account.stand(event.state);
                    account.transfer_disabled = event.transfer_disabled;
                })
            }
            LedgerEvent::AccountAssigned(event) => {
                self.owner(event.previous_organisation_id, Owner::lose)?;
                self.owner(event.organisation_id, Owner::gain)?;
                self.account(event.account_id, |account| {
                    account.organisation_id = event.organisation_id;
                })
            }
            LedgerEvent::OwnerClosed(event) => {
                self.owner(Some(event.organisation_id), |owner| owner.is_closed = true)
            }
            LedgerEvent::DeviceRegistered(event) => {
                self.create(
                    Key::Device(event.device_id),
                    Entry::Device(Box::new(Device {
                        account_id: event.account_id,
                        attributes: event.attributes.clone(),
                        is_removed: false,
                        next_certificate_id: CertificateId(1),
                        debt: WattHours::ZERO,
                        meters: Vec::new(),
                        origin: event.origin.clone(),
                    })),
                );
                if let Some(origin) = &event.origin {
                    self.origin(origin, |known| known.device_id = Some(event.device_id))?;
                }
                self.account(event.account_id, |account| account.devices += 1)?;
                self.counters(|counters| counters.device = event.device_id.plus(1))
            }
            LedgerEvent::DeviceUpdated(event) => {
                self.device(event.device_id, |device| {
                    device.account_id = event.account_id;
                    device.attributes = event.attributes.clone();
                })?;
                if event.account_id != event.previous_account_id {
                    self.account(event.previous_account_id, |account| account.devices -= 1)?;
                    self.account(event.account_id, |account| account.devices += 1)?;
                }
                Ok(())
            }
            LedgerEvent::DeviceRemoved(event) => {
                self.device(event.device_id, |device| device.is_removed = true)?;
                self.account(event.account_id, |account| account.devices -= 1)
            }
            LedgerEvent::IssuanceMetadataRecorded(event) => {
                self.create(
                    Key::Metadata(event.metadata_id),
                    Entry::Metadata(Box::new(event.metadata.clone())),
                );
                self.counters(|counters| {
                    let own = match event.imported_from {
                        Some(_) => counters.newest_metadata(),
                        None => event.metadata_id,
                    };
                    counters.metadata = event.metadata_id.plus(1);
                    counters.own_metadata = (own != counters.metadata.plus(-1)).then_some(own);
                })
            }
            LedgerEvent::ReadingsAccepted(event) => self.readings_accepted(event),
            LedgerEvent::MeasurementMoved(event) => {
                let (from, to) = (event.previous_interval.start(), event.interval);
                self.day(
                    event.previous_device_id,
                    event.previous_meter_id,
                    Day::of(from),
                    |day| {
                        day.0.remove(&second_of_day(from));
                    },
                )?;
                self.day(
                    event.device_id,
                    event.meter_id,
                    Day::of(to.start()),
                    |day| {
                        let reading = DayReading::new(event.measurement_id, to, event.wh);
                        day.0.insert(second_of_day(to.start()), reading);
                    },
                )
            }
            LedgerEvent::MeasurementWithdrawn(event) => {
                let start = event.interval.start();
                self.day(event.device_id, event.meter_id, Day::of(start), |day| {
                    day.0.remove(&second_of_day(start));
                })
            }
            LedgerEvent::MeterRegistered(event) => self.device(event.device_id, |device| {
                device.meters.push(Meter {
                    identifier: event.meter_identifier.clone(),
                    is_active: event.is_active,
                });
            }),
            LedgerEvent::MeterUpdated(event) => self.device(event.device_id, |device| {
                let index = usize::try_from(event.meter_id.get() - 1).ok();
                if let Some(meter) = index.and_then(|index| device.meters.get_mut(index)) {
                    meter.is_active = event.is_active;
                }
            }),
            LedgerEvent::ReadingCorrected(event) => self.reading_corrected(event),
            LedgerEvent::DebtPaid(event) => self.debt_paid(event),
            LedgerEvent::BundlesIssued(event) => self.bundles_issued(event),
            LedgerEvent::RecurringRuleCreated(event) => {
                self.create(
                    Key::RecurringRule(event.rule_id),
                    Entry::RecurringRule(Box::new(RecurringRule {
                        terms: event.terms.clone(),
                        status: RuleStatus::Active,
                        next_period: 0,
                        next_run: Some(event.next_run),
                        open: None,
                    })),
                );
                self.counters(|counters| counters.rule = event.rule_id.plus(1))
            }
            LedgerEvent::RecurringRulePaused(event) => self.rule(event.rule_id, |rule| {
                rule.status = RuleStatus::Paused;
                rule.next_run = None;
            }),
            LedgerEvent::RecurringRuleResumed(event) => self.rule(event.rule_id, |rule| {
                rule.status = RuleStatus::Active;
                rule.next_run = Some(event.next_run);
            }),
            LedgerEvent::RecurringRuleEnded(event) => self.rule(event.rule_id, |rule| {
                rule.status = RuleStatus::Ended;
                rule.next_run = None;
            }),
            LedgerEvent::RecurringRuleRan(event) => {
                self.rule(event.rule_id, |rule| rule.ran(event))
            }
            LedgerEvent::StorageRecordsAccepted(event) => self.storage_records_accepted(event),
            LedgerEvent::StorageRecordsWithdrawn(event) => self.storage_records_withdrawn(event),
            LedgerEvent::StorageEfficiencyFixed(event) => self.storage_efficiency_fixed(event),
            LedgerEvent::StorageAllocated(event) => self.storage_allocated(event),
            LedgerEvent::StorageCertificatesIssued(event) => {
                self.storage_certificates_issued(event)
            }
            LedgerEvent::BundlesImported(event) => self.bundles_imported(event),
            LedgerEvent::ExportRefused(event) => self.export_refused(event),
            LedgerEvent::GatewayCodeIssued(event) => {
                self.gateway_code_issued(event);
                Ok(())
            }
            LedgerEvent::GatewayEnrolled(event) => self.gateway_enrolled(event),
            LedgerEvent::GatewayKeyAdded(event) => self.gateway_key_added(event),
            LedgerEvent::GatewayKeyRevoked(event) => self.gateway_key_revoked(event),
            LedgerEvent::GatewayRevoked(event) => {
                self.gateway(event.gateway_id, |gateway| gateway.is_revoked = true)
            }
            LedgerEvent::GatewayDevicesChanged(event) => self.gateway_devices_changed(event),
            LedgerEvent::EnvelopeAccepted(event) => self.envelope_accepted(event),
            LedgerEvent::BundlesActed(action) => self.bundles_acted(action),
        }
    }

    fn bundles_acted(&mut self, action: &BundleAction) -> Result<(), NotLoaded> {
        let mut next_bundle = None;
        for part in &action.parts {
            let Some(split) = part.split else {
                self.bundle_acted(Key::Bundle(part.bundle_id), action)?;
                continue;
            };
            if !self.split(part, split)? {
                continue;
            }
            self.bundle_acted(Key::Bundle(split.taken), action)?;
            next_bundle = Some(split.rest.plus(1));
        }
        for part in &action.parts {
            let Some(origin) = part.origin else { continue };
            let day = Day::of(origin.interval_start);
            self.day(origin.device_id, origin.meter_id, day, |day| {
                if let Some(reading) = day.0.get_mut(&second_of_day(origin.interval_start)) {
                    reading.withdraw(part.quantity());
                }
            })?;
        }
        self.export(action)?;
        let total = action.total();
        match action.action_type {
            ActionType::Transfer => {
                self.account(action.source_id, |account| account.live_wh -= total)?;
                if let Some(target) = action.target_id {
                    self.account(target, |account| account.live_wh += total)?;
                }
            }
            ActionType::Cancel
            | ActionType::Withdraw
            | ActionType::Expire
            | ActionType::CancelForStorage
            | ActionType::ConfirmExport => {
                self.account(action.source_id, |account| account.live_wh -= total)?;
            }
            ActionType::Claim
            | ActionType::Reserve
            | ActionType::Release
            | ActionType::Lock
            | ActionType::Unlock
            | ActionType::UseForStorage
            | ActionType::Export
            | ActionType::TakeBackExport => {}
        }
        self.counters(|counters| {
            counters.action = action.action_id.plus(1);
            if let Some(next) = next_bundle {
                counters.bundle = next;
            }
        })
    }

    /// Replaces a bundle by the two parts it is split into, both as it was; false where there is none.
    fn split(&mut self, part: &Part, split: Split) -> Result<bool, NotLoaded> {
        let key = Key::Bundle(part.bundle_id);
        let parent = get::bundle(self.changes, part.bundle_id)?.cloned();
        if let Some(Some(Entry::Bundle(bundle))) = self.changes.edit(key, self.position)? {
            bundle.status = CertificateStatus::BundleSplit;
        }
        let Some(parent) = parent else {
            return Ok(false);
        };
        let halves: [(BundleId, _, _); 2] = [
            (split.taken, part.start, part.end),
            (split.rest, part.end.plus(1), split.rest_end),
        ];
        for (id, start, end) in halves {
            let child = Bundle {
                status: split.rest_status,
                start,
                end,
                parent_id: Some(part.bundle_id),
                ..parent.clone()
            };
            self.create(Key::Bundle(id), Entry::Bundle(child));
        }
        Ok(true)
    }

    fn bundle_acted(&mut self, key: Key, action: &BundleAction) -> Result<(), NotLoaded> {
        if let Some(Some(Entry::Bundle(bundle))) = self.changes.edit(key, self.position)? {
            act_on(bundle, action);
        }
        Ok(())
    }
}
