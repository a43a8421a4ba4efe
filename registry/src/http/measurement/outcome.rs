//! What became of a submission.

use crate::readings::Rows;
use crate::sequencer::Receipt;
use chrono::{DateTime, Utc};
use ledger::Event;
use ledger::command::ReadingRow;
use ledger::reading::Submission;
use ledger::refusal::{FieldError, Place};
use schemas::WattHours;
use schemas::api::measurement::{ReadingsSubmitted, RefusedValue};
use schemas::event::LedgerEvent;
use schemas::event::reading::ReadingsAccepted;
use std::collections::BTreeMap;

const MESSAGE: &str = "Readings submitted successfully.";

/// The answer to a submission of `rows`.
pub(super) fn submitted(receipt: &Receipt, rows: &Rows) -> ReadingsSubmitted {
    match &receipt.submission {
        Some(submission) => of_decision(submission),
        None => of_events(&readings_of(receipt), rows),
    }
}

/// The readings a submission led to.
pub(super) fn readings_of(receipt: &Receipt) -> Vec<&ReadingsAccepted> {
    let events = receipt.events.iter();
    events
        .filter_map(|(_, event)| match event {
            Event::Ledger(LedgerEvent::ReadingsAccepted(readings)) => Some(readings),
            _ => None,
        })
        .collect()
}

fn of_decision(submission: &Submission) -> ReadingsSubmitted {
    ReadingsSubmitted {
        message: MESSAGE.to_owned(),
        first_reading_datetime: submission.first_start,
        last_reading_datetime: submission.last_start,
        total_device_usage: submission.total,
        accepted: submission.accepted,
        repeated: submission.repeated,
        refused: submission.refused.iter().filter_map(refused).collect(),
    }
}

/// The same of a request that is answered a second time under its idempotency key: the log knows what was
/// accepted and how many rows were repeated, the request itself says the rest. Only of a partial
/// submission that had refused rows, those which the rules refused are not named again.
fn of_events(accepted: &[&ReadingsAccepted], rows: &Rows) -> ReadingsSubmitted {
    let of_accepted = || accepted.iter().flat_map(|readings| readings.readings());
    let count = of_accepted().count();
    let repeated = accepted
        .first()
        .and_then(|readings| usize::try_from(readings.repeated).ok())
        .unwrap_or(0);
    let standing: Vec<(DateTime<Utc>, WattHours)> = if rows.rows.len() == count + repeated {
        let meter = |row: &ReadingRow| row.meter_identifier.as_ref().map(|it| it.trim().to_owned());
        let rows = rows.rows.iter();
        let by_meter: BTreeMap<_, WattHours> =
            rows.map(|row| ((meter(row), row.start), row.wh)).collect();
        by_meter
            .into_iter()
            .map(|((_, start), wh)| (start, wh))
            .collect()
    } else {
        of_accepted()
            .map(|(_, interval, wh)| (interval.start(), wh))
            .collect()
    };
    let starts = || standing.iter().map(|(start, _)| *start);
    ReadingsSubmitted {
        message: MESSAGE.to_owned(),
        first_reading_datetime: starts().min(),
        last_reading_datetime: starts().max(),
        total_device_usage: standing.iter().map(|(_, wh)| *wh).sum(),
        accepted: count,
        repeated,
        refused: rows.unreadable.iter().filter_map(refused).collect(),
    }
}

fn refused(error: &FieldError) -> Option<RefusedValue> {
    match error.place {
        Place::Cell { row, column } => Some(RefusedValue {
            row,
            column: column.to_owned(),
            code: error.code.to_owned(),
            detail: error.detail.clone(),
        }),
        Place::Pointer(_) | Place::Bundle(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use schemas::Interval;
    use schemas::event::reading::Run;
    use schemas::id::{AccountId, DeviceId, MeasurementId};

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(hour * 3_600, 0).unwrap()
    }

    fn rows(hours: &[i64]) -> Rows {
        let row = |(row, hour): (u32, &i64)| ReadingRow {
            row,
            start: at(*hour),
            end: at(hour + 1),
            wh: WattHours(10),
            gross_net_indicator: "NET".to_owned(),
            meter_identifier: None,
        };
        Rows {
            rows: (1..).zip(hours).map(row).collect(),
            unreadable: Vec::new(),
        }
    }

    fn accepted(hours: &[i64], repeated: i64) -> ReadingsAccepted {
        let interval = |hour: &i64| {
            (
                Interval::new(at(*hour), at(hour + 1)).unwrap(),
                WattHours(10),
            )
        };
        ReadingsAccepted {
            device_id: DeviceId(1),
            account_id: AccountId(1),
            meter_id: None,
            first_measurement_id: MeasurementId(1),
            gross_net_indicator: "NET".to_owned(),
            runs: Run::pack(hours.iter().map(interval)),
            repeated,
            gateway: None,
        }
    }

    #[test]
    fn a_second_answer_counts_repeated_rows_as_the_first_did() {
        let answer = of_events(&[&accepted(&[2, 3], 1)], &rows(&[1, 2, 3]));
        assert_eq!((answer.accepted, answer.repeated), (2, 1));
        assert_eq!(answer.total_device_usage, WattHours(30));
        assert_eq!(answer.first_reading_datetime, Some(at(1)));
        assert_eq!(answer.last_reading_datetime, Some(at(3)));
    }

    #[test]
    fn a_second_answer_counts_the_rows_of_each_meter() {
        let mut rows = rows(&[1, 1]);
        rows.rows[1].meter_identifier = Some(" M ".to_owned());
        let of_meter = ReadingsAccepted {
            meter_id: schemas::id::MeterId::new(1),
            ..accepted(&[1], 0)
        };
        let answer = of_events(&[&accepted(&[1], 0), &of_meter], &rows);
        assert_eq!((answer.accepted, answer.repeated), (2, 0));
        assert_eq!(answer.total_device_usage, WattHours(20));
    }

    #[test]
    fn a_second_answer_does_not_count_rows_that_were_refused() {
        let answer = of_events(&[&accepted(&[2], 0)], &rows(&[1, 2, 3]));
        assert_eq!(answer.total_device_usage, WattHours(10));
        assert_eq!(answer.first_reading_datetime, Some(at(2)));
    }
}
