//! Reading entries: one query per table, all in one snapshot and one round trip.

use super::{gateway, organisation, row, session};
use crate::Error;
use crate::checkpoint::{self, Checkpoint};
use deadpool_postgres::ClientWrapper;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use ledger::{Entry, Key, Slot, Stream};
use schemas::log::Position;
use std::collections::HashMap;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// The lock comes before the snapshot, and a rebuild takes it too before it swaps schemas: from here on
/// all names mean tables of one schema, and the snapshot holds what was put into them. A plan is kept
/// while its table grows, so it must not be made for a small one: keys are looked up by index.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
     SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
     LOCK TABLE checkpoint IN ACCESS SHARE MODE";

/// What the database says.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Every key asked for: its entry, or that there is none, as of the checkpoint.
    pub slots: HashMap<Key, Slot>,
    /// Where the keys' stream stood in the snapshot that was read.
    pub checkpoint: Checkpoint,
}

/// Loads the entries under `keys`, all of `stream`, as of one checkpoint. `client` is a connection whose
/// names resolve in the schema (any from [`crate::postgres::pool`] is) and is in no transaction.
///
/// After the first call on a connection it takes one round trip.
///
/// # Errors
/// If the database can not be read. The connection is to be dropped then: it may be in a transaction.
pub async fn load(client: &ClientWrapper, stream: Stream, keys: &[Key]) -> Result<Loaded, Error> {
    let wanted = Wanted::of(keys);
    let begin = client.batch_execute(BEGIN);
    let (begun, checkpoint, entries, ended) = futures_util::join!(
        begin,
        checkpoint::checkpoint(client, stream),
        query_all(client, stream, &wanted),
        client.batch_execute("COMMIT"),
    );
    begun?;
    ended?;
    let checkpoint = checkpoint?;
    Ok(Loaded {
        slots: slots(keys.iter().copied(), entries?, checkpoint.position),
        checkpoint,
    })
}

/// Entries found among `keys`, within the caller's transaction.
pub(crate) async fn fetch(
    client: &ClientWrapper,
    stream: Stream,
    keys: &[Key],
) -> Result<Vec<(Key, Entry)>, Error> {
    query_all(client, stream, &Wanted::of(keys)).await
}

/// A slot for every key.
pub(crate) fn slots(
    keys: impl Iterator<Item = Key>,
    found: Vec<(Key, Entry)>,
    as_of: Position,
) -> HashMap<Key, Slot> {
    let absent = Slot { entry: None, as_of };
    let mut slots: HashMap<_, _> = keys.map(|key| (key, absent.clone())).collect();
    for (key, entry) in found {
        let entry = Some(entry);
        slots.insert(key, Slot { entry, as_of });
    }
    slots
}

/// Keys by table.
#[derive(Default)]
struct Wanted {
    counters: bool,
    accounts: Vec<i64>,
    account_names: Vec<Uuid>,
    devices: Vec<i64>,
    days: (Vec<i64>, Vec<i32>),
    meter_days: (Vec<i64>, Vec<i64>, Vec<i32>),
    metadata: Vec<i64>,
    storages: Vec<i64>,
    storage_days: (Vec<i64>, Vec<i32>),
    allocations: Vec<i64>,
    bundles: Vec<i64>,
    recurring_rules: Vec<i64>,
    origins: Vec<Uuid>,
    received_exports: Vec<Uuid>,
    exports: Vec<i64>,
    gateways: Vec<i64>,
    gateway_keys: Vec<Uuid>,
    gateway_codes: Vec<Uuid>,
    gateway_streams: Vec<i64>,
    envelopes: (Vec<i64>, Vec<i64>),
    commands: Vec<Uuid>,
    users: Vec<i64>,
    emails: Vec<Uuid>,
    sessions: Vec<Uuid>,
    organisations: Vec<i64>,
    owners: Vec<i64>,
    business_ids: Vec<Uuid>,
    invitations: Vec<Uuid>,
    identities: Vec<Uuid>,
}

impl Wanted {
    fn of(keys: &[Key]) -> Self {
        let mut wanted = Self::default();
        for key in keys {
            match *key {
                Key::Counters | Key::IdentityCounters => wanted.counters = true,
                Key::Account(id) => wanted.accounts.push(id.0),
                Key::AccountName(digest) => wanted.account_names.push(digest),
                Key::Device(id) => wanted.devices.push(id.0),
                Key::DeviceDay(id, day) => {
                    wanted.days.0.push(id.0);
                    wanted.days.1.push(day.0);
                }
                Key::MeterDay(id, meter, day) => {
                    wanted.meter_days.0.push(id.0);
                    wanted.meter_days.1.push(meter.get());
                    wanted.meter_days.2.push(day.0);
                }
                Key::Metadata(id) => wanted.metadata.push(id.0),
                Key::Storage(id) => wanted.storages.push(id.0),
                Key::StorageDay(id, day) => {
                    wanted.storage_days.0.push(id.0);
                    wanted.storage_days.1.push(day.0);
                }
                Key::Allocation(id) => wanted.allocations.push(id.0),
                Key::Bundle(id) => wanted.bundles.push(id.0),
                Key::RecurringRule(id) => wanted.recurring_rules.push(id.0),
                Key::Origin(digest) => wanted.origins.push(digest),
                Key::ReceivedExport(digest) => wanted.received_exports.push(digest),
                Key::Export(id) => wanted.exports.push(id.0),
                Key::Gateway(id) => wanted.gateways.push(id.0),
                Key::GatewayKey(digest) => wanted.gateway_keys.push(digest),
                Key::GatewayCode(digest) => wanted.gateway_codes.push(digest),
                Key::GatewayStream(id) => wanted.gateway_streams.push(id.0),
                Key::Envelope(id, sequence) => {
                    wanted.envelopes.0.push(id.0);
                    wanted.envelopes.1.push(sequence);
                }
                Key::Command(key) => wanted.commands.push(key),
                Key::User(id) => wanted.users.push(id.0),
                Key::Email(digest) => wanted.emails.push(digest),
                Key::Session(id) => wanted.sessions.push(id),
                Key::Organisation(id) => wanted.organisations.push(id.0),
                Key::Owner(id) => wanted.owners.push(id.0),
                Key::BusinessId(digest) => wanted.business_ids.push(digest),
                Key::Invitation(digest) => wanted.invitations.push(digest),
                Key::Identity(digest) => wanted.identities.push(digest),
            }
        }
        wanted
    }
}

type Answer<'a> = BoxFuture<'a, Result<Vec<(Key, Entry)>, Error>>;

async fn query_all(
    client: &ClientWrapper,
    stream: Stream,
    wanted: &Wanted,
) -> Result<Vec<(Key, Entry)>, Error> {
    let stream = stream.as_str();
    let mut answers: Vec<Answer<'_>> = Vec::new();
    if wanted.counters {
        answers.push(query(client, row::COUNTERS, vec![&stream], row::counters));
    }
    macro_rules! by_one {
        ($($field:ident, $sql:path, $read:path;)+) => {$(
            if !wanted.$field.is_empty() {
                answers.push(query(client, $sql, vec![&wanted.$field], $read));
            }
        )+};
    }
    by_one! {
        accounts, row::ACCOUNT, row::account;
        account_names, row::ACCOUNT_NAME, row::account_name;
        devices, row::DEVICE, row::device;
        metadata, row::METADATA, row::metadata;
        storages, row::STORAGE, row::storage;
        allocations, row::ALLOCATION, row::allocation;
        bundles, row::BUNDLE, row::bundle;
        recurring_rules, row::RECURRING_RULE, row::recurring_rule;
        origins, row::ORIGIN, row::origin;
        received_exports, row::RECEIVED_EXPORT, row::received_export;
        exports, row::EXPORT, row::export;
        commands, row::COMMAND, row::command;
        users, row::USER, row::user;
        emails, row::EMAIL, row::email;
        sessions, session::SESSION, session::session;
        organisations, organisation::ORGANISATION, organisation::organisation;
        owners, organisation::OWNER, organisation::owner;
        business_ids, organisation::BUSINESS_ID, organisation::business_id;
        invitations, organisation::INVITATION, organisation::invitation;
        identities, row::IDENTITY, row::identity;
        gateways, gateway::GATEWAY, gateway::gateway;
        gateway_keys, gateway::GATEWAY_KEY, gateway::gateway_key;
        gateway_codes, gateway::GATEWAY_CODE, gateway::gateway_code;
        gateway_streams, gateway::GATEWAY_STREAM, gateway::gateway_stream;
    }
    if !wanted.days.0.is_empty() {
        let parameters: Vec<&(dyn ToSql + Sync)> = vec![&wanted.days.0, &wanted.days.1];
        answers.push(query(client, row::DEVICE_DAY, parameters, row::device_day));
    }
    if !wanted.storage_days.0.is_empty() {
        let parameters: Vec<&(dyn ToSql + Sync)> =
            vec![&wanted.storage_days.0, &wanted.storage_days.1];
        answers.push(query(
            client,
            row::STORAGE_DAY,
            parameters,
            row::storage_day,
        ));
    }
    let (devices, sequences) = &wanted.envelopes;
    if !devices.is_empty() {
        let parameters: Vec<&(dyn ToSql + Sync)> = vec![devices, sequences];
        answers.push(query(
            client,
            gateway::ENVELOPE,
            parameters,
            gateway::envelope,
        ));
    }
    let (devices, meters, days) = &wanted.meter_days;
    if !devices.is_empty() {
        let parameters: Vec<&(dyn ToSql + Sync)> = vec![devices, meters, days];
        answers.push(query(client, row::METER_DAY, parameters, row::meter_day));
    }
    // Polled in order, so the queries are sent in order, one behind the other.
    let mut found = Vec::new();
    for answer in join_all(answers).await {
        found.extend(answer?);
    }
    Ok(found)
}

fn query<'a>(
    client: &'a ClientWrapper,
    sql: &'static str,
    parameters: Vec<&'a (dyn ToSql + Sync)>,
    read: fn(&tokio_postgres::Row) -> Result<(Key, Entry), Error>,
) -> Answer<'a> {
    async move {
        let statement = client.prepare_cached(sql).await?;
        let rows = client.query(&statement, &parameters).await?;
        rows.iter().map(read).collect()
    }
    .boxed()
}
