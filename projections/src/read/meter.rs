//! Meters of devices beside their own.

use crate::Error;
use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use schemas::event::device::{MeterRegistered, MeterUpdated};
use schemas::id::{DeviceId, MeterId};
use schemas::log::Position;
use std::collections::BTreeMap;

type Key = (DeviceId, MeterId);

/// Meters that came into being, and what became of others.
#[derive(Default)]
pub(super) struct Meters {
    new: BTreeMap<Key, (String, DateTime<Utc>)>,
    /// Whether readings are accepted, as of which event.
    states: BTreeMap<Key, (bool, Position)>,
}

impl Meters {
    pub(super) fn registered(
        &mut self,
        event: &MeterRegistered,
        at: DateTime<Utc>,
        position: Position,
    ) {
        let key = (event.device_id, event.meter_id);
        self.new.insert(key, (event.meter_identifier.clone(), at));
        self.states.insert(key, (event.is_active, position));
    }

    pub(super) fn updated(&mut self, event: &MeterUpdated, position: Position) {
        let key = (event.device_id, event.meter_id);
        self.states.insert(key, (event.is_active, position));
    }

    pub(super) async fn save(&self, client: &ClientWrapper) -> Result<(), Error> {
        if self.states.is_empty() {
            return Ok(());
        }
        let devices: Vec<_> = self.new.keys().map(|(device, _)| device.0).collect();
        let meters: Vec<_> = self.new.keys().map(|(_, meter)| meter.get()).collect();
        let names: Vec<_> = self.new.values().map(|(name, _)| name.as_str()).collect();
        let times: Vec<_> = self.new.values().map(|(_, at)| *at).collect();
        client
            .execute(
                &client.prepare_cached(INSERT).await?,
                &[&devices, &meters, &names, &times],
            )
            .await?;
        let devices: Vec<_> = self.states.keys().map(|(device, _)| device.0).collect();
        let meters: Vec<_> = self.states.keys().map(|(_, meter)| meter.get()).collect();
        let active: Vec<_> = self.states.values().map(|(active, _)| *active).collect();
        let positions: Vec<_> = self.states.values().map(|(_, at)| at.0).collect();
        client
            .execute(
                &client.prepare_cached(UPDATE).await?,
                &[&devices, &meters, &active, &positions],
            )
            .await?;
        Ok(())
    }
}

const INSERT: &str =
    "INSERT INTO meter (device_id, meter_id, meter_identifier, is_active, created_at,
         position)
     SELECT device_id, meter_id, meter_identifier, false, created_at, 0
     FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[])
         AS new (device_id, meter_id, meter_identifier, created_at)";
const UPDATE: &str = "UPDATE meter SET is_active = new.is_active, position = new.position
     FROM unnest($1::bigint[], $2::bigint[], $3::boolean[], $4::bigint[])
         AS new (device_id, meter_id, is_active, position)
     WHERE meter.device_id = new.device_id AND meter.meter_id = new.meter_id";
