//! Whatever is asked, in whatever order: no Wh is issued twice, lost or spent twice.

mod world;

use ledger::command::{Amount, MeasurementRef};
use ledger::{Code, Command};
use proptest::prelude::*;
use rust_decimal::Decimal;
use schemas::WattHours;
use schemas::id::{AccountId, DeviceId, MeasurementId};
use schemas::life_cycle::{ActionType, QuantityMode};
use world::{World, act, hours, readings};

#[derive(Debug, Clone)]
enum Step {
    Submit {
        device: i64,
        first: i64,
        amounts: Vec<i64>,
    },
    Act {
        action: usize,
        source: i64,
        target: i64,
        bundles: Vec<usize>,
        amount: Amount,
    },
    Withdraw {
        device: i64,
        hour: i64,
        measurement: i64,
    },
    Wait {
        days: i64,
    },
}

fn amount() -> impl Strategy<Value = Amount> {
    let mode = prop_oneof![Just(QuantityMode::PerBundle), Just(QuantityMode::Total)];
    prop_oneof![
        2 => Just(Amount::Whole),
        3 => (-2_i64..400, mode.clone()).prop_map(|(wh, mode)| Amount::Quantity(WattHours(wh), mode)),
        3 => (0_i64..=1_000, mode).prop_map(|(share, mode)| Amount::Percentage(Decimal::new(share, 3), mode)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1_i64..=2, 0_i64..48, prop::collection::vec(0_i64..300, 1..6))
            .prop_map(|(device, first, amounts)| Step::Submit { device, first, amounts }),
        12 => (0..ActionType::ALL.len(), 1_i64..=3, 1_i64..=3, prop::collection::vec(0_usize..64, 1..5), amount())
            .prop_map(|(action, source, target, bundles, amount)| Step::Act { action, source, target, bundles, amount }),
        1 => (1_i64..=2, 0_i64..48, 1_i64..60)
            .prop_map(|(device, hour, measurement)| Step::Withdraw { device, hour, measurement }),
        1 => (0_i64..500).prop_map(|days| Step::Wait { days }),
    ]
}

fn command(world: &World, step: Step) -> Option<Command> {
    Some(match step {
        Step::Wait { .. } => return None,
        Step::Submit {
            device,
            first,
            amounts,
        } => readings(device, hours(first, &amounts)),
        Step::Withdraw {
            device,
            hour,
            measurement,
        } => Command::WithdrawMeasurement(MeasurementRef {
            measurement_id: MeasurementId(measurement),
            device_id: DeviceId(device),
            interval: {
                let row = hours(hour, &[0]).remove(0);
                schemas::Interval::new(row.start, row.end).ok()?
            },
        }),
        Step::Act {
            action,
            source,
            target,
            bundles,
            amount,
        } => {
            // Mostly bundles the source does hold, so that most actions get far.
            let held: Vec<i64> = world
                .bundles()
                .into_iter()
                .filter(|(_, bundle)| bundle.account_id == AccountId(source))
                .map(|(id, _)| id.0)
                .collect();
            let mut listed: Vec<i64> = bundles
                .into_iter()
                .map(|pick| held.get(pick % held.len().max(1)).copied().unwrap_or(1))
                .collect();
            listed.dedup();
            let mut asked = act(ActionType::ALL[action], source, &listed);
            asked.target_id = Some(AccountId(target));
            asked.amount = amount;
            Command::ActOnBundles(asked)
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn energy_is_conserved_by_every_history(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::with_accounts();
        for step in steps {
            if let Step::Wait { days } = step {
                world.now += chrono::TimeDelta::days(days);
                continue;
            }
            let Some(command) = command(&world, step) else { continue };
            let before = world.events.len();
            match world.run(command) {
                Ok(_) => {}
                Err(refusal) => {
                    prop_assert_ne!(refusal.code, Code::Internal, "{}", refusal);
                    prop_assert_eq!(world.events.len(), before);
                }
            }
            world.audit();
        }
    }
}
