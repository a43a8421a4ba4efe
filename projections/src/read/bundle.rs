//! Bundles.

use super::holding::Holdings;
use super::origin::Origin;
use crate::Error;
use crate::chunk::{Chunk, Decoded};
use crate::copy::{Rows, copy};
use crate::entries::{meter, trail, word};
use deadpool_postgres::ClientWrapper;
use ledger::act_on;
use ledger::entry::Bundle as State;
use ledger::state_machine::transition;
use schemas::Interval;
use schemas::event::LedgerEvent;
use schemas::event::action::{BundleAction, Part, Split};
use schemas::event::import::BundlesImported;
use schemas::event::issuance::BundlesIssued;
use schemas::event::storage::{SourceUsed, StorageCertificatesIssued};
use schemas::id::{AccountId, ActionId, BundleId, CertificateId, DeviceId, MetadataId};
use schemas::life_cycle::{ActionType, CertificateStatus};
use schemas::log::Position;
use std::collections::HashMap;
use std::sync::Arc;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

#[derive(Debug, Clone)]
struct Bundle {
    id: BundleId,
    state: State,
    origin: Arc<Origin>,
    hash: [u8; 32],
    last_action_id: Option<ActionId>,
    position: Position,
}

/// Bundles as they are after the events folded so far.
#[derive(Default)]
pub(super) struct Bundles {
    /// Issued or split off in this chunk, by id.
    new: Vec<Bundle>,
    /// There before, and whether they changed.
    known: HashMap<BundleId, (Bundle, bool)>,
    /// What the ledger should not have let happen, in sentences.
    violations: Vec<String>,
}

/// Bundles that a chunk acts on and does not bring into being itself.
pub(super) fn wanted(chunk: &Chunk) -> Vec<i64> {
    // Ids count up over all events, so what is new lies behind what was there.
    let mut first_new = None;
    let mut wanted = Vec::new();
    for event in &chunk.events {
        match &event.event {
            ledger::Event::Ledger(LedgerEvent::BundlesIssued(issued)) => {
                first_new.get_or_insert(issued.first_bundle_id);
            }
            ledger::Event::Ledger(LedgerEvent::BundlesImported(imported)) => {
                first_new.get_or_insert(imported.first_bundle_id);
            }
            ledger::Event::Ledger(LedgerEvent::BundlesActed(action)) => {
                for part in &action.parts {
                    if first_new.is_none_or(|first| part.bundle_id < first) {
                        wanted.push(part.bundle_id.0);
                    }
                    if let Some(split) = part.split {
                        first_new.get_or_insert(split.taken.min(split.rest));
                    }
                }
            }
            ledger::Event::Ledger(LedgerEvent::StorageCertificatesIssued(issued)) => {
                for (_, source, new) in issued.sources() {
                    if first_new.is_none_or(|first| source.bundle_id < first) {
                        wanted.push(source.bundle_id.0);
                    }
                    if let Some(new) = new {
                        first_new.get_or_insert(new.bundle_id);
                    }
                }
            }
            _ => {}
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

impl Bundles {
    pub(super) async fn load(client: &ClientWrapper, ids: &[i64]) -> Result<Self, Error> {
        if ids.is_empty() {
            return Ok(Self::default());
        }
        let select = client.prepare_cached(SELECT).await?;
        let mut known = HashMap::with_capacity(ids.len());
        for row in client.query(&select, &[&ids]).await? {
            let bundle = read(&row)?;
            known.insert(bundle.id, (bundle, false));
        }
        Ok(Self {
            known,
            ..Self::default()
        })
    }

    pub(super) fn issued(
        &mut self,
        issued: &BundlesIssued,
        decoded: &Decoded,
        holdings: &mut Holdings,
    ) -> Result<(), Error> {
        let origin = Arc::new(Origin::of(issued, &decoded.envelope));
        let hashes = &decoded.bundle_hashes;
        for (index, bundle) in issued.bundles().enumerate() {
            let state = State {
                meter_id: issued.meter_id,
                ..State::new(
                    issued.account_id,
                    issued.device_id,
                    issued.terms.energy_source,
                    [bundle.start, bundle.end],
                    bundle.interval,
                    issued.terms.expiry,
                )
            };
            holdings.add(&state, origin.energy_source);
            let hash = hashes
                .get(index)
                .copied()
                .unwrap_or_else(|| origin.hash(bundle.start, bundle.end, bundle.interval, None));
            self.push(Bundle {
                id: bundle.bundle_id,
                state,
                origin: Arc::clone(&origin),
                hash,
                last_action_id: None,
                position: decoded.position,
            })?;
        }
        Ok(())
    }

    pub(super) fn imported(
        &mut self,
        imported: &BundlesImported,
        position: Position,
        holdings: &mut Holdings,
    ) -> Result<(), Error> {
        let origins: Vec<_> = imported
            .lots
            .iter()
            .map(|lot| Arc::new(Origin::imported(lot)))
            .collect();
        let mut id = imported.first_bundle_id;
        for (lot, origin) in imported.lots.iter().zip(origins) {
            for bundle in &lot.bundles {
                let interval = bundle.interval().ok_or_else(|| {
                    Error::Inconsistent(format!("bundle {id} was imported without an interval"))
                })?;
                let state = State::new(
                    imported.account_id,
                    lot.device_id,
                    lot.terms.energy_source,
                    [bundle.start, bundle.end],
                    interval,
                    lot.terms.expiry,
                );
                holdings.add(&state, origin.energy_source);
                self.push(Bundle {
                    id,
                    hash: origin.hash(bundle.start, bundle.end, interval, None),
                    state,
                    origin: Arc::clone(&origin),
                    last_action_id: None,
                    position,
                })?;
                id = id.plus(1);
            }
        }
        Ok(())
    }

    pub(super) fn acted(
        &mut self,
        action: &BundleAction,
        position: Position,
        holdings: &mut Holdings,
    ) -> Result<(), Error> {
        for part in &action.parts {
            let broken = violation(self.edit(part.bundle_id)?, part, action);
            self.violations.extend(broken);
            if let Some(split) = part.split {
                self.split(part, split, action.action_id, position, holdings)?;
            }
            let bundle = self.edit(part.acted_on())?;
            let source = bundle.origin.energy_source;
            holdings.remove(&bundle.state, source);
            act_on(&mut bundle.state, action);
            holdings.add(&bundle.state, source);
            bundle.last_action_id = Some(action.action_id);
            bundle.position = position;
        }
        Ok(())
    }

    /// Marks the cancelled bundles that stand for what allocations consumed, and brings what is issued for
    /// each of them into being, with all that is known of its source.
    pub(super) fn released(
        &mut self,
        issued: &StorageCertificatesIssued,
        decoded: &Decoded,
        holdings: &mut Holdings,
    ) -> Result<(), Error> {
        let position = decoded.position;
        for (allocation, source, new) in issued.sources() {
            let used = self.edit(source.bundle_id)?;
            let broken = unfit(used, source, issued);
            let allocation_id = allocation.allocation_id;
            used.state
                .note(|trail| trail.used_for = Some(allocation_id));
            used.position = position;
            let origin = Arc::new(used.origin.released(issued, &decoded.envelope));
            self.violations.extend(broken);
            let Some(new) = new else { continue };
            let mut state = State::new(
                issued.account_id,
                issued.device_id,
                origin.energy_source,
                [new.start, new.end],
                allocation.discharged,
                issued.expiry,
            );
            state.note(|trail| trail.issued_for = Some(allocation_id));
            holdings.add(&state, origin.energy_source);
            self.push(Bundle {
                id: new.bundle_id,
                hash: origin.hash(new.start, new.end, allocation.discharged, None),
                state,
                origin,
                last_action_id: None,
                position,
            })?;
        }
        Ok(())
    }

    fn split(
        &mut self,
        part: &Part,
        split: Split,
        action_id: ActionId,
        position: Position,
        holdings: &mut Holdings,
    ) -> Result<(), Error> {
        let parent = self.edit(part.bundle_id)?;
        let before = parent.clone();
        holdings.remove(&parent.state, before.origin.energy_source);
        parent.state.status = CertificateStatus::BundleSplit;
        parent.last_action_id = Some(action_id);
        parent.position = position;
        let halves = [
            (split.taken, part.start, part.end),
            (split.rest, part.end.plus(1), split.rest_end),
        ];
        for (id, start, end) in halves {
            let state = State {
                status: split.rest_status,
                start,
                end,
                parent_id: Some(part.bundle_id),
                ..before.state.clone()
            };
            holdings.add(&state, before.origin.energy_source);
            let of = Some((part.bundle_id, before.hash));
            self.push(Bundle {
                id,
                hash: before.origin.hash(start, end, state.interval, of),
                state,
                position,
                ..before.clone()
            })?;
        }
        Ok(())
    }

    fn push(&mut self, bundle: Bundle) -> Result<(), Error> {
        if let Some(last) = self.new.last().filter(|last| last.id >= bundle.id) {
            return Err(Error::Inconsistent(format!(
                "bundle {} came into being after bundle {}",
                bundle.id, last.id
            )));
        }
        self.new.push(bundle);
        Ok(())
    }

    fn edit(&mut self, id: BundleId) -> Result<&mut Bundle, Error> {
        if let Ok(found) = self.new.binary_search_by_key(&id, |bundle| bundle.id) {
            return Ok(&mut self.new[found]);
        }
        let (bundle, changed) = self
            .known
            .get_mut(&id)
            .ok_or_else(|| Error::Inconsistent(format!("bundle {id} is not in the database")))?;
        *changed = true;
        Ok(bundle)
    }

    /// Rules of the life cycle that the events broke, in sentences.
    pub(super) fn violations(&self) -> &[String] {
        &self.violations
    }

    pub(super) async fn save(&self, client: &ClientWrapper) -> Result<(), Error> {
        copy(client, COPY, 29, &self.new, put).await?;
        let changed: Vec<_> = self
            .known
            .values()
            .filter_map(|(bundle, changed)| changed.then_some(bundle))
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        macro_rules! column {
            ($bundle:ident => $value:expr) => {
                changed.iter().map(|$bundle| $value).collect::<Vec<_>>()
            };
        }
        let ids = column!(bundle => bundle.id.0);
        let accounts = column!(bundle => bundle.state.account_id.0);
        let states = column!(bundle => bundle.state.status.as_str());
        let beneficiaries = column!(bundle => bundle.state.beneficiary.as_deref());
        let beneficiary_accounts =
            column!(bundle => bundle.state.beneficiary_account_id.map(|id| id.0));
        let locked = column!(bundle => bundle.state.locked_from.map(|status| status.as_str()));
        let actions = column!(bundle => bundle.last_action_id.map(|id| id.0));
        let devices = column!(bundle => bundle.state.trail().cancelled_for.map(|id| id.0));
        let used = column!(bundle => bundle.state.trail().used_for.map(|id| id.0));
        let positions = column!(bundle => bundle.position.0);
        let parameters: [&(dyn ToSql + Sync); 10] = [
            &ids,
            &accounts,
            &states,
            &beneficiaries,
            &beneficiary_accounts,
            &locked,
            &actions,
            &devices,
            &used,
            &positions,
        ];
        client
            .execute(&client.prepare_cached(UPDATE).await?, &parameters)
            .await?;
        Ok(())
    }
}

/// The rule that acting on this part breaks, if any: a cancelled bundle never moves again, a claimed one
/// never changes, only the holder's bundles are acted on, and a split covers its parent.
fn violation(bundle: &Bundle, part: &Part, action: &BundleAction) -> Option<String> {
    let state = &bundle.state;
    let allowed = transition(action.action_type).from.contains(&state.status);
    // The beneficiary may claim what stays with the account that cancelled it.
    let held = action.action_type == ActionType::Claim || state.account_id == action.source_id;
    let end = part.split.map_or(part.end, |split| split.rest_end);
    let covered = part.start == state.start
        && end == state.end
        && part.start <= part.end
        && part
            .split
            .is_none_or(|split| part.end < end && split.rest_status == state.status);
    if allowed && held && covered {
        return None;
    }
    Some(format!(
        "action {} ({}, from account {}) on [{}, {end}] of bundle {}, which is {} in account {} and has [{}, {}]",
        action.action_id,
        action.action_type,
        action.source_id,
        part.start,
        bundle.id,
        state.status,
        state.account_id,
        state.start,
        state.end,
    ))
}

/// The rule that an issuance breaks by using this bundle up, if any: it was cancelled for the device, by
/// the account that receives, and nothing used it up before.
fn unfit(
    bundle: &Bundle,
    source: &SourceUsed,
    issued: &StorageCertificatesIssued,
) -> Option<String> {
    let state = &bundle.state;
    let trail = state.trail();
    let fits = state.status == CertificateStatus::CancelledForStorage
        && state.account_id == issued.account_id
        && state.quantity() == source.wh
        && trail.cancelled_for == Some(issued.device_id)
        && trail.used_for.is_none();
    if fits {
        return None;
    }
    Some(format!(
        "an issuance for storage device {} used up {} of bundle {}, which is {} in account {} with {} and \
         {trail:?}",
        issued.device_id,
        source.wh,
        bundle.id,
        state.status,
        state.account_id,
        state.quantity(),
    ))
}

fn put(row: &mut Rows, bundle: &Bundle) {
    let (state, origin) = (&bundle.state, &bundle.origin);
    row.bigint(bundle.id.0)
        .bigint(state.account_id.0)
        .bigint(origin.device_id.0)
        .bigint(origin.metadata_id.0)
        .text(state.status.as_str())
        .bigint(state.start.0)
        .bigint(state.end.0)
        .timestamptz(state.interval.start())
        .timestamptz(state.interval.end())
        .timestamptz(origin.issued_at)
        .timestamptz(origin.expiry)
        .text(origin.energy_source.as_str())
        .text(origin.energy_carrier.as_str())
        .smallint(i16::from(origin.registry_configuration))
        .boolean(origin.post_conversion)
        .boolean(origin.is_storage)
        .option(origin.emissions_factor, Rows::numeric)
        .option(origin.emissions_source.as_deref(), Rows::text)
        .option(state.parent_id, |row, id| row.bigint(id.0))
        .raw(&bundle.hash)
        .option(state.beneficiary.as_deref(), Rows::text)
        .option(state.beneficiary_account_id, |row, id| row.bigint(id.0))
        .option(state.locked_from, |row, status| row.text(status.as_str()))
        .option(bundle.last_action_id, |row, id| row.bigint(id.0))
        .option(state.trail().cancelled_for, |row, id| row.bigint(id.0))
        .option(state.trail().issued_for, |row, id| row.bigint(id.0))
        .option(state.trail().used_for, |row, id| row.bigint(id.0))
        .bigint(bundle.position.0)
        .option(state.meter_id, |row, id| row.bigint(id.get()));
}

fn read(row: &Row) -> Result<Bundle, Error> {
    let damaged = |what: String| Error::Inconsistent(format!("in the database {what}"));
    let interval = Interval::new(row.try_get(7)?, row.try_get(8)?)
        .map_err(|error| damaged(error.to_string()))?;
    let device_id = DeviceId(row.try_get(2)?);
    let locked_from: Option<&str> = row.try_get(22)?;
    let state = State {
        account_id: AccountId(row.try_get(1)?),
        status: word(row.try_get(4)?)?,
        locked_from: locked_from.map(word).transpose()?,
        device_id,
        energy_source: word(row.try_get(11)?)?,
        meter_id: row.try_get::<_, Option<i64>>(28)?.map(meter).transpose()?,
        start: CertificateId(row.try_get(5)?),
        end: CertificateId(row.try_get(6)?),
        interval,
        expiry: row.try_get(10)?,
        parent_id: row.try_get::<_, Option<i64>>(18)?.map(BundleId),
        beneficiary: row.try_get(20)?,
        beneficiary_account_id: row.try_get::<_, Option<i64>>(21)?.map(AccountId),
        storage: trail(row, 24)?,
    };
    let configuration: i16 = row.try_get(13)?;
    let origin = Origin {
        device_id,
        metadata_id: MetadataId(row.try_get(3)?),
        issued_at: row.try_get(9)?,
        expiry: state.expiry,
        energy_source: state.energy_source,
        energy_carrier: word(row.try_get(12)?)?,
        registry_configuration: u8::try_from(configuration)
            .map_err(|_| damaged(format!("configuration {configuration}")))?,
        post_conversion: row.try_get(14)?,
        is_storage: row.try_get(15)?,
        emissions_factor: row.try_get(16)?,
        emissions_source: row.try_get(17)?,
    };
    let hash: &[u8] = row.try_get(19)?;
    Ok(Bundle {
        id: BundleId(row.try_get(0)?),
        state,
        origin: Arc::new(origin),
        hash: hash
            .try_into()
            .map_err(|_| damaged(format!("a hash of {} bytes", hash.len())))?,
        last_action_id: row.try_get::<_, Option<i64>>(23)?.map(ActionId),
        position: Position(row.try_get(27)?),
    })
}

const SELECT: &str = "SELECT bundle_id, account_id, device_id, metadata_id, status, range_start,
     range_end, production_start, production_end, issued_at, expiry, energy_source, energy_carrier,
     registry_configuration, post_conversion, is_storage, emissions_factor, emissions_source,
     parent_id, hash, beneficiary, beneficiary_account_id, locked_from, last_action_id,
     storage_device_id, allocation_id, used_allocation_id, position,
     meter_id
     FROM bundle WHERE bundle_id = ANY($1)";
const COPY: &str =
    "COPY bundle (bundle_id, account_id, device_id, metadata_id, status, range_start,
     range_end, production_start, production_end, issued_at, expiry, energy_source, energy_carrier,
     registry_configuration, post_conversion, is_storage, emissions_factor, emissions_source,
     parent_id, hash, beneficiary, beneficiary_account_id, locked_from, last_action_id,
     storage_device_id, allocation_id, used_allocation_id, position,
     meter_id)
     FROM STDIN BINARY";
const UPDATE: &str = "UPDATE bundle SET account_id = new.account_id, status = new.status,
     beneficiary = new.beneficiary, beneficiary_account_id = new.beneficiary_account_id,
     locked_from = new.locked_from, last_action_id = new.last_action_id,
     storage_device_id = new.storage_device_id, used_allocation_id = new.used_allocation_id,
     position = new.position
     FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[],
         $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[]) AS new (bundle_id, account_id, status,
         beneficiary, beneficiary_account_id, locked_from, last_action_id, storage_device_id,
         used_allocation_id, position)
     WHERE bundle.bundle_id = new.bundle_id";
