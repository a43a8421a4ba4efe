//! Random commands, most of which the ledger accepts. One seed gives one history.

use super::history::History;
use super::organisation::organisation;
use super::{exchange, gateway, recurring, world};
use chrono::TimeDelta;
use ledger::command::{
    AccountStep, ActOnBundles, AddSecondFactor, Amount, ChangeStanding, ChangeTransfers,
    CorrectReading, DevicePatch, EndSessions, FactorProof, FactorRemover, IssueBundle,
    IssueReadings, Link, MeasurementRef, MoveMeasurement, OpenSession, RegisterDevice,
    RegisterMeter, RemoveSecondFactor, UpdateAccount, UpdateDevice, UpdateMeter, UpdateUser,
    UpdateWhitelist, UseSecondFactor, Which,
};
use ledger::{Command, Entry, Key};
use schemas::energy::{DeviceType, EnergyCarrier, EnergySource};
use schemas::event::device::DeviceAttributes;
use schemas::event::identity::UserChanges;
use schemas::event::link::ExternalIdentity;
use schemas::event::session::{SessionEnd, TokenDigest};
use schemas::id::{AccountId, BundleId, DeviceId, MetadataId, UserId};
use schemas::life_cycle::{ActionType, CertificateStatus, QuantityMode, Role, Settle};
use schemas::log::Position;
use schemas::{Interval, WattHours};
use uuid::Uuid;

const ACCOUNTS: i64 = 4;
const STEPS_MINUTES: [i64; 4] = [5, 15, 30, 60];

/// Where randomness comes from: xorshift64*, so that a seed means the same everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number in `0..bound`.
    pub fn below(&mut self, bound: i64) -> i64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        i64::try_from(number).unwrap() % bound
    }

    /// One of them, if there are any.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let count = i64::try_from(all.len()).unwrap();
        (count > 0).then(|| &all[usize::try_from(self.below(count)).unwrap()])
    }

    /// Whether it happened, one time in so many.
    pub fn one_in(&mut self, bound: i64) -> bool {
        self.below(bound) == 0
    }
}

/// Decides `commands` random commands on top of `history` and appends what follows, in batches of random
/// size. Returns how many were accepted.
pub async fn live(history: &mut History, random: &mut Random, commands: u32) -> u32 {
    let mut accepted = 0;
    for _ in 0..commands {
        let command = command(history, random);
        accepted += u32::from(history.decide(&command).is_ok());
        if random.one_in(3) {
            history.flush().await.unwrap();
        }
    }
    history.flush().await.unwrap();
    accepted
}

/// A log to begin with, and `commands` random commands.
pub async fn lived(history: &mut History, seed: u64, commands: u32) {
    world::found(history, ACCOUNTS).await.unwrap();
    let accepted = live(history, &mut Random::new(seed), commands).await;
    assert!(
        accepted * 2 > commands,
        "seed {seed}: only {accepted} accepted"
    );
}

/// One of them.
pub fn command(history: &mut History, random: &mut Random) -> Command {
    match random.below(100) {
        0..18 => readings(random),
        18..24 => gateway::envelope(history, random).unwrap_or_else(|| readings(random)),
        24..30 => of_meter(history, random),
        30..58 => act(history, random),
        58..66 => correct(history, random),
        66..71 => request(random),
        71..75 => recurring::command(history, ACCOUNTS, random),
        75 => issue(random),
        76 => gateway::command(history, random),
        77..79 => exchange::import(history, ACCOUNTS, random),
        79..84 => measurement(history, random),
        84..89 => device(random),
        89..95 => account(random),
        95..98 => user(random),
        _ => {
            // Long enough that something expires, now and then.
            history.now += TimeDelta::days(random.below(600));
            world::metadata()
        }
    }
}

fn a_device(random: &mut Random) -> i64 {
    1 + random.below(ACCOUNTS + 1)
}

fn readings(random: &mut Random) -> Command {
    let minutes = STEPS_MINUTES[usize::try_from(random.below(4)).unwrap()];
    let start = world::first_day() + TimeDelta::hours(random.below(24 * 60));
    let amounts: Vec<_> = (0..=random.below(40))
        .map(|_| {
            if random.one_in(4) {
                0
            } else {
                random.below(5000)
            }
        })
        .collect();
    world::readings(a_device(random), start, minutes, &amounts)
}

/// Readings of a further meter, or the meter itself; not all of them are issued at once.
fn of_meter(history: &History, random: &mut Random) -> Command {
    let device = a_device(random);
    let meters = match history.state.get(&Key::Device(DeviceId(device))) {
        Some(slot) => match &slot.entry {
            Some(Entry::Device(device)) => device.meters.len(),
            _ => 0,
        },
        None => 0,
    };
    if meters < 2 {
        return Command::RegisterMeter(RegisterMeter {
            device_id: DeviceId(device),
            identifier: format!("Meter {meters}"),
            is_active: !random.one_in(4),
        });
    }
    let identifier = format!("Meter {}", random.below(2));
    if random.one_in(5) {
        return Command::UpdateMeter(UpdateMeter {
            device_id: DeviceId(device),
            identifier,
            is_active: !random.one_in(3),
        });
    }
    let mut command = readings(random);
    if let Command::SubmitReadings(submit) = &mut command {
        submit.device_id = DeviceId(device);
        submit.issue = random.one_in(2);
        for row in &mut submit.rows {
            row.meter_identifier = Some(identifier.clone());
        }
    }
    command
}

/// Another value for some reading, with its bundles as they are.
fn correct(history: &History, random: &mut Random) -> Command {
    let mut all: Vec<_> = history
        .state
        .iter()
        .filter_map(|(key, slot)| match (key, &slot.entry) {
            (Key::DeviceDay(device, day), Some(Entry::DeviceDay(readings))) => {
                Some((*device, None, *day, readings))
            }
            (Key::MeterDay(device, meter, day), Some(Entry::DeviceDay(readings))) => {
                Some((*device, Some(*meter), *day, readings))
            }
            _ => None,
        })
        .flat_map(|(device_id, meter_id, day, readings)| {
            readings.0.iter().map(move |(second, one)| {
                let start = day.start() + TimeDelta::seconds(i64::from(*second));
                let end = start + TimeDelta::seconds(i64::from(one.length_s));
                (one.measurement_id, device_id, meter_id, start, end)
            })
        })
        .collect();
    all.sort_unstable();
    let Some((measurement_id, device_id, meter_id, start, end)) = random.pick(&all).copied() else {
        return readings(random);
    };
    let interval = Interval::new(start, end).unwrap();
    let of_reading = |entry: &Option<Entry>| match entry {
        Some(Entry::Bundle(bundle)) => {
            bundle.device_id == device_id
                && bundle.meter_id == meter_id
                && bundle.interval == interval
        }
        _ => false,
    };
    let candidates = history
        .state
        .iter()
        .filter_map(|(key, slot)| match key {
            Key::Bundle(id) if of_reading(&slot.entry) => Some(*id),
            _ => None,
        })
        .collect();
    Command::CorrectReading(CorrectReading {
        measurement: MeasurementRef {
            measurement_id,
            device_id,
            meter_id,
            interval,
        },
        wh: WattHours(random.below(5000)),
        reason: "read wrongly, \"again\"".to_owned(),
        settle: if random.one_in(4) {
            Settle::Now
        } else {
            Settle::Later
        },
        candidates,
        dry_run: false,
    })
}

/// Issuance on request.
fn request(random: &mut Random) -> Command {
    let from = world::first_day() + TimeDelta::hours(random.below(24 * 50));
    Command::IssueReadings(IssueReadings {
        device_id: DeviceId(1 + random.below(ACCOUNTS)),
        from,
        to: from + TimeDelta::hours(1 + random.below(24 * 20)),
        meter_identifier: None,
        include_withdrawn: random.one_in(3),
        include_doubtful: random.one_in(3),
        dry_run: false,
    })
}

/// Bundles in the history, by id, as far as they are to be acted on.
fn bundles(history: &History, allowed: &[CertificateStatus]) -> Vec<(BundleId, AccountId, i64)> {
    let mut found: Vec<_> = history
        .state
        .iter()
        .filter_map(|(key, slot)| match (key, &slot.entry) {
            (Key::Bundle(id), Some(Entry::Bundle(bundle))) if allowed.contains(&bundle.status) => {
                Some((*id, bundle.account_id, bundle.quantity().0))
            }
            _ => None,
        })
        .collect();
    found.sort_unstable();
    found
}

fn act(history: &mut History, random: &mut Random) -> Command {
    let ordinary = &ActionType::ALL[..=ActionType::Expire as usize];
    let exports = [
        ActionType::Export,
        ActionType::ConfirmExport,
        ActionType::TakeBackExport,
    ];
    let action_type = *random.pick(&[ordinary, &exports].concat()).unwrap();
    if exports[1..].contains(&action_type) {
        return exchange::settle(history, random, action_type).unwrap_or_else(|| readings(random));
    }
    let row = ledger::state_machine::transition(action_type);
    let possible = bundles(history, row.from);
    let Some((_, holder, quantity)) = random.pick(&possible).copied() else {
        return readings(random);
    };
    let held: Vec<_> = possible.iter().filter(|(_, of, _)| *of == holder).collect();
    if action_type == ActionType::Expire {
        // Those that are not expired are passed over.
        let held = held.iter().map(|(id, ..)| *id).collect();
        return acting(action_type, holder, held, Amount::Whole, random);
    }
    let mut chosen: Vec<_> = (0..=random.below(4))
        .filter_map(|_| random.pick(&held).map(|(id, ..)| *id))
        .collect();
    chosen.sort_unstable();
    chosen.dedup();
    let mode = if random.one_in(3) {
        QuantityMode::Total
    } else {
        QuantityMode::PerBundle
    };
    let amount = match random.below(4) {
        0 => Amount::Quantity(WattHours(1 + random.below(quantity)), mode),
        1 => Amount::Percentage("0.5".parse().unwrap(), mode),
        2 => Amount::Percentage("0.3333333".parse().unwrap(), mode),
        _ => Amount::Whole,
    };
    acting(action_type, holder, chosen, amount, random)
}

fn acting(
    action_type: ActionType,
    source_id: AccountId,
    bundle_ids: Vec<BundleId>,
    amount: Amount,
    random: &mut Random,
) -> Command {
    let is_cancel = action_type == ActionType::Cancel;
    Command::ActOnBundles(ActOnBundles {
        action_type,
        source_id,
        bundle_ids,
        amount,
        target_id: (action_type == ActionType::Transfer)
            .then(|| AccountId(1 + random.below(ACCOUNTS))),
        beneficiary: (is_cancel && random.one_in(2)).then(|| "B\u{e9}n\u{e9}ficiaire".to_owned()),
        beneficiary_account_id: None,
        storage_device_id: None,
        reason: matches!(action_type, ActionType::Withdraw | ActionType::Lock)
            .then(|| "because".to_owned()),
        receiving_registry: (action_type == ActionType::Export).then(|| "fr".into()),
        here: "gb".into(),
        localise_time: random.one_in(2),
    })
}

fn issue(random: &mut Random) -> Command {
    let start = world::first_day() + TimeDelta::hours(24 * 100 + random.below(500));
    Command::IssueBundle(Box::new(IssueBundle {
        device_id: DeviceId(1 + random.below(ACCOUNTS)),
        account_id: AccountId(1 + random.below(ACCOUNTS)),
        metadata_id: MetadataId(1),
        start: None,
        end: None,
        quantity: WattHours(1 + random.below(1000)),
        production_start: start,
        production_end: start + TimeDelta::hours(1),
        energy_source: EnergySource::Wind,
        energy_carrier: EnergyCarrier::Electricity,
        issuance_post_energy_carrier_conversion: random.one_in(2),
        expiry: None,
        emissions_factor_production_device: random.one_in(2).then(|| "11.50".parse().unwrap()),
        emissions_factor_source: random.one_in(2).then(|| "UK Gov \"2024\"".to_owned()),
    }))
}

/// Moves or takes back a reading that nothing was issued for.
fn measurement(history: &History, random: &mut Random) -> Command {
    let mut free: Vec<_> = history
        .state
        .iter()
        .filter_map(|(key, slot)| match (key, &slot.entry) {
            (Key::DeviceDay(device, day), Some(Entry::DeviceDay(readings))) => {
                Some((*device, *day, readings))
            }
            _ => None,
        })
        .flat_map(|(device, day, readings)| {
            let unissued = readings.0.iter().filter(|(_, one)| one.issued.0 == 0);
            unissued.map(move |(second, one)| {
                let start = day.start() + TimeDelta::seconds(i64::from(*second));
                let end = start + TimeDelta::seconds(i64::from(one.length_s));
                (one.measurement_id, device, start, end)
            })
        })
        .collect();
    free.sort_unstable();
    let Some((measurement_id, device_id, start, end)) = random.pick(&free).copied() else {
        return readings(random);
    };
    let reference = MeasurementRef {
        measurement_id,
        device_id,
        meter_id: None,
        interval: Interval::new(start, end).unwrap(),
    };
    if random.one_in(2) {
        return Command::WithdrawMeasurement(reference);
    }
    let later = TimeDelta::days(300 + random.below(300));
    Command::MoveMeasurement(MoveMeasurement {
        from: reference,
        device_id: DeviceId(a_device(random)),
        start: start + later,
        end: end + later,
    })
}

fn device(random: &mut Random) -> Command {
    match random.below(4) {
        0 => Command::RegisterDevice(RegisterDevice {
            account_id: AccountId(1 + random.below(ACCOUNTS)),
            attributes: DeviceAttributes {
                device_type: DeviceType::Consumption,
                gps_location: None,
                ..world::attributes(format!("Consumer {}", random.below(1000)))
            },
        }),
        1 => Command::RemoveDevice(DeviceId(ACCOUNTS + 2 + random.below(5))),
        _ => Command::UpdateDevice(Box::new(UpdateDevice {
            device_id: DeviceId(a_device(random)),
            account_id: random
                .one_in(2)
                .then(|| AccountId(1 + random.below(ACCOUNTS))),
            patch: DevicePatch {
                device_name: Some(format!("Renamed {}", random.below(1000))),
                local_device_identifier: random.one_in(2).then(|| "LDI-7".to_owned()),
                ..DevicePatch::default()
            },
        })),
    }
}

fn account(random: &mut Random) -> Command {
    let some = AccountId(1 + random.below(ACCOUNTS));
    let other = AccountId(1 + random.below(ACCOUNTS));
    match random.below(7) {
        0 => world::account(format!("Opened {}", random.below(50)), &[1, 3]),
        1 => Command::CloseAccount(AccountId(ACCOUNTS + 1 + random.below(5))),
        4 => Command::ChangeTransfers(ChangeTransfers {
            account_id: AccountId(ACCOUNTS + 1 + random.below(5)),
            disabled: random.one_in(2),
            reason: None,
        }),
        5 => Command::ChangeStanding(ChangeStanding {
            account_id: AccountId(ACCOUNTS + 1 + random.below(5)),
            step: if random.one_in(2) {
                AccountStep::Suspend
            } else {
                AccountStep::Reinstate
            },
            reason: Some("because".to_owned()),
        }),
        2 => Command::UpdateWhitelist(UpdateWhitelist {
            account_id: some,
            add: Vec::new(),
            remove: vec![other],
        }),
        3 => world::whitelist(some.0, &[other.0]),
        _ => Command::UpdateAccount(UpdateAccount {
            account_id: some,
            account_name: random
                .one_in(2)
                .then(|| format!("Name {}", random.below(20))),
            user_ids: Some(vec![UserId(1 + random.below(3)), UserId(4)]),
        }),
    }
}

fn link(random: &mut Random) -> Link {
    Link {
        user_id: UserId(1 + random.below(6)),
        identity: ExternalIdentity {
            issuer: "https://login.example".to_owned(),
            subject: random.below(8).to_string(),
        },
    }
}

fn user(random: &mut Random) -> Command {
    match random.below(25) {
        8 => Command::AddSecondFactor(Box::new(AddSecondFactor {
            user_id: UserId(1 + random.below(6)),
            sealed: "c2VhbGVk".to_owned(),
            step: random.below(5),
            recovery: vec![TokenDigest([9; 32])],
            // Before the removal of another, or after it.
            offered: Position(random.below(2) * 1_000_000),
        })),
        9 => Command::UseSecondFactor(UseSecondFactor {
            user_id: UserId(1 + random.below(6)),
            proof: match random.below(10) {
                0 => FactorProof::Recovery {
                    digest: TokenDigest([9; 32]),
                },
                step => FactorProof::Code { step },
            },
        }),
        10 => Command::RemoveSecondFactor(RemoveSecondFactor {
            user_id: UserId(1 + random.below(6)),
            by: FactorRemover::Manager,
        }),
        20 => Command::LinkIdentity(link(random)),
        21 => Command::UnlinkIdentity(link(random)),
        2..=4 => Command::OpenSession(OpenSession {
            session_id: Uuid::from_u128(random.below(i64::MAX).unsigned_abs().into()),
            user_id: UserId(1 + random.below(6)),
            refresh: TokenDigest([7; 32]),
            lifetime: chrono::Duration::days(30),
            client: None,
        }),
        5 => Command::EndSessions(EndSessions {
            user_id: UserId(1 + random.below(6)),
            which: Which::AllBut(None),
            cause: SessionEnd::Revoked,
        }),
        0 | 11..=13 => Command::RemoveUser(UserId(4 + random.below(6))),
        14..=18 => organisation(random),
        1 => Command::UpdateUser(UpdateUser {
            user_id: UserId(1 + random.below(6)),
            changes: UserChanges {
                email: random
                    .one_in(2)
                    .then(|| format!("changed{}@example.org", random.below(30))),
                role: Some(Role::Trading),
                password_hash: random.one_in(2).then(|| "$argon2id$".to_owned()),
                ..UserChanges::default()
            },
            session: None,
        }),
        19 => world::administrator(10 + random.below(1000)),
        _ => world::user(10 + random.below(1000)),
    }
}
