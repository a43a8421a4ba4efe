//! Rules of issuance on request, for readings that were accepted without it.

use crate::capacity::Hours;
use crate::command::IssueReadings;
use crate::context::Context;
use crate::decide::Decision;
use crate::device;
use crate::entry::Device;
use crate::issuance::needed_metadata;
use crate::key::Key;
use crate::meter;
use crate::reading::{MAX_ROWS, check_capacity};
use crate::refusal::{Code, Refusal};
use crate::settlement::{Issuable, settle_and_issue};
use crate::state::{Entries, get};
use chrono::TimeDelta;
use schemas::id::MeterId;
use schemas::interval::Day;
use schemas::{Interval, WattHours};

/// Longest range of one request, in days: a leap year.
pub const MAX_RANGE_DAYS: i64 = 366;

/// The days that the range touches; none where the range is refused.
fn days(issue: &IssueReadings) -> impl Iterator<Item = Day> + use<> {
    let (from, to) = (issue.from, issue.to);
    let sound = check_range(issue).ok();
    sound.into_iter().flat_map(move |()| {
        let last = Day::of(to - TimeDelta::microseconds(1));
        (Day::of(from).0..=last.0).map(Day)
    })
}

fn check_range(issue: &IssueReadings) -> Result<(), Refusal> {
    if issue.from >= issue.to {
        return Err(Refusal::new(Code::IntervalOrder, "`to` must be after `from`").at("/to"));
    }
    if issue.to - issue.from > TimeDelta::days(MAX_RANGE_DAYS) {
        return Err(Refusal::new(
            Code::ValueOutOfRange,
            format!("`from` and `to` are at most {MAX_RANGE_DAYS} days apart"),
        )
        .at("/to"));
    }
    Ok(())
}

pub(crate) fn needed(entries: &impl Entries, issue: &IssueReadings, keys: &mut Vec<Key>) {
    keys.push(Key::Device(issue.device_id));
    needed_metadata(entries, keys);
    // Which meters it has is known once it is loaded.
    if let Ok(Some(device)) = get::device(entries, issue.device_id) {
        for meter_id in device.meter_ids() {
            keys.extend(days(issue).map(|day| Key::readings(issue.device_id, meter_id, day)));
        }
    }
}

/// Issues what is un-issued in the range, meter by meter in time order, all of it or nothing.
pub(crate) fn issue(
    entries: &impl Entries,
    issue: &IssueReadings,
    context: &Context,
) -> Result<Decision, Refusal> {
    check_range(issue)?;
    let device = device::metered(entries, issue.device_id)?;
    if !device.attributes.is_certified() {
        return Err(Refusal::new(
            Code::DeviceNotCertified,
            format!(
                "Device {} consumes or stores; certificates are issued for production",
                issue.device_id
            ),
        )
        .at("/device_id"));
    }
    let only: Option<MeterId> = issue
        .meter_identifier
        .as_deref()
        .map(|identifier| meter::existing(device, issue.device_id, identifier.trim()))
        .transpose()?
        .map(|(meter_id, _)| meter_id);
    let mut readings = Vec::new();
    for meter_id in device.meter_ids() {
        if only.is_none() || meter_id == only {
            unissued(entries, issue, meter_id, &mut readings)?;
        }
    }
    let doubtful = readings
        .extract_if(.., |(is_doubtful, _)| *is_doubtful)
        .map(|(_, one)| one);
    let doubtful: Vec<_> = doubtful.collect();
    check_doubtful(entries, issue, device, &doubtful, context)?;
    let mut readings: Vec<_> = readings
        .into_iter()
        .map(|(_, one)| one)
        .chain(doubtful)
        .collect();
    readings.sort_by_key(Issuable::order);
    let events = settle_and_issue(entries, issue.device_id, device, readings, context)?;
    Ok(Decision::unless_dry(issue.dry_run, events))
}

/// Whether the device can have produced what doubtful readings say: nobody asked when they came in.
fn check_doubtful(
    entries: &impl Entries,
    issue: &IssueReadings,
    device: &Device,
    doubtful: &[Issuable],
    context: &Context,
) -> Result<(), Refusal> {
    let mut hours = Hours::of(entries, issue.device_id, device);
    for one in doubtful {
        let alone = check_capacity(device, one.interval, one.wh, context);
        let beside = match alone {
            Ok(()) => hours.add(one.interval, one.wh, context)?,
            Err(broken) => Err(broken),
        };
        beside.map_err(|(_, code, rule)| {
            Refusal::new(
                code,
                format!(
                    "doubtful reading {}: {rule}; correct it instead",
                    one.measurement_id
                ),
            )
            .at("/include_doubtful")
        })?;
    }
    Ok(())
}

/// Adds the readings of one meter that start in the range and have something to issue.
fn unissued(
    entries: &impl Entries,
    issue: &IssueReadings,
    meter_id: Option<MeterId>,
    readings: &mut Vec<(bool, Issuable)>,
) -> Result<(), Refusal> {
    for day in days(issue) {
        let Some(of_day) = get::readings(entries, issue.device_id, meter_id, day)? else {
            continue;
        };
        for (second, reading) in &of_day.0 {
            let start = day.start() + TimeDelta::seconds(i64::from(*second));
            let end = start + TimeDelta::seconds(i64::from(reading.length_s));
            let wh = if issue.include_withdrawn {
                reading.free()
            } else {
                reading.unissued()
            };
            let wanted = (issue.from..issue.to).contains(&start)
                && wh > WattHours::ZERO
                && (issue.include_doubtful || !reading.is_doubtful());
            let Some(interval) = Interval::new(start, end).ok().filter(|_| wanted) else {
                continue;
            };
            if readings.len() == MAX_ROWS {
                return Err(Refusal::new(
                    Code::ListTooLong,
                    format!(
                        "one request issues for at most {MAX_ROWS} readings; from {} on there are more: \
                         ask for a shorter range",
                        schemas::interval::rfc3339(start)
                    ),
                )
                .at("/to"));
            }
            let one = Issuable {
                measurement_id: reading.measurement_id,
                meter_id,
                interval,
                wh,
            };
            readings.push((reading.is_doubtful(), one));
        }
    }
    Ok(())
}
