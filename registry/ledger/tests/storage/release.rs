//! Certificates for what storage releases.

use super::*;

/// Charges 1,000 Wh in hour 0 from two wind farms' certificates, and discharges 890 Wh in hour 1.
fn charged() -> World {
    let mut world = with_battery();
    run(&mut world, readings(1, hours(0, &[700, 5]))).unwrap();
    let mut give = act(ActionType::Transfer, 2, &[3]);
    run(&mut world, readings(2, hours(0, &[400]))).unwrap();
    give.target_id = Some(AccountId(3));
    run(&mut world, Command::ActOnBundles(give)).unwrap();
    let mut give = act(ActionType::Transfer, 3, &[3]);
    give.target_id = Some(AccountId(1));
    run(&mut world, Command::ActOnBundles(give)).unwrap();
    run(&mut world, stated(0, 24, "0.89")).unwrap();
    run(&mut world, submit(flows(0, &[-1000, 890]))).unwrap();
    run(&mut world, allocate(0, 2, None)).unwrap();
    world
}

fn cancel_for_storage(
    world: &mut World,
    bundles: &[i64],
    amount: Amount,
) -> Result<Decision, Refusal> {
    let mut cancel = act(ActionType::CancelForStorage, 1, bundles);
    cancel.storage_device_id = Some(DeviceId(BATTERY));
    cancel.amount = amount;
    run(world, Command::ActOnBundles(cancel))
}

#[test]
fn what_storage_releases_is_issued_once_with_a_bundle_for_each_source() {
    let mut world = charged();
    assert_eq!(
        code(run(&mut world, issue(&[1], &[1, 3], false))),
        Code::ChargeUncovered
    );
    cancel_for_storage(&mut world, &[1, 3], Amount::Whole).unwrap();
    assert_eq!(world.status(1), CertificateStatus::CancelledForStorage);
    assert_eq!(
        world.bundle(1).beneficiary.as_deref(),
        Some("for storage: BAT-1")
    );
    run(&mut world, issue(&[1], &[1, 3], true)).unwrap();
    // Bundle 3 holds 100 Wh more than were consumed: 4 is used up, 5 stays for another allocation.
    assert_eq!(world.status(3), CertificateStatus::BundleSplit);
    let used = Some(AllocationId(1));
    for (bundle, wh, used_for) in [(1, 700, used), (4, 300, used), (5, 100, None)] {
        assert_eq!(world.bundle(bundle).quantity().0, wh);
        assert_eq!(world.bundle(bundle).trail().used_for, used_for);
    }
    let issued = [6, 7].map(|id| world.bundle(id));
    let quantities: Vec<_> = issued.iter().map(|bundle| bundle.quantity().0).collect();
    assert_eq!(quantities, [623, 267]);
    assert_eq!(issued[0].interval.start(), hour(1));
    assert_eq!((issued[0].start.0, issued[1].end.0), (1, 890));
    assert_eq!(
        code(run(&mut world, issue(&[1], &[5], false))),
        Code::AllocationIssued
    );
}

#[test]
fn bundles_that_do_not_stand_for_the_charge_are_refused_where_they_are_named() {
    let mut world = charged();
    let named = |bundles: &[i64]| issue(&[1], bundles, true);
    assert_eq!(code(run(&mut world, named(&[1]))), Code::BundleNotForCharge);
    assert_eq!(code(run(&mut world, named(&[99]))), Code::BundleNotFound);
    assert_eq!(code(run(&mut world, named(&[1, 1]))), Code::BundleRepeated);
    // Bundle 2 was produced while nothing was charged.
    cancel_for_storage(&mut world, &[2], Amount::Whole).unwrap();
    assert_eq!(code(run(&mut world, named(&[2]))), Code::BundleNotForCharge);
    cancel_for_storage(&mut world, &[1], Amount::Whole).unwrap();
    assert_eq!(code(run(&mut world, named(&[1]))), Code::ChargeUncovered);
    assert_eq!(
        code(run(&mut world, issue(&[2], &[1], false))),
        Code::AllocationNotFound
    );
    assert_eq!(
        code(run(&mut world, issue(&[], &[1], false))),
        Code::ListEmpty
    );
    assert_eq!(
        code(run(&mut world, issue(&[1, 1], &[1], false))),
        Code::AllocationIssued
    );
    let ids: Vec<i64> = (1..).take(MAX_ALLOCATIONS + 1).collect();
    assert_eq!(
        code(run(&mut world, issue(&ids, &[], false))),
        Code::ListTooLong
    );
    let at_limit = issue(&ids[..MAX_ALLOCATIONS], &[], false);
    assert_eq!(code(run(&mut world, at_limit)), Code::AllocationNotFound);
}

#[test]
fn what_is_cancelled_for_storage_is_final_and_only_for_a_device_of_the_account() {
    let mut world = charged();
    let mut cancel = act(ActionType::CancelForStorage, 1, &[1]);
    assert_eq!(
        code(run(&mut world, Command::ActOnBundles(cancel.clone()))),
        Code::DeviceNotFound
    );
    cancel.storage_device_id = Some(DeviceId(1));
    assert_eq!(
        code(run(&mut world, Command::ActOnBundles(cancel.clone()))),
        Code::DeviceNotStorage
    );
    let register = RegisterDevice {
        account_id: AccountId(2),
        attributes: battery(),
    };
    run(&mut world, Command::RegisterDevice(register)).unwrap();
    cancel.storage_device_id = Some(DeviceId(BATTERY + 1));
    assert_eq!(
        code(run(&mut world, Command::ActOnBundles(cancel))),
        Code::DeviceNotFound
    );
    cancel_for_storage(&mut world, &[1], Amount::Whole).unwrap();
    for action in ActionType::ALL {
        let mut asked = act(*action, 1, &[1]);
        asked.target_id = Some(AccountId(2));
        asked.storage_device_id = Some(DeviceId(BATTERY));
        let result = run(&mut world, Command::ActOnBundles(asked));
        match result {
            Ok(decision) => assert!(decision.events.is_empty(), "{action}"),
            Err(refusal) => assert_eq!(refusal.code, Code::BundleState, "{action}"),
        }
    }
}

#[test]
fn a_withdrawn_storage_certificate_is_not_issued_again() {
    let mut world = charged();
    cancel_for_storage(&mut world, &[1, 3], Amount::Whole).unwrap();
    run(&mut world, issue(&[1], &[1, 3], false)).unwrap();
    run(
        &mut world,
        Command::ActOnBundles(act(ActionType::Withdraw, 1, &[6])),
    )
    .unwrap();
    assert_eq!(
        code(run(&mut world, issue(&[1], &[5], false))),
        Code::AllocationIssued
    );
}

#[test]
fn one_cancelled_bundle_serves_several_allocations_of_its_hour() {
    let mut world = with_battery();
    run(&mut world, readings(1, hours(0, &[1000]))).unwrap();
    run(&mut world, stated(0, 24, "0.5")).unwrap();
    run(&mut world, submit(flows(0, &[-1000, 100, 200, 200]))).unwrap();
    run(&mut world, allocate(0, 4, None)).unwrap();
    let quantity = Amount::Quantity(WattHours(900), QuantityMode::PerBundle);
    cancel_for_storage(&mut world, &[1], quantity).unwrap();
    assert_eq!(
        code(run(&mut world, issue(&[1, 2, 3], &[2], true))),
        Code::ChargeUncovered
    );
    run(&mut world, issue(&[1, 2], &[2], true)).unwrap();
    assert_eq!(world.live_wh(1), 100 + 100 + 200);
}
