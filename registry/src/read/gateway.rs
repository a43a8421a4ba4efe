//! Gateways, their keys, devices and envelopes.

use super::{ReadError, defect, row, rows};
use deadpool_postgres::Client;
use schemas::gateway::api::{GatewayDevice, GatewayKey, GatewayRead};
use schemas::gateway::{KeyId, PublicKey};
use schemas::id::{AccountId, DeviceId, GatewayId};
use schemas::log::Position;
use tokio_postgres::types::Json;

/// Whose keys these are, and the keys themselves; those that nobody has are left out.
pub async fn keys(
    client: &Client,
    ids: &[KeyId],
) -> Result<Vec<(KeyId, GatewayId, PublicKey)>, ReadError> {
    let statement = "SELECT key_id, gateway_id, public_key FROM gateway_key WHERE key_id = ANY($1)";
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    let found = rows(client, statement, &[&ids]).await?;
    let keys = found.iter().map(|row| {
        let id = row.try_get::<_, &str>(0)?.parse().map_err(defect)?;
        let Json(key) = row.try_get(2)?;
        Ok((id, GatewayId(row.try_get(1)?), key))
    });
    keys.collect()
}

/// The account of a gateway's devices.
pub async fn account_of(
    client: &Client,
    gateway_id: GatewayId,
) -> Result<Option<AccountId>, ReadError> {
    let statement = "SELECT account_id FROM gateway WHERE gateway_id = $1";
    match row(client, statement, &[&gateway_id.0]).await? {
        Some(row) => Ok(Some(AccountId(row.try_get(0)?))),
        None => Ok(None),
    }
}

/// The gateway with its keys and devices.
pub async fn by_id(
    client: &Client,
    gateway_id: GatewayId,
) -> Result<Option<GatewayRead>, ReadError> {
    let statement =
        "SELECT account_id, name, enrolled_at, revoked_at FROM gateway WHERE gateway_id = $1";
    let Some(gateway) = row(client, statement, &[&gateway_id.0]).await? else {
        return Ok(None);
    };
    Ok(Some(GatewayRead {
        id: gateway_id,
        account_id: AccountId(gateway.try_get(0)?),
        name: gateway.try_get(1)?,
        enrolled_at: gateway.try_get(2)?,
        revoked_at: gateway.try_get(3)?,
        keys: keys_of(client, gateway_id).await?,
        devices: devices_of(client, gateway_id).await?,
    }))
}

async fn keys_of(client: &Client, gateway_id: GatewayId) -> Result<Vec<GatewayKey>, ReadError> {
    let statement = "SELECT key_id, public_key, added_at, accepted_until, revoked_at
         FROM gateway_key WHERE gateway_id = $1 ORDER BY added_at, position";
    let found = rows(client, statement, &[&gateway_id.0]).await?;
    let keys = found.iter().map(|row| {
        let Json(public_key): Json<PublicKey> = row.try_get(1)?;
        Ok(GatewayKey {
            key_id: row.try_get::<_, &str>(0)?.parse().map_err(defect)?,
            alg: public_key.algorithm(),
            public_key,
            added_at: row.try_get(2)?,
            accepted_until: row.try_get(3)?,
            revoked_at: row.try_get(4)?,
        })
    });
    keys.collect()
}

/// The devices that a gateway meters, with where their envelopes stand.
async fn devices_of(
    client: &Client,
    gateway_id: GatewayId,
) -> Result<Vec<GatewayDevice>, ReadError> {
    let statement = "SELECT g.device_id, d.device_name, g.next_sequence, g.previous
         FROM gateway_device g JOIN device d USING (device_id)
         WHERE g.gateway_id = $1 AND NOT d.is_deleted ORDER BY g.device_id";
    let found = rows(client, statement, &[&gateway_id.0]).await?;
    let devices = found.iter().map(|row| {
        Ok(GatewayDevice {
            device_id: DeviceId(row.try_get(0)?),
            device_name: row.try_get(1)?,
            next_sequence: row.try_get(2)?,
            previous: row.try_get(3)?,
        })
    });
    devices.collect()
}

/// Where an envelope stands in the ledger.
pub async fn envelope_position(
    client: &Client,
    device_id: DeviceId,
    sequence: i64,
) -> Result<Option<Position>, ReadError> {
    let statement = "SELECT position FROM gateway_envelope WHERE device_id = $1 AND sequence = $2";
    match row(client, statement, &[&device_id.0, &sequence]).await? {
        Some(row) => Ok(Some(Position(row.try_get(0)?))),
        None => Ok(None),
    }
}
