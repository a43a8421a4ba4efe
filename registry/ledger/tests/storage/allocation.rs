//! Which charge a discharge comes from.

use super::*;

#[test]
fn a_discharge_takes_the_least_that_gives_it_and_what_is_uncovered_is_said() {
    let mut world = with_battery();
    run(&mut world, submit(flows(0, &[-1000, 445, -100, 600]))).unwrap();
    assert_eq!(
        code(run(&mut world, allocate(0, 4, None))),
        Code::StorageEfficiencyMissing
    );
    run(&mut world, stated(0, 24, "0.89")).unwrap();
    let decision = run(&mut world, allocate(0, 4, None)).unwrap();
    // 445 / 0.89 = 500; of the rest 500 × 0.89 = 445 and 100 × 0.89 = 89 are left for the second.
    assert_eq!(
        rows_of(&decision),
        [(1, 2, 500, 445), (1, 4, 500, 445), (3, 4, 100, 89)]
    );
    let event = allocated(&decision);
    assert_eq!(event.method, AllocationMethod::Fifo);
    let uncovered: Vec<_> = event.discharges.iter().map(|one| one.uncovered.0).collect();
    assert_eq!(uncovered, [0, 66]);
    assert_eq!(
        code(run(&mut world, allocate(0, 4, None))),
        Code::NothingToAllocate
    );
    assert_eq!(
        code(run(&mut world, allocate(10, 12, None))),
        Code::NothingToAllocate
    );
}

#[test]
fn charges_of_a_year_back_are_looked_at_and_older_ones_are_not() {
    for (days, covered) in [(MAX_LOOK_BACK_DAYS, true), (MAX_LOOK_BACK_DAYS + 1, false)] {
        let mut world = with_battery();
        let end = days * 24;
        let idle = vec![0; usize::try_from(end).unwrap() - 2];
        run(&mut world, submit(flows(0, &[-1000]))).unwrap();
        run(&mut world, submit(flows(1, &idle))).unwrap();
        run(&mut world, submit(flows(end - 1, &[500]))).unwrap();
        run(&mut world, stated(end - 24, end, "0.5")).unwrap();
        let result = run(&mut world, allocate(end - 24, end, None));
        assert_eq!(result.is_ok(), covered, "{days} days: {result:?}");
    }
}

#[test]
fn the_first_allocation_fixes_the_method() {
    let mut world = with_battery();
    run(&mut world, stated(0, 24, "0.5")).unwrap();
    run(&mut world, submit(flows(0, &[-100, -100, 30, 30]))).unwrap();
    let decision = run(&mut world, allocate(0, 3, Some(AllocationMethod::Lifo))).unwrap();
    assert_eq!(rows_of(&decision), [(2, 3, 60, 30)]);
    let fifo = allocate(0, 4, Some(AllocationMethod::Fifo));
    assert_eq!(code(run(&mut world, fifo)), Code::StorageMethodFixed);
    let rows = by_hand(vec![row(1, 1, 4, RowAmount::Consumed(WattHours(2)))]);
    assert_eq!(code(run(&mut world, rows)), Code::StorageMethodFixed);
    let decision = run(&mut world, allocate(0, 4, None)).unwrap();
    assert_eq!(rows_of(&decision), [(2, 4, 40, 20), (1, 4, 20, 10)]);
}

fn row(number: u32, scr: i64, sdr: i64, amount: RowAmount) -> AllocationRow {
    // Records of these tests are numbered by the hours from 0 on.
    let place = |id: i64| RecordPlace {
        record_id: StorageRecordId(id),
        start: Some(hour(id - 1)),
    };
    AllocationRow {
        row: number,
        scr: place(scr),
        sdr: place(sdr),
        amount,
        produced: None,
        factor: None,
    }
}

#[test]
fn a_validator_allocates_row_by_row_and_states_the_efficiency() {
    let mut world = with_battery();
    run(&mut world, submit(flows(0, &[-1000, 445, 300]))).unwrap();
    let consumed = |wh| RowAmount::Consumed(WattHours(wh));
    let mut first = row(1, 1, 2, consumed(500));
    first.produced = Some(WattHours(445));
    first.factor = Some(StatedFactor {
        from: hour(0),
        to: hour(24),
        factor: Decimal::new(89, 2),
    });
    let half = RowAmount::Proportion(Decimal::new(5, 1));
    let decision = run(&mut world, by_hand(vec![first.clone(), row(2, 1, 3, half)])).unwrap();
    assert_eq!(rows_of(&decision), [(1, 2, 500, 445), (1, 3, 169, 150)]);
    assert_eq!(
        allocated(&decision).method,
        AllocationMethod::OperatorDiscretion
    );
    assert_eq!(
        code(run(&mut world, allocate(0, 3, None))),
        Code::StorageMethodFixed
    );
    let mut other = row(1, 1, 3, consumed(100));
    other.factor = Some(StatedFactor {
        factor: Decimal::new(9, 1),
        ..first.factor.unwrap()
    });
    let mut said = row(2, 1, 3, consumed(100));
    said.produced = Some(WattHours(90));
    let mut nowhere = row(3, 9, 3, consumed(1));
    nowhere.scr.start = None;
    let rows = vec![
        other,
        said,
        nowhere,
        row(4, 2, 3, consumed(1)),
        row(5, 1, 1, consumed(1)),
        row(6, 1, 3, consumed(0)),
        row(7, 1, 3, consumed(1)),
        row(8, 1, 3, consumed(332)),
        row(9, 1, 3, RowAmount::Proportion(Decimal::new(11, 1))),
        row(
            10,
            1,
            3,
            RowAmount::Proportion(Decimal::new(25 * 10_i64.pow(16) + 1, 19)),
        ),
    ];
    let refusal = run(&mut world, by_hand(rows)).unwrap_err();
    assert_eq!(refusal.code, Code::AllocationsRefused);
    let codes: Vec<_> = refusal.errors.iter().map(|error| error.code).collect();
    let expected = [
        Code::StorageWindowFixed,
        Code::AllocationAmount,
        Code::StorageRecordNotFound,
        Code::StorageRecordKind,
        Code::StorageRecordKind,
        Code::AllocationAmount,
        Code::AllocationAmount,
        Code::OverAllocated,
        Code::AllocationAmount,
        Code::AllocationAmount,
    ];
    assert_eq!(codes, expected.map(Code::as_str));
    let too_much = by_hand(vec![row(1, 1, 3, consumed(332))]);
    assert_eq!(code(run(&mut world, too_much)), Code::OverAllocated);
}

#[test]
fn a_proportion_has_18_decimal_places() {
    let mut world = with_battery();
    run(&mut world, stated(0, 24, "0.9")).unwrap();
    run(&mut world, submit(flows(0, &[-1000, 400]))).unwrap();
    let share = |scale: u32| {
        let digits = 25 * 10_i64.pow(scale - 2) + 1;
        by_hand(vec![row(
            1,
            1,
            2,
            RowAmount::Proportion(Decimal::new(digits, scale)),
        )])
    };
    let refusal = run(&mut world, share(MAX_PROPORTION_SCALE + 1)).unwrap_err();
    assert_eq!(refusal.errors[0].code, Code::AllocationAmount.as_str());
    let decision = run(&mut world, share(MAX_PROPORTION_SCALE)).unwrap();
    assert_eq!(rows_of(&decision), [(1, 2, 112, 100)]);
}

#[test]
fn a_discharge_before_the_charge_has_ended_is_refused() {
    let mut world = with_battery();
    run(&mut world, stated(0, 24, "0.9")).unwrap();
    run(&mut world, submit(flows(0, &[5, -100]))).unwrap();
    let early = by_hand(vec![row(1, 2, 1, RowAmount::Consumed(WattHours(2)))]);
    let refusal = run(&mut world, early).unwrap_err();
    assert_eq!(refusal.errors[0].code, Code::AllocationOrder.as_str());
    assert_eq!(
        code(run(&mut world, allocate(0, 2, None))),
        Code::NothingToAllocate
    );
}

#[test]
fn a_later_range_that_is_allocated_first_leaves_no_charge_behind() {
    let mut world = with_battery();
    let (february, later_on) = (31 * 24, 450 * 24);
    let idle = |from: i64, to: i64| flows(from, &vec![0; usize::try_from(to - from).unwrap()]);
    run(&mut world, submit(flows(0, &[-1000]))).unwrap();
    run(&mut world, submit(idle(1, february))).unwrap();
    run(&mut world, submit(flows(february, &[400]))).unwrap();
    run(&mut world, submit(idle(february + 1, later_on))).unwrap();
    run(&mut world, submit(flows(later_on, &[-100, 50]))).unwrap();
    for day in [february, later_on] {
        run(&mut world, stated(day, day + 24, "0.5")).unwrap();
    }
    let charged = |decision: &Decision| {
        let rows = rows_of(decision).into_iter();
        rows.map(|(_, _, consumed, produced)| (consumed, produced))
            .collect::<Vec<_>>()
    };
    let after = run(&mut world, allocate(later_on, later_on + 24, None)).unwrap();
    assert_eq!(
        charged(&after),
        [(100, 50)],
        "older charges are out of sight"
    );
    let earlier = run(&mut world, allocate(february, february + 24, None)).unwrap();
    assert_eq!(charged(&earlier), [(800, 400)]);
}

#[test]
fn an_efficiency_that_a_row_states_is_that_of_its_discharge() {
    let mut world = with_battery();
    run(&mut world, stated(0, 24, "0.5")).unwrap();
    run(&mut world, submit(flows(0, &[-1000, 300]))).unwrap();
    let mut elsewhere = row(1, 1, 2, RowAmount::Consumed(WattHours(100)));
    elsewhere.factor = Some(StatedFactor {
        from: hour(24),
        to: hour(48),
        factor: Decimal::new(89, 2),
    });
    let refused = run(&mut world, by_hand(vec![elsewhere])).unwrap_err();
    assert_eq!(refused.errors[0].code, "storage_window");
    // Nothing was fixed by the way.
    run(&mut world, stated(24, 48, "0.9")).unwrap();
}
