//! Folding readings, what is issued for them, and what becomes of them later.

use super::Fold;
use crate::entry::{Bundle, DayReading, Entry, second_of_day};
use crate::key::Key;
use crate::state::NotLoaded;
use schemas::WattHours;
use schemas::event::issuance::BundlesIssued;
use schemas::event::reading::{DebtPaid, ReadingCorrected, ReadingsAccepted};
use schemas::interval::Day;

impl Fold<'_, '_> {
    pub(super) fn readings_accepted(&mut self, event: &ReadingsAccepted) -> Result<(), NotLoaded> {
        let mut next = event.first_measurement_id;
        let readings: Vec<_> = event.readings().collect();
        for of_day in readings.chunk_by(|a, b| Day::of(a.1.start()) == Day::of(b.1.start())) {
            let day = Day::of(of_day[0].1.start());
            self.day(event.device_id, event.meter_id, day, |day| {
                for (measurement_id, interval, wh) in of_day {
                    let mut reading = DayReading::new(*measurement_id, *interval, *wh);
                    if event.is_doubtful() {
                        reading.doubt();
                    }
                    day.0.insert(second_of_day(interval.start()), reading);
                }
            })?;
        }
        if let Some((last, ..)) = readings.last() {
            next = last.plus(1);
        }
        self.counters(|counters| counters.measurement = next)
    }

    pub(super) fn bundles_issued(&mut self, event: &BundlesIssued) -> Result<(), NotLoaded> {
        let bundles: Vec<_> = event.bundles().collect();
        for of_day in
            bundles.chunk_by(|a, b| Day::of(a.interval.start()) == Day::of(b.interval.start()))
        {
            let day = Day::of(of_day[0].interval.start());
            self.day(event.device_id, event.meter_id, day, |day| {
                for bundle in of_day {
                    let second = second_of_day(bundle.interval.start());
                    if let Some(reading) = day.0.get_mut(&second) {
                        reading.issue(WattHours(bundle.end.0 - bundle.start.0 + 1));
                    }
                }
            })?;
        }
        for bundle in &bundles {
            self.create(
                Key::Bundle(bundle.bundle_id),
                Entry::Bundle(Bundle {
                    meter_id: event.meter_id,
                    ..Bundle::new(
                        event.account_id,
                        event.device_id,
                        event.terms.energy_source,
                        [bundle.start, bundle.end],
                        bundle.interval,
                        event.terms.expiry,
                    )
                }),
            );
        }
        let Some(last) = bundles.last() else {
            return Ok(());
        };
        let total = event.total();
        self.device(event.device_id, |device| {
            device.next_certificate_id = last.end.plus(1)
        })?;
        self.account(event.account_id, |account| account.live_wh += total)?;
        self.counters(|counters| counters.bundle = last.bundle_id.plus(1))
    }

    pub(super) fn reading_corrected(&mut self, event: &ReadingCorrected) -> Result<(), NotLoaded> {
        let start = event.interval.start();
        self.day(event.device_id, event.meter_id, Day::of(start), |day| {
            if let Some(reading) = day.0.get_mut(&second_of_day(start)) {
                reading.correct(event.wh, event.excess, event.withdrawn);
            }
        })?;
        if event.debt > WattHours::ZERO {
            self.device(event.device_id, |device| device.debt += event.debt)?;
        }
        Ok(())
    }

    pub(super) fn debt_paid(&mut self, event: &DebtPaid) -> Result<(), NotLoaded> {
        for part in &event.parts {
            let day = Day::of(part.interval_start);
            self.day(event.device_id, part.meter_id, day, |day| {
                if let Some(reading) = day.0.get_mut(&second_of_day(part.interval_start)) {
                    reading.pay(part.wh);
                }
            })?;
        }
        let total = event.total();
        self.device(event.device_id, |device| device.debt -= total)
    }
}
