//! Writing changed entries back: one statement per table.

use super::gateway::{Digested, Gateways};
use super::organisation::Organisations;
use super::session::SAVE_SESSION;
use crate::Error;
use crate::copy::{Rows, copy};
use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use ledger::entry::Bundle;
use ledger::{Entry, Key, Slot, Stream};
use schemas::id::BundleId;
use schemas::log::Position;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt::Debug;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

/// Rows of a table with a serial key and the entry as JSON.
pub(super) struct States<'a, T: Serialize + Debug + Sync, I = i64> {
    pub(super) ids: Vec<I>,
    pub(super) states: Vec<Json<&'a T>>,
    pub(super) positions: Vec<i64>,
}

impl<T: Serialize + Debug + Sync, I> Default for States<'_, T, I> {
    fn default() -> Self {
        Self {
            ids: Vec::new(),
            states: Vec::new(),
            positions: Vec::new(),
        }
    }
}

impl<'a, T: Serialize + Debug + Sync, I: ToSql + Sync> States<'a, T, I> {
    pub(super) fn push(&mut self, id: I, state: &'a T, position: Position) {
        self.ids.push(id);
        self.states.push(Json(state));
        self.positions.push(position.0);
    }

    pub(super) fn save<'s>(
        &'s self,
        client: &'s ClientWrapper,
        sql: &'static str,
    ) -> Option<Write<'s>> {
        if self.ids.is_empty() {
            return None;
        }
        Some(execute(
            client,
            sql,
            vec![&self.ids, &self.states, &self.positions],
        ))
    }
}

/// Rows of a table of unique names, and names that are free again.
#[derive(Default)]
pub(super) struct Names {
    digests: Vec<Uuid>,
    holders: Vec<i64>,
    positions: Vec<i64>,
    free: Vec<Uuid>,
}

impl Names {
    pub(super) fn push(&mut self, digest: Uuid, holder: Option<i64>, position: Position) {
        match holder {
            Some(holder) => {
                self.digests.push(digest);
                self.holders.push(holder);
                self.positions.push(position.0);
            }
            None => self.free.push(digest),
        }
    }

    pub(super) fn save<'s>(
        &'s self,
        client: &'s ClientWrapper,
        upsert: &'static str,
        delete: &'static str,
    ) -> impl Iterator<Item = Write<'s>> {
        let upsert = (!self.digests.is_empty()).then(|| {
            execute(
                client,
                upsert,
                vec![&self.digests, &self.holders, &self.positions],
            )
        });
        let delete = (!self.free.is_empty()).then(|| execute(client, delete, vec![&self.free]));
        upsert.into_iter().chain(delete)
    }
}

pub(super) type Write<'a> = BoxFuture<'a, Result<(), Error>>;

pub(super) fn execute<'a>(
    client: &'a ClientWrapper,
    sql: &'static str,
    parameters: Vec<&'a (dyn ToSql + Sync)>,
) -> Write<'a> {
    async move {
        let statement = client.prepare_cached(sql).await?;
        client.execute(&statement, &parameters).await?;
        Ok(())
    }
    .boxed()
}

/// Writes changed entries within the caller's transaction. `base` is what was loaded: a bundle that is
/// not in it is new.
pub(crate) async fn save(
    client: &ClientWrapper,
    stream: Stream,
    base: &HashMap<Key, Slot>,
    changed: &HashMap<Key, Slot>,
) -> Result<(), Error> {
    let mut tables = Tables::default();
    for (key, slot) in changed {
        let is_new = base.get(key).is_none_or(|slot| slot.entry.is_none());
        tables.push(key, slot, is_new)?;
    }
    tables.new_bundles.sort_unstable_by_key(|(id, ..)| *id);
    tables.save_bundles(client).await?;
    tables.save_others(client, stream).await
}

#[derive(Default)]
struct Tables<'a> {
    counters: Option<(serde_json::Value, Position)>,
    accounts: States<'a, ledger::entry::Account>,
    account_names: Names,
    devices: States<'a, ledger::entry::Device>,
    days: States<'a, ledger::entry::DeviceDay>,
    day_numbers: Vec<i32>,
    meter_days: States<'a, ledger::entry::DeviceDay>,
    meter_day_keys: (Vec<i64>, Vec<i32>),
    metadata: States<'a, schemas::event::issuance::IssuanceMetadata>,
    storages: States<'a, ledger::entry::Storage>,
    storage_days: States<'a, ledger::entry::StorageDay>,
    storage_day_numbers: Vec<i32>,
    allocations: States<'a, ledger::entry::Allocation>,
    new_bundles: Vec<(BundleId, &'a Bundle, Position)>,
    bundles: Vec<(BundleId, &'a Bundle, Position)>,
    recurring_rules: States<'a, ledger::entry::RecurringRule>,
    next_runs: Vec<Option<DateTime<Utc>>>,
    origins: States<'a, ledger::entry::Imported, Uuid>,
    received_exports: States<'a, ledger::entry::Received, Uuid>,
    exports: States<'a, ledger::entry::Export>,
    gateways: Gateways<'a>,
    commands: Vec<(Uuid, &'a ledger::entry::DoneCommand)>,
    users: States<'a, ledger::entry::User>,
    emails: Names,
    sessions: Digested<'a, ledger::entry::Session>,
    organisations: Organisations<'a>,
    identities: Names,
}

impl<'a> Tables<'a> {
    fn push(&mut self, key: &Key, slot: &'a Slot, is_new: bool) -> Result<(), Error> {
        let at = slot.as_of;
        let state = |json: serde_json::Result<_>| {
            json.map_err(|error| Error::Inconsistent(format!("counters do not serialise: {error}")))
        };
        match (key, &slot.entry) {
            (Key::AccountName(digest), None) => self.account_names.push(*digest, None, at),
            (Key::Email(digest), None) => self.emails.push(*digest, None, at),
            (key, _) if self.organisations.push(key, slot) => {}
            (Key::Identity(digest), None) => self.identities.push(*digest, None, at),
            // An event looked at it and made nothing of it.
            (_, None) => {}
            (_, Some(Entry::Counters(counters))) => {
                self.counters = Some((state(serde_json::to_value(counters))?, at));
            }
            (_, Some(Entry::IdentityCounters(counters))) => {
                self.counters = Some((state(serde_json::to_value(counters))?, at));
            }
            (Key::Account(id), Some(Entry::Account(account))) => {
                self.accounts.push(id.0, account, at);
            }
            (Key::AccountName(digest), Some(Entry::AccountName(holder))) => {
                self.account_names.push(*digest, Some(holder.0), at);
            }
            (Key::Device(id), Some(Entry::Device(device))) => self.devices.push(id.0, device, at),
            (Key::DeviceDay(id, day), Some(Entry::DeviceDay(readings))) => {
                self.days.push(id.0, readings, at);
                self.day_numbers.push(day.0);
            }
            (Key::MeterDay(id, meter, day), Some(Entry::DeviceDay(readings))) => {
                self.meter_days.push(id.0, readings, at);
                self.meter_day_keys.0.push(meter.get());
                self.meter_day_keys.1.push(day.0);
            }
            (Key::Metadata(id), Some(Entry::Metadata(metadata))) => {
                self.metadata.push(id.0, metadata, at);
            }
            (Key::Storage(id), Some(Entry::Storage(storage))) => {
                self.storages.push(id.0, storage, at);
            }
            (Key::StorageDay(id, day), Some(Entry::StorageDay(records))) => {
                self.storage_days.push(id.0, records, at);
                self.storage_day_numbers.push(day.0);
            }
            (Key::Allocation(id), Some(Entry::Allocation(allocation))) => {
                self.allocations.push(id.0, allocation, at);
            }
            (Key::Bundle(id), Some(Entry::Bundle(bundle))) if is_new => {
                self.new_bundles.push((*id, bundle, at));
            }
            (Key::Bundle(id), Some(Entry::Bundle(bundle))) => self.bundles.push((*id, bundle, at)),
            (Key::RecurringRule(id), Some(Entry::RecurringRule(rule))) => {
                self.recurring_rules.push(id.0, rule, at);
                self.next_runs.push(rule.next_run);
            }
            (Key::Origin(digest), Some(Entry::Origin(imported))) => {
                self.origins.push(*digest, imported, at);
            }
            (Key::ReceivedExport(digest), Some(Entry::ReceivedExport(export))) => {
                self.received_exports.push(*digest, export, at);
            }
            (Key::Export(id), Some(Entry::Export(export))) => {
                self.exports.push(id.0, export, at);
            }
            (Key::Command(key), Some(Entry::Command(done))) => self.commands.push((*key, done)),
            (Key::User(id), Some(Entry::User(user))) => self.users.push(id.0, user, at),
            (Key::Identity(digest), Some(Entry::Identity(user))) => {
                self.identities.push(*digest, Some(user.0), at);
            }
            (Key::Email(digest), Some(Entry::Email(holder))) => {
                self.emails.push(*digest, Some(holder.0), at);
            }
            (Key::Session(id), Some(Entry::Session(session))) => {
                self.sessions.push(*id, session, at);
            }
            (key, Some(entry)) if self.gateways.push(key, entry, at) => {}
            (key, Some(entry)) => {
                return Err(Error::Inconsistent(format!("{key:?} holds {entry:?}")));
            }
        }
        Ok(())
    }

    async fn save_others(&self, client: &ClientWrapper, stream: Stream) -> Result<(), Error> {
        let stream = stream.as_str();
        let counters = self
            .counters
            .as_ref()
            .map(|(state, at)| (Json(state), at.0));
        let commands: (Vec<_>, Vec<_>, Vec<_>, Vec<_>) = (
            self.commands.iter().map(|(key, _)| *key).collect(),
            self.commands.iter().map(|(_, done)| done.request).collect(),
            self.commands.iter().map(|(_, done)| done.first.0).collect(),
            self.commands.iter().map(|(_, done)| done.last.0).collect(),
        );
        let mut writes: Vec<Write<'_>> = Vec::new();
        if let Some((state, position)) = &counters {
            writes.push(execute(client, COUNTERS, vec![&stream, state, position]));
        }
        writes.extend(self.accounts.save(client, ACCOUNT));
        writes.extend(
            self.account_names
                .save(client, ACCOUNT_NAME, FREE_ACCOUNT_NAME),
        );
        writes.extend(self.devices.save(client, DEVICE));
        if !self.days.ids.is_empty() {
            let parameters: Vec<&(dyn ToSql + Sync)> = vec![
                &self.days.ids,
                &self.day_numbers,
                &self.days.states,
                &self.days.positions,
            ];
            writes.push(execute(client, DEVICE_DAY, parameters));
        }
        if !self.meter_days.ids.is_empty() {
            let parameters: Vec<&(dyn ToSql + Sync)> = vec![
                &self.meter_days.ids,
                &self.meter_day_keys.0,
                &self.meter_day_keys.1,
                &self.meter_days.states,
                &self.meter_days.positions,
            ];
            writes.push(execute(client, METER_DAY, parameters));
        }
        writes.extend(self.metadata.save(client, METADATA));
        if !self.recurring_rules.ids.is_empty() {
            let parameters: Vec<&(dyn ToSql + Sync)> = vec![
                &self.recurring_rules.ids,
                &self.recurring_rules.states,
                &self.next_runs,
                &self.recurring_rules.positions,
            ];
            writes.push(execute(client, RECURRING_RULE, parameters));
        }
        writes.extend(self.storages.save(client, STORAGE));
        if !self.storage_days.ids.is_empty() {
            let parameters: Vec<&(dyn ToSql + Sync)> = vec![
                &self.storage_days.ids,
                &self.storage_day_numbers,
                &self.storage_days.states,
                &self.storage_days.positions,
            ];
            writes.push(execute(client, STORAGE_DAY, parameters));
        }
        writes.extend(self.allocations.save(client, ALLOCATION));
        writes.extend(self.origins.save(client, ORIGIN));
        writes.extend(self.received_exports.save(client, RECEIVED_EXPORT));
        writes.extend(self.exports.save(client, EXPORT));
        writes.extend(self.gateways.save(client));
        if !self.commands.is_empty() {
            let parameters: Vec<&(dyn ToSql + Sync)> =
                vec![&commands.0, &commands.1, &commands.2, &commands.3];
            writes.push(execute(client, COMMAND, parameters));
        }
        writes.extend(self.users.save(client, USER));
        writes.extend(self.emails.save(client, EMAIL, FREE_EMAIL));
        writes.extend(self.identities.save(client, IDENTITY, FREE_IDENTITY));
        writes.extend(self.sessions.save(client, SAVE_SESSION));
        writes.extend(self.organisations.save(client));
        // Polled in order, so the statements are sent in order, one behind the other.
        join_all(writes).await.into_iter().collect()
    }

    async fn save_bundles(&self, client: &ClientWrapper) -> Result<(), Error> {
        copy(
            client,
            COPY_BUNDLE,
            19,
            &self.new_bundles,
            |row, (id, bundle, at)| put(row, *id, bundle, *at),
        )
        .await?;
        if self.bundles.is_empty() {
            return Ok(());
        }
        let bundles = || self.bundles.iter().map(|(_, bundle, _)| *bundle);
        let ids: Vec<_> = self.bundles.iter().map(|(id, ..)| id.0).collect();
        let accounts: Vec<_> = bundles().map(|bundle| bundle.account_id.0).collect();
        let states: Vec<_> = bundles().map(|bundle| bundle.status.as_str()).collect();
        let locked: Vec<_> = bundles()
            .map(|bundle| bundle.locked_from.map(|status| status.as_str()))
            .collect();
        let beneficiaries: Vec<_> = bundles().map(|b| b.beneficiary.as_deref()).collect();
        let beneficiary_accounts: Vec<_> = bundles()
            .map(|bundle| bundle.beneficiary_account_id.map(|id| id.0))
            .collect();
        let devices: Vec<_> = bundles()
            .map(|bundle| bundle.trail().cancelled_for.map(|id| id.0))
            .collect();
        let used: Vec<_> = bundles()
            .map(|bundle| bundle.trail().used_for.map(|id| id.0))
            .collect();
        let positions: Vec<_> = self.bundles.iter().map(|(_, _, at)| at.0).collect();
        let parameters: Vec<&(dyn ToSql + Sync)> = vec![
            &ids,
            &accounts,
            &states,
            &locked,
            &beneficiaries,
            &beneficiary_accounts,
            &devices,
            &used,
            &positions,
        ];
        execute(client, UPDATE_BUNDLE, parameters).await
    }
}

fn put(row: &mut Rows, id: BundleId, bundle: &Bundle, at: Position) {
    row.bigint(id.0)
        .bigint(bundle.account_id.0)
        .bigint(bundle.device_id.0)
        .text(bundle.status.as_str())
        .option(bundle.locked_from, |row, status| row.text(status.as_str()))
        .bigint(bundle.start.0)
        .bigint(bundle.end.0)
        .timestamptz(bundle.interval.start())
        .timestamptz(bundle.interval.end())
        .timestamptz(bundle.expiry)
        .option(bundle.parent_id, |row, id| row.bigint(id.0))
        .option(bundle.beneficiary.as_deref(), Rows::text)
        .option(bundle.beneficiary_account_id, |row, id| row.bigint(id.0))
        .bigint(at.0)
        .text(bundle.energy_source.as_str())
        .option(bundle.trail().cancelled_for, |row, id| row.bigint(id.0))
        .option(bundle.trail().issued_for, |row, id| row.bigint(id.0))
        .option(bundle.trail().used_for, |row, id| row.bigint(id.0))
        .option(bundle.meter_id, |row, id| row.bigint(id.get()));
}

const COPY_BUNDLE: &str = "COPY bundle (bundle_id, account_id, device_id, status, locked_from,
     range_start, range_end, interval_start, interval_end, expiry, parent_id, beneficiary,
     beneficiary_account_id, position, energy_source, storage_device_id, allocation_id,
     used_allocation_id, meter_id) FROM STDIN BINARY";
const UPDATE_BUNDLE: &str = "UPDATE bundle SET account_id = new.account_id, status = new.status,
     locked_from = new.locked_from, beneficiary = new.beneficiary,
     beneficiary_account_id = new.beneficiary_account_id, storage_device_id = new.storage_device_id,
     used_allocation_id = new.used_allocation_id, position = new.position
     FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[],
         $7::bigint[], $8::bigint[], $9::bigint[]) AS new (bundle_id, account_id, status, locked_from,
         beneficiary, beneficiary_account_id, storage_device_id, used_allocation_id, position)
     WHERE bundle.bundle_id = new.bundle_id";
const COUNTERS: &str = "INSERT INTO counters (stream, state, position) VALUES ($1, $2::json, $3)
     ON CONFLICT (stream) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const ACCOUNT: &str = "INSERT INTO account (account_id, state, position)
     SELECT * FROM unnest($1::bigint[], $2::json[], $3::bigint[])
     ON CONFLICT (account_id) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const ACCOUNT_NAME: &str = "INSERT INTO account_name (digest, account_id, position)
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])
     ON CONFLICT (digest) DO UPDATE SET account_id = EXCLUDED.account_id, position = EXCLUDED.position";
const FREE_ACCOUNT_NAME: &str = "DELETE FROM account_name WHERE digest = ANY($1)";
const DEVICE: &str = "INSERT INTO device (device_id, state, position)
     SELECT * FROM unnest($1::bigint[], $2::json[], $3::bigint[])
     ON CONFLICT (device_id) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const DEVICE_DAY: &str = "INSERT INTO device_day (device_id, day, state, position)
     SELECT * FROM unnest($1::bigint[], $2::integer[], $3::json[], $4::bigint[])
     ON CONFLICT (device_id, day) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const METER_DAY: &str = "INSERT INTO meter_day (device_id, meter_id, day, state, position)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::json[], $5::bigint[])
     ON CONFLICT (device_id, meter_id, day) DO UPDATE SET state = EXCLUDED.state,
         position = EXCLUDED.position";
const METADATA: &str = "INSERT INTO issuance_metadata (metadata_id, state, position)
     SELECT * FROM unnest($1::bigint[], $2::json[], $3::bigint[])
     ON CONFLICT (metadata_id) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const RECURRING_RULE: &str = "INSERT INTO recurring_rule (rule_id, state, next_run, position)
     SELECT * FROM unnest($1::bigint[], $2::json[], $3::timestamptz[], $4::bigint[])
     ON CONFLICT (rule_id) DO UPDATE SET state = EXCLUDED.state, next_run = EXCLUDED.next_run,
         position = EXCLUDED.position";
const STORAGE: &str = "INSERT INTO storage (device_id, state, position)
     SELECT * FROM unnest($1::bigint[], $2::json[], $3::bigint[])
     ON CONFLICT (device_id) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const STORAGE_DAY: &str = "INSERT INTO storage_day (device_id, day, state, position)
     SELECT * FROM unnest($1::bigint[], $2::integer[], $3::json[], $4::bigint[])
     ON CONFLICT (device_id, day) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const ALLOCATION: &str = "INSERT INTO storage_allocation (allocation_id, state, position)
     SELECT * FROM unnest($1::bigint[], $2::json[], $3::bigint[])
     ON CONFLICT (allocation_id) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const ORIGIN: &str = "INSERT INTO import_origin (digest, state, position)
     SELECT * FROM unnest($1::uuid[], $2::json[], $3::bigint[])
     ON CONFLICT (digest) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const RECEIVED_EXPORT: &str = "INSERT INTO received_export (digest, state, position)
     SELECT * FROM unnest($1::uuid[], $2::json[], $3::bigint[])
     ON CONFLICT (digest) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const EXPORT: &str = "INSERT INTO export (export_id, state, position)
     SELECT * FROM unnest($1::bigint[], $2::json[], $3::bigint[])
     ON CONFLICT (export_id) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const COMMAND: &str = "INSERT INTO command (key, request, first_position, position)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[])
     ON CONFLICT (key) DO UPDATE SET request = EXCLUDED.request,
         first_position = EXCLUDED.first_position, position = EXCLUDED.position";
const USER: &str = "INSERT INTO registry_user (user_id, state, position)
     SELECT * FROM unnest($1::bigint[], $2::json[], $3::bigint[])
     ON CONFLICT (user_id) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const EMAIL: &str = "INSERT INTO email (digest, user_id, position)
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])
     ON CONFLICT (digest) DO UPDATE SET user_id = EXCLUDED.user_id, position = EXCLUDED.position";
const IDENTITY: &str = "INSERT INTO external_identity (digest, user_id, position)
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])
     ON CONFLICT (digest) DO UPDATE SET user_id = EXCLUDED.user_id, position = EXCLUDED.position";
const FREE_IDENTITY: &str = "DELETE FROM external_identity WHERE digest = ANY($1)";
const FREE_EMAIL: &str = "DELETE FROM email WHERE digest = ANY($1)";
