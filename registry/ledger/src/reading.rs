//! Rules of meter readings.

use crate::capacity::{self, Hours};
use crate::command::{ReadingRow, SubmitReadings};
use crate::context::Context;
use crate::decide::Decision;
use crate::device;
use crate::entry::Device;
use crate::event::Event;
use crate::issuance::{Serials, issue_for, needed_metadata};
use crate::key::Key;
use crate::meter::{self, METER};
use crate::refusal::{Code, FieldError, Place, Refusal};
use crate::settlement::{Issuable, settle_and_issue};
use crate::state::{Entries, get};
use chrono::{DateTime, Utc};
use schemas::event::LedgerEvent;
use schemas::event::gateway::FromGateway;
use schemas::event::reading::{ReadingsAccepted, Run};
use schemas::gateway::Quality;
use schemas::id::{DeviceId, MeterId};
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
    check_place(device, interval, wh, context)?;
    check_capacity(device, interval, wh, context)
}

/// The same of a reading that may say more than the device can have produced.
fn check_place(
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
    check_ended(interval, context)?;
    if wh < WattHours::ZERO {
        return Err((USAGE, Code::NegativeAmount, format!("{wh} is negative")));
    }
    Ok(())
}

/// Whether the interval is over.
pub(crate) fn check_ended(interval: Interval, context: &Context) -> Result<(), Broken> {
    if interval.end() > context.now {
        return Err((END, Code::InFuture, format!("{interval} has not ended yet")));
    }
    Ok(())
}

/// Whether the device can have produced so much.
pub(crate) fn check_capacity(
    device: &Device,
    interval: Interval,
    wh: WattHours,
    context: &Context,
) -> Result<(), Broken> {
    if wh > WattHours::ZERO && !capacity::allows(device, interval, wh, context) {
        return Err((
            USAGE,
            Code::OverCapacity,
            format!(
                "bundle_quantity does not match criteria for less_than: {wh} in {interval} is not below {} % of the \
                 device's capacity of {}",
                context.policy.capacity_margin_percent,
                capacity::of(device)
            ),
        ));
    }
    Ok(())
}

pub(crate) fn needed(entries: &impl Entries, submit: &SubmitReadings, keys: &mut Vec<Key>) {
    let starts = submit.rows.iter().map(|row| row.start);
    needed_for(entries, submit.device_id, starts, keys);
}

pub(crate) fn needed_for(
    entries: &impl Entries,
    device_id: DeviceId,
    starts: impl Iterator<Item = DateTime<Utc>>,
    keys: &mut Vec<Key>,
) {
    keys.push(Key::Device(device_id));
    let days: BTreeSet<_> = starts.map(Day::of).collect();
    keys.extend(days.iter().map(|day| Key::DeviceDay(device_id, *day)));
    capacity::needed(entries, device_id, days, keys);
    needed_metadata(entries, keys);
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

/// A row that keeps the rules for itself.
#[derive(Clone, Copy)]
struct Candidate<'r> {
    meter_id: Option<MeterId>,
    interval: Interval,
    row: &'r ReadingRow,
    from: Option<FromGateway>,
}

impl Candidate<'_> {
    fn is_doubtful(&self) -> bool {
        self.from
            .is_some_and(|from| from.quality == Quality::Doubtful)
    }
}

/// Where rows come from: of each by its number, counted from 1.
pub(crate) type Source<'s> = &'s dyn Fn(u32) -> Option<FromGateway>;

fn candidate<'r>(
    submit: &SubmitReadings,
    device: &Device,
    row: &'r ReadingRow,
    from: Option<FromGateway>,
    context: &Context,
) -> Result<Candidate<'r>, Broken> {
    let candidate = Candidate {
        meter_id: check_meter(submit, device, row)?,
        interval: check_interval(row.start, row.end)?,
        row,
        from,
    };
    check_place(device, candidate.interval, row.wh, context)?;
    if !candidate.is_doubtful() {
        check_capacity(device, candidate.interval, row.wh, context)?;
    }
    check_indicator(row)?;
    Ok(candidate)
}

/// Accepts readings and, unless told otherwise, issues for them, in one decision.
pub(crate) fn submit(
    entries: &impl Entries,
    submit: &SubmitReadings,
    context: &Context,
) -> Result<Decision, Refusal> {
    submit_from(entries, submit, &|_| None, false, context)
}

/// The same, of rows that a gateway may have signed: nothing is issued for doubtful ones. `keeps_refused`
/// accepts a submission although every row of it breaks a rule.
pub(crate) fn submit_from(
    entries: &impl Entries,
    submit: &SubmitReadings,
    source: Source<'_>,
    keeps_refused: bool,
    context: &Context,
) -> Result<Decision, Refusal> {
    let device = device::metered(entries, submit.device_id)?;
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
    let mut candidates: Vec<Candidate<'_>> = Vec::with_capacity(submit.rows.len());
    for row in &submit.rows {
        match candidate(submit, device, row, source(row.row), context) {
            Ok(candidate) => candidates.push(candidate),
            Err(broken) => refused.push(cell(row.row, broken)),
        }
    }
    candidates.sort_by_key(|one| (one.meter_id, one.interval.start(), one.row.row));

    let mut hours = Hours::of(entries, submit.device_id, device);
    let mut accepted: Vec<Candidate<'_>> = Vec::with_capacity(candidates.len());
    let mut seen: Option<Candidate<'_>> = None;
    let mut result = Submission {
        accepted: 0,
        repeated: 0,
        refused: Vec::new(),
        total: WattHours::ZERO,
        first_start: None,
        last_start: None,
    };
    for one in candidates {
        let (interval, row) = (one.interval, one.row);
        let before = seen
            .filter(|seen| seen.meter_id == one.meter_id && seen.interval.overlaps(&one.interval));
        let fate = match before {
            Some(seen) => compare(
                interval,
                row.wh,
                seen.interval,
                seen.row.wh,
                "stands in the same submission",
            ),
            None => {
                let day = Day::of(interval.start());
                let day = get::readings(entries, submit.device_id, one.meter_id, day)?;
                match day.and_then(|day| day.overlapping(interval)) {
                    Some((known, reading)) => {
                        compare(interval, row.wh, known, reading.wh, "was accepted before")
                    }
                    None if one.is_doubtful() => Fate::Accepted,
                    None => match hours.add(interval, row.wh, context)? {
                        Ok(()) => Fate::Accepted,
                        Err(broken) => Fate::Refused(broken),
                    },
                }
            }
        };
        match fate {
            Fate::Refused(broken) => {
                refused.push(cell(row.row, broken));
                continue;
            }
            Fate::Accepted => accepted.push(one),
            Fate::Repeated => result.repeated += 1,
        }
        if before.is_none() {
            seen = Some(one);
            let start = interval.start();
            result.total += row.wh;
            result.first_start = Some(result.first_start.map_or(start, |first| first.min(start)));
            result.last_start = Some(result.last_start.map_or(start, |last| last.max(start)));
        }
    }
    let nothing_stands = accepted.len() + result.repeated == 0;
    if !refused.is_empty() && (!submit.partial || nothing_stands && !keeps_refused) {
        return Err(refuse_rows(refused, listed));
    }
    result.accepted = accepted.len();
    result.refused = in_order(refused);
    let events = events_of(entries, submit, device, &accepted, result.repeated, context)?;
    Ok(Decision {
        events,
        submission: Some(result),
        ..Decision::default()
    })
}

fn check_meter(
    submit: &SubmitReadings,
    device: &Device,
    row: &ReadingRow,
) -> Result<Option<MeterId>, Broken> {
    let Some(identifier) = row.meter_identifier.as_deref() else {
        return Ok(None);
    };
    let (meter_id, meter) = meter::named(device, submit.device_id, identifier.trim())
        .map_err(|(code, rule)| (METER, code, rule))?;
    if !meter.is_active {
        return Err((
            METER,
            Code::MeterInactive,
            format!("readings of meter {identifier:?} are no longer accepted"),
        ));
    }
    Ok(Some(meter_id))
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
        Place::Pointer(_) | Place::Bundle(_) => 0,
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
        expected_sequence: None,
    }
}

fn events_of(
    entries: &impl Entries,
    submit: &SubmitReadings,
    device: &Device,
    accepted: &[Candidate<'_>],
    repeated: usize,
    context: &Context,
) -> Result<Vec<Event>, Refusal> {
    let mut groups: BTreeMap<_, Vec<&Candidate<'_>>> = BTreeMap::new();
    for one in accepted {
        let trust = one.from.map(|from| (from.quality, from.cause));
        let group = (one.meter_id, one.row.gross_net_indicator.as_str(), trust);
        groups.entry(group).or_default().push(one);
    }
    let is_certified = submit.issue && device.attributes.is_certified();
    // What is accepted as one list is issued as it is, unless it has something to pay.
    let as_accepted = groups.len() == 1 && device.debt == WattHours::ZERO;
    let mut next_measurement = get::counters(entries)?.measurement;
    let mut events: Vec<Event> = Vec::new();
    let mut issued: Vec<Event> = Vec::new();
    let mut issuable = Vec::new();
    for ((meter_id, indicator, _), readings) in groups {
        let issues = is_certified && !readings[0].is_doubtful();
        let first_measurement_id = next_measurement;
        next_measurement = next_measurement.plus(i64::try_from(readings.len()).unwrap_or(i64::MAX));
        let runs = Run::pack(readings.iter().map(|one| (one.interval, one.row.wh)));
        if issues && as_accepted {
            let mut serials = Serials::next(entries, device)?;
            let of = (submit.device_id, device);
            let bundles = issue_for(entries, of, meter_id, runs.clone(), &mut serials, context)?;
            issued.extend(bundles.map(|bundles| LedgerEvent::from(bundles).into()));
        } else if issues {
            let numbered = (0..).zip(&readings);
            issuable.extend(numbered.map(|(index, one)| Issuable {
                measurement_id: first_measurement_id.plus(index),
                meter_id,
                interval: one.interval,
                wh: one.row.wh,
            }));
        }
        let readings = ReadingsAccepted {
            device_id: submit.device_id,
            account_id: device.account_id,
            meter_id,
            first_measurement_id,
            gross_net_indicator: indicator.to_owned(),
            runs,
            repeated: i64::try_from(repeated).unwrap_or(i64::MAX),
            gateway: readings[0].from,
        };
        events.push(LedgerEvent::from(readings).into());
    }
    if !issuable.is_empty() {
        issuable.sort_by_key(Issuable::order);
        issued = settle_and_issue(entries, submit.device_id, device, issuable, context)?;
    }
    events.extend(issued);
    Ok(events)
}
