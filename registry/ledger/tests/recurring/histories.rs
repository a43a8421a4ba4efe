//! Whatever is asked, in whatever order: each period runs once, and no Wh is lost or spent twice.

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Create {
        unit: usize,
        quantity: Option<i64>,
        skip: bool,
        nothing: bool,
        repetitions: Option<i64>,
        start: i64,
    },
    /// A run as some scheduler sends it: of this period or another one, with fresh candidates or old.
    Run {
        rule: i64,
        period: i64,
        step: i64,
        listed: usize,
        more: bool,
        settle: bool,
        seed: usize,
    },
    Change {
        rule: i64,
        what: usize,
    },
    Act {
        action: usize,
        pick: usize,
    },
    Whitelist {
        add: bool,
    },
    Submit {
        first: i64,
        amounts: Vec<i64>,
    },
    Wait {
        minutes: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0_usize..3, prop::option::of(1_i64..400), any::<bool>(), any::<bool>(), prop::option::of(1_i64..6), -6_i64..3)
            .prop_map(|(unit, quantity, skip, nothing, repetitions, start)| Step::Create { unit, quantity, skip, nothing, repetitions, start }),
        12 => (1_i64..4, -1_i64..2, 0_i64..2, 0_usize..8, any::<bool>(), any::<bool>(), any::<usize>())
            .prop_map(|(rule, period, step, listed, more, settle, seed)| Step::Run { rule, period, step, listed, more, settle, seed }),
        2 => (1_i64..4, 0_usize..3).prop_map(|(rule, what)| Step::Change { rule, what }),
        2 => (0_usize..2, any::<usize>()).prop_map(|(action, pick)| Step::Act { action, pick }),
        1 => any::<bool>().prop_map(|add| Step::Whitelist { add }),
        2 => (0_i64..48, prop::collection::vec(1_i64..300, 1..5)).prop_map(|(first, amounts)| Step::Submit { first, amounts }),
        4 => (1_i64..180).prop_map(|minutes| Step::Wait { minutes }),
    ]
}

fn command(world: &World, step: Step) -> Option<Command> {
    Some(match step {
        Step::Wait { .. } => return None,
        Step::Create {
            unit,
            quantity,
            skip,
            nothing,
            repetitions,
            start,
        } => {
            let units = [PeriodUnit::Hour, PeriodUnit::Day, PeriodUnit::Month];
            Command::CreateRule(Box::new(CreateRule {
                certificate_quantity: quantity.map(WattHours),
                certificate_bundle_percentage: quantity.is_none().then(|| Decimal::new(37, 2)),
                period_unit: units[unit],
                missed: if skip {
                    MissedPeriods::Skip
                } else {
                    MissedPeriods::CatchUp
                },
                shortfall: if nothing {
                    Shortfall::Nothing
                } else {
                    Shortfall::Partial
                },
                repetitions,
                start: Some(world.now + TimeDelta::hours(start)),
                ..rule()
            }))
        }
        Step::Run {
            rule,
            period,
            step,
            listed,
            more,
            settle,
            seed,
        } => {
            let known = world.entries.get(&Key::RecurringRule(RuleId(rule)));
            let (at, steps) = match known.and_then(|slot| slot.entry.as_ref()) {
                Some(Entry::RecurringRule(known)) => (
                    known.next_period,
                    known.open.as_ref().map_or(0, |open| open.steps),
                ),
                _ => (0, 0),
            };
            let all: Vec<_> = world.bundles().into_keys().collect();
            let pick = |n: usize| {
                all.get(seed.wrapping_add(n * 7) % all.len().max(1))
                    .copied()
            };
            Command::RunRule(RunRule {
                rule_id: RuleId(rule),
                // Mostly the one that is next, so that most runs get far.
                period: at + period.min(0),
                step: steps + step,
                candidates: (0..listed).filter_map(pick).collect(),
                more,
                settle,
            })
        }
        Step::Change { rule, what } => match what {
            0 => Command::PauseRule(RuleId(rule)),
            1 => Command::ResumeRule(RuleId(rule)),
            _ => Command::EndRule(RuleId(rule)),
        },
        Step::Act { action, pick } => {
            let bundles: Vec<_> = world.bundles().into_keys().collect();
            let id = bundles.get(pick % bundles.len().max(1))?;
            let kind = [ActionType::Cancel, ActionType::Reserve][action];
            Command::ActOnBundles(act(kind, 1, &[id.0]))
        }
        Step::Whitelist { add } => {
            let one = vec![AccountId(1)];
            let (add, remove) = if add { (one, vec![]) } else { (vec![], one) };
            Command::UpdateWhitelist(UpdateWhitelist {
                account_id: AccountId(2),
                add,
                remove,
            })
        }
        Step::Submit { first, amounts } => readings(1, hours(first, &amounts)),
    })
}

/// What the log says of each rule: every period that is behind it is in exactly one run, none before it
/// was due, and the Wh of a run are those of its actions.
fn audit_rules(world: &World, decided_at: &[DateTime<Utc>]) {
    let mut reached: BTreeMap<RuleId, i64> = BTreeMap::new();
    let mut ended: Vec<RuleId> = Vec::new();
    let mut acted: BTreeMap<RuleId, (i64, i64)> = BTreeMap::new();
    for (event, now) in world.events.iter().zip(decided_at) {
        let Event::Ledger(event) = event else {
            continue;
        };
        match event {
            LedgerEvent::BundlesActed(action) => {
                if let Some(rule_id) = action.rule_id {
                    acted.entry(rule_id).or_default().0 += action.total().0;
                }
            }
            LedgerEvent::RecurringRuleEnded(event) => ended.push(event.rule_id),
            LedgerEvent::RecurringRuleRan(ran) => {
                assert!(!ended.contains(&ran.rule_id), "an ended rule ran");
                assert!(ran.due_at <= *now, "a period ran before it was due");
                let next = reached.entry(ran.rule_id).or_default();
                assert_eq!(ran.period, *next, "a period ran twice or not at all");
                assert!(ran.periods >= 1 && ran.moved_wh <= ran.wanted_wh);
                if ran.open.is_none() {
                    *next += ran.periods;
                    acted.entry(ran.rule_id).or_default().1 += ran.moved_wh.0;
                }
                if ran.ended.is_some() {
                    ended.push(ran.rule_id);
                }
            }
            _ => {}
        }
    }
    for (rule_id, (by_actions, by_runs)) in acted {
        let open = state(world, rule_id.0)
            .open
            .as_ref()
            .map_or(0, |open| open.moved.0);
        assert_eq!(by_actions, by_runs + open, "rule {rule_id}");
    }
    for (rule_id, next) in reached {
        assert_eq!(state(world, rule_id.0).next_period, next, "rule {rule_id}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn each_period_runs_once_and_energy_is_conserved_by_every_history(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut world = issued(&[200, 300, 100, 50]);
        create(&mut world, rule()).unwrap();
        let mut decided_at = vec![world.now; world.events.len()];
        for step in steps {
            if let Step::Wait { minutes } = step {
                world.now += TimeDelta::minutes(minutes);
                continue;
            }
            let Some(command) = command(&world, step) else { continue };
            let before = world.events.len();
            if let Err(refusal) = world.run(command) {
                prop_assert_ne!(refusal.code, Code::Internal, "{}", refusal);
                prop_assert_eq!(world.events.len(), before);
            }
            decided_at.resize(world.events.len(), world.now);
            world.audit();
            audit_rules(&world, &decided_at);
        }
    }

    #[test]
    fn a_run_in_steps_takes_what_one_run_would(
        amounts in prop::collection::vec(1_i64..500, 1..20), percent in 1_i64..=100, size in 1_usize..6,
    ) {
        let count = i64::try_from(amounts.len()).unwrap();
        let ids: Vec<i64> = (1..=count).collect();
        let mut at_once = issued(&amounts);
        create(&mut at_once, share(percent)).unwrap();
        let expected = run(&mut at_once, &ids);
        let mut world = issued(&amounts);
        create(&mut world, share(percent)).unwrap();
        let steps: Vec<_> = ids.chunks(size).collect();
        for (index, listed) in steps.iter().enumerate() {
            let command = RunRule { more: index + 1 < steps.len(), ..run_with(&world, listed) };
            world.run(Command::RunRule(command)).unwrap();
        }
        world.audit();
        let moved: i64 = actions(&world).iter().map(|action| action.total().0).sum();
        prop_assert_eq!(moved, expected.moved_wh.0);
        prop_assert_eq!(moved, amounts.iter().sum::<i64>() * percent / 100);
        prop_assert_eq!(state(&world, 1).next_period, 1);
    }
}
