//! Accepted readings.

use crate::Error;
use crate::copy::copy;
use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use schemas::event::gateway::FromGateway;
use schemas::event::reading::{
    DebtPaid, MeasurementMoved, MeasurementWithdrawn, ReadingCorrected, ReadingsAccepted,
};
use schemas::id::{DeviceId, MeasurementId, MeterId};
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
    meter_id: Option<MeterId>,
    excess: Option<WattHours>,
    paid: Option<WattHours>,
    stands_since: Position,
    from: Option<(DeviceId, FromGateway)>,
}

/// What became of a reading that was there before.
#[derive(Default)]
struct Change {
    moved: Option<(DeviceId, Option<MeterId>, Interval)>,
    wh: Option<WattHours>,
    excess: Option<WattHours>,
    paid: Option<WattHours>,
    is_deleted: bool,
    position: Position,
    stands_since: Option<Position>,
}

/// The amount, unless it is nothing.
fn some(wh: WattHours) -> Option<WattHours> {
    (wh != WattHours::ZERO).then_some(wh)
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
                meter_id: event.meter_id,
                excess: None,
                paid: None,
                stands_since: position,
                from: event.gateway.map(|from| (event.device_id, from)),
            }));
    }

    pub(super) fn moved(&mut self, event: &MeasurementMoved, position: Position) {
        self.change(event.measurement_id, |new, change| {
            if let Some(new) = new {
                new.device_id = event.device_id;
                new.meter_id = event.meter_id;
                new.interval = event.interval;
                new.position = position;
                new.stands_since = position;
            } else {
                change.moved = Some((event.device_id, event.meter_id, event.interval));
                change.stands_since = Some(position);
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

    pub(super) fn corrected(&mut self, event: &ReadingCorrected, position: Position) {
        self.change(event.measurement_id, |new, change| {
            if let Some(new) = new {
                new.wh = event.wh;
                new.excess = some(event.excess);
                new.position = position;
            } else {
                change.wh = Some(event.wh);
                change.excess = some(event.excess);
                change.position = position;
            }
        });
    }

    pub(super) fn paid(&mut self, event: &DebtPaid, position: Position) {
        for part in &event.parts {
            self.change(part.measurement_id, |new, change| {
                let (paid, at) = match new {
                    Some(new) => (&mut new.paid, &mut new.position),
                    None => (&mut change.paid, &mut change.position),
                };
                *paid = some(paid.unwrap_or_default() + part.wh);
                *at = position;
            });
        }
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
        copy(client, COPY, 17, &self.new, |row, new| {
            row.bigint(new.id.0)
                .bigint(new.device_id.0)
                .timestamptz(new.interval.start())
                .timestamptz(new.interval.end())
                .bigint(new.wh.0)
                .text(&new.gross_net_indicator)
                .boolean(new.is_deleted)
                .timestamptz(new.created_at)
                .bigint(new.position.0)
                .option(new.meter_id, |row, id| row.bigint(id.get()))
                .option(new.excess, |row, wh| row.bigint(wh.0))
                .option(new.paid, |row, wh| row.bigint(wh.0))
                .option(
                    (new.stands_since != new.position).then_some(new.stands_since),
                    |row, at| row.bigint(at.0),
                )
                .option(new.from, |row, (_, from)| row.text(from.quality.as_str()))
                .option(new.from.and_then(|(_, from)| from.cause), |row, cause| {
                    row.text(cause.as_str())
                })
                .option(new.from, |row, (id, _)| row.bigint(id.0))
                .option(new.from, |row, (_, from)| row.bigint(from.sequence));
        })
        .await?;
        if self.changed.is_empty() {
            return Ok(());
        }
        let changes = || self.changed.values();
        let moved = || changes().map(|change| change.moved);
        let ids: Vec<_> = self.changed.keys().map(|id| id.0).collect();
        let devices: Vec<_> = moved().map(|to| to.map(|(id, ..)| id.0)).collect();
        let meters: Vec<_> = moved().map(|to| to?.1.map(MeterId::get)).collect();
        let starts: Vec<_> = moved().map(|to| to.map(|(.., at)| at.start())).collect();
        let ends: Vec<_> = moved().map(|to| to.map(|(.., at)| at.end())).collect();
        let deleted: Vec<_> = changes().map(|change| change.is_deleted).collect();
        let amounts: Vec<_> = changes().map(|change| change.wh.map(|wh| wh.0)).collect();
        let excess: Vec<_> = changes()
            .map(|change| change.excess.map(|wh| wh.0))
            .collect();
        let paid: Vec<_> = changes().map(|change| change.paid.map(|wh| wh.0)).collect();
        let positions: Vec<_> = changes().map(|change| change.position.0).collect();
        let stands: Vec<_> = changes()
            .map(|change| change.stands_since.map(|at| at.0))
            .collect();
        let parameters: [&(dyn ToSql + Sync); 11] = [
            &ids, &devices, &meters, &starts, &ends, &deleted, &amounts, &excess, &paid,
            &positions, &stands,
        ];
        client
            .execute(&client.prepare_cached(UPDATE).await?, &parameters)
            .await?;
        Ok(())
    }
}

const COPY: &str = "COPY measurement (measurement_id, device_id, interval_start, interval_end, wh,
     gross_net_indicator, is_deleted, created_at, position, meter_id, excess_wh, paid_wh,
     stands_since, quality, cause, envelope_device_id, envelope_sequence)
     FROM STDIN BINARY";
const UPDATE: &str = "UPDATE measurement SET
     device_id = COALESCE(new.device_id, measurement.device_id),
     meter_id = CASE WHEN new.device_id IS NULL THEN measurement.meter_id ELSE new.meter_id END,
     interval_start = COALESCE(new.interval_start, measurement.interval_start),
     interval_end = COALESCE(new.interval_end, measurement.interval_end),
     is_deleted = measurement.is_deleted OR new.is_deleted,
     wh = COALESCE(new.wh, measurement.wh),
     excess_wh = COALESCE(new.excess_wh, measurement.excess_wh),
     paid_wh = CASE WHEN new.paid_wh IS NULL THEN measurement.paid_wh
         ELSE COALESCE(measurement.paid_wh, 0) + new.paid_wh END,
     position = new.position,
     stands_since = NULLIF(
         COALESCE(new.stands_since, measurement.stands_since, measurement.position), new.position)
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[],
         $6::boolean[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
         $11::bigint[])
         AS new (measurement_id, device_id, meter_id, interval_start, interval_end, is_deleted, wh,
             excess_wh, paid_wh, position, stands_since)
     WHERE measurement.measurement_id = new.measurement_id";
