//! The story that the demo's certificates tell.

use chrono::{DateTime, TimeDelta, Utc};
use schemas::{
    WattHours,
    life_cycle::{ActionType, CertificateStatus},
};

use super::{account::Party, generator::Generator, window::Window};

/// An action on the certificates of some intervals of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// Names the step for good: part of its idempotency key.
    pub name: &'static str,
    pub action: ActionType,
    pub generator: Generator,
    /// Starts of the intervals whose certificates are concerned.
    pub starts: Vec<DateTime<Utc>>,
    /// Who holds them.
    pub holder: Party,
    /// The state they are in.
    pub status: CertificateStatus,
    /// In whose name it is done; the holder's, except for claims.
    pub source: Party,
    pub target: Option<Party>,
    pub amount: Amount,
    pub beneficiary: Option<&'static str>,
    pub beneficiary_account: Option<Party>,
    pub reason: Option<&'static str>,
}

/// How much of each bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amount {
    Whole,
    Quantity(WattHours),
    /// A decimal fraction, as text.
    Share(&'static str),
}

/// `count` intervals from a day of the year on in which the device made at least `at_least`.
fn some(
    generator: Generator,
    window: Window,
    day: u16,
    count: usize,
    at_least: WattHours,
) -> Vec<DateTime<Utc>> {
    let from = window.start() + TimeDelta::days(day.into());
    generator
        .readings(window)
        .into_iter()
        .filter(|(start, wh)| *start >= from && *wh >= at_least)
        .take(count)
        .map(|(start, _)| start)
        .collect()
}

/// All steps in order.
pub(super) fn all(window: Window) -> Vec<Step> {
    let wind = |day, count| {
        some(
            Generator::WindFarm,
            window,
            day,
            count,
            WattHours(1_000_000),
        )
    };
    let sun = |day, count| {
        some(
            Generator::SolarPark,
            window,
            day,
            count,
            WattHours(2_000_000),
        )
    };
    let roof = |day, count| some(Generator::Roof, window, day, count, WattHours(100));
    let step = |name, action, generator, holder, starts| Step {
        name,
        action,
        generator,
        starts,
        holder,
        status: CertificateStatus::Active,
        source: holder,
        target: None,
        amount: Amount::Whole,
        beneficiary: None,
        beneficiary_account: None,
        reason: None,
    };
    let of_wind =
        |name, action, holder, starts| step(name, action, Generator::WindFarm, holder, starts);
    let sold = wind(30, 720);
    let part = |from: usize, to: usize| sold[from.min(sold.len())..to.min(sold.len())].to_vec();
    vec![
        Step {
            target: Some(Party::Retailer),
            ..of_wind(
                "wind-month",
                ActionType::Transfer,
                Party::WindCompany,
                sold.clone(),
            )
        },
        Step {
            target: Some(Party::Retailer),
            amount: Amount::Share("0.5"),
            ..of_wind(
                "wind-halves",
                ActionType::Transfer,
                Party::WindCompany,
                wind(90, 48),
            )
        },
        Step {
            target: Some(Party::Test),
            ..of_wind(
                "wind-to-test",
                ActionType::Transfer,
                Party::WindCompany,
                wind(200, 48),
            )
        },
        Step {
            target: Some(Party::Retailer),
            amount: Amount::Quantity(WattHours(1_000_000)),
            ..step(
                "sun-megawatt-hours",
                ActionType::Transfer,
                Generator::SolarPark,
                Party::SolarCompany,
                sun(150, 24),
            )
        },
        Step {
            target: Some(Party::Test),
            ..step(
                "sun-to-test",
                ActionType::Transfer,
                Generator::SolarPark,
                Party::SolarCompany,
                sun(180, 40),
            )
        },
        Step {
            target: Some(Party::Test2),
            amount: Amount::Share("0.25"),
            ..of_wind(
                "test-to-test-2",
                ActionType::Transfer,
                Party::Test,
                wind(200, 6),
            )
        },
        Step {
            beneficiary: Some("Riverside Data Centre"),
            ..of_wind(
                "data-centre",
                ActionType::Cancel,
                Party::Retailer,
                part(0, 96),
            )
        },
        Step {
            amount: Amount::Quantity(WattHours(1_500)),
            beneficiary: Some("12 Orchard Lane"),
            beneficiary_account: Some(Party::Household),
            ..of_wind(
                "household-tariff",
                ActionType::Cancel,
                Party::Retailer,
                part(96, 144),
            )
        },
        Step {
            status: CertificateStatus::Cancelled,
            source: Party::Household,
            ..of_wind(
                "household-claim",
                ActionType::Claim,
                Party::Retailer,
                part(96, 120),
            )
        },
        step(
            "own-use",
            ActionType::Cancel,
            Generator::Roof,
            Party::Household,
            roof(120, 60),
        ),
        Step {
            status: CertificateStatus::Cancelled,
            ..step(
                "own-use-claim",
                ActionType::Claim,
                Generator::Roof,
                Party::Household,
                roof(120, 20),
            )
        },
        of_wind(
            "reserved",
            ActionType::Reserve,
            Party::Retailer,
            part(200, 212),
        ),
        Step {
            reason: Some("meter reading under review"),
            ..of_wind("locked", ActionType::Lock, Party::WindCompany, wind(300, 1))
        },
        Step {
            reason: Some("issued for a faulty meter reading"),
            ..of_wind(
                "withdrawn",
                ActionType::Withdraw,
                Party::WindCompany,
                wind(310, 1),
            )
        },
    ]
}
