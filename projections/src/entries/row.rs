//! What an entry is as a row.

use crate::Error;
use ledger::entry::{Bundle, DoneCommand, StorageTrail};
use ledger::{Entry, Key, Stream};
use schemas::Interval;
use schemas::energy::EnergySource;
use schemas::id::{
    AccountId, ActionId, AllocationId, BundleId, CertificateId, DeviceId, MetadataId, MeterId,
    RuleId, UserId,
};
use schemas::interval::Day;
use schemas::life_cycle::CertificateStatus;
use schemas::log::Position;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::Json;

// `::json`, so that a statement that was prepared before a migration made the column `json` stays valid.
pub(super) const COUNTERS: &str = "SELECT stream, state::json FROM counters WHERE stream = $1";
pub(super) const ACCOUNT: &str =
    "SELECT account_id, state::json FROM account WHERE account_id = ANY($1)";
pub(super) const ACCOUNT_NAME: &str =
    "SELECT digest, account_id FROM account_name WHERE digest = ANY($1)";
pub(super) const DEVICE: &str =
    "SELECT device_id, state::json FROM device WHERE device_id = ANY($1)";
pub(super) const DEVICE_DAY: &str = "SELECT device_id, day, state::json FROM device_day
     WHERE (device_id, day) IN (SELECT * FROM unnest($1::bigint[], $2::integer[]))";
pub(super) const METER_DAY: &str = "SELECT device_id, meter_id, day, state::json FROM meter_day
     WHERE (device_id, meter_id, day) IN (
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::integer[]))";
pub(super) const METADATA: &str =
    "SELECT metadata_id, state::json FROM issuance_metadata WHERE metadata_id = ANY($1)";
pub(super) const STORAGE: &str =
    "SELECT device_id, state::json FROM storage WHERE device_id = ANY($1)";
pub(super) const STORAGE_DAY: &str = "SELECT device_id, day, state::json FROM storage_day
     WHERE (device_id, day) IN (SELECT * FROM unnest($1::bigint[], $2::integer[]))";
pub(super) const ALLOCATION: &str =
    "SELECT allocation_id, state::json FROM storage_allocation WHERE allocation_id = ANY($1)";
pub(super) const BUNDLE: &str = "SELECT bundle_id, account_id, device_id, status, locked_from,
     range_start, range_end, interval_start, interval_end, expiry, parent_id, beneficiary,
     beneficiary_account_id, energy_source, storage_device_id, allocation_id, used_allocation_id,
     meter_id
     FROM bundle WHERE bundle_id = ANY($1)";
pub(super) const RECURRING_RULE: &str =
    "SELECT rule_id, state::json FROM recurring_rule WHERE rule_id = ANY($1)";
pub(super) const ORIGIN: &str =
    "SELECT digest, state::json FROM import_origin WHERE digest = ANY($1)";
pub(super) const RECEIVED_EXPORT: &str =
    "SELECT digest, state::json FROM received_export WHERE digest = ANY($1)";
pub(super) const EXPORT: &str =
    "SELECT export_id, state::json FROM export WHERE export_id = ANY($1)";
pub(super) const COMMAND: &str =
    "SELECT key, request, first_position, position FROM command WHERE key = ANY($1)";
pub(super) const USER: &str =
    "SELECT user_id, state::json FROM registry_user WHERE user_id = ANY($1)";
pub(super) const EMAIL: &str = "SELECT digest, user_id FROM email WHERE digest = ANY($1)";
pub(super) const IDENTITY: &str =
    "SELECT digest, user_id FROM external_identity WHERE digest = ANY($1)";

pub(super) fn state<T: DeserializeOwned>(row: &Row, column: usize) -> Result<T, Error> {
    Ok(row.try_get::<_, Json<T>>(column)?.0)
}

/// The word in a column that holds words of an enumeration.
pub(crate) fn word<T>(text: &str) -> Result<T, Error>
where
    T: std::str::FromStr<Err = schemas::energy::UnknownWord>,
{
    text.parse()
        .map_err(|error| Error::Inconsistent(format!("in the database {error}")))
}

/// The meter in a column.
pub(crate) fn meter(number: i64) -> Result<MeterId, Error> {
    MeterId::new(number)
        .ok_or_else(|| Error::Inconsistent(format!("in the database meter {number}")))
}

pub(super) fn counters(row: &Row) -> Result<(Key, Entry), Error> {
    if row.try_get::<_, &str>(0)? == Stream::Ledger.as_str() {
        Ok((Key::Counters, Entry::Counters(state(row, 1)?)))
    } else {
        let entry = Entry::IdentityCounters(state(row, 1)?);
        Ok((Key::IdentityCounters, entry))
    }
}

pub(super) fn account(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::Account(AccountId(row.try_get(0)?));
    Ok((key, Entry::Account(Box::new(state(row, 1)?))))
}

pub(super) fn account_name(row: &Row) -> Result<(Key, Entry), Error> {
    let holder = Entry::AccountName(AccountId(row.try_get(1)?));
    Ok((Key::AccountName(row.try_get(0)?), holder))
}

pub(super) fn device(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::Device(DeviceId(row.try_get(0)?));
    Ok((key, Entry::Device(Box::new(state(row, 1)?))))
}

pub(super) fn device_day(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::DeviceDay(DeviceId(row.try_get(0)?), Day(row.try_get(1)?));
    Ok((key, Entry::DeviceDay(state(row, 2)?)))
}

pub(super) fn meter_day(row: &Row) -> Result<(Key, Entry), Error> {
    let (device_id, meter_id) = (DeviceId(row.try_get(0)?), meter(row.try_get(1)?)?);
    let key = Key::MeterDay(device_id, meter_id, Day(row.try_get(2)?));
    Ok((key, Entry::DeviceDay(state(row, 3)?)))
}

pub(super) fn metadata(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::Metadata(MetadataId(row.try_get(0)?));
    Ok((key, Entry::Metadata(Box::new(state(row, 1)?))))
}

pub(super) fn storage(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::Storage(DeviceId(row.try_get(0)?));
    Ok((key, Entry::Storage(state(row, 1)?)))
}

pub(super) fn storage_day(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::StorageDay(DeviceId(row.try_get(0)?), Day(row.try_get(1)?));
    Ok((key, Entry::StorageDay(state(row, 2)?)))
}

pub(super) fn allocation(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::Allocation(AllocationId(row.try_get(0)?));
    Ok((key, Entry::Allocation(state(row, 1)?)))
}

/// What a bundle has to do with storage: device cancelled for, allocation issued for, allocation used
/// for, in three columns from this one on.
pub(crate) fn trail(row: &Row, column: usize) -> Result<Option<Box<StorageTrail>>, Error> {
    let trail = StorageTrail {
        cancelled_for: row.try_get::<_, Option<i64>>(column)?.map(DeviceId),
        issued_for: row.try_get::<_, Option<i64>>(column + 1)?.map(AllocationId),
        used_for: row.try_get::<_, Option<i64>>(column + 2)?.map(AllocationId),
    };
    Ok((trail != StorageTrail::default()).then(|| Box::new(trail)))
}

pub(super) fn origin(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::Origin(row.try_get(0)?);
    Ok((key, Entry::Origin(state(row, 1)?)))
}

pub(super) fn received_export(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::ReceivedExport(row.try_get(0)?);
    Ok((key, Entry::ReceivedExport(state(row, 1)?)))
}

pub(super) fn export(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::Export(ActionId(row.try_get(0)?));
    Ok((key, Entry::Export(state(row, 1)?)))
}

pub(super) fn bundle(row: &Row) -> Result<(Key, Entry), Error> {
    let interval = Interval::new(row.try_get(7)?, row.try_get(8)?)
        .map_err(|error| Error::Inconsistent(format!("in the database {error}")))?;
    let locked_from: Option<&str> = row.try_get(4)?;
    let bundle = Bundle {
        account_id: AccountId(row.try_get(1)?),
        device_id: DeviceId(row.try_get(2)?),
        energy_source: word::<EnergySource>(row.try_get(13)?)?,
        meter_id: row.try_get::<_, Option<i64>>(17)?.map(meter).transpose()?,
        status: word::<CertificateStatus>(row.try_get(3)?)?,
        locked_from: locked_from.map(word).transpose()?,
        start: CertificateId(row.try_get(5)?),
        end: CertificateId(row.try_get(6)?),
        interval,
        expiry: row.try_get(9)?,
        parent_id: row.try_get::<_, Option<i64>>(10)?.map(BundleId),
        beneficiary: row.try_get(11)?,
        beneficiary_account_id: row.try_get::<_, Option<i64>>(12)?.map(AccountId),
        storage: trail(row, 14)?,
    };
    Ok((
        Key::Bundle(BundleId(row.try_get(0)?)),
        Entry::Bundle(bundle),
    ))
}

pub(super) fn recurring_rule(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::RecurringRule(RuleId(row.try_get(0)?));
    Ok((key, Entry::RecurringRule(state(row, 1)?)))
}

pub(super) fn command(row: &Row) -> Result<(Key, Entry), Error> {
    let done = DoneCommand {
        request: row.try_get(1)?,
        first: Position(row.try_get(2)?),
        last: Position(row.try_get(3)?),
    };
    Ok((Key::Command(row.try_get(0)?), Entry::Command(done)))
}

pub(super) fn user(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::User(UserId(row.try_get(0)?));
    Ok((key, Entry::User(state(row, 1)?)))
}

pub(super) fn email(row: &Row) -> Result<(Key, Entry), Error> {
    let holder = Entry::Email(UserId(row.try_get(1)?));
    Ok((Key::Email(row.try_get(0)?), holder))
}

pub(super) fn identity(row: &Row) -> Result<(Key, Entry), Error> {
    let user = Entry::Identity(UserId(row.try_get(1)?));
    Ok((Key::Identity(row.try_get(0)?), user))
}
