//! What becomes of the readings of an accepted envelope.

use super::*;

#[test]
fn readings_that_break_a_rule_do_not_hold_up_the_others() {
    let mut world = enrolled();
    world.run(readings(1, hours(1, &[40]))).unwrap();
    let half = Reading {
        interval_end: hour(2).start() + TimeDelta::minutes(7),
        ..reading(2, 10)
    };
    let list = vec![
        reading(0, 10),
        reading(1, 41),
        half,
        reading(3, 12_000_000_000),
        reading(4, 5),
    ];
    let first = envelope(1, None, list);
    let outcome = submit(&mut world, &first).unwrap().outcome;
    assert_eq!((outcome.accepted, outcome.issued), (2, WattHours(15)));
    let refused: Vec<_> = outcome
        .refused
        .iter()
        .map(|one| (one.index, one.code.as_str()))
        .collect();
    assert_eq!(
        refused,
        [
            (1, "reading_conflict"),
            (2, "interval_grid"),
            (3, "over_capacity")
        ]
    );
    let all_bad = envelope(2, Some(&first), vec![reading(1, 42)]);
    let outcome = submit(&mut world, &all_bad).unwrap().outcome;
    assert_eq!((outcome.accepted, outcome.refused.len()), (0, 1));
    let next = envelope(3, Some(&all_bad), vec![reading(1, 40), reading(5, 1)]);
    let outcome = submit(&mut world, &next).unwrap().outcome;
    assert_eq!((outcome.accepted, outcome.repeated), (1, 1));
    world.audit();
}

#[test]
fn a_gap_that_was_interpolated_is_issued_like_a_measurement() {
    let mut world = enrolled();
    let interpolated = Reading {
        quality: Quality::Interpolated,
        cause: Some(Cause::Gap),
        ..reading(1, 7)
    };
    let first = envelope(1, None, vec![reading(0, 10), interpolated]);
    let outcome = submit(&mut world, &first).unwrap().outcome;
    assert_eq!((outcome.accepted, outcome.issued), (2, WattHours(17)));
    world.audit();
}

#[test]
fn a_doubtful_reading_is_kept_and_not_issued_until_a_person_asks_for_it() {
    let mut world = enrolled();
    let list = vec![
        reading(0, 10),
        doubtful(1, 20, Cause::Frozen),
        doubtful(2, 30, Cause::Reset),
    ];
    let outcome = submit(&mut world, &envelope(1, None, list))
        .unwrap()
        .outcome;
    assert_eq!((outcome.accepted, outcome.doubtful), (3, 2));
    assert_eq!(outcome.issued, WattHours(10));
    assert!(world.reading(1, 1).is_doubtful());
    let ordinary = world
        .run(Command::IssueReadings(request(1, 0, 24)))
        .unwrap();
    assert_eq!(issued(&ordinary), 0, "nobody asked for what is doubtful");
    let mut asked = request(1, 1, 2);
    asked.include_doubtful = true;
    let decision = world.run(Command::IssueReadings(asked)).unwrap();
    assert_eq!(issued(&decision), 20);
    assert!(!world.reading(1, 1).is_doubtful());
    assert!(world.reading(1, 2).is_doubtful());
    world.audit();
}

#[test]
fn a_correction_settles_a_doubtful_reading_and_issues_what_it_says() {
    for wh in [0, 20, 30, 50] {
        let mut world = enrolled();
        let list = vec![doubtful(1, 30, Cause::MeterSwapped)];
        submit(&mut world, &envelope(1, None, list)).unwrap();
        let decision = world.correct(1, 1, wh, Settle::Now).unwrap();
        assert_eq!(issued(&decision), wh);
        let reading = world.reading(1, 1);
        assert!(!reading.is_doubtful());
        assert_eq!((reading.wh.0, reading.issued.0), (wh, wh));
        world.audit();
    }
}

#[test]
fn what_a_device_can_not_have_produced_is_kept_as_doubtful_and_never_issued_as_it_is() {
    let mut world = enrolled();
    let list = vec![doubtful(1, 12_000_000_000, Cause::OutOfRange)];
    let outcome = submit(&mut world, &envelope(1, None, list))
        .unwrap()
        .outcome;
    assert_eq!((outcome.accepted, outcome.doubtful), (1, 1));
    let mut asked = request(1, 0, 24);
    asked.include_doubtful = true;
    assert_eq!(
        code(world.run(Command::IssueReadings(asked))),
        Code::OverCapacity
    );
    let by_hand = world::by_hand(1, hour(1), 5);
    assert_eq!(code(world.run(by_hand)), Code::OverCapacity);
    let decision = world.correct(1, 1, 40, Settle::Now).unwrap();
    assert_eq!(issued(&decision), 40);
    world.audit();
}

#[test]
fn doubtful_readings_say_at_most_what_could_be_certified_and_an_envelope_may_be_full_of_them() {
    let mut world = enrolled();
    let many = i64::try_from(MAX_READINGS).unwrap();
    let list = |wh| {
        let readings = (0..many).map(|n| doubtful(n, wh, Cause::Reset));
        envelope(1, None, readings.collect())
    };
    let too_much = list(MAX_CERTIFICATE_ID + 1);
    assert_eq!(refusal(&mut world, &too_much).0, Code::EnvelopeMalformed);
    let outcome = submit(&mut world, &list(MAX_CERTIFICATE_ID))
        .unwrap()
        .outcome;
    assert_eq!((outcome.accepted, outcome.doubtful), (many, many));
    world.audit();
}
