#![allow(clippy::unwrap_used)]
//! Streams that several write to, each by its own clock.

use super::*;
use proptest::prelude::*;

fn ms(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_750_000_000_000 + ms).unwrap()
}

fn timeline(stream: Stream, around: DateTime<Utc>) -> Timeline {
    Timeline::new(stream.name("gb").unwrap(), around)
}

/// What was recorded, and by the writer's own clock, in milliseconds.
fn filled(stream: Stream, around: i64, events: &[(i64, i64)]) -> Timeline {
    let mut filled = timeline(stream, ms(around));
    for (position, (recorded, clock)) in (1..).zip(events) {
        filled.push(Position(position), ms(*recorded), Some(ms(*clock)));
    }
    filled
}

fn timelines(around: i64, ledger: &[(i64, i64)], people: &[(i64, i64)]) -> Timelines {
    Timelines {
        ledger: filled(Stream::Ledger, around, ledger),
        people: filled(Stream::Identity, around, people),
        tried: filled(Stream::Audit, around, &[]),
    }
}

fn ends(cut: Result<[(Stream, Position); 3], BackupError>) -> Option<[i64; 2]> {
    let [(_, ledger), (_, people), _] = cut.ok()?;
    Some([ledger.0, people.0])
}

#[test]
fn by_one_clock_streams_end_at_the_instant() {
    let (ledger, people) = ([(10, 10), (20, 20), (30, 30)], [(15, 15), (25, 25)]);
    for (at, expected) in [(9, [0, 0]), (15, [1, 1]), (24, [2, 1]), (99, [3, 2])] {
        let cut = timelines(at, &ledger, &people).as_of(ms(at));
        assert_eq!(ends(cut), Some(expected), "{at}");
    }
    let cut = timelines(20, &ledger, &people).at_place(Position(2));
    assert_eq!(ends(cut), Some([2, 1]));
}

/// The second writer's clock is 10 ms behind, which shows in the ids: what it records is dated as what it follows.
#[test]
fn what_a_slower_clock_may_have_recorded_because_of_it_comes_with_it() {
    let ledger = [(100, 100), (100, 95), (120, 120), (500, 500)];
    let people = [(104, 104), (130, 130), (131, 131)];
    let cut = timelines(100, &ledger, &people).as_of(ms(100));
    assert_eq!(ends(cut), Some([2, 1]));
    // Which of an event of the ledger and one of people 5 ms later was first is not known.
    let cut = timelines(100, &ledger, &people).at_place(Position(1));
    assert!(matches!(cut, Err(BackupError::Skewed { ms: 5, .. })));
    let cut = timelines(120, &ledger, &people).at_place(Position(3));
    assert_eq!(ends(cut), Some([3, 1]));
}

#[test]
fn a_cut_that_would_have_to_go_on_and_on_is_refused_and_so_is_one_by_a_clock_that_was_wrong() {
    let busy: Vec<_> = (0..2_000)
        .map(|step| (step * 100, step * 100 - (step % 2) * 300))
        .collect();
    let cut = timelines(1_000, &busy, &busy).as_of(ms(1_000));
    assert!(matches!(cut, Err(BackupError::Skewed { .. })));
    let hour = 3_600_000;
    let wrong = [(0, 0), (hour, hour), (1_000, 1_000), (2_000, 2_000)];
    let cut = timelines(1_500, &wrong, &[]).as_of(ms(1_500));
    assert!(matches!(
        cut,
        Err(BackupError::Skewed { ms: 3_599_000, .. })
    ));
    // Long before, and long after, it does not matter.
    for at in [-3 * hour, 3 * hour] {
        assert!(timelines(at, &wrong, &[]).as_of(ms(at)).is_ok());
    }
}

#[derive(Debug, Clone, Copy)]
struct Step {
    later: i64,
    writer: usize,
    stream: usize,
}

fn step() -> impl Strategy<Value = Step> {
    (0_i64..40, 0_usize..3, 0_usize..2).prop_map(|(later, writer, stream)| Step {
        later,
        writer,
        stream,
    })
}

proptest! {
    /// Every event follows from all that was there before it.
    #[test]
    fn streams_are_cut_where_none_lacks_what_another_has_because_of_it(
        steps in prop::collection::vec(step(), 1..200),
        clocks in prop::array::uniform3(0_i64..60),
        at in 0_i64..4_000,
    ) {
        let mut streams = [timeline(Stream::Ledger, ms(at)), timeline(Stream::Identity, ms(at))];
        let (mut now, mut counts, mut last) = (0, [0_i64; 2], [0_i64; 2]);
        let mut before = [Vec::new(), Vec::new()];
        for step in steps {
            now += step.later;
            let clock = now + clocks[step.writer];
            let recorded = clock.max(last[step.stream]);
            before[step.stream].push(counts);
            counts[step.stream] += 1;
            last[step.stream] = recorded;
            streams[step.stream].push(Position(counts[step.stream]), ms(recorded), Some(ms(clock)));
        }
        let spread = clocks.iter().max().unwrap() - clocks.iter().min().unwrap();
        let skew = TimeDelta::milliseconds(spread);
        for stream in &streams {
            prop_assert!(stream.skew <= skew);
        }
        let [ledger, people] = &streams;
        let Some(by) = closed([ledger, people], ms(at), skew) else { return Ok(()) };
        let cut = [ledger.by(by[0]).0.0, people.by(by[1]).0.0];
        for stream in 0..2 {
            let within = usize::try_from(cut[stream]).unwrap();
            if let Some(last) = before[stream][..within].last() {
                prop_assert!(last[1 - stream] <= cut[1 - stream], "{:?} {:?}", cut, last);
            }
        }
    }
}
