//! People, accounts and devices that histories are about.

use super::history::History;
use chrono::{DateTime, TimeDelta, Utc};
use ledger::Command;
use ledger::command::{OpenAccount, ReadingRow, RegisterDevice, SubmitReadings, UpdateWhitelist};
use schemas::energy::{DeviceType, EnergySource, TechnologyType};
use schemas::event::device::DeviceAttributes;
use schemas::event::identity::UserProfile;
use schemas::event::issuance::IssuanceMetadata;
use schemas::id::{AccountId, DeviceId, UserId};
use schemas::life_cycle::Role;
use schemas::{WattHours, Watts};

/// When every device began to operate.
pub fn first_day() -> DateTime<Utc> {
    "2020-01-01T00:00:00Z"
        .parse()
        .expect("a constant that is a time")
}

pub fn user(number: i64) -> Command {
    Command::RegisterUser(profile(number, Role::Production))
}

pub fn profile(number: i64, role: Role) -> UserProfile {
    UserProfile {
        name: format!("User {number}"),
        email: format!("user{number}@example.org"),
        role,
        organisation: (number % 2 == 0).then(|| "Example \"quoted\" \u{e9}".to_owned()),
        password_hash: None,
    }
}

/// The issuing body, who may invite into every organisation.
pub fn administrator(number: i64) -> Command {
    Command::RegisterUser(profile(number, Role::Admin))
}

pub fn account(name: impl Into<String>, users: &[i64]) -> Command {
    Command::OpenAccount(OpenAccount {
        account_name: name.into(),
        user_ids: users.iter().copied().map(UserId).collect(),
        is_requested: false,
        organisation_id: None,
    })
}

pub fn whitelist(target: i64, sources: &[i64]) -> Command {
    Command::UpdateWhitelist(UpdateWhitelist {
        account_id: AccountId(target),
        add: sources.iter().copied().map(AccountId).collect(),
        remove: Vec::new(),
    })
}

pub fn attributes(name: impl Into<String>) -> DeviceAttributes {
    DeviceAttributes {
        device_name: name.into(),
        local_device_identifier: None,
        device_unique_id: Some("EIC-1".into()),
        grid: "National Grid".into(),
        energy_source: EnergySource::Wind,
        technology_type: TechnologyType::WindTurbine,
        device_type: DeviceType::Production,
        operational_date: first_day(),
        capacity_w: Watts(50_000_000),
        peak_demand_w: Watts(0),
        location: "51.4779, -0.0015".into(),
        gps_location: schemas::energy::GpsLocation::from_text("51.4700, -0.0015"),
        is_storage: false,
    }
}

pub fn device(account: i64, name: impl Into<String>) -> Command {
    Command::RegisterDevice(RegisterDevice {
        account_id: AccountId(account),
        attributes: attributes(name),
    })
}

pub fn metadata() -> Command {
    Command::RecordIssuanceMetadata(Box::new(IssuanceMetadata {
        country_of_issuance: "GB".into(),
        connected_grid_identification: "NG".into(),
        issuing_body: "Ofgem".into(),
        issue_market_zone: "GB".into(),
        legal_status: None,
        issuance_purpose: Some("disclosure".into()),
        support_received: None,
        quality_scheme_reference: None,
        dissemination_level: None,
        registry_configuration: 1,
    }))
}

/// `amounts` of consecutive intervals of `minutes` each, from `start`.
pub fn readings(device: i64, start: DateTime<Utc>, minutes: i64, amounts: &[i64]) -> Command {
    let step = TimeDelta::minutes(minutes);
    let mut at = start;
    let mut rows = Vec::with_capacity(amounts.len());
    for (row, wh) in (1..).zip(amounts) {
        rows.push(ReadingRow {
            row,
            start: at,
            end: at + step,
            wh: WattHours(*wh),
            gross_net_indicator: "NET".into(),
            meter_identifier: None,
        });
        at += step;
    }
    Command::SubmitReadings(SubmitReadings {
        device_id: DeviceId(device),
        rows,
        unreadable: Vec::new(),
        partial: false,
        issue: true,
    })
}

/// Three users, `accounts` accounts that accept from one another, one device in each, metadata.
pub async fn found(history: &mut History, accounts: i64) -> anyhow::Result<()> {
    for number in 1..=3 {
        history.record(&user(number)).await?;
    }
    history.record(&metadata()).await?;
    for number in 1..=accounts {
        history
            .record(&account(format!("Account {number}"), &[1, 2]))
            .await?;
        history
            .record(&device(number, format!("Device {number}")))
            .await?;
    }
    for target in 1..=accounts {
        let others: Vec<_> = (1..=accounts).filter(|other| *other != target).collect();
        history.record(&whitelist(target, &others)).await?;
    }
    Ok(())
}
