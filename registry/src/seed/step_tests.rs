#![allow(clippy::unwrap_used)]
use std::collections::HashSet;

use schemas::life_cycle::{ActionType, CertificateStatus};

use super::{
    account::Party,
    step::{Step, all},
    window::Window,
};

/// Steps of years that begin in each month: the weather differs.
fn years() -> impl Iterator<Item = Vec<Step>> {
    (1..=12).map(|month| {
        let start = format!("2025-{month:02}-01T00:00:00Z").parse().unwrap();
        all(Window::from(start))
    })
}

fn owner(step: &Step) -> bool {
    matches!(
        step.holder,
        Party::WindCompany | Party::SolarCompany | Party::Household
    )
}

#[test]
fn every_step_has_intervals_with_production_in_any_year() {
    for step in years().flatten() {
        assert!(!step.starts.is_empty(), "{}", step.name);
        assert!(step.starts.len() <= 1_000, "a query names at most 1,000");
    }
}

#[test]
fn no_interval_is_given_away_twice() {
    for steps in years() {
        let mut given = HashSet::new();
        let fresh = |step: &&Step| owner(step) && step.status == CertificateStatus::Active;
        for step in steps.iter().filter(fresh) {
            for start in &step.starts {
                assert!(
                    given.insert((step.generator, *start)),
                    "{} {start}",
                    step.name
                );
            }
        }
    }
}

#[test]
fn names_are_distinct_because_they_are_idempotency_keys() {
    let steps = years().next().unwrap();
    let names: HashSet<_> = steps.iter().map(|step| step.name).collect();
    assert_eq!(names.len(), steps.len());
}

#[test]
fn the_demo_shows_every_kind_of_action() {
    let steps = years().next().unwrap();
    for action in [
        ActionType::Transfer,
        ActionType::Cancel,
        ActionType::Claim,
        ActionType::Reserve,
        ActionType::Lock,
        ActionType::Withdraw,
    ] {
        assert!(steps.iter().any(|step| step.action == action), "{action}");
    }
}
