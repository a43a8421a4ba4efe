//! What each action on bundles does, and each rule that refuses one.
#![allow(clippy::unwrap_used)]

mod world;

use ledger::action::MAX_BUNDLES;
use ledger::command::Amount;
use ledger::refusal::Place;
use ledger::{Code, Command, Decision, Refusal};
use rust_decimal::Decimal;
use schemas::WattHours;
use schemas::id::AccountId;
use schemas::life_cycle::{ActionType, CertificateStatus, QuantityMode};
use world::{World, act, code, hours, readings};

fn thousand() -> World {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, &[1_000]))).unwrap();
    world
}

fn run(
    world: &mut World,
    action: ActionType,
    source: i64,
    bundles: &[i64],
    amount: Amount,
) -> Result<Decision, Refusal> {
    let mut asked = act(action, source, bundles);
    asked.amount = amount;
    asked.target_id = Some(AccountId(source % 3 + 1));
    let result = world.run(Command::ActOnBundles(asked));
    world.audit();
    result
}

fn quantity(wh: i64) -> Amount {
    Amount::Quantity(WattHours(wh), QuantityMode::PerBundle)
}

fn share(text: &str) -> Amount {
    Amount::Percentage(text.parse::<Decimal>().unwrap(), QuantityMode::PerBundle)
}

#[test]
fn a_split_gives_two_ranges_that_partition_the_parent() {
    let mut world = thousand();
    run(&mut world, ActionType::Transfer, 1, &[1], quantity(250)).unwrap();
    assert_eq!(world.status(1), CertificateStatus::BundleSplit);
    let (taken, rest) = (world.bundle(2), world.bundle(3));
    assert_eq!(
        (taken.start.0, taken.end.0, taken.account_id.0),
        (1, 250, 2)
    );
    assert_eq!(
        (rest.start.0, rest.end.0, rest.account_id.0),
        (251, 1_000, 1)
    );
    assert_eq!((world.live_wh(1), world.live_wh(2)), (750, 250));
}

#[test]
fn a_quantity_of_the_bundle_or_more_takes_it_whole() {
    let mut world = thousand();
    run(&mut world, ActionType::Transfer, 1, &[1], quantity(5_000)).unwrap();
    assert_eq!(world.bundle(1).account_id, AccountId(2));
    assert_eq!(world.bundles().len(), 1);
}

#[test]
fn a_share_is_rounded_down_exactly() {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, &[100]))).unwrap();
    // 0.57 × 100 is 56 in binary floating point.
    run(&mut world, ActionType::Cancel, 1, &[1], share("0.57")).unwrap();
    assert_eq!(world.bundle(2).quantity(), WattHours(57));
    run(&mut world, ActionType::Cancel, 1, &[3], share("1")).unwrap();
    assert_eq!(world.status(3), CertificateStatus::Cancelled);
}

#[test]
fn a_share_below_one_certificate_is_refused() {
    let mut world = thousand();
    assert_eq!(
        code(run(
            &mut world,
            ActionType::Transfer,
            1,
            &[1],
            share("0.0001")
        )),
        Code::SplitTooSmall
    );
}

#[test]
fn shares_and_quantities_out_of_range_are_refused() {
    let mut world = thousand();
    for amount in [
        quantity(0),
        quantity(-500),
        share("0"),
        share("1.5"),
        share("-0.1"),
        share("0.1234567890123456789"),
    ] {
        assert_eq!(
            code(run(&mut world, ActionType::Cancel, 1, &[1], amount)),
            Code::ValueOutOfRange
        );
    }
    run(
        &mut world,
        ActionType::Cancel,
        1,
        &[1],
        share("0.123456789012345678"),
    )
    .unwrap();
}

#[test]
fn a_total_is_taken_across_the_listed_bundles_in_their_order() {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, &[100, 100, 100]))).unwrap();
    let total = |wh| Amount::Quantity(WattHours(wh), QuantityMode::Total);
    assert_eq!(
        code(run(
            &mut world,
            ActionType::Transfer,
            1,
            &[1, 2],
            total(201)
        )),
        Code::QuantityExceedsTotal
    );
    run(&mut world, ActionType::Transfer, 1, &[3, 1, 2], total(150)).unwrap();
    assert_eq!((world.live_wh(1), world.live_wh(2)), (150, 150));
    assert_eq!(world.bundle(3).account_id, AccountId(2));
    assert_eq!(world.bundle(2).account_id, AccountId(1));
}

#[test]
fn one_bad_bundle_changes_nothing_and_is_named() {
    let mut world = thousand();
    let refusal = run(
        &mut world,
        ActionType::Transfer,
        1,
        &[1, 9_999],
        Amount::Whole,
    )
    .unwrap_err();
    assert_eq!(refusal.code, Code::BundleNotFound);
    assert_eq!(
        refusal.errors[0].place,
        Place::Pointer("/granular_certificate_bundle_ids/1".into())
    );
    assert_eq!(world.bundle(1).account_id, AccountId(1));
}

#[test]
fn a_bundle_of_another_account_is_not_found() {
    let mut world = thousand();
    for action in ActionType::ALL {
        if *action != ActionType::Expire {
            assert_eq!(
                code(run(&mut world, *action, 2, &[1], Amount::Whole)),
                Code::BundleNotFound
            );
        }
    }
}

#[test]
fn a_bundle_listed_twice_is_refused() {
    let mut world = thousand();
    assert_eq!(
        code(run(
            &mut world,
            ActionType::Cancel,
            1,
            &[1, 1],
            Amount::Whole
        )),
        Code::BundleRepeated
    );
}

#[test]
fn lists_are_taken_up_to_their_limit() {
    let mut world = thousand();
    let at_limit: Vec<i64> = (1..).take(MAX_BUNDLES).collect();
    assert_eq!(
        code(run(
            &mut world,
            ActionType::Cancel,
            1,
            &at_limit,
            Amount::Whole
        )),
        Code::BundleNotFound
    );
    let above: Vec<i64> = (1..).take(MAX_BUNDLES + 1).collect();
    assert_eq!(
        code(run(
            &mut world,
            ActionType::Cancel,
            1,
            &above,
            Amount::Whole
        )),
        Code::ListTooLong
    );
    assert_eq!(
        code(run(&mut world, ActionType::Cancel, 1, &[], Amount::Whole)),
        Code::ListEmpty
    );
}

#[test]
fn transfer_to_an_account_that_did_not_whitelist_the_source_is_refused() {
    let mut world = thousand();
    let mut asked = act(ActionType::Transfer, 1, &[1]);
    asked.target_id = Some(AccountId(3));
    assert_eq!(
        code(world.run(Command::ActOnBundles(asked.clone()))),
        Code::NotWhitelisted
    );
    asked.target_id = Some(AccountId(99));
    assert_eq!(
        code(world.run(Command::ActOnBundles(asked))),
        Code::AccountNotFound
    );
}

#[test]
fn transfer_of_a_cancelled_bundle_is_refused() {
    let mut world = thousand();
    run(&mut world, ActionType::Cancel, 1, &[1], Amount::Whole).unwrap();
    assert_eq!(
        code(run(
            &mut world,
            ActionType::Transfer,
            1,
            &[1],
            Amount::Whole
        )),
        Code::BundleState
    );
    assert_eq!(
        code(run(&mut world, ActionType::Cancel, 1, &[1], Amount::Whole)),
        Code::BundleState
    );
    assert_eq!(
        code(run(&mut world, ActionType::Reserve, 1, &[1], Amount::Whole)),
        Code::BundleState
    );
}

#[test]
fn a_split_parent_refuses_everything() {
    let mut world = thousand();
    run(&mut world, ActionType::Cancel, 1, &[1], quantity(400)).unwrap();
    for action in ActionType::ALL {
        if *action != ActionType::Expire {
            assert_eq!(
                code(run(&mut world, *action, 1, &[1], Amount::Whole)),
                Code::BundleState
            );
        }
    }
}

#[test]
fn a_claim_is_for_the_recorded_beneficiary_only() {
    let mut world = thousand();
    let mut cancel = act(ActionType::Cancel, 1, &[1]);
    cancel.beneficiary = Some("Acme".into());
    assert_eq!(
        code(run(&mut world, ActionType::Claim, 1, &[1], Amount::Whole)),
        Code::BundleState
    );
    world.run(Command::ActOnBundles(cancel)).unwrap();
    let mut claim = act(ActionType::Claim, 1, &[1]);
    claim.beneficiary = Some("Somebody else".into());
    assert_eq!(
        code(world.run(Command::ActOnBundles(claim.clone()))),
        Code::BeneficiaryMismatch
    );
    claim.beneficiary = Some("Acme".into());
    world.run(Command::ActOnBundles(claim.clone())).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Claimed);
    assert_eq!(
        code(world.run(Command::ActOnBundles(claim))),
        Code::BundleState
    );
}

#[test]
fn a_beneficiary_with_an_account_claims_by_itself() {
    let mut world = thousand();
    let mut cancel = act(ActionType::Cancel, 1, &[1]);
    cancel.beneficiary_account_id = Some(AccountId(3));
    world.run(Command::ActOnBundles(cancel)).unwrap();
    assert_eq!(
        code(run(&mut world, ActionType::Claim, 1, &[1], Amount::Whole)),
        Code::BeneficiaryMismatch
    );
    assert_eq!(
        code(run(&mut world, ActionType::Claim, 2, &[1], Amount::Whole)),
        Code::BundleNotFound
    );
    run(&mut world, ActionType::Claim, 3, &[1], Amount::Whole).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Claimed);
}

#[test]
fn a_cancellation_names_the_holder_where_nobody_else_is_named() {
    let mut world = thousand();
    run(&mut world, ActionType::Cancel, 1, &[1], Amount::Whole).unwrap();
    assert_eq!(world.bundle(1).beneficiary.as_deref(), Some("One"));
}

#[test]
fn lock_refuses_everything_but_unlock_and_withdraw() {
    let mut world = thousand();
    run(&mut world, ActionType::Reserve, 1, &[1], Amount::Whole).unwrap();
    run(&mut world, ActionType::Lock, 1, &[1], Amount::Whole).unwrap();
    for action in [
        ActionType::Transfer,
        ActionType::Cancel,
        ActionType::Claim,
        ActionType::Reserve,
        ActionType::Release,
    ] {
        assert_eq!(
            code(run(&mut world, action, 1, &[1], Amount::Whole)),
            Code::BundleState
        );
    }
    run(&mut world, ActionType::Unlock, 1, &[1], Amount::Whole).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Reserved);
    run(&mut world, ActionType::Release, 1, &[1], Amount::Whole).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Active);
    run(&mut world, ActionType::Lock, 1, &[1], Amount::Whole).unwrap();
    run(&mut world, ActionType::Withdraw, 1, &[1], Amount::Whole).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Withdrawn);
}

#[test]
fn an_expired_bundle_can_not_move() {
    let mut world = thousand();
    assert!(
        run(&mut world, ActionType::Expire, 1, &[1], Amount::Whole)
            .unwrap()
            .events
            .is_empty()
    );
    world.now = world.bundle(1).expiry;
    for action in [
        ActionType::Transfer,
        ActionType::Cancel,
        ActionType::Reserve,
    ] {
        assert_eq!(
            code(run(&mut world, action, 1, &[1], Amount::Whole)),
            Code::BundleExpired
        );
    }
    run(&mut world, ActionType::Expire, 1, &[1, 2], Amount::Whole).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Expired);
    assert_eq!(world.live_wh(1), 0);
}

#[test]
fn an_account_closes_only_when_nothing_of_value_is_in_it() {
    let mut world = thousand();
    assert_eq!(
        code(world.run(Command::CloseAccount(AccountId(1)))),
        Code::AccountNotEmpty
    );
    world.run(Command::CloseAccount(AccountId(3))).unwrap();
    assert_eq!(
        code(world.run(Command::CloseAccount(AccountId(3)))),
        Code::AccountClosed
    );
    let mut asked = act(ActionType::Transfer, 1, &[1]);
    asked.target_id = Some(AccountId(3));
    assert_eq!(
        code(world.run(Command::ActOnBundles(asked))),
        Code::AccountNotFound
    );
}
