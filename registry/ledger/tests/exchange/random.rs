//! Random histories of one registry.

use super::*;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Submit(i64, i64),
    Import(i64, i64),
    Export(usize, i64),
    Settle(i64, bool),
    Cancel(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_i64..24, 1_i64..200).prop_map(|(hour, wh)| Step::Submit(hour, wh)),
        (1_i64..500, 1_i64..80).prop_map(|(start, wh)| Step::Import(start, wh)),
        (0_usize..32, 1_i64..200).prop_map(|(pick, wh)| Step::Export(pick, wh)),
        (1_i64..40, any::<bool>()).prop_map(|(id, confirmed)| Step::Settle(id, confirmed)),
        (0_usize..32).prop_map(Step::Cancel),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Issued and imported energy is in exactly one place through every history of exports and imports, and
    /// no certificate of another registry is here twice.
    #[test]
    fn energy_is_conserved_by_exports_and_imports(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::with_accounts();
        for step in steps {
            let active: Vec<i64> = world
                .bundles()
                .into_iter()
                .filter(|(_, bundle)| {
                    bundle.status == CertificateStatus::Active && bundle.account_id == AccountId(1)
                })
                .map(|(id, _)| id.0)
                .collect();
            let pick = |index: usize| active.get(index % active.len().max(1)).copied().unwrap_or(1);
            let command = match step {
                Step::Submit(hour, wh) => readings(1, hours(hour, &[wh])),
                Step::Import(start, wh) => import(vec![row(1, start, start + wh - 1)]),
                Step::Export(index, wh) => {
                    let Command::ActOnBundles(mut asked) = export(&[pick(index)]) else { continue };
                    asked.amount = ledger::command::Amount::Quantity(
                        WattHours(wh), schemas::life_cycle::QuantityMode::PerBundle);
                    Command::ActOnBundles(asked)
                }
                Step::Settle(id, true) => confirm(id),
                Step::Settle(id, false) => take_back(id),
                Step::Cancel(index) => Command::ActOnBundles(act(ActionType::Cancel, 1, &[pick(index)])),
            };
            let before = world.events.len();
            if let Err(refusal) = world.run(command) {
                prop_assert_ne!(refusal.code, Code::Internal, "{}", refusal);
                prop_assert_eq!(world.events.len(), before);
            }
            world.audit();
        }
    }
}
