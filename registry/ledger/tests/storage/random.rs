//! No history of storage mints a Wh.

use super::*;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Records(Vec<i64>),
    Produce {
        first: i64,
        amounts: Vec<i64>,
    },
    Fix {
        from: i64,
        length: i64,
        factor: Option<i64>,
    },
    Allocate {
        from: i64,
        length: i64,
        method: Option<usize>,
    },
    Rows(Vec<(i64, i64, i64)>),
    Withdraw {
        back: i64,
    },
    Cancel {
        picks: Vec<usize>,
        wh: Option<i64>,
    },
    Issue {
        picks: Vec<usize>,
        named: bool,
    },
    Act {
        action: usize,
        pick: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec(-600_i64..600, 1..8).prop_map(Step::Records),
        3 => (0_i64..24, prop::collection::vec(0_i64..700, 1..8))
            .prop_map(|(first, amounts)| Step::Produce { first, amounts }),
        3 => (0_i64..30, 1_i64..30, prop::option::of(1_i64..=1000))
            .prop_map(|(from, length, factor)| Step::Fix { from, length, factor }),
        4 => (0_i64..24, 1_i64..30, prop::option::of(0_usize..4))
            .prop_map(|(from, length, method)| Step::Allocate { from, length, method }),
        1 => prop::collection::vec((0_i64..12, 0_i64..12, 1_i64..300), 1..4).prop_map(Step::Rows),
        1 => (0_i64..4).prop_map(|back| Step::Withdraw { back }),
        4 => (prop::collection::vec(0_usize..64, 1..5), prop::option::of(1_i64..400))
            .prop_map(|(picks, wh)| Step::Cancel { picks, wh }),
        4 => (prop::collection::vec(0_usize..64, 1..4), any::<bool>())
            .prop_map(|(picks, named)| Step::Issue { picks, named }),
        2 => (0..ActionType::ALL.len(), 0_usize..64)
            .prop_map(|(action, pick)| Step::Act { action, pick }),
    ]
}

fn pick<T: Copy>(all: &[T], picks: &[usize]) -> Vec<T> {
    let mut chosen: Vec<usize> = picks.iter().map(|pick| pick % all.len().max(1)).collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
        .iter()
        .filter_map(|index| all.get(*index).copied())
        .collect()
}

fn bundles(world: &World, status: CertificateStatus) -> Vec<i64> {
    let held = world.bundles().into_iter();
    held.filter(|(_, bundle)| bundle.account_id == AccountId(1) && bundle.status == status)
        .map(|(id, _)| id.0)
        .collect()
}

fn next_hour(world: &World) -> i64 {
    match world
        .entries
        .get(&Key::Storage(DeviceId(BATTERY)))
        .map(|slot| &slot.entry)
    {
        Some(Some(Entry::Storage(storage))) => storage
            .next_start
            .map_or(0, |next| (next - hour(0)).num_hours()),
        _ => 0,
    }
}

/// The records of the battery with the hours they start in.
fn places(world: &World) -> Vec<(RecordPlace, i64)> {
    let mut found = Vec::new();
    for (key, slot) in &world.entries {
        if let (Key::StorageDay(_, day), Some(Entry::StorageDay(records))) = (key, &slot.entry) {
            found.extend(records.records(*day).map(|(interval, record)| {
                let place = RecordPlace {
                    record_id: record.record_id,
                    start: Some(interval.start()),
                };
                (place, record.wh.0)
            }));
        }
    }
    found.sort_by_key(|(place, _)| place.start);
    found
}

fn command(world: &World, step: Step) -> Command {
    match step {
        Step::Records(amounts) => submit(flows(next_hour(world), &amounts)),
        Step::Produce { first, amounts } => readings(1, hours(first, &amounts)),
        Step::Fix {
            from,
            length,
            factor,
        } => match factor {
            Some(factor) => {
                let factor = Decimal::new(factor, 3).to_string();
                stated(from, from + length, &factor)
            }
            None => measured(from, from + length),
        },
        Step::Allocate {
            from,
            length,
            method,
        } => {
            let method = method.map(|index| AllocationMethod::ALL[index]);
            allocate(from, from + length, method)
        }
        Step::Rows(rows) => {
            let places = places(world);
            let of = |charging: bool| -> Vec<RecordPlace> {
                let flows = places
                    .iter()
                    .filter(|(_, wh)| *wh != 0 && (*wh < 0) == charging);
                flows.map(|(place, _)| *place).collect()
            };
            let (charges, discharges) = (of(true), of(false));
            let nothing = RecordPlace {
                record_id: StorageRecordId(0),
                start: None,
            };
            let at = |all: &[RecordPlace], index: i64| {
                let index = usize::try_from(index).unwrap() % all.len().max(1);
                all.get(index).copied().unwrap_or(nothing)
            };
            let rows = (1..).zip(rows).map(|(row, (scr, sdr, wh))| AllocationRow {
                row,
                scr: at(&charges, scr),
                sdr: at(&discharges, sdr),
                amount: RowAmount::Consumed(WattHours(wh)),
                produced: None,
                factor: None,
            });
            by_hand(rows.collect())
        }
        Step::Withdraw { back } => withdraw(next_hour(world) - 1 - back, None),
        Step::Cancel { picks, wh } => {
            let held = bundles(world, CertificateStatus::Active);
            let mut cancel = act(ActionType::CancelForStorage, 1, &pick(&held, &picks));
            cancel.storage_device_id = Some(DeviceId(BATTERY));
            if let Some(wh) = wh {
                cancel.amount = Amount::Quantity(WattHours(wh), QuantityMode::PerBundle);
            }
            Command::ActOnBundles(cancel)
        }
        Step::Issue { picks, named } => {
            let known: Vec<i64> = allocations(world).iter().map(|(id, _)| id.0).collect();
            let cancelled = bundles(world, CertificateStatus::CancelledForStorage);
            issue(&pick(&known, &picks), &cancelled, named && picks.len() > 2)
        }
        Step::Act {
            action,
            pick: chosen,
        } => {
            let held: Vec<i64> = world.bundles().into_keys().map(|id| id.0).collect();
            let mut asked = act(ActionType::ALL[action], 1, &pick(&held, &[chosen]));
            asked.target_id = Some(AccountId(2));
            asked.amount = Amount::Quantity(WattHours(50), QuantityMode::PerBundle);
            Command::ActOnBundles(asked)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_watt_hour_is_minted_by_any_history_of_storage(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = with_battery();
        for step in steps {
            let command = command(&world, step);
            let before = world.events.len();
            if let Err(refusal) = run(&mut world, command) {
                prop_assert_ne!(refusal.code, Code::Internal, "{}", refusal);
                prop_assert_eq!(world.events.len(), before);
            }
        }
    }
}
