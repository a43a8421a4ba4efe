//! Which questions for bundles can be asked: the rules of the contract, in its words.

use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::read::query::Filter;
use chrono::{DateTime, TimeDelta, Utc};
use schemas::api::certificate::BundleQuery;
use schemas::api::time;
use schemas::id::{AccountId, DeviceId};

/// Longest period of production a query may span, in days.
pub const MAX_PERIOD_DAYS: i64 = 30;

/// The filter a question stands for.
///
/// # Errors
/// `query_invalid`.
pub fn filter(account_id: AccountId, query: &BundleQuery, now: DateTime<Utc>) -> Answer<Filter> {
    let (from, to) = (query.certificate_period_start, query.certificate_period_end);
    check_period(from, to, now)?;
    let issuances = match &query.issuance_ids {
        None => None,
        Some(_) if from.is_some() || to.is_some() => {
            return Err(refused(
                "/issuance_ids",
                "Cannot provide issuance_ids with certificate_period_start or certificate_period_end.",
            ));
        }
        Some(ids) => Some(
            ids.iter()
                .enumerate()
                .map(|(index, id)| issuance(index, id))
                .collect::<Answer<Vec<_>>>()?,
        ),
    };
    Ok(Filter {
        account_id,
        issuances,
        devices: lists(query.device_id, query.device_ids.as_ref()),
        sources: lists(query.energy_source, query.energy_sources.as_ref()),
        statuses: lists(
            query.certificate_bundle_status,
            query.certificate_bundle_statuses.as_ref(),
        ),
        from,
        to,
    })
}

/// One value and a list of them, each of which narrows.
fn lists<T: Clone>(one: Option<T>, several: Option<&Vec<T>>) -> Vec<Vec<T>> {
    let one = one.map(|value| vec![value]);
    one.into_iter().chain(several.cloned()).collect()
}

fn refused(pointer: &str, detail: impl Into<String>) -> Problem {
    Problem::new(EdgeCode::QueryInvalid, detail).at(pointer)
}

fn check_period(
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Answer<()> {
    const END: &str = "/certificate_period_end";
    let longest = TimeDelta::days(MAX_PERIOD_DAYS);
    match (from, to) {
        (Some(from), None) if now - from > longest => Err(refused(
            END,
            "certificate_period_end must be provided if certificate_period_start is more than 30 days ago.",
        )),
        (None, Some(_)) => Err(refused(
            "/certificate_period_start",
            "certificate_period_start must be provided if certificate_period_end is provided.",
        )),
        (Some(from), Some(to)) if from >= to => Err(refused(
            END,
            "certificate_period_end must be greater than certificate_period_start.",
        )),
        (Some(from), Some(to)) if to - from > longest => Err(refused(
            END,
            "Difference between certificate_period_start and certificate_period_end must be 30 days or less.",
        )),
        _ => Ok(()),
    }
}

/// Device and start of production that an issuance id names: `{device_id}-{date and time}`.
fn issuance(index: usize, id: &str) -> Answer<(DeviceId, DateTime<Utc>)> {
    let parsed = id.split_once('-').and_then(|(device, start)| {
        let device = device.trim().parse().ok()?;
        Some((device, time::parse(start)?))
    });
    parsed.ok_or_else(|| {
        refused(
            &format!("/issuance_ids/{index}"),
            format!("Invalid issuance ID: {id}."),
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use schemas::api::field::Fields;
    use schemas::energy::EnergySource;

    const NOW: &str = "2025-01-31T00:00:00Z";

    fn ask(fields: &str) -> Answer<Filter> {
        let body = format!(r#"{{"source_id": 1{fields}}}"#);
        let query: BundleQuery = Fields::from_json(body.as_bytes()).unwrap().read().unwrap();
        filter(AccountId(1), &query, NOW.parse().unwrap())
    }

    fn refusal(fields: &str) -> (String, String) {
        let problem = ask(fields).unwrap_err();
        let pointer = problem.errors()[0].pointer.clone().unwrap();
        (pointer, problem.errors()[0].detail.clone())
    }

    #[test]
    fn each_rule_answers_in_the_words_of_the_contract() {
        for (fields, pointer, text) in [
            (
                r#","issuance_ids":["1-2024-11-18 15:00:00"],"certificate_period_start":"2024-11-18""#,
                "/certificate_period_end",
                "certificate_period_end must be provided if certificate_period_start is more than 30 days ago.",
            ),
            (
                r#","issuance_ids":["1-2024-11-18 15:00:00"],"certificate_period_start":"2025-01-18""#,
                "/issuance_ids",
                "Cannot provide issuance_ids with certificate_period_start or certificate_period_end.",
            ),
            (
                r#","issuance_ids":["1-2024-11-18 15:00:00","123-12-03-01 12:12:12"]"#,
                "/issuance_ids/1",
                "Invalid issuance ID: 123-12-03-01 12:12:12.",
            ),
            (
                r#","issuance_ids":["invalid_id"]"#,
                "/issuance_ids/0",
                "Invalid issuance ID: invalid_id.",
            ),
            (
                r#","certificate_period_end":"2025-01-18""#,
                "/certificate_period_start",
                "certificate_period_start must be provided if certificate_period_end is provided.",
            ),
            (
                r#","certificate_period_start":"2024-01-01","certificate_period_end":"2024-02-01""#,
                "/certificate_period_end",
                "Difference between certificate_period_start and certificate_period_end must be 30 days or less.",
            ),
            (
                r#","certificate_period_start":"2024-01-02","certificate_period_end":"2024-01-01""#,
                "/certificate_period_end",
                "certificate_period_end must be greater than certificate_period_start.",
            ),
        ] {
            assert_eq!(refusal(fields), (pointer.to_owned(), text.to_owned()));
        }
    }

    #[test]
    fn a_period_of_thirty_days_is_answered_and_a_second_more_is_not() {
        let period = |end| {
            format!(r#","certificate_period_start":"2024-01-01","certificate_period_end":"{end}""#)
        };
        assert!(ask(&period("2024-01-31T00:00:00Z")).is_ok());
        assert!(ask(&period("2024-01-31T00:00:01Z")).is_err());
        assert!(ask(r#","certificate_period_start":"2025-01-01T00:00:00Z""#).is_ok());
        assert!(ask(r#","certificate_period_start":"2024-12-31T23:59:59Z""#).is_err());
    }

    #[test]
    fn an_issuance_id_names_device_and_start_in_any_form_of_a_time() {
        let start: DateTime<Utc> = "2024-11-18T15:00:00Z".parse().unwrap();
        for id in [
            "7-2024-11-18 15:00:00",
            "7-2024-11-18T15:00:00",
            "7-2024-11-18T16:00:00+01:00",
        ] {
            let found = ask(&format!(r#","issuance_ids":["{id}"]"#)).unwrap();
            assert_eq!(found.issuances, Some(vec![(DeviceId(7), start)]));
        }
    }

    #[test]
    fn one_value_and_a_list_of_them_both_narrow() {
        let found = ask(r#","energy_source":"wind","energy_sources":["wind","hydro"]"#).unwrap();
        assert_eq!(
            found.sources,
            [
                vec![EnergySource::Wind],
                vec![EnergySource::Wind, EnergySource::Hydro]
            ]
        );
    }
}
