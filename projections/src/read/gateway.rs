//! Gateways, their keys and devices, and where each envelope stands.

use crate::Error;
use crate::chunk::Decoded;
use crate::copy::{Rows, copy};
use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use schemas::event::LedgerEvent;
use schemas::event::gateway::{
    EnvelopeAccepted, GatewayDevicesChanged, GatewayEnrolled, GatewayKeyAdded, GatewayKeyRevoked,
    GatewayRevoked,
};
use schemas::gateway::{KeyId, PublicKey};
use schemas::id::{AccountId, DeviceId, GatewayId};
use schemas::log::Position;
use std::collections::BTreeMap;
use tokio_postgres::types::Json;

struct New<'e> {
    id: GatewayId,
    account_id: AccountId,
    name: Option<&'e str>,
    at: DateTime<Utc>,
    position: Position,
}

struct NewKey<'e> {
    id: KeyId,
    gateway_id: GatewayId,
    key: &'e PublicKey,
    at: DateTime<Utc>,
    position: Position,
}

/// What became of a key.
#[derive(Default)]
struct KeyChange {
    accepted_until: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    position: Position,
}

/// What became of a device.
#[derive(Default)]
struct DeviceChange {
    /// Another gateway, or none.
    gateway_id: Option<Option<GatewayId>>,
    /// The last envelope: its number and hash.
    last: Option<(i64, String)>,
    position: Position,
}

/// Gateways that enrolled, and what became of others.
#[derive(Default)]
struct Gateways<'e> {
    new: Vec<New<'e>>,
    revoked: BTreeMap<GatewayId, (DateTime<Utc>, Position)>,
    new_keys: Vec<NewKey<'e>>,
    keys: BTreeMap<KeyId, KeyChange>,
    devices: BTreeMap<DeviceId, DeviceChange>,
}

/// Writes what the events say of gateways.
pub(super) async fn save(client: &ClientWrapper, events: &[Decoded]) -> Result<(), Error> {
    let mut gateways = Gateways::default();
    for decoded in events {
        if let ledger::Event::Ledger(event) = &decoded.event {
            gateways.fold(event, decoded.envelope.recorded_at, decoded.position);
        }
    }
    copy(
        client,
        COPY_ENVELOPE,
        5,
        events.iter().filter_map(envelope),
        put,
    )
    .await?;
    gateways.save_new(client).await?;
    gateways.save_changes(client).await
}

fn envelope(decoded: &Decoded) -> Option<(&Decoded, &EnvelopeAccepted)> {
    match &decoded.event {
        ledger::Event::Ledger(LedgerEvent::EnvelopeAccepted(event)) => Some((decoded, event)),
        _ => None,
    }
}

fn put(row: &mut Rows, (decoded, event): (&Decoded, &EnvelopeAccepted)) {
    row.bigint(event.device_id.0)
        .bigint(event.sequence)
        .bigint(event.gateway_id.0)
        .timestamptz(decoded.envelope.recorded_at)
        .bigint(decoded.position.0);
}

impl<'e> Gateways<'e> {
    fn fold(&mut self, event: &'e LedgerEvent, at: DateTime<Utc>, position: Position) {
        match event {
            LedgerEvent::GatewayEnrolled(event) => self.enrolled(event, at, position),
            LedgerEvent::GatewayKeyAdded(event) => self.key_added(event, at, position),
            LedgerEvent::GatewayKeyRevoked(GatewayKeyRevoked { key_id, .. }) => {
                let key = self.keys.entry(*key_id).or_default();
                key.revoked_at = Some(at);
                key.position = position;
            }
            LedgerEvent::GatewayRevoked(GatewayRevoked { gateway_id, .. }) => {
                self.revoked.insert(*gateway_id, (at, position));
            }
            LedgerEvent::GatewayDevicesChanged(event) => self.devices_changed(event, position),
            LedgerEvent::EnvelopeAccepted(event) => {
                let device = self.devices.entry(event.device_id).or_default();
                device.last = Some((event.sequence, event.hash.clone()));
                device.position = position;
            }
            _ => {}
        }
    }

    fn enrolled(&mut self, event: &'e GatewayEnrolled, at: DateTime<Utc>, position: Position) {
        self.new.push(New {
            id: event.gateway_id,
            account_id: event.account_id,
            name: event.name.as_deref(),
            at,
            position,
        });
        self.new_keys.push(NewKey {
            id: event.key_id,
            gateway_id: event.gateway_id,
            key: &event.public_key,
            at,
            position,
        });
        for device_id in &event.device_ids {
            self.metered_by(*device_id, Some(event.gateway_id), position);
        }
    }

    fn key_added(&mut self, event: &'e GatewayKeyAdded, at: DateTime<Utc>, position: Position) {
        self.new_keys.push(NewKey {
            id: event.key_id,
            gateway_id: event.gateway_id,
            key: &event.public_key,
            at,
            position,
        });
        let replaced = self.keys.entry(event.replaces).or_default();
        replaced.accepted_until = Some(event.accepted_until);
        replaced.position = position;
    }

    fn devices_changed(&mut self, event: &GatewayDevicesChanged, position: Position) {
        for device_id in &event.added {
            self.metered_by(*device_id, Some(event.gateway_id), position);
        }
        for device_id in &event.removed {
            self.metered_by(*device_id, None, position);
        }
    }

    fn metered_by(&mut self, id: DeviceId, by: Option<GatewayId>, position: Position) {
        let device = self.devices.entry(id).or_default();
        device.gateway_id = Some(by);
        device.position = position;
    }

    async fn save_new(&self, client: &ClientWrapper) -> Result<(), Error> {
        if !self.new.is_empty() {
            let ids: Vec<_> = self.new.iter().map(|new| new.id.0).collect();
            let accounts: Vec<_> = self.new.iter().map(|new| new.account_id.0).collect();
            let names: Vec<_> = self.new.iter().map(|new| new.name).collect();
            let times: Vec<_> = self.new.iter().map(|new| new.at).collect();
            let positions: Vec<_> = self.new.iter().map(|new| new.position.0).collect();
            let insert = client.prepare_cached(INSERT).await?;
            client
                .execute(&insert, &[&ids, &accounts, &names, &times, &positions])
                .await?;
        }
        if !self.new_keys.is_empty() {
            let new = || self.new_keys.iter();
            let ids: Vec<_> = new().map(|new| new.id.to_string()).collect();
            let gateways: Vec<_> = new().map(|new| new.gateway_id.0).collect();
            let keys: Vec<_> = new().map(|new| Json(new.key)).collect();
            let times: Vec<_> = new().map(|new| new.at).collect();
            let positions: Vec<_> = new().map(|new| new.position.0).collect();
            let insert = client.prepare_cached(INSERT_KEY).await?;
            client
                .execute(&insert, &[&ids, &gateways, &keys, &times, &positions])
                .await?;
        }
        // Every device of an envelope was given to a gateway before, so it has a row.
        let given = self
            .devices
            .iter()
            .filter(|(_, device)| device.gateway_id.is_some());
        let given: Vec<_> = given.map(|(id, _)| id.0).collect();
        if !given.is_empty() {
            let insert = client.prepare_cached(INSERT_DEVICE).await?;
            client.execute(&insert, &[&given]).await?;
        }
        Ok(())
    }

    async fn save_changes(&self, client: &ClientWrapper) -> Result<(), Error> {
        if !self.revoked.is_empty() {
            let ids: Vec<_> = self.revoked.keys().map(|id| id.0).collect();
            let times: Vec<_> = self.revoked.values().map(|(at, _)| *at).collect();
            let positions: Vec<_> = self.revoked.values().map(|(_, at)| at.0).collect();
            let update = client.prepare_cached(UPDATE).await?;
            client.execute(&update, &[&ids, &times, &positions]).await?;
        }
        if !self.keys.is_empty() {
            let changes = || self.keys.values();
            let ids: Vec<_> = self.keys.keys().map(ToString::to_string).collect();
            let until: Vec<_> = changes().map(|change| change.accepted_until).collect();
            let revoked: Vec<_> = changes().map(|change| change.revoked_at).collect();
            let positions: Vec<_> = changes().map(|change| change.position.0).collect();
            let update = client.prepare_cached(UPDATE_KEY).await?;
            client
                .execute(&update, &[&ids, &until, &revoked, &positions])
                .await?;
        }
        if !self.devices.is_empty() {
            let changes = || self.devices.values();
            let ids: Vec<_> = self.devices.keys().map(|id| id.0).collect();
            let moves: Vec<_> = changes()
                .map(|change| change.gateway_id.is_some())
                .collect();
            let gateways: Vec<_> = changes()
                .map(|change| change.gateway_id.flatten().map(|id| id.0))
                .collect();
            let next: Vec<_> = changes()
                .map(|change| change.last.as_ref().map(|(sequence, _)| sequence + 1))
                .collect();
            let hashes: Vec<_> = changes()
                .map(|change| change.last.as_ref().map(|(_, hash)| hash.as_str()))
                .collect();
            let positions: Vec<_> = changes().map(|change| change.position.0).collect();
            let update = client.prepare_cached(UPDATE_DEVICE).await?;
            client
                .execute(
                    &update,
                    &[&ids, &moves, &gateways, &next, &hashes, &positions],
                )
                .await?;
        }
        Ok(())
    }
}

const COPY_ENVELOPE: &str = "COPY gateway_envelope (device_id, sequence, gateway_id, accepted_at,
     position) FROM STDIN BINARY";
const INSERT: &str = "INSERT INTO gateway (gateway_id, account_id, name, enrolled_at, position)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[], $5::bigint[])";
const INSERT_KEY: &str =
    "INSERT INTO gateway_key (key_id, gateway_id, public_key, added_at, position, added_position)
     SELECT key_id, gateway_id, public_key, added_at, position, position
     FROM unnest($1::text[], $2::bigint[], $3::jsonb[], $4::timestamptz[], $5::bigint[])
         AS new (key_id, gateway_id, public_key, added_at, position)";
const INSERT_DEVICE: &str = "INSERT INTO gateway_device (device_id, next_sequence, position)
     SELECT device_id, 1, 0 FROM unnest($1::bigint[]) AS new (device_id)
     ON CONFLICT (device_id) DO NOTHING";
const UPDATE: &str = "UPDATE gateway SET revoked_at = new.revoked_at, position = new.position
     FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[]) AS new (gateway_id, revoked_at, position)
     WHERE gateway.gateway_id = new.gateway_id";
const UPDATE_KEY: &str = "UPDATE gateway_key SET
     accepted_until = COALESCE(new.accepted_until, gateway_key.accepted_until),
     revoked_at = COALESCE(new.revoked_at, gateway_key.revoked_at), position = new.position
     FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::bigint[])
         AS new (key_id, accepted_until, revoked_at, position)
     WHERE gateway_key.key_id = new.key_id";
const UPDATE_DEVICE: &str = "UPDATE gateway_device SET
     gateway_id = CASE WHEN new.moves THEN new.gateway_id ELSE gateway_device.gateway_id END,
     next_sequence = COALESCE(new.next_sequence, gateway_device.next_sequence),
     previous = COALESCE(new.previous, gateway_device.previous), position = new.position
     FROM unnest($1::bigint[], $2::boolean[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[])
         AS new (device_id, moves, gateway_id, next_sequence, previous, position)
     WHERE gateway_device.device_id = new.device_id";
