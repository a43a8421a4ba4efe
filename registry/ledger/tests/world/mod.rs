//! A ledger in memory, driven by commands, with the audit of its invariants.
#![allow(clippy::unwrap_used, dead_code)]

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

    /// I2, I3 and I4 of the targets, recomputed from the entries and the events.
    pub fn audit(&self) {
        let leaves: BTreeMap<_, _> = self
            .bundles()
            .into_iter()
            .filter(|(_, bundle)| bundle.status != CertificateStatus::BundleSplit)
            .collect();
        // I3: the leaves of each device, in order, partition what was issued, without gap or overlap.
        let mut issued: BTreeMap<DeviceId, Vec<(i64, i64)>> = BTreeMap::new();
        let mut imported = BTreeSet::new();
        for event in &self.events {
            if let Event::Ledger(LedgerEvent::BundlesIssued(event)) = event {
                let ranges = event.bundles().map(|bundle| (bundle.start.0, bundle.end.0));
                issued.entry(event.device_id).or_default().extend(ranges);
            }
            if let Event::Ledger(LedgerEvent::StorageCertificatesIssued(event)) = event {
                let bundles = event.sources().filter_map(|(.., bundle)| bundle);
                let ranges = bundles.map(|bundle| (bundle.start.0, bundle.end.0));
                issued.entry(event.device_id).or_default().extend(ranges);
            }
            if let Event::Ledger(LedgerEvent::BundlesImported(event)) = event {
                for (_, lot, bundle) in event.bundles() {
                    imported.insert(lot.device_id);
                    let ranges = issued.entry(lot.device_id).or_default();
                    ranges.push((bundle.start.0, bundle.end.0));
                    ranges.sort_unstable();
                }
            }
        }
        for (device, ranges) in &issued {
            if imported.contains(device) {
                self.audit_imported(*device, ranges, &leaves);
                continue;
            }
            let mut held: Vec<_> = leaves
                .values()
                .filter(|bundle| bundle.device_id == *device)
                .map(|bundle| (bundle.start.0, bundle.end.0))
                .collect();
            held.sort_unstable();
            let mut next = held.iter();
            for (start, end) in ranges {
                let mut expected = *start;
                while expected <= *end {
                    let (from, to) = next.next().expect("a leaf for every certificate issued");
                    assert_eq!(
                        *from, expected,
                        "device {device}: a certificate is missing or held twice"
                    );
                    expected = to + 1;
                }
                assert_eq!(
                    expected,
                    end + 1,
                    "device {device}: a leaf reaches beyond its issuance"
                );
            }
            assert!(
                next.next().is_none(),
                "device {device}: a leaf was never issued"
            );
        }
        // I2: what is issued and not withdrawn is what the reading says, and together with what it paid
        // at most what was metered and what was too much when it was corrected.
        type Reading = (DeviceId, Option<MeterId>, DateTime<Utc>);
        let mut outstanding: BTreeMap<Reading, i64> = BTreeMap::new();
        for bundle in leaves
            .values()
            // What was imported is metered elsewhere.
            .filter(|bundle| !imported.contains(&bundle.device_id))
            .filter(|bundle| bundle.status != CertificateStatus::Withdrawn)
            // What storage released was issued for an allocation, not for a reading.
            .filter(|bundle| bundle.trail().issued_for.is_none())
        {
            let reading = (bundle.device_id, bundle.meter_id, bundle.interval.start());
            *outstanding.entry(reading).or_default() += bundle.quantity().0;
        }
        // The amounts as the events say them, followed naively.
        let (metered, paid, debts) = self.amounts();
        let readings = self.readings();
        let mut owed: BTreeMap<DeviceId, i64> = BTreeMap::new();
        for (key, reading) in &readings {
            let issued = outstanding.remove(key).unwrap_or_default();
            assert_eq!(issued, reading.issued.0, "{key:?}");
            assert_eq!(metered.get(key), Some(&reading.wh.0), "{key:?}");
            assert_eq!(
                paid.get(key).copied().unwrap_or_default(),
                reading.paid().0,
                "{key:?}"
            );
            assert!(
                issued + reading.paid().0 <= reading.wh.0 + reading.excess().0,
                "{key:?} issued more than was metered: {reading:?}"
            );
            for amount in [
                reading.wh,
                reading.issued,
                reading.withdrawn(),
                reading.excess(),
                reading.paid(),
            ] {
                assert!(amount.0 >= 0, "{key:?}: {reading:?}");
            }
            *owed.entry(key.0).or_default() += reading.excess().0 - reading.paid().0;
        }
        assert_eq!(metered.len(), readings.len(), "a reading is missing");
        assert!(
            outstanding.is_empty(),
            "issued without a reading: {outstanding:?}"
        );
        for device in 1..=2 {
            let known = self.entries.contains_key(&Key::Device(DeviceId(device)));
            let debt = if known { self.device(device).debt.0 } else { 0 };
            let of = |amounts: &BTreeMap<DeviceId, i64>| {
                amounts.get(&DeviceId(device)).copied().unwrap_or_default()
            };
            assert_eq!((debt, debt), (of(&owed), of(&debts)), "device {device}");
            assert!(debt >= 0, "device {device}");
        }
        // I4: what accounts hold is what their bundles say.
        for account in 1..=3 {
            let held: i64 = leaves
                .values()
                .filter(|bundle| bundle.account_id == AccountId(account) && bundle.status.is_live())
                .map(|bundle| bundle.quantity().0)
                .sum();
            let known = self.entries.contains_key(&Key::Account(AccountId(account)));
            assert_eq!(
                if known { self.live_wh(account) } else { 0 },
                held,
                "account {account}"
            );
        }
    }

    /// I3 of a device of another registry: its leaves hold each certificate as often as it came, and what is known of
    /// it says once which of them are here.
    fn audit_imported(
        &self,
        device: DeviceId,
        came: &[(i64, i64)],
        leaves: &BTreeMap<BundleId, &Bundle>,
    ) {
        let steps = |ranges: &mut dyn Iterator<Item = (i64, i64)>| {
            let mut steps: BTreeMap<i64, i64> = BTreeMap::new();
            for (start, end) in ranges {
                *steps.entry(start).or_default() += 1;
                *steps.entry(end + 1).or_default() -= 1;
            }
            steps.retain(|_, step| *step != 0);
            steps
        };
        let of_it = || {
            let leaves = leaves.values().filter(|leaf| leaf.device_id == device);
            leaves.map(|leaf| (leaf.status, (leaf.start.0, leaf.end.0)))
        };
        let held = steps(&mut of_it().map(|(_, range)| range));
        assert_eq!(held, steps(&mut came.iter().copied()), "device {device}");
        let here = of_it().filter(|(status, _)| *status != CertificateStatus::Exported);
        let here = steps(&mut here.map(|(_, range)| range));
        let origin = self.device(device.0).origin.as_ref().unwrap();
        let Some(Some(Entry::Origin(known))) = self
            .entries
            .get(&Key::Origin(ledger::key::origin_digest(origin)))
            .map(|slot| &slot.entry)
        else {
            panic!("nothing is known of {origin:?}");
        };
        let said = steps(&mut known.ranges.iter().map(|(start, end)| (start.0, end.0)));
        assert_eq!(
            here, said,
            "device {device}: what is known is not what is held"
        );
        for (start, end) in known.ranges.iter() {
            let both = known.elsewhere.overlapping(start, end);
            assert_eq!(both, None, "device {device}: here and elsewhere");
        }
    }

    /// Metered and paid Wh by reading and debts by device, as the events alone say.
    #[allow(clippy::type_complexity, reason = "three sums over one walk")]
    fn amounts(
        &self,
    ) -> (
        BTreeMap<(DeviceId, Option<MeterId>, DateTime<Utc>), i64>,
        BTreeMap<(DeviceId, Option<MeterId>, DateTime<Utc>), i64>,
        BTreeMap<DeviceId, i64>,
    ) {
        let (mut metered, mut paid, mut debts) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for event in &self.events {
            let Event::Ledger(event) = event else {
                continue;
            };
            match event {
                LedgerEvent::ReadingsAccepted(event) => {
                    for (_, interval, wh) in event.readings() {
                        let key = (event.device_id, event.meter_id, interval.start());
                        assert_eq!(metered.insert(key, wh.0), None, "accepted twice: {key:?}");
                    }
                }
                LedgerEvent::MeasurementWithdrawn(event) => {
                    let key = (event.device_id, event.meter_id, event.interval.start());
                    assert_eq!(metered.remove(&key), Some(event.wh.0));
                }
                LedgerEvent::ReadingCorrected(event) => {
                    let key = (event.device_id, event.meter_id, event.interval.start());
                    assert_eq!(
                        metered.insert(key, event.wh.0),
                        Some(event.previous_wh.0),
                        "{key:?}"
                    );
                    *debts.entry(event.device_id).or_default() += event.debt.0;
                }
                LedgerEvent::DebtPaid(event) => {
                    for part in &event.parts {
                        let key = (event.device_id, part.meter_id, part.interval_start);
                        *paid.entry(key).or_default() += part.wh.0;
                    }
                    *debts.entry(event.device_id).or_default() -= event.total().0;
                }
                _ => {}
            }
        }
        (metered, paid, debts)
    }
}

pub fn code(result: Result<Decision, Refusal>) -> Code {
    result
        .expect_err("the command should have been refused")
        .code
}
