//! The demo's devices.

use chrono::{DateTime, Utc};
use schemas::{
    Watts,
    api::{decimal::ExactNumber, device::DeviceRead},
    energy::{DeviceType, EnergySource, TechnologyType},
    id::DeviceId,
    interval::rfc3339,
};
use serde_json::json;

use super::{
    account::{Accounts, Party},
    error::{SeedError, While},
    generator::{BATTERY_W, Generator, HOME_W, ROOF_W, SOLAR_PARK_W, WIND_FARM_W},
    people::People,
    window::Window,
};

/// A device of the demo.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub generator: Generator,
    pub owner: Party,
    pub name: &'static str,
    meter: &'static str,
    source: EnergySource,
    technology: TechnologyType,
    device_type: DeviceType,
    is_storage: bool,
    capacity_w: i64,
    peak_demand_w: i64,
    location: &'static str,
}

/// The first one's operational date is that of all: it fixes the year that readings cover.
pub(super) const KINDS: [Kind; 5] = [
    Kind {
        generator: Generator::WindFarm,
        owner: Party::WindCompany,
        name: "Hill Farm wind",
        meter: "HILLW-1",
        source: EnergySource::Wind,
        technology: TechnologyType::WindTurbine,
        device_type: DeviceType::Production,
        is_storage: false,
        capacity_w: WIND_FARM_W,
        peak_demand_w: 150_000,
        location: "55.8210, -3.9120",
    },
    Kind {
        generator: Generator::SolarPark,
        owner: Party::SolarCompany,
        name: "Southdown solar park",
        meter: "SDOWN-1",
        source: EnergySource::SolarPv,
        technology: TechnologyType::SolarPv,
        device_type: DeviceType::Production,
        is_storage: false,
        capacity_w: SOLAR_PARK_W,
        peak_demand_w: 20_000,
        location: "50.9150, -0.4520",
    },
    Kind {
        generator: Generator::Roof,
        owner: Party::Household,
        name: "Orchard Lane roof",
        meter: "ORCH12-GEN",
        source: EnergySource::SolarPv,
        technology: TechnologyType::SolarPv,
        device_type: DeviceType::Production,
        is_storage: false,
        capacity_w: ROOF_W,
        peak_demand_w: 0,
        location: "51.7520, -1.2577",
    },
    Kind {
        generator: Generator::Battery,
        owner: Party::BatteryOperator,
        name: "Marsh Road battery",
        meter: "MARSH-B1",
        source: EnergySource::BatteryStorage,
        technology: TechnologyType::BatteryStorage,
        device_type: DeviceType::Production,
        is_storage: true,
        capacity_w: BATTERY_W,
        peak_demand_w: BATTERY_W,
        location: "52.6309, 1.2974",
    },
    Kind {
        generator: Generator::Home,
        owner: Party::Household,
        name: "Orchard Lane consumption",
        meter: "ORCH12-USE",
        source: EnergySource::Other,
        technology: TechnologyType::Other,
        device_type: DeviceType::Consumption,
        is_storage: false,
        capacity_w: 0,
        peak_demand_w: HOME_W,
        location: "51.7520, -1.2577",
    },
];

/// The demo's devices as registered, in the order of [`KINDS`].
pub(super) struct Devices {
    pub window: Window,
    ids: Vec<DeviceId>,
}

impl Devices {
    pub fn iter(&self) -> impl Iterator<Item = (Kind, DeviceId)> {
        KINDS.into_iter().zip(self.ids.iter().copied())
    }

    pub fn id(&self, generator: Generator) -> DeviceId {
        self.iter()
            .find(|(kind, _)| kind.generator == generator)
            .map(|(_, id)| id)
            .expect("every generator is one of KINDS")
    }
}

/// Registers the devices that are missing. The year of readings is that of the first run.
pub(super) async fn ensure(
    people: &People,
    accounts: &Accounts,
    latest: Window,
) -> Result<Devices, SeedError> {
    let mut window = latest;
    let mut ids = Vec::with_capacity(KINDS.len());
    for (index, kind) in KINDS.iter().enumerate() {
        let account_id = accounts.id(kind.owner);
        let known: Vec<DeviceRead> = people
            .production
            .get(&format!("/account/{account_id}/devices"))
            .await
            .during(format!("devices of {:?}", kind.owner.account_name()))?;
        let found = known
            .into_iter()
            .find(|device| device.device_name == kind.name);
        let device = match found {
            Some(device) => device,
            None => register(people, accounts, kind, window.start()).await?,
        };
        if index == 0 {
            window = Window::from(device.operational_date);
        }
        ids.push(device.id);
    }
    Ok(Devices { window, ids })
}

async fn register(
    people: &People,
    accounts: &Accounts,
    kind: &Kind,
    operational_date: DateTime<Utc>,
) -> Result<DeviceRead, SeedError> {
    let megawatts = |watts| ExactNumber::megawatts(Watts(watts));
    let body = json!({
        "device_name": kind.name,
        "local_device_identifier": kind.meter,
        "grid": "NESO",
        "energy_source": kind.source,
        "technology_type": kind.technology,
        "operational_date": rfc3339(operational_date),
        // Text keeps every digit: a JSON value holds doubles.
        "capacity": megawatts(kind.capacity_w).0.to_string(),
        "peak_demand": megawatts(kind.peak_demand_w).0.to_string(),
        "location": kind.location,
        "is_storage": kind.is_storage,
        "device_type": kind.device_type,
        "account_id": accounts.id(kind.owner),
    });
    people
        .production
        .post("/device/create", &body)
        .await
        .during(format!("device {:?}", kind.name))
}
