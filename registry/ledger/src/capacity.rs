//! How much a device can have produced, whatever number of meters counts it.

use crate::context::Context;
use crate::entry::{Device, second_of_day};
use crate::key::Key;
use crate::reading::{Broken, HOUR_S, USAGE};
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use chrono::{DateTime, TimeDelta, Utc};
use schemas::energy::DeviceType;
use schemas::id::{DeviceId, MeterId};
use schemas::interval::Day;
use schemas::{Interval, WattHours, Watts};
use std::collections::BTreeMap;

/// The power a device's readings stay below: what it makes, or draws at most.
pub(crate) fn of(device: &Device) -> Watts {
    let attributes = &device.attributes;
    match attributes.device_type {
        DeviceType::Production => attributes.capacity_w,
        DeviceType::Consumption => attributes.capacity_w.max(attributes.peak_demand_w),
    }
}

/// Whether wh < capacity × hours × margin, without dividing: 128 bit hold 64 bit × 3,600 × 100.
pub(crate) fn allows(
    device: &Device,
    interval: Interval,
    wh: WattHours,
    context: &Context,
) -> bool {
    let margin = context.policy.capacity_margin_percent;
    let metered = i128::from(wh.0) * i128::from(HOUR_S) * 100;
    let allowed =
        i128::from(of(device).0) * i128::from(interval.length().num_seconds()) * i128::from(margin);
    metered < allowed
}

/// Days of all meters of a device that has several: what one counted limits what others can have.
pub(crate) fn needed(
    entries: &impl Entries,
    device_id: DeviceId,
    days: impl IntoIterator<Item = Day>,
    keys: &mut Vec<Key>,
) {
    if let Ok(Some(device)) = get::device(entries, device_id)
        && !device.meters.is_empty()
    {
        for day in days {
            let meters = device.meter_ids();
            keys.extend(meters.map(|meter_id| Key::readings(device_id, meter_id, day)));
        }
    }
}

/// What all meters of a device counted, by clock hour: an interval never reaches into the next. Of a
/// device with one meter nothing is looked at, since what that counted limits itself.
pub(crate) struct Hours<'e, E: Entries> {
    entries: &'e E,
    device_id: DeviceId,
    device: &'e Device,
    hours: BTreeMap<DateTime<Utc>, Vec<(Interval, WattHours)>>,
    but: Option<(Option<MeterId>, DateTime<Utc>)>,
}

impl<'e, E: Entries> Hours<'e, E> {
    pub fn of(entries: &'e E, device_id: DeviceId, device: &'e Device) -> Self {
        Self {
            entries,
            device_id,
            device,
            hours: BTreeMap::new(),
            but: None,
        }
    }

    /// Leaves out the reading that starts here: another takes its place.
    pub fn but(mut self, meter_id: Option<MeterId>, start: DateTime<Utc>) -> Self {
        self.but = Some((meter_id, start));
        self
    }

    /// Whether a reading fits beside what the other meters counted; from here on it counts, too.
    pub fn add(
        &mut self,
        interval: Interval,
        wh: WattHours,
        context: &Context,
    ) -> Result<Result<(), Broken>, Refusal> {
        let checked = self.check(interval, wh, context)?;
        if checked.is_ok()
            && let Some(hour) = self.hours.get_mut(&hour_of(interval))
        {
            hour.push((interval, wh));
        }
        Ok(checked)
    }

    /// Whether a reading fits beside what the other meters counted. It must in every window that holds
    /// it: its own interval, those of other readings, and the clock hour. Of each window those
    /// readings count that lie in it: what a longer one counted may have been produced outside.
    pub fn check(
        &mut self,
        interval: Interval,
        wh: WattHours,
        context: &Context,
    ) -> Result<Result<(), Broken>, Refusal> {
        if self.device.meters.is_empty() || wh <= WattHours::ZERO {
            return Ok(Ok(()));
        }
        let start = hour_of(interval);
        if !self.hours.contains_key(&start) {
            let hour = self.load(start)?;
            self.hours.insert(start, hour);
        }
        let known = &self.hours[&start];
        let hour = Interval::new(start, start + TimeDelta::seconds(HOUR_S)).ok();
        let windows = known.iter().map(|(known, _)| *known);
        let around = windows.chain(hour).chain([interval]);
        for window in around.filter(|window| holds(*window, interval)) {
            let of_others: WattHours = known
                .iter()
                .filter(|(known, _)| holds(window, *known))
                .map(|(_, wh)| *wh)
                .sum();
            if !allows(self.device, window, of_others + wh, context) {
                return Ok(Err((
                    USAGE,
                    Code::OverCapacity,
                    format!(
                        "{wh} in {interval} and {of_others} of the device's other readings in {window} are not \
                         below {} % of its capacity of {}",
                        context.policy.capacity_margin_percent,
                        of(self.device)
                    ),
                )));
            }
        }
        Ok(Ok(()))
    }

    fn load(&self, hour: DateTime<Utc>) -> Result<Vec<(Interval, WattHours)>, Refusal> {
        let mut found = Vec::new();
        let day = Day::of(hour);
        let first = second_of_day(hour);
        for meter_id in self.device.meter_ids() {
            let Some(readings) = get::readings(self.entries, self.device_id, meter_id, day)? else {
                continue;
            };
            let seconds = first..first + u32::try_from(HOUR_S).unwrap_or_default();
            for (second, reading) in readings.0.range(seconds) {
                let start = day.start() + TimeDelta::seconds(i64::from(*second));
                let end = start + TimeDelta::seconds(i64::from(reading.length_s));
                // What a doubtful one says is not what was produced.
                if self.but != Some((meter_id, start))
                    && !reading.is_doubtful()
                    && let Ok(interval) = Interval::new(start, end)
                {
                    found.push((interval, reading.wh));
                }
            }
        }
        Ok(found)
    }
}

fn hour_of(interval: Interval) -> DateTime<Utc> {
    let start = interval.start();
    start - TimeDelta::seconds(start.timestamp().rem_euclid(HOUR_S))
}

fn holds(window: Interval, interval: Interval) -> bool {
    window.start() <= interval.start() && interval.end() <= window.end()
}
