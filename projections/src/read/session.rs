//! Sessions, and the keys that sign access tokens: written straight from the events.

use crate::Error;
use crate::chunk::Decoded;
use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use schemas::event::IdentityEvent;
use schemas::event::session::{SessionEnd, SessionOpened, SigningKeyAdded};
use schemas::gateway::KeyId;
use schemas::log::Position;
use std::collections::BTreeMap;
use tokio_postgres::types::Json;
use uuid::Uuid;

/// What became of a session.
#[derive(Default)]
struct Change {
    refreshed_at: Option<DateTime<Utc>>,
    ended: Option<(DateTime<Utc>, SessionEnd)>,
    position: Position,
}

#[derive(Default)]
struct Sessions<'e> {
    opened: Vec<(&'e SessionOpened, Position)>,
    changes: BTreeMap<Uuid, Change>,
    keys: Vec<(&'e SigningKeyAdded, DateTime<Utc>, Position)>,
    replaced: Vec<(KeyId, DateTime<Utc>, Position)>,
    erased: Vec<i64>,
}

/// Writes what the events say of sessions and keys.
pub(super) async fn save(client: &ClientWrapper, events: &[Decoded]) -> Result<(), Error> {
    let mut sessions = Sessions::default();
    for decoded in events {
        if let ledger::Event::Identity(event) = &decoded.event {
            sessions.fold(event, decoded.envelope.recorded_at, decoded.position);
        }
    }
    sessions.save_sessions(client).await?;
    sessions.save_keys(client).await
}

impl<'e> Sessions<'e> {
    fn fold(&mut self, event: &'e IdentityEvent, at: DateTime<Utc>, position: Position) {
        match event {
            IdentityEvent::SessionOpened(event) => self.opened.push((event, position)),
            IdentityEvent::SessionRefreshed(event) => {
                let change = self.changes.entry(event.session_id).or_default();
                change.refreshed_at = Some(event.at);
                change.position = position;
            }
            IdentityEvent::SessionsEnded(event) => {
                for id in &event.session_ids {
                    let change = self.changes.entry(*id).or_default();
                    change.ended = Some((at, event.cause));
                    change.position = position;
                }
            }
            IdentityEvent::UserErased(event) => self.erased.push(event.user_id.0),
            IdentityEvent::SigningKeyAdded(event) => {
                self.keys.push((event, at, position));
                let replaced = event.replaces.iter();
                self.replaced
                    .extend(replaced.map(|key| (key.key_id, key.accepted_until, position)));
            }
            _ => {}
        }
    }

    async fn save_sessions(&self, client: &ClientWrapper) -> Result<(), Error> {
        if !self.opened.is_empty() {
            let opened = || self.opened.iter().map(|(event, _)| *event);
            let ids: Vec<_> = opened().map(|event| event.session_id).collect();
            let users: Vec<_> = opened().map(|event| event.user_id.0).collect();
            let times: Vec<_> = opened().map(|event| event.at).collect();
            let ends: Vec<_> = opened().map(|event| event.expires_at).collect();
            let clients: Vec<_> = opened().map(|event| event.client.as_deref()).collect();
            let positions: Vec<_> = self.opened.iter().map(|(_, at)| at.0).collect();
            let insert = client.prepare_cached(INSERT).await?;
            client
                .execute(
                    &insert,
                    &[&ids, &users, &times, &ends, &clients, &positions],
                )
                .await?;
        }
        if !self.changes.is_empty() {
            let changes = || self.changes.values();
            let ids: Vec<_> = self.changes.keys().copied().collect();
            let refreshed: Vec<_> = changes().map(|change| change.refreshed_at).collect();
            let ended: Vec<_> = changes().map(|c| c.ended.map(|(at, _)| at)).collect();
            let causes: Vec<_> = changes()
                .map(|change| change.ended.map(|(_, cause)| cause.as_str()))
                .collect();
            let positions: Vec<_> = changes().map(|change| change.position.0).collect();
            let update = client.prepare_cached(UPDATE).await?;
            client
                .execute(&update, &[&ids, &refreshed, &ended, &causes, &positions])
                .await?;
        }
        if !self.erased.is_empty() {
            let update = client.prepare_cached(FORGET_CLIENT).await?;
            client.execute(&update, &[&self.erased]).await?;
        }
        Ok(())
    }

    async fn save_keys(&self, client: &ClientWrapper) -> Result<(), Error> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = self
            .keys
            .iter()
            .map(|(key, ..)| key.key_id.to_string())
            .collect();
        let public: Vec<_> = self
            .keys
            .iter()
            .map(|(key, ..)| Json(&key.public_key))
            .collect();
        let sealed: Vec<_> = self
            .keys
            .iter()
            .map(|(key, ..)| key.sealed.as_str())
            .collect();
        let times: Vec<_> = self.keys.iter().map(|(_, at, _)| *at).collect();
        let positions: Vec<_> = self.keys.iter().map(|(.., at)| at.0).collect();
        let insert = client.prepare_cached(INSERT_KEY).await?;
        client
            .execute(&insert, &[&ids, &public, &sealed, &times, &positions])
            .await?;
        if !self.replaced.is_empty() {
            let ids: Vec<_> = self
                .replaced
                .iter()
                .map(|(id, ..)| id.to_string())
                .collect();
            let until: Vec<_> = self.replaced.iter().map(|(_, until, _)| *until).collect();
            let positions: Vec<_> = self.replaced.iter().map(|(.., at)| at.0).collect();
            let update = client.prepare_cached(UPDATE_KEY).await?;
            client.execute(&update, &[&ids, &until, &positions]).await?;
            let bound = client.prepare_cached(BOUND_EARLIER_KEYS).await?;
            client.execute(&bound, &[&until, &positions]).await?;
        }
        Ok(())
    }
}

const INSERT: &str = "INSERT INTO session
         (session_id, user_id, opened_at, refreshed_at, expires_at, client, position)
     SELECT session_id, user_id, at, at, expires_at, client, position
     FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::bigint[])
         AS new (session_id, user_id, at, expires_at, client, position)";
const UPDATE: &str = "UPDATE session SET
     refreshed_at = COALESCE(new.refreshed_at, session.refreshed_at),
     ended_at = COALESCE(session.ended_at, new.ended_at),
     end_cause = COALESCE(session.end_cause, new.end_cause), position = new.position
     FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::bigint[])
         AS new (session_id, refreshed_at, ended_at, end_cause, position)
     WHERE session.session_id = new.session_id";
const INSERT_KEY: &str = "INSERT INTO signing_key (key_id, public_key, sealed, added_at, position)
     SELECT * FROM unnest($1::text[], $2::jsonb[], $3::text[], $4::timestamptz[], $5::bigint[])";
const UPDATE_KEY: &str = "UPDATE signing_key SET
     accepted_until = least(signing_key.accepted_until, new.accepted_until), position = new.position
     FROM unnest($1::text[], $2::timestamptz[], $3::bigint[]) AS new (key_id, accepted_until, position)
     WHERE signing_key.key_id = new.key_id";
const FORGET_CLIENT: &str = "UPDATE session SET client = NULL WHERE user_id = ANY($1)";
/// What was signed by a key that was replaced before counts no longer than what the next one signed: where that is in
/// wrong hands, so may be the earlier ones.
const BOUND_EARLIER_KEYS: &str = "UPDATE signing_key SET accepted_until = least(accepted_until,
     (SELECT min(new.accepted_until) FROM unnest($1::timestamptz[], $2::bigint[]) AS new (accepted_until, position)
      WHERE new.position > signing_key.position))";
