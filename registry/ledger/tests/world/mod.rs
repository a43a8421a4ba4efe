//! A ledger in memory, driven by commands, with the audit of its invariants.
#![allow(clippy::unwrap_used, dead_code)]

mod audit;

use chrono::{DateTime, TimeDelta, Utc};
use ledger::command::{
    ActOnBundles, Amount, CorrectReading, IssueBundle, IssueReadings, MeasurementRef, OpenAccount,
    ReadingRow, RegisterDevice, RegisterMeter, SubmitReadings, UpdateWhitelist,
};
use ledger::entry::{Bundle, DayReading, Device, DeviceDay, Entry, second_of_day};
use ledger::{
    Changes, Code, Command, Context, Decision, Entries, Event, Key, Policy, Recorded, Refusal, Slot,
};
use schemas::energy::{DeviceType, EnergyCarrier, EnergySource, TechnologyType};
use schemas::envelope::Actor;
use schemas::event::LedgerEvent;
use schemas::event::device::DeviceAttributes;
use schemas::event::issuance::IssuanceMetadata;
use schemas::id::{AccountId, BundleId, DeviceId, MeasurementId, MetadataId, MeterId, UserId};
use schemas::interval::Day;
use schemas::life_cycle::{ActionType, CertificateStatus, Settle};
use schemas::log::Position;
use schemas::{Interval, WattHours};
use std::collections::{BTreeMap, BTreeSet, HashMap};

#[derive(Clone)]
pub struct World {
    pub entries: HashMap<Key, Slot>,
    pub events: Vec<Event>,
    pub now: DateTime<Utc>,
}

/// Keys that are not in the map are absent, as in a WRITE database that is up to date.
struct Database<'a> {
    entries: &'a HashMap<Key, Slot>,
    asked: &'a HashMap<Key, Slot>,
}

impl Entries for Database<'_> {
    fn slot(&self, key: &Key) -> Option<&Slot> {
        self.entries.get(key).or_else(|| self.asked.get(key))
    }
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn attributes() -> DeviceAttributes {
    DeviceAttributes {
        device_name: "Wind farm".into(),
        local_device_identifier: None,
        device_unique_id: None,
        grid: "GB".into(),
        energy_source: EnergySource::Wind,
        technology_type: TechnologyType::WindTurbine,
        device_type: DeviceType::Production,
        operational_date: at("2020-01-01T00:00:00Z"),
        capacity_w: schemas::Watts(10_000_000),
        peak_demand_w: schemas::Watts(0),
        location: String::new(),
        gps_location: None,
        is_storage: false,
    }
}

pub fn metadata() -> IssuanceMetadata {
    IssuanceMetadata {
        country_of_issuance: "GB".into(),
        connected_grid_identification: "NESO".into(),
        issuing_body: "OFGEM".into(),
        issue_market_zone: "GB".into(),
        legal_status: None,
        issuance_purpose: None,
        support_received: None,
        quality_scheme_reference: None,
        dissemination_level: None,
        registry_configuration: 1,
    }
}

pub fn act(action_type: ActionType, source: i64, bundles: &[i64]) -> ActOnBundles {
    ActOnBundles {
        action_type,
        source_id: AccountId(source),
        bundle_ids: bundles.iter().copied().map(BundleId).collect(),
        amount: Amount::Whole,
        target_id: None,
        beneficiary: None,
        beneficiary_account_id: None,
        storage_device_id: None,
        reason: None,
        receiving_registry: (action_type == ActionType::Export).then(|| "fr".into()),
        here: "gb".into(),
        localise_time: true,
    }
}

/// Rows of one hour each from the given hour of 2024 on.
pub fn hours(first: i64, amounts: &[i64]) -> Vec<ReadingRow> {
    let zero = at("2024-01-01T00:00:00Z");
    (0..)
        .zip(amounts)
        .map(|(index, wh)| ReadingRow {
            row: u32::try_from(index + 1).unwrap(),
            start: zero + TimeDelta::hours(first + index),
            end: zero + TimeDelta::hours(first + index + 1),
            wh: WattHours(*wh),
            gross_net_indicator: "NET".into(),
            meter_identifier: None,
        })
        .collect()
}

pub fn readings(device: i64, rows: Vec<ReadingRow>) -> Command {
    Command::SubmitReadings(SubmitReadings {
        device_id: DeviceId(device),
        rows,
        unreadable: Vec::new(),
        partial: false,
        issue: true,
    })
}

/// The same, accepted without issuing.
pub fn unissued(device: i64, rows: Vec<ReadingRow>) -> Command {
    Command::SubmitReadings(SubmitReadings {
        device_id: DeviceId(device),
        rows,
        unreadable: Vec::new(),
        partial: false,
        issue: false,
    })
}

/// Rows as [`hours`], of another meter than the device's own.
pub fn hours_of(meter: &str, first: i64, amounts: &[i64]) -> Vec<ReadingRow> {
    let mut rows = hours(first, amounts);
    for row in &mut rows {
        row.meter_identifier = Some(meter.to_owned());
    }
    rows
}

/// A request for what is un-issued of the hours `[from, to)` of 2024.
pub fn request(device: i64, from: i64, to: i64) -> IssueReadings {
    let zero = at("2024-01-01T00:00:00Z");
    IssueReadings {
        device_id: DeviceId(device),
        from: zero + TimeDelta::hours(from),
        to: zero + TimeDelta::hours(to),
        meter_identifier: None,
        include_withdrawn: false,
        include_doubtful: false,
        dry_run: false,
    }
}

/// An issuance by hand.
pub fn by_hand(device: i64, interval: Interval, wh: i64) -> Command {
    Command::IssueBundle(Box::new(IssueBundle {
        device_id: DeviceId(device),
        account_id: AccountId(1),
        metadata_id: MetadataId(1),
        start: None,
        end: None,
        quantity: WattHours(wh),
        production_start: interval.start(),
        production_end: interval.end(),
        energy_source: EnergySource::Wind,
        energy_carrier: EnergyCarrier::Electricity,
        issuance_post_energy_carrier_conversion: false,
        expiry: None,
        emissions_factor_production_device: None,
        emissions_factor_source: None,
    }))
}

/// One hour of 2024.
pub fn hour(first: i64) -> Interval {
    let row = hours(first, &[0]).remove(0);
    Interval::new(row.start, row.end).unwrap()
}

impl World {
    pub fn empty() -> Self {
        Self {
            entries: HashMap::new(),
            events: Vec::new(),
            now: at("2025-06-01T12:00:00Z"),
        }
    }

    /// Three accounts that accept from each other in a ring and two devices, in accounts 1 and 2.
    pub fn with_accounts() -> Self {
        let mut world = Self::empty();
        world
            .run(Command::RecordIssuanceMetadata(Box::new(metadata())))
            .unwrap();
        for name in ["One", "Two", "Three"] {
            let open = OpenAccount {
                account_name: name.into(),
                user_ids: vec![UserId(1)],
                is_requested: false,
                organisation_id: None,
            };
            world.run(Command::OpenAccount(open)).unwrap();
        }
        for (to, from) in [(2, 1), (3, 2), (1, 3)] {
            let update = UpdateWhitelist {
                account_id: AccountId(to),
                add: vec![AccountId(from)],
                remove: Vec::new(),
            };
            world.run(Command::UpdateWhitelist(update)).unwrap();
        }
        for account in [1, 2] {
            let register = RegisterDevice {
                account_id: AccountId(account),
                attributes: attributes(),
            };
            world.run(Command::RegisterDevice(register)).unwrap();
        }
        world
    }

    pub fn run(&mut self, command: Command) -> Result<Decision, Refusal> {
        let mut asked: HashMap<Key, Slot> = HashMap::new();
        loop {
            let view = Database {
                entries: &self.entries,
                asked: &asked,
            };
            let missing: Vec<_> = ledger::needed(&view, &command)
                .into_iter()
                .filter(|key| view.slot(key).is_none())
                .collect();
            if missing.is_empty() {
                break;
            }
            asked.extend(missing.into_iter().map(|key| {
                (
                    key,
                    Slot {
                        entry: None,
                        as_of: Position::START,
                    },
                )
            }));
        }
        let view = Database {
            entries: &self.entries,
            asked: &asked,
        };
        let context = Context {
            now: self.now,
            requested_at: self.now,
            actor: Actor::User(UserId(1)),
            policy: Policy::default(),
        };
        let decision = ledger::decide(&view, &command, &context)?;
        let mut changes = Changes::on(&view);
        for event in &decision.events {
            self.events.push(event.clone());
            let position = Position(i64::try_from(self.events.len()).unwrap());
            let recorded = Recorded {
                position,
                idempotency: None,
                event,
            };
            ledger::apply(&mut changes, &recorded)
                .expect("a decision names every entry that its events touch");
        }
        let changed = changes.into_changed();
        self.entries.extend(changed);
        Ok(decision)
    }

    pub fn bundle(&self, id: i64) -> &Bundle {
        match &self.entries[&Key::Bundle(BundleId(id))].entry {
            Some(Entry::Bundle(bundle)) => bundle,
            other => panic!("bundle {id} is {other:?}"),
        }
    }

    pub fn status(&self, id: i64) -> CertificateStatus {
        self.bundle(id).status
    }

    pub fn bundles(&self) -> BTreeMap<BundleId, &Bundle> {
        self.entries
            .iter()
            .filter_map(|(key, slot)| match (key, &slot.entry) {
                (Key::Bundle(id), Some(Entry::Bundle(bundle))) => Some((*id, bundle)),
                _ => None,
            })
            .collect()
    }

    pub fn live_wh(&self, account: i64) -> i64 {
        match &self.entries[&Key::Account(AccountId(account))].entry {
            Some(Entry::Account(account)) => account.live_wh.0,
            other => panic!("account {account} is {other:?}"),
        }
    }

    pub fn register_meter(&mut self, device: i64, identifier: &str) -> Result<Decision, Refusal> {
        self.run(Command::RegisterMeter(RegisterMeter {
            device_id: DeviceId(device),
            identifier: identifier.into(),
            is_active: true,
        }))
    }

    pub fn device(&self, id: i64) -> &Device {
        match &self.entries[&Key::Device(DeviceId(id))].entry {
            Some(Entry::Device(device)) => device,
            other => panic!("device {id} is {other:?}"),
        }
    }

    /// Every reading that stands.
    pub fn readings(&self) -> BTreeMap<(DeviceId, Option<MeterId>, DateTime<Utc>), DayReading> {
        let days = self
            .entries
            .iter()
            .filter_map(|(key, slot)| match (key, &slot.entry) {
                (Key::DeviceDay(device, day), Some(Entry::DeviceDay(readings))) => {
                    Some((*device, None, *day, readings))
                }
                (Key::MeterDay(device, meter, day), Some(Entry::DeviceDay(readings))) => {
                    Some((*device, Some(*meter), *day, readings))
                }
                _ => None,
            });
        days.flat_map(|(device, meter, day, DeviceDay(readings))| {
            readings.iter().map(move |(second, reading)| {
                let start = day.start() + TimeDelta::seconds(i64::from(*second));
                ((device, meter, start), reading.clone())
            })
        })
        .collect()
    }

    /// The reading of the device's own meter for an hour of 2024.
    pub fn reading(&self, device: i64, first: i64) -> DayReading {
        let start = hour(first).start();
        let key = Key::DeviceDay(DeviceId(device), Day::of(start));
        match self.entries.get(&key).map(|slot| &slot.entry) {
            Some(Some(Entry::DeviceDay(readings))) => readings.0[&second_of_day(start)].clone(),
            other => panic!("the day of device {device} is {other:?}"),
        }
    }

    /// A correction of the reading of the device's own meter for an hour of 2024, with its bundles as
    /// they are.
    pub fn correction(&self, device: i64, first: i64, wh: i64, settle: Settle) -> CorrectReading {
        let interval = hour(first);
        let device_id = DeviceId(device);
        CorrectReading {
            measurement: MeasurementRef {
                measurement_id: self
                    .readings()
                    .get(&(device_id, None, interval.start()))
                    .map_or(MeasurementId(0), |reading| reading.measurement_id),
                device_id,
                meter_id: None,
                interval,
            },
            wh: WattHours(wh),
            reason: "the meter was read wrongly".into(),
            settle,
            candidates: self
                .bundles()
                .into_iter()
                .filter(|(_, bundle)| bundle.device_id == device_id && bundle.interval == interval)
                .map(|(id, _)| id)
                .collect(),
            dry_run: false,
        }
    }

    pub fn correct(
        &mut self,
        device: i64,
        first: i64,
        wh: i64,
        settle: Settle,
    ) -> Result<Decision, Refusal> {
        let correction = self.correction(device, first, wh, settle);
        self.run(Command::CorrectReading(correction))
    }
}

pub fn code(result: Result<Decision, Refusal>) -> Code {
    result
        .expect_err("the command should have been refused")
        .code
}
