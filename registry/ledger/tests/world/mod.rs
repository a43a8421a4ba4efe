//! A ledger in memory, driven by commands, with the audit of its invariants.
#![allow(clippy::unwrap_used, dead_code)]

use chrono::{DateTime, TimeDelta, Utc};
use ledger::command::{
    ActOnBundles, Amount, OpenAccount, ReadingRow, RegisterDevice, SubmitReadings, UpdateWhitelist,
};
use ledger::entry::{Bundle, DeviceDay, Entry};
use ledger::{
    Changes, Code, Command, Context, Decision, Entries, Event, Key, Policy, Recorded, Refusal, Slot,
};
use schemas::WattHours;
use schemas::energy::{DeviceType, EnergySource, TechnologyType};
use schemas::envelope::Actor;
use schemas::event::LedgerEvent;
use schemas::event::device::DeviceAttributes;
use schemas::event::issuance::IssuanceMetadata;
use schemas::id::{AccountId, BundleId, DeviceId, UserId};
use schemas::life_cycle::{ActionType, CertificateStatus};
use schemas::log::Position;
use std::collections::{BTreeMap, HashMap};

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
        })
        .collect()
}

pub fn readings(device: i64, rows: Vec<ReadingRow>) -> Command {
    Command::SubmitReadings(SubmitReadings {
        device_id: DeviceId(device),
        rows,
        unreadable: Vec::new(),
        partial: false,
    })
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

    /// I2, I3 and I4 of the targets, recomputed from the entries and the events.
    pub fn audit(&self) {
        let leaves: BTreeMap<_, _> = self
            .bundles()
            .into_iter()
            .filter(|(_, bundle)| bundle.status != CertificateStatus::BundleSplit)
            .collect();
        // I3: the leaves of each device, in order, partition what was issued, without gap or overlap.
        let mut issued: BTreeMap<DeviceId, Vec<(i64, i64)>> = BTreeMap::new();
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
        }
        for (device, ranges) in &issued {
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
        // I2: what is issued and not withdrawn is at most what was metered, per device and interval.
        let mut outstanding: BTreeMap<(DeviceId, DateTime<Utc>), i64> = BTreeMap::new();
        for bundle in leaves
            .values()
            .filter(|bundle| bundle.status != CertificateStatus::Withdrawn)
            // What storage released was issued for an allocation, not for a reading.
            .filter(|bundle| bundle.trail().issued_for.is_none())
        {
            *outstanding
                .entry((bundle.device_id, bundle.interval.start()))
                .or_default() += bundle.quantity().0;
        }
        let mut metered = 0;
        for (key, slot) in &self.entries {
            let (Key::DeviceDay(device, day), Some(Entry::DeviceDay(DeviceDay(readings)))) =
                (key, &slot.entry)
            else {
                continue;
            };
            for (second, reading) in readings {
                let start = day.start() + TimeDelta::seconds(i64::from(*second));
                let issued = outstanding.remove(&(*device, start)).unwrap_or_default();
                assert_eq!(issued, reading.issued.0, "device {device} at {start}");
                assert!(
                    issued <= reading.wh.0,
                    "device {device} at {start} issued more than was metered"
                );
                metered += 1;
            }
        }
        assert!(
            outstanding.is_empty(),
            "issued without a reading ({metered} read): {outstanding:?}"
        );
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
}

pub fn code(result: Result<Decision, Refusal>) -> Code {
    result
        .expect_err("the command should have been refused")
        .code
}
