//! Wh out per Wh in, by window.

use super::*;

#[test]
fn an_efficiency_is_what_came_out_of_what_went_in() {
    let mut world = with_battery();
    run(&mut world, submit(flows(0, &[-1000, 0, 893, -7]))).unwrap();
    let decision = run(&mut world, measured(0, 3)).unwrap();
    let Event::Ledger(LedgerEvent::StorageEfficiencyFixed(event)) = &decision.events[0] else {
        panic!("{decision:?}");
    };
    let efficiency = event.fixed.efficiency;
    assert_eq!(
        (efficiency.numerator(), efficiency.denominator()),
        (893, 1000)
    );
    assert!(event.fixed.is_measured);
    // A window without a discharge, one that is not covered, and one that gave more than it took.
    assert_eq!(
        code(run(&mut world, measured(3, 4))),
        Code::StorageEfficiencyRange
    );
    assert_eq!(code(run(&mut world, measured(3, 5))), Code::StorageWindow);
    run(&mut world, submit(flows(4, &[8]))).unwrap();
    assert_eq!(
        code(run(&mut world, measured(3, 5))),
        Code::StorageEfficiencyRange
    );
    for factor in ["0", "1.1", "0.1234567890123"] {
        let refused = run(&mut world, stated(5, 6, factor));
        assert_eq!(code(refused), Code::StorageEfficiencyRange, "{factor}");
    }
    run(&mut world, stated(5, 6, "0.123456789012")).expect("12 decimal places");
    assert_eq!(
        code(run(&mut world, stated(6, 6, "0.9"))),
        Code::IntervalOrder
    );
}

#[test]
fn windows_are_half_a_year_at_most_and_do_not_overlap() {
    let mut world = with_battery();
    let days = MAX_WINDOW_DAYS * 24;
    assert_eq!(
        code(run(&mut world, stated(0, days + 1, "0.9"))),
        Code::StorageWindow
    );
    run(&mut world, stated(0, days, "0.9")).unwrap();
    run(&mut world, stated(0, days, "0.8")).expect("nothing rests on it");
    assert_eq!(
        code(run(&mut world, stated(1, 2, "0.9"))),
        Code::StorageWindowFixed
    );
    run(&mut world, submit(flows(0, &[-1000, 800]))).unwrap();
    run(&mut world, allocate(0, 2, None)).unwrap();
    assert_eq!(
        code(run(&mut world, stated(0, days, "0.9"))),
        Code::StorageWindowFixed
    );
}

#[test]
fn a_device_has_so_many_windows_and_no_more() {
    let mut world = with_battery();
    for n in 0..i64::try_from(MAX_WINDOWS).unwrap() {
        world.run(stated(n, n + 1, "0.9")).unwrap();
    }
    let one_more = i64::try_from(MAX_WINDOWS).unwrap();
    assert_eq!(
        code(world.run(stated(one_more, one_more + 1, "0.9"))),
        Code::ListTooLong
    );
    // Of those there are, each can still be fixed anew.
    world.run(stated(0, 1, "0.8")).unwrap();
}
