use super::*;
use proptest::prelude::*;

#[test]
fn a_state_that_was_kept_goes_on_as_if_nothing_had_been() {
    let mut one = Bench::noon();
    let mut other = Bench::noon();
    one.run(1_234);
    other.run(1_234);
    other.restart();
    one.run(2_000);
    other.run(2_000);
    assert_eq!(one.readings, other.readings);
}

#[derive(Debug, Clone)]
enum Event {
    Produce { seconds: i64, watts: i64 },
    Restart,
    Zero,
    Reset,
    Jump,
    Swap,
    Sentinel,
    SetClock(i64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        20 => (1_i64..400, 0..=NAMEPLATE_W).prop_map(|(seconds, watts)| Event::Produce { seconds, watts }),
        2 => (3_600_i64..200_000, 0..=NAMEPLATE_W).prop_map(|(seconds, watts)| Event::Produce { seconds, watts }),
        2 => Just(Event::Restart),
        1 => Just(Event::Zero),
        1 => Just(Event::Reset),
        1 => Just(Event::Jump),
        1 => Just(Event::Swap),
        1 => Just(Event::Sentinel),
        1 => (-90_000_i64..90_000).prop_map(Event::SetClock),
    ];
    prop::collection::vec(event, 1..120)
}

impl Bench {
    /// Lets it happen; the mWh that are produced meanwhile.
    fn happen(&mut self, event: Event) -> i64 {
        match event {
            Event::Produce { seconds, watts } => {
                let mwh = watts * seconds * 1_000 / 3_600;
                self.pass(seconds).produce(mwh).look();
                return mwh;
            }
            Event::Restart => self.restart(),
            Event::Zero => {
                let energy = std::mem::replace(&mut self.energy_mwh, 0);
                self.pass(5).look();
                self.energy_mwh = energy;
            }
            Event::Reset => self.energy_mwh = 0,
            Event::Jump => self.energy_mwh += 90_000_000_000,
            Event::Swap => self.serial = if self.serial == "A1" { "B2" } else { "A1" },
            Event::Sentinel => self.accountant.missed(Cause::Sentinel),
            Event::SetClock(seconds) => self.off_s += seconds,
        }
        0
    }

    /// What was told and what is pending, in mWh.
    fn counted(&self) -> i64 {
        let told: i64 = self.readings.iter().map(|reading| reading.wh.0).sum();
        told * 1_000 + self.accountant.state().pending_mwh()
    }
}

/// What was there at the start beyond whole Wh comes to the first reading.
const AT_START_MWH: i64 = 500;

proptest! {
    /// Whatever happens: each interval once and in order, and what is told plus what is pending is never more than
    /// what was produced.
    #[test]
    fn nothing_is_told_twice_and_no_more_than_was_produced(events in events()) {
        let mut bench = Bench::noon();
        let produced: i64 = events.into_iter().map(|event| bench.happen(event)).sum();
        bench.check();
        let counted = bench.counted();
        prop_assert!(counted <= produced + AT_START_MWH, "{counted} mWh of {produced} mWh");
    }

    /// As long as the counter only counts, gaps, restarts, zeros for a moment and a clock that is set lose nothing.
    #[test]
    fn what_is_told_and_what_is_pending_is_what_was_produced(events in events()) {
        let mut bench = Bench::noon();
        let mut produced = 0;
        for event in events {
            if !matches!(event, Event::Reset | Event::Jump | Event::Swap) {
                produced += bench.happen(event);
            }
            bench.look();
        }
        bench.check();
        prop_assert_eq!(bench.counted(), produced + AT_START_MWH);
    }
}
