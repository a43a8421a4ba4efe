use super::*;

#[test]
fn readings_of_an_unsynchronised_clock_are_doubtful() {
    let mut bench = Bench::noon();
    bench.clock = ClockState::Unsynchronised;
    bench.run(10);
    bench.clock = SYNCHRONISED;
    bench.run(1_790);
    assert_eq!(
        bench.kinds(),
        [
            (DOUBTFUL, Some(Cause::ClockUnsynchronised), 900),
            (MEASURED, None, 900)
        ]
    );
    assert_eq!(bench.readings[0].clock, ClockState::Unsynchronised);
}

#[test]
fn a_clock_that_cannot_be_known_is_told_and_trusted() {
    let mut bench = Bench::noon();
    bench.clock = ClockState::Unknown;
    bench.run(900);
    assert_eq!(bench.kinds(), [(MEASURED, None, 900)]);
    assert_eq!(bench.readings[0].clock, ClockState::Unknown);
}

#[test]
fn a_clock_set_forward_makes_the_intervals_it_skips_doubtful() {
    let mut bench = Bench::noon();
    bench.run(300);
    bench.off_s = 600;
    bench.run(1_200);
    bench.check();
    // The first 300 s, and of the 10 s that the clock made 610 the part before the end.
    let doubt = Some(Cause::ClockUnsynchronised);
    assert_eq!(
        bench.kinds(),
        [(DOUBTFUL, doubt, 310), (DOUBTFUL, doubt, 890)]
    );
    bench.run(900);
    assert_eq!(bench.kinds()[2], (MEASURED, None, 900));
}

#[test]
fn a_clock_set_back_gives_no_interval_twice_and_loses_nothing() {
    for seconds in [600, 86_400] {
        let mut bench = Bench::noon();
        bench.run(1_000);
        bench.off_s = -seconds;
        bench.run(2_600 + seconds);
        bench.check();
        assert_eq!(bench.kinds()[0], (MEASURED, None, 900));
        let second = bench.kinds()[1];
        assert_eq!(
            (second.0, second.1),
            (DOUBTFUL, Some(Cause::ClockUnsynchronised))
        );
        let counted: i64 = bench.readings.iter().map(|reading| reading.wh.0).sum();
        assert_eq!(
            counted + bench.accountant.state().pending_mwh() / 1_000,
            3_600 + seconds
        );
        assert_eq!(bench.kinds()[2..], [(MEASURED, None, 900); 2]);
    }
}

#[test]
fn days_on_which_daylight_saving_begins_or_ends_have_96_quarters() {
    for day in ["2026-03-29T00:00:00Z", "2026-10-25T00:00:00Z"] {
        let mut bench = Bench::new(day, 0);
        bench.run(86_400);
        bench.check();
        assert_eq!(bench.kinds(), vec![(MEASURED, None, 900); 96]);
    }
}
