//! Rules of readings that were accepted: found again, moved, taken back.

use crate::capacity::{self, Hours};
use crate::command::{MeasurementRef, MoveMeasurement};
use crate::context::Context;
use crate::device;
use crate::entry::{DayReading, second_of_day};
use crate::key::Key;
use crate::reading::{Broken, START, check_interval, check_reading};
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use schemas::WattHours;
use schemas::event::LedgerEvent;
use schemas::event::reading::{MeasurementMoved, MeasurementWithdrawn};
use schemas::id::MeterId;
use schemas::interval::Day;

impl MeasurementRef {
    pub(crate) fn needed(&self, keys: &mut Vec<Key>) {
        keys.push(Key::readings(
            self.device_id,
            self.meter_id,
            Day::of(self.interval.start()),
        ));
    }

    /// The reading, if it stands where the caller found it.
    pub(crate) fn standing(&self, entries: &impl Entries) -> Result<DayReading, Refusal> {
        let start = self.interval.start();
        let day = get::readings(entries, self.device_id, self.meter_id, Day::of(start))?;
        day.and_then(|day| day.0.get(&second_of_day(start)))
            .filter(|reading| reading.measurement_id == self.measurement_id)
            .cloned()
            .ok_or_else(|| {
                Refusal::new(
                    Code::MeasurementNotFound,
                    format!(
                        "MeasurementReport with id {} not found",
                        self.measurement_id
                    ),
                )
            })
    }

    /// The same, if no certificate stands for it and it has paid for none.
    fn unissued(&self, entries: &impl Entries) -> Result<DayReading, Refusal> {
        let found = self.standing(entries)?;
        if found.issued > WattHours::ZERO {
            return Err(Refusal::new(
                Code::MeasurementIssued,
                format!(
                    "{} of certificates are issued for reading {}",
                    found.issued, self.measurement_id
                ),
            ));
        }
        if found.paid() > WattHours::ZERO || found.excess() > WattHours::ZERO {
            return Err(Refusal::new(
                Code::MeasurementIssued,
                format!(
                    "reading {} pays for certificates, or others pay for it",
                    self.measurement_id
                ),
            ));
        }
        Ok(found)
    }
}

impl MoveMeasurement {
    /// Its meter from here on: a device's meters are its own.
    fn meter_id(&self) -> Option<MeterId> {
        self.from
            .meter_id
            .filter(|_| self.device_id == self.from.device_id)
    }
}

pub(crate) fn needed_to_move(entries: &impl Entries, moved: &MoveMeasurement, keys: &mut Vec<Key>) {
    let day = Day::of(moved.start);
    moved.from.needed(keys);
    keys.push(Key::Device(moved.device_id));
    keys.push(Key::readings(moved.device_id, moved.meter_id(), day));
    capacity::needed(entries, moved.device_id, [day], keys);
}

pub(crate) fn move_measurement(
    entries: &impl Entries,
    moved: &MoveMeasurement,
    context: &Context,
) -> Result<LedgerEvent, Refusal> {
    let reading = moved.from.unissued(entries)?;
    let device = device::metered(entries, moved.device_id)?;
    let field = |(column, code, rule): Broken| Refusal::new(code, rule).at(format!("/{column}"));
    let interval = check_interval(moved.start, moved.end).map_err(field)?;
    check_reading(device, interval, reading.wh, context).map_err(field)?;
    if device.attributes.is_certified() && reading.wh > WattHours::ZERO {
        return Err(Refusal::new(
            Code::MeasurementIssued,
            format!(
                "readings of device {} issue certificates; submit the reading there instead",
                moved.device_id
            ),
        )
        .at("/device_id"));
    }
    let meter_id = moved.meter_id();
    let day = get::readings(
        entries,
        moved.device_id,
        meter_id,
        Day::of(interval.start()),
    )?;
    let in_the_way = day
        .and_then(|day| day.overlapping(interval))
        .filter(|(_, other)| other.measurement_id != moved.from.measurement_id);
    if let Some((known, _)) = in_the_way {
        return Err(field((
            START,
            Code::ReadingOverlap,
            format!("{interval} overlaps {known}, which was accepted before"),
        )));
    }
    let mut hours = Hours::of(entries, moved.device_id, device);
    if moved.device_id == moved.from.device_id {
        hours = hours.but(meter_id, moved.from.interval.start());
    }
    hours.check(interval, reading.wh, context)?.map_err(field)?;
    Ok(MeasurementMoved {
        measurement_id: moved.from.measurement_id,
        previous_device_id: moved.from.device_id,
        previous_meter_id: moved.from.meter_id,
        previous_interval: moved.from.interval,
        device_id: moved.device_id,
        meter_id,
        interval,
        wh: reading.wh,
    }
    .into())
}

pub(crate) fn withdraw(
    entries: &impl Entries,
    measurement: &MeasurementRef,
) -> Result<LedgerEvent, Refusal> {
    let reading = measurement.unissued(entries)?;
    Ok(MeasurementWithdrawn {
        measurement_id: measurement.measurement_id,
        device_id: measurement.device_id,
        meter_id: measurement.meter_id,
        interval: measurement.interval,
        wh: reading.wh,
    }
    .into())
}
