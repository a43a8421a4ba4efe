//! Rules of meter readings.

use crate::command::{MeasurementRef, MoveMeasurement, ReadingRow, SubmitReadings};
use crate::context::Context;
use crate::decide::Decision;
use crate::device;
use crate::entry::{DayReading, Device, second_of_day};
use crate::event::Event;
use crate::issuance::issue_for;
use crate::key::Key;
use crate::refusal::{Code, FieldError, Place, Refusal};
use crate::state::{Entries, get};
use chrono::{DateTime, Utc};
use schemas::energy::DeviceType;
use schemas::event::LedgerEvent;
use schemas::event::reading::{MeasurementMoved, MeasurementWithdrawn, ReadingsAccepted, Run};
use schemas::interval::{Day, rfc3339};
use schemas::{Interval, WattHours};
use std::collections::{BTreeMap, BTreeSet};

/// Most rows one submission may have.
pub const MAX_ROWS: usize = 50_000;
/// Longest interval of a reading: EnergyTag Scheme Standard, "at most one hour".
pub const HOUR_S: i64 = 3_600;
/// Longest `gross_net_indicator`, in characters.
pub const MAX_INDICATOR_CHARS: usize = 20;

/// Column of the start of an interval.
pub const START: &str = "interval_start_datetime";
/// Column of the end of an interval.
pub const END: &str = "interval_end_datetime";
/// Column of the amount.
pub const USAGE: &str = "interval_usage";
/// Column of the gross/net indicator.
pub const INDICATOR: &str = "gross_net_indicator";

/// A rule broken by one value: its column, the code, the sentence.
pub(crate) type Broken = (&'static str, Code, String);

/// What became of the rows of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Rows accepted now.
    pub accepted: usize,
    /// Rows that had been accepted before, or stand in the submission more than once.
    pub repeated: usize,
    /// Rows refused, where the caller asked to keep the good ones.
    pub refused: Vec<FieldError>,
    /// Energy of the rows accepted now and before.
    pub total: WattHours,
    /// Start of the first of those rows.
    pub first_start: Option<DateTime<Utc>>,
    /// Start of the last of those rows.
    pub last_start: Option<DateTime<Utc>>,
}

/// The interval, if it has an order, divides an hour evenly and is aligned to it.
pub(crate) fn check_interval(start: DateTime<Utc>, end: DateTime<Utc>) -> Result<Interval, Broken> {
    let interval = Interval::new(start, end).map_err(|_| {
        (
            END,
            Code::IntervalOrder,
            format!(
                "interval end {} must be after its start {}",
                rfc3339(end),
                rfc3339(start)
            ),
        )
    })?;
    let whole_seconds = start.timestamp_subsec_nanos() == 0 && end.timestamp_subsec_nanos() == 0;
    let length_s = interval.length().num_seconds();
    if !whole_seconds || !(1..=HOUR_S).contains(&length_s) || HOUR_S % length_s != 0 {
        return Err((
            END,
            Code::IntervalGrid,
            format!(
                "an interval lasts at most one hour and divides an hour evenly; {interval} does not"
            ),
        ));
    }
    if start.timestamp().rem_euclid(length_s) != 0 {
        return Err((
            START,
            Code::IntervalGrid,
            format!(
                "an interval of {length_s} s starts at a multiple of {length_s} s of the hour; {interval} does not"
            ),
        ));
    }
    Ok(interval)
}

/// Whether a reading of the device may have this interval and amount.
pub(crate) fn check_reading(
    device: &Device,
    interval: Interval,
    wh: WattHours,
    context: &Context,
) -> Result<(), Broken> {
    let operational = device.attributes.operational_date;
    if interval.start() < operational {
        return Err((
            START,
            Code::BeforeOperation,
            format!(
                "{interval} starts before the device's operational date {}",
                rfc3339(operational)
            ),
        ));
    }
    if interval.end() > context.now {
        return Err((END, Code::InFuture, format!("{interval} has not ended yet")));
    }
    if wh < WattHours::ZERO {
        return Err((USAGE, Code::NegativeAmount, format!("{wh} is negative")));
    }
    let capacity = match device.attributes.device_type {
        DeviceType::Production => device.attributes.capacity_w,
        DeviceType::Consumption => device
            .attributes
            .capacity_w
            .max(device.attributes.peak_demand_w),
    };
    let margin = context.policy.capacity_margin_percent;
    // wh < capacity × hours × margin, without dividing: 128 bit hold 64 bit × 3,600 × 100.
    let metered = i128::from(wh.0) * i128::from(HOUR_S) * 100;
    let allowed =
        i128::from(capacity.0) * i128::from(interval.length().num_seconds()) * i128::from(margin);
    if wh > WattHours::ZERO && metered >= allowed {
        return Err((
            USAGE,
            Code::OverCapacity,
            format!(
                "{wh} in {interval} is not below {margin} % of the device's capacity of {capacity}"
            ),
        ));
    }
    Ok(())
}

pub(crate) fn needed(entries: &impl Entries, submit: &SubmitReadings, keys: &mut Vec<Key>) {
    keys.push(Key::Device(submit.device_id));
    let days: BTreeSet<_> = submit.rows.iter().map(|row| Day::of(row.start)).collect();
    keys.extend(
        days.into_iter()
            .map(|day| Key::DeviceDay(submit.device_id, day)),
    );
    if let Ok(counters) = get::counters(entries) {
        keys.push(Key::Metadata(counters.metadata.plus(-1)));
    }
}

fn cell(row: u32, (column, code, detail): Broken) -> FieldError {
    FieldError {
        place: Place::Cell { row, column },
        code: code.as_str(),
        detail,
    }
}

/// What becomes of one row that keeps the rules for itself.
enum Fate {
    Accepted,
    Repeated,
    Refused(Broken),
}

fn compare(
    interval: Interval,
    wh: WattHours,
    known: Interval,
    known_wh: WattHours,
    where_known: &str,
) -> Fate {
    if known != interval {
        return Fate::Refused((
            START,
            Code::ReadingOverlap,
            format!("{interval} overlaps {known}, which {where_known}"),
        ));
    }
    if known_wh == wh {
        return Fate::Repeated;
    }
    Fate::Refused((
        USAGE,
        Code::ReadingConflict,
        format!("{interval} {where_known} with {known_wh}, this row says {wh}"),
    ))
}

/// Accepts readings and issues for them, in one decision.
pub(crate) fn submit(
    entries: &impl Entries,
    submit: &SubmitReadings,
    context: &Context,
) -> Result<Decision, Refusal> {
    let device = device::existing(entries, submit.device_id)?;
    let listed = submit.rows.len() + submit.unreadable.len();
    if listed == 0 {
        return Err(Refusal::new(Code::ListEmpty, "the submission has no rows"));
    }
    if submit.rows.len() > MAX_ROWS {
        return Err(Refusal::new(
            Code::ListTooLong,
            format!("a submission has at most {MAX_ROWS} rows; this one has {listed}"),
        ));
    }
    let mut refused = submit.unreadable.clone();
    let mut candidates: Vec<(Interval, &ReadingRow)> = Vec::with_capacity(submit.rows.len());
    for row in &submit.rows {
        let checked = check_interval(row.start, row.end)
            .and_then(|interval| {
                check_reading(device, interval, row.wh, context).map(|()| interval)
            })
            .and_then(|interval| check_indicator(row).map(|()| interval));
        match checked {
            Ok(interval) => candidates.push((interval, row)),
            Err(broken) => refused.push(cell(row.row, broken)),
        }
    }
    candidates.sort_by_key(|(interval, row)| (interval.start(), row.row));

    let mut accepted: Vec<(Interval, &ReadingRow)> = Vec::with_capacity(candidates.len());
    let mut seen: Option<(Interval, WattHours)> = None;
    let mut result = Submission {
        accepted: 0,
        repeated: 0,
        refused: Vec::new(),
        total: WattHours::ZERO,
        first_start: None,
        last_start: None,
    };
    for (interval, row) in candidates {
        let fate = match seen {
            Some((known, wh)) if known.overlaps(&interval) => {
                compare(interval, row.wh, known, wh, "stands in the same submission")
            }
            _ => {
                let day = get::device_day(entries, submit.device_id, Day::of(interval.start()))?;
                match day.and_then(|day| day.overlapping(interval)) {
                    Some((known, reading)) => {
                        compare(interval, row.wh, known, reading.wh, "was accepted before")
                    }
                    None => Fate::Accepted,
                }
            }
        };
        let first_time = seen.is_none_or(|(known, _)| !known.overlaps(&interval));
        match fate {
            Fate::Refused(broken) => {
                refused.push(cell(row.row, broken));
                continue;
            }
            Fate::Accepted => accepted.push((interval, row)),
            Fate::Repeated => result.repeated += 1,
        }
        if first_time {
            seen = Some((interval, row.wh));
            result.total += row.wh;
            result.first_start = result.first_start.or(Some(interval.start()));
            result.last_start = Some(interval.start());
        }
    }
    if !refused.is_empty() && (!submit.partial || accepted.len() + result.repeated == 0) {
        return Err(refuse_rows(refused, listed));
    }
    result.accepted = accepted.len();
    result.refused = in_order(refused);
    let events = events_of(entries, submit, device, &accepted, result.repeated, context)?;
    Ok(Decision {
        events,
        submission: Some(result),
    })
}

fn check_indicator(row: &ReadingRow) -> Result<(), Broken> {
    if row.gross_net_indicator.chars().count() > MAX_INDICATOR_CHARS {
        return Err((
            INDICATOR,
            Code::ValueOutOfRange,
            format!("{INDICATOR} has at most {MAX_INDICATOR_CHARS} characters"),
        ));
    }
    Ok(())
}

/// The refused values in the order of the rows.
fn in_order(mut refused: Vec<FieldError>) -> Vec<FieldError> {
    refused.sort_by_key(|error| match error.place {
        Place::Cell { row, .. } => row,
        Place::Pointer(_) => 0,
    });
    refused
}

fn refuse_rows(refused: Vec<FieldError>, listed: usize) -> Refusal {
    let refused = in_order(refused);
    let only_conflicts = refused
        .iter()
        .all(|error| error.code == Code::ReadingConflict.as_str());
    let code = if only_conflicts {
        Code::ReadingConflict
    } else {
        Code::ReadingsRefused
    };
    let first = refused
        .first()
        .map(|error| error.detail.as_str())
        .unwrap_or_default();
    let detail = format!(
        "{} of {listed} rows are refused and nothing was stored; the first: {first}",
        refused.len()
    );
    Refusal {
        code,
        detail,
        errors: refused,
    }
}

fn events_of(
    entries: &impl Entries,
    submit: &SubmitReadings,
    device: &Device,
    accepted: &[(Interval, &ReadingRow)],
    repeated: usize,
    context: &Context,
) -> Result<Vec<Event>, Refusal> {
    let mut by_indicator: BTreeMap<&str, Vec<(Interval, WattHours)>> = BTreeMap::new();
    for (interval, row) in accepted {
        by_indicator
            .entry(&row.gross_net_indicator)
            .or_default()
            .push((*interval, row.wh));
    }
    let mut next_measurement = get::counters(entries)?.measurement;
    let mut events: Vec<Event> = Vec::new();
    for (indicator, readings) in by_indicator {
        let first_measurement_id = next_measurement;
        next_measurement = next_measurement.plus(i64::try_from(readings.len()).unwrap_or(i64::MAX));
        let readings = ReadingsAccepted {
            device_id: submit.device_id,
            account_id: device.account_id,
            first_measurement_id,
            gross_net_indicator: indicator.to_owned(),
            runs: Run::pack(readings),
            repeated: i64::try_from(repeated).unwrap_or(i64::MAX),
        };
        events.push(LedgerEvent::from(readings).into());
    }
    if device.attributes.is_certified() && !accepted.is_empty() {
        let runs = Run::pack(accepted.iter().map(|(interval, row)| (*interval, row.wh)));
        events.extend(
            issue_for(entries, submit.device_id, device, runs, context)?
                .map(|issued| LedgerEvent::from(issued).into()),
        );
    }
    Ok(events)
}

impl MeasurementRef {
    pub(crate) fn needed(&self, keys: &mut Vec<Key>) {
        keys.push(Key::DeviceDay(
            self.device_id,
            Day::of(self.interval.start()),
        ));
    }

    /// The reading, if it stands where the caller found it and nothing was issued for it.
    fn unissued(&self, entries: &impl Entries) -> Result<DayReading, Refusal> {
        let day = get::device_day(entries, self.device_id, Day::of(self.interval.start()))?;
        let found = day
            .and_then(|day| day.0.get(&second_of_day(self.interval.start())))
            .filter(|reading| reading.measurement_id == self.measurement_id)
            .ok_or_else(|| {
                Refusal::new(
                    Code::MeasurementNotFound,
                    format!(
                        "MeasurementReport with id {} not found",
                        self.measurement_id
                    ),
                )
            })?;
        if found.issued > WattHours::ZERO {
            return Err(Refusal::new(
                Code::MeasurementIssued,
                format!(
                    "{} of certificates are issued for reading {}",
                    found.issued, self.measurement_id
                ),
            ));
        }
        Ok(*found)
    }
}

pub(crate) fn needed_to_move(moved: &MoveMeasurement, keys: &mut Vec<Key>) {
    moved.from.needed(keys);
    keys.push(Key::Device(moved.device_id));
    keys.push(Key::DeviceDay(moved.device_id, Day::of(moved.start)));
}

pub(crate) fn move_measurement(
    entries: &impl Entries,
    moved: &MoveMeasurement,
    context: &Context,
) -> Result<LedgerEvent, Refusal> {
    let reading = moved.from.unissued(entries)?;
    let device = device::existing(entries, moved.device_id)?;
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
    let day = get::device_day(entries, moved.device_id, Day::of(interval.start()))?;
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
    Ok(MeasurementMoved {
        measurement_id: moved.from.measurement_id,
        previous_device_id: moved.from.device_id,
        previous_interval: moved.from.interval,
        device_id: moved.device_id,
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
        interval: measurement.interval,
        wh: reading.wh,
    }
    .into())
}
