//! Whatever is asked, in whatever order: no Wh is issued twice, lost or spent twice.
#![allow(clippy::unwrap_used)]

mod world;

use ledger::command::{Amount, CorrectReading, IssueReadings, MeasurementRef};
use ledger::{Code, Command};
use proptest::prelude::*;
use rust_decimal::Decimal;
use schemas::WattHours;
use schemas::id::{AccountId, BundleId, DeviceId, MeasurementId};
use schemas::life_cycle::{ActionType, QuantityMode, Settle};
use world::{World, act, by_hand, hour, hours, hours_of, readings, request, unissued};

#[derive(Debug, Clone)]
enum Step {
    Submit {
        device: i64,
        first: i64,
        amounts: Vec<i64>,
        meter: bool,
        issue: bool,
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
    Correct {
        pick: usize,
        wh: i64,
        settle: Settle,
    },
    Issue {
        device: i64,
        first: i64,
        hours: i64,
        meter: bool,
        include_withdrawn: bool,
        dry_run: bool,
    },
    ByHand {
        device: i64,
        hour: i64,
        wh: i64,
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
        4 => (1_i64..=2, 0_i64..48, prop::collection::vec(0_i64..300, 1..6), prop::bool::weighted(0.2), prop::bool::weighted(0.7))
            .prop_map(|(device, first, amounts, meter, issue)| Step::Submit { device, first, amounts, meter, issue }),
        5 => (0_usize..64, prop_oneof![1 => 0_i64..10, 3 => 0_i64..400], prop_oneof![Just(Settle::Now), Just(Settle::Later)])
            .prop_map(|(pick, wh, settle)| Step::Correct { pick, wh, settle }),
        2 => (1_i64..=2, 0_i64..48, 1_i64..30, any::<bool>(), prop::bool::weighted(0.3), prop::bool::weighted(0.2))
            .prop_map(|(device, first, hours, meter, include_withdrawn, dry_run)| Step::Issue { device, first, hours, meter, include_withdrawn, dry_run }),
        1 => (1_i64..=2, 0_i64..48, 1_i64..300).prop_map(|(device, hour, wh)| Step::ByHand { device, hour, wh }),
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
            meter,
            issue,
        } => {
            let rows = if meter {
                hours_of("M", first, &amounts)
            } else {
                hours(first, &amounts)
            };
            if issue {
                readings(device, rows)
            } else {
                unissued(device, rows)
            }
        }
        Step::Correct { pick, wh, settle } => {
            let readings = world.readings();
            let ((device_id, meter_id, start), reading) =
                readings.iter().nth(pick % readings.len().max(1))?;
            let interval =
                schemas::Interval::new(*start, *start + chrono::TimeDelta::hours(1)).ok()?;
            let bundles = world.bundles().into_iter().filter(|(_, bundle)| {
                bundle.device_id == *device_id
                    && bundle.meter_id == *meter_id
                    && bundle.interval == interval
            });
            Command::CorrectReading(CorrectReading {
                measurement: MeasurementRef {
                    measurement_id: reading.measurement_id,
                    device_id: *device_id,
                    meter_id: *meter_id,
                    interval,
                },
                wh: WattHours(wh),
                reason: "read wrongly".into(),
                settle,
                // Others among them are passed over.
                candidates: bundles.map(|(id, _)| id).chain([BundleId(1)]).collect(),
                dry_run: false,
            })
        }
        Step::Issue {
            device,
            first,
            hours,
            meter,
            include_withdrawn,
            dry_run,
        } => Command::IssueReadings(IssueReadings {
            meter_identifier: meter.then(|| "M".to_owned()),
            include_withdrawn,
            dry_run,
            ..request(device, first, first + hours)
        }),
        Step::ByHand {
            device,
            hour: first,
            wh,
        } => by_hand(device, hour(first), wh),
        Step::Withdraw {
            device,
            hour,
            measurement,
        } => Command::WithdrawMeasurement(MeasurementRef {
            measurement_id: MeasurementId(measurement),
            device_id: DeviceId(device),
            meter_id: None,
            interval: world::hour(hour),
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
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn energy_is_conserved_by_every_history(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::with_accounts();
        world.register_meter(1, "M").unwrap();
        for step in steps {
            if let Step::Wait { days } = step {
                world.now += chrono::TimeDelta::days(days);
                continue;
            }
            let Some(command) = command(&world, step) else { continue };
            let before = world.events.len();
            let is_dry = matches!(&command, Command::IssueReadings(issue) if issue.dry_run);
            match world.run(command.clone()) {
                Ok(decision) if is_dry => {
                    prop_assert_eq!(world.events.len(), before);
                    let Command::IssueReadings(mut issue) = command else { unreachable!() };
                    issue.dry_run = false;
                    let done = world.run(Command::IssueReadings(issue)).unwrap();
                    prop_assert_eq!(decision.proposed, done.events, "a dry run says what follows");
                }
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
