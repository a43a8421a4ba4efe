//! Keys for machines, and when each was used last.

use crate::Error;
use crate::chunk::Decoded;
use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use ledger::Event;
use schemas::event::api_key::ApiKeyIssued;
use schemas::event::{AuditEvent, IdentityEvent};
use schemas::person::ERASED;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Writes what the events say of keys. They are few, so each has statements of its own.
pub(super) async fn save(client: &ClientWrapper, events: &[Decoded]) -> Result<(), Error> {
    let mut used: BTreeMap<Uuid, (DateTime<Utc>, i64)> = BTreeMap::new();
    for decoded in events {
        let (at, position) = (decoded.envelope.recorded_at, decoded.position.0);
        match &decoded.event {
            Event::Identity(IdentityEvent::ApiKeyIssued(key)) => {
                issued(client, key, at, position).await?;
            }
            Event::Identity(IdentityEvent::ApiKeyRevoked(key)) => {
                let update = client.prepare_cached(REVOKE).await?;
                client
                    .execute(&update, &[&key.key_id, &at, &position])
                    .await?;
            }
            Event::Identity(IdentityEvent::UserErased(erased)) => {
                let update = client.prepare_cached(FORGET_NAME).await?;
                client
                    .execute(&update, &[&erased.user_id.0, &ERASED])
                    .await?;
            }
            Event::Audit(AuditEvent::ApiKeysUsed(event)) => {
                for one in &event.uses {
                    let last = used.entry(one.key_id).or_insert((one.at, position));
                    *last = (one.at.max(last.0), position);
                }
            }
            _ => {}
        }
    }
    if !used.is_empty() {
        let ids: Vec<_> = used.keys().copied().collect();
        let times: Vec<_> = used.values().map(|(at, _)| *at).collect();
        let positions: Vec<_> = used.values().map(|(_, position)| *position).collect();
        let upsert = client.prepare_cached(USE).await?;
        client.execute(&upsert, &[&ids, &times, &positions]).await?;
    }
    Ok(())
}

async fn issued(
    client: &ClientWrapper,
    key: &ApiKeyIssued,
    at: DateTime<Utc>,
    position: i64,
) -> Result<(), Error> {
    let capabilities: Vec<_> = key.capabilities.iter().map(|one| one.as_str()).collect();
    let accounts = key.accounts.as_ref();
    let accounts: Option<Vec<_>> = accounts.map(|ids| ids.iter().map(|id| id.0).collect());
    let insert = client.prepare_cached(INSERT).await?;
    client
        .execute(
            &insert,
            &[
                &key.key_id,
                &key.user_id.0,
                &key.name,
                &key.prefix,
                &key.digest.as_slice(),
                &capabilities,
                &accounts,
                &at,
                &key.expires_at,
                &position,
            ],
        )
        .await?;
    Ok(())
}

const INSERT: &str = "INSERT INTO api_key (key_id, user_id, name, prefix, digest, capabilities,
     account_ids, created_at, expires_at, position) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const REVOKE: &str = "UPDATE api_key SET revoked_at = $2, position = $3 WHERE key_id = $1";
const FORGET_NAME: &str = "UPDATE api_key SET name = $2 WHERE user_id = $1";
const USE: &str = "INSERT INTO api_key_use (key_id, last_used_at, position)
     SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[])
     ON CONFLICT (key_id) DO UPDATE SET position = EXCLUDED.position,
         last_used_at = greatest(EXCLUDED.last_used_at, api_key_use.last_used_at)";
