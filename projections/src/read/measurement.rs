//! Accepted readings.

use crate::Error;
use crate::copy::copy;
use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use schemas::event::reading::{MeasurementMoved, MeasurementWithdrawn, ReadingsAccepted};
use schemas::id::{DeviceId, MeasurementId};
use schemas::log::Position;
use schemas::{Interval, WattHours};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_postgres::types::ToSql;

struct Measurement {
    id: MeasurementId,
    device_id: DeviceId,
    interval: Interval,
    wh: WattHours,
    gross_net_indicator: Arc<str>,
    is_deleted: bool,
    created_at: DateTime<Utc>,
    position: Position,
}

/// What became of a reading that was there before.
#[derive(Default)]
struct Change {
    moved: Option<(DeviceId, Interval)>,
    is_deleted: bool,
    position: Position,
}

/// Readings accepted, moved and taken back.
#[derive(Default)]
pub(super) struct Measurements {
    /// By id.
    new: Vec<Measurement>,
    changed: BTreeMap<MeasurementId, Change>,
}

impl Measurements {
    pub(super) fn accepted(
        &mut self,
        event: &ReadingsAccepted,
        at: DateTime<Utc>,
        position: Position,
    ) {
        let indicator: Arc<str> = event.gross_net_indicator.as_str().into();
        self.new
            .extend(event.readings().map(|(id, interval, wh)| Measurement {
                id,
                device_id: event.device_id,
                interval,
                wh,
                gross_net_indicator: Arc::clone(&indicator),
                is_deleted: false,
                created_at: at,
                position,
            }));
    }

    pub(super) fn moved(&mut self, event: &MeasurementMoved, position: Position) {
        self.change(event.measurement_id, |new, change| {
            if let Some(new) = new {
                new.device_id = event.device_id;
                new.interval = event.interval;
                new.position = position;
            } else {
                change.moved = Some((event.device_id, event.interval));
                change.position = position;
            }
        });
    }

    pub(super) fn withdrawn(&mut self, event: &MeasurementWithdrawn, position: Position) {
        self.change(event.measurement_id, |new, change| {
            if let Some(new) = new {
                new.is_deleted = true;
                new.position = position;
            } else {
                change.is_deleted = true;
                change.position = position;
            }
        });
    }

    fn change(
        &mut self,
        id: MeasurementId,
        change: impl FnOnce(Option<&mut Measurement>, &mut Change),
    ) {
        // Ids count up, so the new ones are sorted.
        match self.new.binary_search_by_key(&id, |new| new.id) {
            Ok(found) => change(self.new.get_mut(found), &mut Change::default()),
            Err(_) => change(None, self.changed.entry(id).or_default()),
        }
    }

    pub(super) async fn save(&self, client: &ClientWrapper) -> Result<(), Error> {
        copy(client, COPY, 9, &self.new, |row, new| {
            row.bigint(new.id.0)
                .bigint(new.device_id.0)
                .timestamptz(new.interval.start())
                .timestamptz(new.interval.end())
                .bigint(new.wh.0)
                .text(&new.gross_net_indicator)
                .boolean(new.is_deleted)
                .timestamptz(new.created_at)
                .bigint(new.position.0);
        })
        .await?;
        if self.changed.is_empty() {
            return Ok(());
        }
        let changes = || self.changed.values();
        let moved = || changes().map(|change| change.moved);
        let ids: Vec<_> = self.changed.keys().map(|id| id.0).collect();
        let devices: Vec<_> = moved().map(|to| to.map(|(id, _)| id.0)).collect();
        let starts: Vec<_> = moved().map(|to| to.map(|(_, at)| at.start())).collect();
        let ends: Vec<_> = moved().map(|to| to.map(|(_, at)| at.end())).collect();
        let deleted: Vec<_> = changes().map(|change| change.is_deleted).collect();
        let positions: Vec<_> = changes().map(|change| change.position.0).collect();
        let parameters: [&(dyn ToSql + Sync); 6] =
            [&ids, &devices, &starts, &ends, &deleted, &positions];
        client
            .execute(&client.prepare_cached(UPDATE).await?, &parameters)
            .await?;
        Ok(())
    }
}

const COPY: &str = "COPY measurement (measurement_id, device_id, interval_start, interval_end, wh,
     gross_net_indicator, is_deleted, created_at, position) FROM STDIN BINARY";
const UPDATE: &str = "UPDATE measurement SET
     device_id = COALESCE(new.device_id, measurement.device_id),
     interval_start = COALESCE(new.interval_start, measurement.interval_start),
     interval_end = COALESCE(new.interval_end, measurement.interval_end),
     is_deleted = measurement.is_deleted OR new.is_deleted, position = new.position
     FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::boolean[],
         $6::bigint[])
         AS new (measurement_id, device_id, interval_start, interval_end, is_deleted, position)
     WHERE measurement.measurement_id = new.measurement_id";
