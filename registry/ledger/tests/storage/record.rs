//! Records of what was charged and discharged: accepted and taken back.

use super::*;

#[test]
fn records_follow_each_other_and_what_stands_is_recognised() {
    let mut world = with_battery();
    run(&mut world, submit(flows(0, &[-1000, 0, 800]))).unwrap();
    assert_eq!(records(&world), [(1, -1000, 0), (2, 0, 0), (3, 800, 0)]);
    let again = run(&mut world, submit(flows(0, &[-1000, 0, 800]))).unwrap();
    assert!(again.events.is_empty());
    run(&mut world, submit(flows(2, &[800, -5]))).unwrap();
    assert_eq!(records(&world).len(), 4);
}

#[test]
fn every_rule_that_a_row_breaks_is_named_and_nothing_is_stored() {
    let mut world = with_battery();
    run(&mut world, submit(flows(0, &[-1000, 800]))).unwrap();
    let mut check = |rows: Vec<FlowRow>, whole: Code, each: &[(u32, Code)]| {
        let refusal = run(&mut world, submit(rows)).unwrap_err();
        let found: Vec<_> = refusal
            .errors
            .iter()
            .map(|error| match error.place {
                Place::Cell { row, .. } => (row, error.code),
                Place::Pointer(_) | Place::Bundle(_) => panic!("a row has a cell"),
            })
            .collect();
        let expected: Vec<_> = each
            .iter()
            .map(|(row, code)| (*row, code.as_str()))
            .collect();
        assert_eq!((refusal.code, found), (whole, expected));
        assert_eq!(records(&world).len(), 2);
    };
    let refused = Code::StorageRecordsRefused;
    check(flows(3, &[1]), refused, &[(1, Code::StorageGap)]);
    check(flows(-1, &[1]), refused, &[(1, Code::StorageOverlap)]);
    let mut twice = flows(2, &[1]);
    twice.extend(flows(2, &[1]));
    twice[1].row = 2;
    check(twice, refused, &[(2, Code::StorageOverlap)]);
    check(
        flows(1, &[801]),
        Code::StorageRecordConflict,
        &[(1, Code::StorageRecordConflict)],
    );
    // 1 MW × 1 h × 1.1, which a flow must stay below either way.
    check(
        flows(2, &[1_100_000, -1_100_000]),
        refused,
        &[(1, Code::OverCapacity), (2, Code::OverCapacity)],
    );
    let mut late = flows(2, &[1, 1]);
    late[0].end = late[0].start;
    late[1].end = late[1].start + TimeDelta::hours(2);
    check(
        late,
        refused,
        &[(1, Code::IntervalOrder), (2, Code::IntervalGrid)],
    );
    world.now = hour(2);
    let refusal = run(&mut world, submit(flows(2, &[1]))).unwrap_err();
    assert_eq!(refusal.errors[0].code, Code::InFuture.as_str());
    world.now = at("2025-06-01T12:00:00Z");
    run(&mut world, submit(flows(2, &[1_099_999, -1_099_999]))).unwrap();
}

#[test]
fn a_submission_of_no_rows_or_for_no_storage_is_refused() {
    let mut world = with_battery();
    assert_eq!(code(world.run(submit(Vec::new()))), Code::ListEmpty);
    let of_wind = Command::SubmitStorageRecords(SubmitStorageRecords {
        device_id: DeviceId(1),
        rows: flows(0, &[1]),
        unreadable: Vec::new(),
    });
    assert_eq!(code(world.run(of_wind)), Code::DeviceNotStorage);
    let at_limit = vec![flows(0, &[1]).remove(0); MAX_ROWS];
    assert_eq!(
        code(world.run(submit(at_limit.clone()))),
        Code::StorageRecordsRefused
    );
    let above = [at_limit, flows(0, &[1])].concat();
    assert_eq!(code(world.run(submit(above))), Code::ListTooLong);
}

#[test]
fn records_are_taken_back_from_the_end_and_only_where_nothing_rests_on_them() {
    let mut world = with_battery();
    run(&mut world, stated(0, 24, "0.5")).unwrap();
    run(&mut world, submit(flows(0, &[-100, 10, -50, 20]))).unwrap();
    let charge = |from, id| withdraw(from, Some((id, Flow::Charging)));
    assert_eq!(
        code(run(&mut world, charge(2, 3))),
        Code::StorageRecordNotLast
    );
    assert_eq!(code(run(&mut world, charge(3, 4))), Code::StorageRecordKind);
    assert_eq!(
        code(run(&mut world, charge(3, 9))),
        Code::StorageRecordNotFound
    );
    assert_eq!(
        code(run(&mut world, withdraw(4, None))),
        Code::StorageRecordNotFound
    );
    run(&mut world, withdraw(3, Some((4, Flow::Discharging)))).unwrap();
    run(&mut world, allocate(0, 2, None)).unwrap();
    assert_eq!(
        code(run(&mut world, withdraw(1, None))),
        Code::StorageRecordInUse
    );
    run(&mut world, withdraw(2, None)).unwrap();
    assert_eq!(records(&world).len(), 2);
    // What comes next follows the record before, under a new id.
    run(&mut world, submit(flows(2, &[-60]))).unwrap();
    assert_eq!(records(&world)[2], (5, -60, 0));
    run(&mut world, submit(flows(3, &[30]))).unwrap();
    run(&mut world, stated(24, 48, "0.5")).unwrap();
}

#[test]
fn records_under_a_measured_efficiency_stay() {
    let mut world = with_battery();
    run(&mut world, submit(flows(0, &[-100, 90]))).unwrap();
    run(&mut world, measured(0, 2)).unwrap();
    assert_eq!(
        code(run(&mut world, withdraw(1, None))),
        Code::StorageRecordInUse
    );
}

#[test]
fn a_month_of_records_is_taken_back_at_once_and_no_more() {
    let mut world = with_battery();
    let month = MAX_WITHDRAWN_DAYS * 24;
    let idle = vec![0; usize::try_from(month).unwrap() + 1];
    run(&mut world, submit(flows(0, &idle))).unwrap();
    assert_eq!(
        code(run(&mut world, withdraw(0, None))),
        Code::StorageWindow
    );
    run(&mut world, withdraw(1, None)).unwrap();
    run(&mut world, withdraw(0, None)).unwrap();
    // With no record left, the first may begin anywhere.
    run(&mut world, submit(flows(700, &[-1]))).unwrap();
}
