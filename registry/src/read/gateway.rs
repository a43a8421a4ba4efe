//! Gateways, their keys, devices and envelopes.

use super::cursor::Page;
use super::{ReadError, defect, row, rows};
use deadpool_postgres::Client;
use schemas::gateway::api::{GatewayDevice, GatewayKey, GatewayListed, GatewayRead};
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

/// Where an envelope stands in the ledger, and the account that its gateway is of.
pub async fn envelope_at(
    client: &Client,
    device_id: DeviceId,
    sequence: i64,
) -> Result<Option<(Position, AccountId)>, ReadError> {
    let statement = "SELECT e.position, g.account_id
         FROM gateway_envelope e JOIN gateway g USING (gateway_id)
         WHERE e.device_id = $1 AND e.sequence = $2";
    match row(client, statement, &[&device_id.0, &sequence]).await? {
        Some(row) => Ok(Some((
            Position(row.try_get(0)?),
            AccountId(row.try_get(1)?),
        ))),
        None => Ok(None),
    }
}

/// Where the event stands by which a gateway got this key: its enrolment, or a change of keys. `None` if
/// there is no such key, or the database was filled before that was kept.
pub async fn key_added_at(client: &Client, key_id: KeyId) -> Result<Option<Position>, ReadError> {
    let statement = "SELECT added_position FROM gateway_key WHERE key_id = $1";
    match row(client, statement, &[&key_id.to_string()]).await? {
        Some(row) => Ok(row.try_get::<_, Option<i64>>(0)?.map(Position)),
        None => Ok(None),
    }
}

/// The name of the list of gateways in its cursors.
pub const LIST: &str = "gateways";

/// A page of the gateways of `accounts`, or of all where that is `None`, by id.
pub async fn page(
    client: &Client,
    accounts: Option<&[AccountId]>,
    after: i64,
    limit: i64,
) -> Result<Page<GatewayListed>, ReadError> {
    let select = |of: &str| {
        format!(
            "SELECT gateway_id, account_id, name, enrolled_at, revoked_at,
                 (SELECT count(*) FROM gateway_device g JOIN device d USING (device_id)
                  WHERE g.gateway_id = gateway.gateway_id AND NOT d.is_deleted)
             FROM gateway WHERE gateway_id > $1 {of} ORDER BY gateway_id LIMIT $2"
        )
    };
    let fetched = limit + 1;
    let found = match accounts {
        None => rows(client, &select(""), &[&after, &fetched]).await?,
        Some(accounts) => {
            let ids: Vec<i64> = accounts.iter().map(|id| id.0).collect();
            let statement = select("AND account_id = ANY($3)");
            rows(client, &statement, &[&after, &fetched, &ids]).await?
        }
    };
    let gateways = found.iter().map(|row| {
        Ok(GatewayListed {
            id: GatewayId(row.try_get(0)?),
            account_id: AccountId(row.try_get(1)?),
            name: row.try_get(2)?,
            enrolled_at: row.try_get(3)?,
            revoked_at: row.try_get(4)?,
            devices: row.try_get(5)?,
        })
    });
    let gateways = gateways.collect::<Result<Vec<_>, ReadError>>()?;
    Ok(Page::of(gateways, limit, LIST, |last| last.id.0))
}
