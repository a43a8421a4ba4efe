use super::*;

#[test]
fn a_sentinel_at_the_end_of_an_interval_makes_its_neighbours_doubtful() {
    let mut bench = Bench::noon();
    bench.run(800);
    for _ in 0..20 {
        bench.pass(10).produce(10_000);
        bench.accountant.missed(Cause::Sentinel);
    }
    bench.run(1_700);
    bench.check();
    let sentinel = (DOUBTFUL, Some(Cause::Sentinel), 900);
    assert_eq!(bench.kinds(), [sentinel, sentinel, (MEASURED, None, 900)]);
}

#[test]
fn a_sentinel_for_a_moment_changes_nothing() {
    let mut bench = Bench::noon();
    bench.run(890);
    bench.pass(10).produce(10_000);
    bench.accountant.missed(Cause::Sentinel);
    bench.run(10);
    assert_eq!(bench.kinds(), [(MEASURED, None, 900)]);
}

#[test]
fn a_sentinel_while_nothing_is_produced_makes_no_doubt() {
    let mut bench = Bench::noon();
    bench.pass(800).look();
    bench.accountant.missed(Cause::Sentinel);
    bench.pass(7_200).look();
    assert!(
        bench
            .kinds()
            .iter()
            .all(|kind| *kind == (INTERPOLATED, Some(Cause::Gap), 0))
    );
}

#[test]
fn a_counter_that_is_zero_for_a_moment_is_not_believed() {
    let mut bench = Bench::noon();
    bench.run(400);
    let energy = std::mem::replace(&mut bench.energy_mwh, 0);
    bench.pass(10).look();
    bench.energy_mwh = energy + 10_000;
    bench.run(500);
    bench.check();
    assert_eq!(bench.kinds(), [(MEASURED, None, 900)]);
}

#[test]
fn a_counter_that_is_zero_over_the_end_of_an_interval_leaves_it_doubtful() {
    let mut bench = Bench::noon();
    bench.run(800);
    let energy = std::mem::replace(&mut bench.energy_mwh, 0);
    bench.pass(10).look();
    bench.energy_mwh = energy + 200_000;
    bench.pass(190).look();
    bench.run(800);
    let doubtful = (DOUBTFUL, Some(Cause::TransientZero), 900);
    assert_eq!(bench.kinds(), [doubtful, doubtful]);
}

#[test]
fn a_reset_is_believed_when_it_lasts_and_nothing_is_counted_for_it() {
    let mut bench = Bench::noon();
    bench.run(400);
    bench.energy_mwh = 0;
    bench.pass(10).look();
    bench.run(1_390);
    bench.check();
    // What the counter says on both sides: 400 Wh before, and from the third look at 430 s.
    assert_eq!(
        bench.kinds(),
        [(DOUBTFUL, Some(Cause::Reset), 870), (MEASURED, None, 900)]
    );
    assert_eq!(
        bench.readings[0].counter_start_wh,
        Some(WattHours(1_000_000))
    );
    assert_eq!(bench.readings[0].counter_end_wh, Some(WattHours(490)));
}

#[test]
fn a_counter_that_goes_back_is_believed_when_it_lasts() {
    let mut bench = Bench::noon();
    bench.run(400);
    bench.produce(-300_000_000);
    bench.run(500);
    bench.check();
    assert_eq!(
        bench.kinds(),
        [(DOUBTFUL, Some(Cause::CounterBackwards), 870)]
    );
}

#[test]
fn a_jump_beyond_the_nameplate_is_not_counted() {
    let mut bench = Bench::noon();
    bench.run(400);
    bench.produce(53_700_000_000);
    bench.run(500);
    bench.check();
    assert_eq!(bench.kinds(), [(DOUBTFUL, Some(Cause::OutOfRange), 870)]);
}

#[test]
fn a_jump_for_a_moment_is_not_believed() {
    let mut bench = Bench::noon();
    bench.run(400);
    bench.produce(53_700_000_000);
    bench.run(20);
    bench.produce(-53_700_000_000);
    bench.run(480);
    bench.check();
    assert_eq!(bench.kinds(), [(MEASURED, None, 900)]);
}

#[test]
fn a_wrap_is_measured_and_nothing_is_lost() {
    let modulus = 65_536 * STEP;
    let mut bench = Bench::new("2026-06-21T12:00:00Z", modulus - 400_000);
    bench.modulus_mwh = Some(modulus);
    bench.run(400);
    bench.energy_mwh = 0;
    for _ in 0..140 {
        bench.pass(10).look();
        bench.produce(10_000);
    }
    bench.check();
    assert_eq!(
        bench.kinds(),
        [(MEASURED, Some(Cause::Wrap), 890), (MEASURED, None, 900)]
    );
}

#[test]
fn a_frozen_counter_leaves_its_intervals_doubtful_until_it_moves() {
    let mut bench = Bench::noon();
    bench.power_w = Some(3_600);
    bench.run(900);
    for _ in 0..90 {
        bench.pass(10).look();
    }
    // It catches up with what it did not show.
    bench.produce(900_000);
    bench.run(1_800);
    bench.check();
    assert_eq!(
        bench.kinds(),
        [
            (MEASURED, None, 900),
            (DOUBTFUL, Some(Cause::Frozen), 0),
            (DOUBTFUL, Some(Cause::Frozen), 1_800),
            (MEASURED, None, 900),
        ]
    );
}

#[test]
fn a_counter_that_stands_still_at_night_is_not_frozen() {
    let mut bench = Bench::new("2026-06-21T22:00:00Z", 5_000_000);
    bench.power_w = Some(0);
    for _ in 0..180 {
        bench.pass(10).look();
    }
    assert_eq!(bench.kinds(), [(MEASURED, None, 0); 2]);
}

#[test]
fn another_meter_at_the_same_place_is_noticed() {
    let mut bench = Bench::noon();
    bench.run(400);
    (bench.serial, bench.energy_mwh) = ("B2", 77_000_000);
    bench.run(1_400);
    bench.check();
    assert_eq!(
        bench.kinds(),
        [
            (DOUBTFUL, Some(Cause::MeterSwapped), 870),
            (MEASURED, None, 900)
        ]
    );
    assert_eq!(bench.readings[1].counter_end_wh, Some(WattHours(78_400)));
}
