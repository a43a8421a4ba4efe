//! The READ database: shaped for questions, folded from what events carry.

mod account;
mod action;
mod api_key;
mod audit;
mod bundle;
mod correction;
mod device;
mod entity;
mod exchange;
mod gateway;
mod holding;
mod issuance;
mod link;
mod measurement;
mod metadata;
mod meter;
mod organisation;
mod origin;
mod recurring;
mod session;
mod storage;
mod user;

pub(crate) use origin::Origin;

use crate::Error;
use crate::chunk::{Chunk, Decoded};
use account::{Account, Whitelist};
use bundle::Bundles;
use deadpool_postgres::ClientWrapper;
use device::Device;
use entity::Entities;
use exchange::Export;
use holding::Holdings;
use ledger::Event;
use measurement::Measurements;
use metadata::Metadata;
use meter::Meters;
use organisation::Organisation;
use recurring::{Rule, Runs};
use schemas::WattHours;
use schemas::event::{IdentityEvent, LedgerEvent};
use std::sync::Arc;
use storage::Storage;
use user::User;

/// Chunks up to here are folded on the spot; handing them to another thread takes longer.
const INLINE_ROWS: u64 = 512;

/// Ids of the rows that events change.
#[derive(Default)]
struct Wanted {
    accounts: Vec<i64>,
    devices: Vec<i64>,
    users: Vec<i64>,
    organisations: Vec<i64>,
    rules: Vec<i64>,
    bundles: Vec<i64>,
    exports: Vec<i64>,
}

impl Wanted {
    fn of(chunk: &Chunk) -> Self {
        let mut wanted = Self {
            bundles: bundle::wanted(chunk),
            ..Self::default()
        };
        for event in &chunk.events {
            match &event.event {
                Event::Ledger(LedgerEvent::AccountUpdated(event)) => {
                    wanted.accounts.push(event.account_id.0);
                }
                Event::Ledger(LedgerEvent::AccountAssigned(event)) => {
                    wanted.accounts.push(event.account_id.0);
                }
                Event::Ledger(LedgerEvent::AccountStandingChanged(event)) => {
                    wanted.accounts.push(event.account_id.0);
                }
                Event::Ledger(LedgerEvent::AccountClosed(event)) => {
                    wanted.accounts.push(event.account_id.0);
                }
                Event::Ledger(LedgerEvent::DeviceUpdated(event)) => {
                    wanted.devices.push(event.device_id.0);
                }
                Event::Ledger(LedgerEvent::DeviceRemoved(event)) => {
                    wanted.devices.push(event.device_id.0);
                }
                Event::Ledger(LedgerEvent::RecurringRulePaused(event)) => {
                    wanted.rules.push(event.rule_id.0);
                }
                Event::Ledger(LedgerEvent::RecurringRuleResumed(event)) => {
                    wanted.rules.push(event.rule_id.0);
                }
                Event::Ledger(LedgerEvent::RecurringRuleEnded(event)) => {
                    wanted.rules.push(event.rule_id.0);
                }
                Event::Ledger(LedgerEvent::RecurringRuleRan(event)) => {
                    wanted.rules.push(event.rule_id.0);
                }
                Event::Ledger(LedgerEvent::ReadingCorrected(event))
                    if event.debt > WattHours::ZERO =>
                {
                    wanted.devices.push(event.device_id.0);
                }
                Event::Ledger(LedgerEvent::DebtPaid(event)) => {
                    wanted.devices.push(event.device_id.0);
                }
                Event::Ledger(LedgerEvent::BundlesActed(action)) => {
                    let offer = action.export.as_ref().and_then(|export| export.offer_id);
                    wanted.exports.extend(offer.map(|id| id.0));
                }
                Event::Identity(IdentityEvent::UserUpdated(event)) => {
                    wanted.users.push(event.user_id.0);
                }
                Event::Identity(IdentityEvent::UserErased(event)) => {
                    wanted.users.push(event.user_id.0);
                }
                Event::Identity(IdentityEvent::UserRemoved(event)) => {
                    wanted.users.push(event.user_id.0);
                }
                Event::Identity(IdentityEvent::SecondFactorAdded(event)) => {
                    wanted.users.push(event.user_id.0);
                }
                Event::Identity(IdentityEvent::SecondFactorRemoved(event)) => {
                    wanted.users.push(event.user_id.0);
                }
                Event::Identity(IdentityEvent::InvitationAccepted(event)) => {
                    wanted.users.push(event.user_id.0);
                }
                Event::Identity(IdentityEvent::OrganisationManagerChanged(event)) => {
                    wanted.users.push(event.user_id.0);
                }
                Event::Identity(IdentityEvent::OrganisationLeft(event)) => {
                    wanted.users.push(event.user_id.0);
                }
                Event::Identity(IdentityEvent::OrganisationUpdated(event)) => {
                    wanted.organisations.push(event.organisation_id.0);
                }
                Event::Identity(IdentityEvent::OrganisationClosed(event)) => {
                    wanted.organisations.push(event.organisation_id.0);
                }
                _ => {}
            }
        }
        wanted
    }
}

/// Every row that a chunk changes.
#[derive(Default)]
pub(crate) struct Rows {
    users: Entities<User>,
    organisations: Entities<Organisation>,
    accounts: Entities<Account>,
    whitelist: Whitelist,
    devices: Entities<Device>,
    meters: Meters,
    metadata: Entities<Metadata>,
    measurements: Measurements,
    storage: Storage,
    exports: Entities<Export>,
    bundles: Bundles,
    holdings: Holdings,
    rules: Entities<Rule>,
    runs: Runs,
}

impl Rows {
    /// Loads those that are there, as they were before the chunk.
    pub(crate) async fn load(client: &ClientWrapper, chunk: &Chunk) -> Result<Self, Error> {
        let wanted = Wanted::of(chunk);
        let (users, organisations, accounts, devices, rules, exports, bundles) = futures_util::try_join!(
            Entities::load(client, &wanted.users),
            Entities::load(client, &wanted.organisations),
            Entities::load(client, &wanted.accounts),
            Entities::load(client, &wanted.devices),
            Entities::load(client, &wanted.rules),
            Entities::load(client, &wanted.exports),
            Bundles::load(client, &wanted.bundles),
        )?;
        Ok(Self {
            users,
            organisations,
            accounts,
            devices,
            rules,
            exports,
            bundles,
            ..Self::default()
        })
    }

    /// Applies the chunk, within the caller's transaction. Returns the rules that its events broke, in
    /// sentences: what happened is shown as it happened.
    pub(crate) async fn apply(
        mut self,
        client: &ClientWrapper,
        chunk: &Arc<Chunk>,
    ) -> Result<Vec<String>, Error> {
        if chunk.size.rows <= INLINE_ROWS {
            self.fold(chunk)?;
        } else {
            let chunk = Arc::clone(chunk);
            let fold = move || self.fold(&chunk).map(|()| self);
            self = tokio::task::spawn_blocking(fold).await??;
        }
        self.save(client, chunk).await?;
        Ok(self.bundles.violations().to_vec())
    }

    pub(crate) fn fold(&mut self, chunk: &Chunk) -> Result<(), Error> {
        for decoded in &chunk.events {
            match &decoded.event {
                Event::Identity(event) => {
                    let at = decoded.envelope.recorded_at;
                    self.users.fold(event, at, decoded.position);
                    self.organisations.fold(event, at, decoded.position);
                }
                Event::Ledger(event) => self.fold_ledger(event, decoded)?,
                // Written straight from the events.
                Event::Audit(_) => {}
            }
        }
        Ok(())
    }

    fn fold_ledger(&mut self, event: &LedgerEvent, decoded: &Decoded) -> Result<(), Error> {
        let (at, position) = (decoded.envelope.recorded_at, decoded.position);
        match event {
            LedgerEvent::AccountOpened(event) => self.accounts.opened(event, at, position),
            LedgerEvent::AccountUpdated(event) => self.accounts.updated(event, position),
            LedgerEvent::WhitelistChanged(event) => self.whitelist.changed(event, position),
            LedgerEvent::AccountClosed(event) => self.accounts.closed(event.account_id, position),
            LedgerEvent::AccountStandingChanged(event) => self.accounts.stands(event, position),
            LedgerEvent::AccountAssigned(event) => self.accounts.assigned(event, position),
            LedgerEvent::DeviceRegistered(event) => self.devices.registered(event, at, position),
            LedgerEvent::DeviceUpdated(event) => self.devices.updated(event, position),
            LedgerEvent::DeviceRemoved(event) => self.devices.removed(event.device_id, position),
            LedgerEvent::IssuanceMetadataRecorded(event) => {
                self.metadata.recorded(event, at, position);
            }
            LedgerEvent::ReadingsAccepted(event) => self.measurements.accepted(event, at, position),
            LedgerEvent::MeasurementMoved(event) => self.measurements.moved(event, position),
            LedgerEvent::MeasurementWithdrawn(event) => {
                self.measurements.withdrawn(event, position);
            }
            LedgerEvent::MeterRegistered(event) => self.meters.registered(event, at, position),
            LedgerEvent::MeterUpdated(event) => self.meters.updated(event, position),
            LedgerEvent::ReadingCorrected(event) => {
                self.measurements.corrected(event, position);
                if event.debt > WattHours::ZERO {
                    self.devices.owes(event.device_id, event.debt, position);
                }
            }
            LedgerEvent::DebtPaid(event) => {
                self.measurements.paid(event, position);
                let less = WattHours::ZERO - event.total();
                self.devices.owes(event.device_id, less, position);
            }
            LedgerEvent::BundlesIssued(event) => {
                self.bundles.issued(event, decoded, &mut self.holdings)?;
            }
            LedgerEvent::RecurringRuleCreated(event) => self.rules.created(event, at, position),
            LedgerEvent::RecurringRulePaused(event) => self.rules.paused(event, position),
            LedgerEvent::RecurringRuleResumed(event) => self.rules.resumed(event, position),
            LedgerEvent::RecurringRuleEnded(event) => self.rules.ended(event, position),
            LedgerEvent::RecurringRuleRan(event) => {
                self.rules.ran(event, position);
                self.runs.ran(event, at, position);
            }
            LedgerEvent::StorageRecordsAccepted(event) => {
                self.storage.accepted(event, at, position);
            }
            LedgerEvent::StorageRecordsWithdrawn(event) => self.storage.withdrawn(event, position),
            LedgerEvent::StorageEfficiencyFixed(event) => self.storage.fixed(event, at, position),
            LedgerEvent::StorageAllocated(event) => self.storage.allocated(event, at, position),
            LedgerEvent::StorageCertificatesIssued(event) => {
                self.storage.issued(event, position);
                self.bundles.released(event, decoded, &mut self.holdings)?;
            }
            LedgerEvent::BundlesImported(event) => {
                self.bundles.imported(event, position, &mut self.holdings)?;
            }
            // Only the rules look at it.
            LedgerEvent::ExportRefused(_) | LedgerEvent::OwnerClosed(_) => {}
            // Written straight from the events.
            LedgerEvent::GatewayCodeIssued(_)
            | LedgerEvent::GatewayEnrolled(_)
            | LedgerEvent::GatewayKeyAdded(_)
            | LedgerEvent::GatewayKeyRevoked(_)
            | LedgerEvent::GatewayRevoked(_)
            | LedgerEvent::GatewayDevicesChanged(_)
            | LedgerEvent::EnvelopeAccepted(_) => {}
            LedgerEvent::BundlesActed(action) => {
                self.exports.acted(action, at, position);
                self.bundles.acted(action, position, &mut self.holdings)?;
            }
        }
        Ok(())
    }

    async fn save(&self, client: &ClientWrapper, chunk: &Chunk) -> Result<(), Error> {
        self.measurements.save(client).await?;
        self.storage.save(client).await?;
        self.bundles.save(client).await?;
        action::save(client, &chunk.events).await?;
        issuance::save(client, &chunk.events).await?;
        correction::save(client, &chunk.events).await?;
        exchange::save(client, &chunk.events).await?;
        gateway::save(client, &chunk.events).await?;
        audit::save(client, &chunk.events).await?;
        api_key::save(client, &chunk.events).await?;
        session::save(client, &chunk.events).await?;
        organisation::save_invitations(client, &chunk.events).await?;
        link::save(client, &chunk.events).await?;
        futures_util::try_join!(
            self.users.save(client),
            self.organisations.save(client),
            self.accounts.save(client),
            self.whitelist.save(client),
            self.devices.save(client),
            self.meters.save(client),
            self.metadata.save(client),
            self.exports.save(client),
            self.holdings.save(client),
            self.rules.save(client),
            self.runs.save(client),
        )?;
        Ok(())
    }
}
