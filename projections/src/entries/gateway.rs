//! Entries of gateways as rows.

use super::row::state;
use super::save::{States, Write, execute};
use crate::Error;
use deadpool_postgres::ClientWrapper;
use ledger::entry::{Gateway, GatewayCode, GatewayKey, GatewayStream, KnownEnvelope};
use ledger::{Entry, Key};
use schemas::id::{DeviceId, GatewayId};
use schemas::log::Position;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

pub(super) const GATEWAY: &str =
    "SELECT gateway_id, state::json FROM gateway WHERE gateway_id = ANY($1)";
pub(super) const GATEWAY_KEY: &str =
    "SELECT digest, state::json FROM gateway_key WHERE digest = ANY($1)";
pub(super) const GATEWAY_CODE: &str =
    "SELECT digest, state::json FROM gateway_code WHERE digest = ANY($1)";
pub(super) const GATEWAY_STREAM: &str =
    "SELECT device_id, state::json FROM gateway_stream WHERE device_id = ANY($1)";
pub(super) const ENVELOPE: &str = "SELECT device_id, sequence, state::json FROM gateway_envelope
     WHERE (device_id, sequence) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))";

pub(super) fn gateway(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::Gateway(GatewayId(row.try_get(0)?));
    Ok((key, Entry::Gateway(state(row, 1)?)))
}

pub(super) fn gateway_key(row: &Row) -> Result<(Key, Entry), Error> {
    Ok((
        Key::GatewayKey(row.try_get(0)?),
        Entry::GatewayKey(state(row, 1)?),
    ))
}

pub(super) fn gateway_code(row: &Row) -> Result<(Key, Entry), Error> {
    Ok((
        Key::GatewayCode(row.try_get(0)?),
        Entry::GatewayCode(state(row, 1)?),
    ))
}

pub(super) fn gateway_stream(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::GatewayStream(DeviceId(row.try_get(0)?));
    Ok((key, Entry::GatewayStream(state(row, 1)?)))
}

pub(super) fn envelope(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::Envelope(DeviceId(row.try_get(0)?), row.try_get(1)?);
    Ok((key, Entry::Envelope(state(row, 2)?)))
}

/// Rows of a table by digest, or by another id of 128 bits.
pub(super) struct Digested<'a, T> {
    digests: Vec<Uuid>,
    states: Vec<Json<&'a T>>,
    positions: Vec<i64>,
}

impl<T> Default for Digested<'_, T> {
    fn default() -> Self {
        Self {
            digests: Vec::new(),
            states: Vec::new(),
            positions: Vec::new(),
        }
    }
}

impl<'a, T: serde::Serialize + std::fmt::Debug + Sync> Digested<'a, T> {
    pub(super) fn push(&mut self, digest: Uuid, state: &'a T, position: Position) {
        self.digests.push(digest);
        self.states.push(Json(state));
        self.positions.push(position.0);
    }

    pub(super) fn save<'s>(
        &'s self,
        client: &'s ClientWrapper,
        sql: &'static str,
    ) -> Option<Write<'s>> {
        let parameters: Vec<&(dyn ToSql + Sync)> =
            vec![&self.digests, &self.states, &self.positions];
        (!self.digests.is_empty()).then(|| execute(client, sql, parameters))
    }
}

/// Changed entries of gateways.
#[derive(Default)]
pub(super) struct Gateways<'a> {
    gateways: States<'a, Gateway>,
    keys: Digested<'a, GatewayKey>,
    codes: Digested<'a, GatewayCode>,
    streams: States<'a, GatewayStream>,
    envelopes: States<'a, KnownEnvelope>,
    sequences: Vec<i64>,
}

impl<'a> Gateways<'a> {
    /// Takes an entry that is of a gateway; false for any other.
    pub(super) fn push(&mut self, key: &Key, entry: &'a Entry, at: Position) -> bool {
        match (key, entry) {
            (Key::Gateway(id), Entry::Gateway(gateway)) => self.gateways.push(id.0, gateway, at),
            (Key::GatewayKey(digest), Entry::GatewayKey(key)) => self.keys.push(*digest, key, at),
            (Key::GatewayCode(digest), Entry::GatewayCode(code)) => {
                self.codes.push(*digest, code, at);
            }
            (Key::GatewayStream(id), Entry::GatewayStream(stream)) => {
                self.streams.push(id.0, stream, at);
            }
            (Key::Envelope(id, sequence), Entry::Envelope(envelope)) => {
                self.envelopes.push(id.0, envelope, at);
                self.sequences.push(*sequence);
            }
            _ => return false,
        }
        true
    }

    /// One statement per table that has something to write.
    pub(super) fn save<'s>(&'s self, client: &'s ClientWrapper) -> impl Iterator<Item = Write<'s>> {
        let envelopes = (!self.sequences.is_empty()).then(|| {
            let parameters: Vec<&(dyn ToSql + Sync)> = vec![
                &self.envelopes.ids,
                &self.sequences,
                &self.envelopes.states,
                &self.envelopes.positions,
            ];
            execute(client, SAVE_ENVELOPE, parameters)
        });
        [
            self.gateways.save(client, SAVE_GATEWAY),
            self.keys.save(client, SAVE_KEY),
            self.codes.save(client, SAVE_CODE),
            self.streams.save(client, SAVE_STREAM),
            envelopes,
        ]
        .into_iter()
        .flatten()
    }
}

const SAVE_GATEWAY: &str = "INSERT INTO gateway (gateway_id, state, position)
     SELECT * FROM unnest($1::bigint[], $2::json[], $3::bigint[])
     ON CONFLICT (gateway_id) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const SAVE_KEY: &str = "INSERT INTO gateway_key (digest, state, position)
     SELECT * FROM unnest($1::uuid[], $2::json[], $3::bigint[])
     ON CONFLICT (digest) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const SAVE_CODE: &str = "INSERT INTO gateway_code (digest, state, position)
     SELECT * FROM unnest($1::uuid[], $2::json[], $3::bigint[])
     ON CONFLICT (digest) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const SAVE_STREAM: &str = "INSERT INTO gateway_stream (device_id, state, position)
     SELECT * FROM unnest($1::bigint[], $2::json[], $3::bigint[])
     ON CONFLICT (device_id) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
/// An envelope never changes.
const SAVE_ENVELOPE: &str = "INSERT INTO gateway_envelope (device_id, sequence, state, position)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::json[], $4::bigint[])";
