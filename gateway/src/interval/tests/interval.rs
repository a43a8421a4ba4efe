use super::*;

#[test]
fn an_interval_with_samples_at_both_ends_is_measured() {
    let mut bench = Bench::noon();
    bench.run(1_800);
    bench.check();
    assert_eq!(
        bench.kinds(),
        [(MEASURED, None, 900), (MEASURED, None, 900)]
    );
    let first = &bench.readings[0];
    assert_eq!(
        first.interval_start.to_rfc3339(),
        "2026-06-21T12:00:00+00:00"
    );
    assert_eq!(first.counter_start_wh, Some(WattHours(1_000_000)));
    assert_eq!(first.counter_end_wh, Some(WattHours(1_000_900)));
}

#[test]
fn the_interval_that_the_gateway_was_started_in_is_interpolated() {
    let mut bench = Bench::new("2026-06-21T12:05:00Z", 0);
    bench.run(1_500);
    assert_eq!(
        bench.kinds(),
        [(INTERPOLATED, Some(Cause::Gap), 600), (MEASURED, None, 900)]
    );
}

#[test]
fn parts_of_a_wh_are_carried_to_the_next_interval() {
    let mut bench = Bench::noon();
    for _ in 0..4 {
        bench.pass(890).produce(1_000).look();
        bench.pass(10).produce(250).look();
    }
    // 500 mWh at the start and 1,250 in each interval.
    let wh: Vec<_> = bench.readings.iter().map(|reading| reading.wh.0).collect();
    assert_eq!(wh, [1, 2, 1, 1]);
}

#[test]
fn an_end_between_two_samples_has_its_share_of_their_difference() {
    let mut bench = Bench::noon();
    bench.run(890);
    bench.pass(20).produce(20_000).look();
    assert_eq!(bench.kinds(), [(MEASURED, None, 900)]);
}

#[test]
fn intervals_missed_in_a_gap_are_covered_by_the_counter_and_marked() {
    let mut bench = Bench::noon();
    bench.run(300);
    bench.restart();
    bench.pass(3_600).produce(3_600_000).look();
    bench.run(600);
    bench.check();
    let gap = (INTERPOLATED, Some(Cause::Gap), 900);
    assert_eq!(bench.kinds(), [gap; 5]);
}

#[test]
fn a_gap_inside_an_interval_leaves_it_measured() {
    let mut bench = Bench::noon();
    bench.run(60);
    bench.pass(780).produce(780_000).look();
    bench.run(60);
    assert_eq!(bench.kinds(), [(MEASURED, None, 900)]);
}

#[test]
fn samples_around_an_end_may_be_as_far_apart_as_settings_say_and_no_farther() {
    for (apart, quality) in [(120, MEASURED), (121, INTERPOLATED)] {
        let mut bench = Bench::noon();
        bench.pass(840).produce(0).look();
        bench.pass(apart).look();
        assert_eq!(bench.readings[0].quality, quality, "{apart} s");
    }
}

#[test]
fn a_gap_longer_than_allowed_is_doubtful() {
    for (hours, quality) in [(24, INTERPOLATED), (25, DOUBTFUL)] {
        let mut bench = Bench::new("2026-06-21T12:01:00Z", 0);
        bench.pass(hours * 3_600).produce(9_000_000).look();
        bench.check();
        let total: i64 = bench.readings.iter().map(|reading| reading.wh.0).sum();
        assert_eq!(
            total,
            9_000 - bench.accountant.state().pending_mwh() / 1_000
        );
        assert!(
            bench.readings.iter().all(|r| r.quality == quality),
            "{hours} h"
        );
    }
}

#[test]
fn a_gap_of_more_intervals_than_can_be_told_is_one_reading() {
    for (extra, readings) in [(0, usize::try_from(MAX_INTERVALS).unwrap()), (900, 1)] {
        let mut bench = Bench::noon();
        bench
            .pass(MAX_INTERVALS * 900 + extra)
            .produce(7_000_000)
            .look();
        assert_eq!(bench.readings.len(), readings);
        let total: i64 = bench.readings.iter().map(|reading| reading.wh.0).sum();
        assert_eq!(total, 7_000);
        assert!(
            bench
                .readings
                .iter()
                .all(|reading| reading.quality == DOUBTFUL)
        );
    }
}
