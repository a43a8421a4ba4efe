//! The audit trail: what became of every command, what was refused, and who signed in from where.

use crate::Error;
use crate::chunk::Decoded;
use crate::copy::{Rows, copy};
use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use ledger::{Event, Stream};
use schemas::envelope::{Actor, Via};
use schemas::event::audit::{Attempt, Target};
use schemas::event::{AuditEvent, IdentityEvent, LedgerEvent};
use schemas::id::{AccountId, UserId};
use std::net::IpAddr;
use uuid::Uuid;

/// An entry.
struct Entry<'e> {
    at: DateTime<Utc>,
    stream: Stream,
    position: i64,
    /// Among those of its event, from 0.
    item: i32,
    last_at: Option<DateTime<Utc>>,
    count: i64,
    actor: Option<&'e Actor>,
    via: Option<Via>,
    address: Option<IpAddr>,
    operation: &'e str,
    account_id: Option<AccountId>,
    target: Option<Target>,
    code: Option<&'e str>,
    command_id: Option<Uuid>,
    idempotency_key: Option<Uuid>,
    request_id: Uuid,
}

/// Writes the entries that follow from the events: they never change, but for the addresses of who is erased.
pub(super) async fn save(client: &ClientWrapper, events: &[Decoded]) -> Result<(), Error> {
    forget(client, events).await?;
    let erased = erased(client, events).await?;
    let is_erased = |user_id: Option<UserId>| user_id.is_some_and(|id| erased.contains(&id.0));
    let mut rows: Vec<Entry<'_>> = events.iter().flat_map(entries).collect();
    for row in &mut rows {
        let user_id = row.actor.and_then(Actor::user_id);
        row.address = row.address.filter(|_| !is_erased(user_id));
    }
    copy(client, COPY, 17, rows, put).await?;
    let clients = events.iter().flat_map(clients);
    let clients: Vec<_> = clients.filter(|one| !is_erased(one.user_id)).collect();
    copy(client, COPY_CLIENT, 4, clients, put_client).await?;
    Ok(())
}

/// Takes away the addresses of who is erased.
async fn forget(client: &ClientWrapper, events: &[Decoded]) -> Result<(), Error> {
    let erased = events.iter().filter_map(|event| match &event.event {
        Event::Identity(IdentityEvent::UserErased(erased)) => Some(erased.user_id.0),
        _ => None,
    });
    let erased: Vec<i64> = erased.collect();
    if erased.is_empty() {
        return Ok(());
    }
    for statement in [FORGET_ENTRY, FORGET_CLIENT] {
        let statement = client.prepare_cached(statement).await?;
        client.execute(&statement, &[&erased]).await?;
    }
    Ok(())
}

/// Of whom events tell an address that was read before they were erased.
async fn erased(client: &ClientWrapper, events: &[Decoded]) -> Result<Vec<i64>, Error> {
    let mut users = Vec::new();
    for event in events {
        match &event.event {
            Event::Audit(AuditEvent::AttemptsRecorded(recorded)) => {
                let with_address = recorded.attempts.iter().filter(|one| one.address.is_some());
                let actors = with_address.filter_map(|one| one.actor.as_ref());
                users.extend(actors.filter_map(Actor::user_id).map(|id| id.0));
            }
            Event::Audit(AuditEvent::ClientsRecorded(recorded)) => {
                let with_user = recorded.clients.iter().filter_map(|one| one.user_id);
                users.extend(with_user.map(|id| id.0));
            }
            _ => {}
        }
    }
    if users.is_empty() {
        return Ok(users);
    }
    let statement = client.prepare_cached(ERASED).await?;
    let rows = client.query(&statement, &[&users]).await?;
    Ok(rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?)
}

fn entries(event: &Decoded) -> Vec<Entry<'_>> {
    match &event.event {
        Event::Ledger(_) => command(Stream::Ledger, event).into_iter().collect(),
        Event::Identity(_) => command(Stream::Identity, event).into_iter().collect(),
        Event::Audit(AuditEvent::AttemptsRecorded(recorded)) => attempts(event, &recorded.attempts),
        Event::Audit(AuditEvent::ClientsRecorded(_) | AuditEvent::ApiKeysUsed(_)) => Vec::new(),
    }
}

/// An accepted command, by its first event: that one tells what it was asked by.
fn command(stream: Stream, event: &Decoded) -> Option<Entry<'_>> {
    let envelope = &event.envelope;
    let origin = envelope.origin.as_ref()?;
    Some(Entry {
        at: envelope.recorded_at,
        stream,
        position: event.position.0,
        item: 0,
        last_at: None,
        count: 1,
        actor: Some(&envelope.actor),
        via: origin.via,
        address: None,
        operation: &origin.operation,
        account_id: origin.account_id.or_else(|| account_of(&event.event)),
        target: None,
        code: None,
        command_id: Some(envelope.command_id),
        idempotency_key: envelope.idempotency.map(|idempotency| idempotency.key),
        request_id: envelope.correlation_id,
    })
}

/// The account of what nobody acted for one in: a part of the registry by itself, or who opens one.
fn account_of(event: &Event) -> Option<AccountId> {
    match event {
        Event::Ledger(LedgerEvent::AccountOpened(event)) => Some(event.account_id),
        Event::Ledger(LedgerEvent::BundlesActed(event)) => Some(event.source_id),
        _ => None,
    }
}

fn attempts<'e>(event: &Decoded, attempts: &'e [Attempt]) -> Vec<Entry<'e>> {
    let entries = (0..).zip(attempts).map(|(item, attempt)| Entry {
        at: attempt.at,
        stream: Stream::Audit,
        position: event.position.0,
        item,
        last_at: attempt.last_at,
        count: attempt.count,
        actor: attempt.actor.as_ref(),
        via: attempt.via,
        address: attempt.address,
        operation: &attempt.operation,
        account_id: attempt.account_id,
        target: attempt.target,
        code: attempt.code.as_deref(),
        command_id: None,
        idempotency_key: attempt.idempotency_key,
        request_id: attempt.request_id,
    });
    entries.collect()
}

/// Where a command came from.
struct CameFrom {
    command_id: Uuid,
    address: IpAddr,
    user_id: Option<UserId>,
    position: i64,
}

fn clients(event: &Decoded) -> Vec<CameFrom> {
    let Event::Audit(AuditEvent::ClientsRecorded(recorded)) = &event.event else {
        return Vec::new();
    };
    let mut commands = Vec::new();
    for client in &recorded.clients {
        // An address that is gone was of somebody who is erased.
        let Some(address) = client.address else {
            continue;
        };
        commands.extend(client.command_ids.iter().map(|command_id| CameFrom {
            command_id: *command_id,
            address,
            user_id: client.user_id,
            position: event.position.0,
        }));
    }
    commands
}

const COPY: &str = "COPY audit_entry (at, stream, position, item, last_at, attempts, principal, user_id, \
     via, address, operation, account_id, target, code, command_id, idempotency_key, request_id) \
     FROM STDIN BINARY";

const COPY_CLIENT: &str =
    "COPY audit_client (command_id, address, user_id, position) FROM STDIN BINARY";

const FORGET_ENTRY: &str =
    "UPDATE audit_entry SET address = NULL WHERE user_id = ANY($1) AND address IS NOT NULL";
const FORGET_CLIENT: &str = "DELETE FROM audit_client WHERE user_id = ANY($1)";
const ERASED: &str = "SELECT user_id FROM registry_user WHERE is_erased AND user_id = ANY($1)";

fn put(row: &mut Rows, entry: Entry<'_>) {
    let user_id = entry.actor.and_then(Actor::user_id);
    let principal = entry.actor.map(ToString::to_string);
    let via = entry.via.map(|via| via.to_string());
    let address = entry.address.map(|address| address.to_string());
    let target = entry.target.map(|target| target.to_string());
    row.timestamptz(entry.at)
        .smallint(number(entry.stream))
        .bigint(entry.position)
        .integer(entry.item)
        .option(entry.last_at, Rows::timestamptz)
        .bigint(entry.count)
        .option(principal.as_deref(), Rows::text)
        .option(user_id.map(|id| id.0), Rows::bigint)
        .option(via.as_deref(), Rows::text)
        .option(address.as_deref(), Rows::text)
        .text(entry.operation)
        .option(entry.account_id.map(|id| id.0), Rows::bigint)
        .option(target.as_deref(), Rows::text)
        .option(entry.code, Rows::text)
        .option(entry.command_id, Rows::uuid)
        .option(entry.idempotency_key, Rows::uuid)
        .uuid(entry.request_id);
}

fn put_client(row: &mut Rows, from: CameFrom) {
    row.uuid(from.command_id)
        .text(&from.address.to_string())
        .option(from.user_id.map(|id| id.0), Rows::bigint)
        .bigint(from.position);
}

/// The stream in a column.
const fn number(stream: Stream) -> i16 {
    match stream {
        Stream::Ledger => 0,
        Stream::Identity => 1,
        Stream::Audit => 2,
    }
}
