//! Adding up.

use super::guard::{self, Oddity, Step};
use super::state::{Held, Last, Open, Seen, State};
use super::{CLOCK_STEP_MS, CONFIRMATIONS, Length, MAX_COUNTER_MWH, MAX_INTERVALS};
use crate::meter::{Counter, Sample};
use chrono::{DateTime, TimeDelta, Utc};
use schemas::WattHours;
use schemas::gateway::{Cause, ClockState, Quality, Reading};

/// By what readings are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Length of the intervals.
    pub length: Length,
    /// The most that the device can deliver, in W; without it nothing is refused for being too much.
    pub nameplate_w: Option<i64>,
    /// How far apart the samples around the end of an interval may be for it to count as measured.
    pub straddle: TimeDelta,
    /// The longest gap that is divided into intervals without a person's word.
    pub max_gap: TimeDelta,
}

impl Settings {
    /// The longest time between samples at the end of a measured interval.
    pub const MAX_STRADDLE: TimeDelta = TimeDelta::minutes(2);

    /// The usual for that length: a fifth of it and at most [`Settings::MAX_STRADDLE`] between samples, a day of
    /// gap.
    #[must_use]
    pub fn new(length: Length, nameplate_w: Option<i64>) -> Self {
        Self {
            length,
            nameplate_w,
            straddle: (length.span() / 5).min(Self::MAX_STRADDLE),
            max_gap: TimeDelta::days(1),
        }
    }
}

/// Makes readings of one device's samples.
#[derive(Debug, Clone)]
pub struct Accountant {
    settings: Settings,
    state: State,
}

/// The way from one good sample to the next.
struct Way {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    position_mwh: i64,
    advance_mwh: i64,
    /// Whether an end of an interval inside is an estimate.
    estimated: bool,
    /// Doubt about every interval that it touches.
    doubt: Option<Cause>,
    /// Doubt about how the energy is divided, hence about intervals that end or begin inside.
    division: Option<Cause>,
}

impl Accountant {
    /// Goes on from `state`; a new meter's is the default.
    #[must_use]
    pub const fn new(settings: Settings, state: State) -> Self {
        Self { settings, state }
    }

    /// What has to be kept to go on from here.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Takes the next sample and gives the readings that it finishes, in order, none of an interval that was given
    /// before.
    pub fn take(&mut self, sample: &Sample, clock: ClockState) -> Vec<Reading> {
        let seen = Seen::new(sample, clock);
        if !(0..=MAX_COUNTER_MWH).contains(&seen.energy_mwh) {
            self.missed(Cause::OutOfRange);
            return Vec::new();
        }
        let Some(last) = &self.state.last else {
            self.begin(seen);
            return Vec::new();
        };
        match self.compare(last, &seen, &sample.counter) {
            Step::Advanced(advance) => {
                if let Some(passed) = self.state.held.first() {
                    self.state.nonsense.get_or_insert(passed.oddity.passing());
                    self.state.held.clear();
                }
                self.advance(&seen, advance, &sample.counter)
            }
            Step::Wrapped(_) => self.hold(seen, Oddity::Wrap, &sample.counter),
            Step::Odd(oddity) => self.hold(seen, oddity, &sample.counter),
        }
    }

    /// The meter answered, but not with a counter: with a sentinel, or beyond its profile's range.
    pub fn missed(&mut self, cause: Cause) {
        if matches!(cause, Cause::Sentinel | Cause::OutOfRange) {
            self.state.nonsense.get_or_insert(cause);
        }
    }

    fn begin(&mut self, seen: Seen) {
        let start = self.settings.length.start_of(seen.at);
        self.state.open = Some(Open {
            start,
            position_mwh: seen.energy_mwh,
            offset_mwh: 0,
            estimated: start != seen.at,
            doubt: None,
            clock: seen.clock,
        });
        self.state.last = Some(Last {
            at: seen.at,
            wall: seen.at,
            monotonic: seen.monotonic,
            energy_mwh: seen.energy_mwh,
            power_w: seen.power_w,
            still_ms: 0,
            expected_mwh: 0,
            frozen: false,
            serial: seen.serial,
        });
    }

    fn compare(&self, last: &Last, seen: &Seen, counter: &Counter) -> Step {
        if is_other(&last.serial, &seen.serial) {
            return Step::Odd(Oddity::OtherMeter);
        }
        let elapsed = last.still_ms.saturating_add(self.elapsed_ms(last, seen));
        let nameplate = self.settings.nameplate_w;
        guard::step(
            counter,
            nameplate,
            last.energy_mwh,
            seen.energy_mwh,
            elapsed,
        )
    }

    /// How long after `last` it was seen. Where only the wall clock can say, and that went back, it may have been
    /// as long as the longest gap.
    fn elapsed_ms(&self, last: &Last, seen: &Seen) -> i64 {
        if let Some(elapsed) = since(last.monotonic, seen) {
            return elapsed;
        }
        let elapsed = seen.at - last.wall;
        let elapsed = if elapsed < TimeDelta::zero() {
            self.settings.max_gap
        } else {
            elapsed
        };
        elapsed.num_milliseconds()
    }

    /// Looks at a value again before it is believed.
    fn hold(&mut self, seen: Seen, oddity: Oddity, counter: &Counter) -> Vec<Reading> {
        let nameplate = self.settings.nameplate_w;
        let carries_on = self.state.held.last().is_some_and(|held| {
            let elapsed = since(held.seen.monotonic, &seen)
                .unwrap_or_else(|| (seen.at - held.seen.at).num_milliseconds().abs());
            let (was, is) = (held.seen.energy_mwh, seen.energy_mwh);
            !is_other(&held.seen.serial, &seen.serial)
                && matches!(
                    guard::step(counter, nameplate, was, is, elapsed),
                    Step::Advanced(_)
                )
        });
        if !carries_on {
            if let Some(passed) = self.state.held.first() {
                self.state.nonsense.get_or_insert(passed.oddity.passing());
            }
            self.state.held.clear();
        }
        self.state.held.push(Held { seen, oddity });
        if self.state.held.len() < CONFIRMATIONS {
            return Vec::new();
        }
        self.believe(counter)
    }

    /// What was held is so.
    fn believe(&mut self, counter: &Counter) -> Vec<Reading> {
        let held = std::mem::take(&mut self.state.held);
        let (Some(first), Some(latest)) = (held.first(), held.last()) else {
            return Vec::new();
        };
        let (Oddity::Wrap, Some(modulus)) = (first.oddity, counter.modulus_mwh) else {
            // Counted from the last look on: one of those before may have been no better than what it replaced.
            return self.jump(&latest.seen, first.oddity.lasting());
        };
        let mut readings = self.wrap(&first.seen, modulus, counter);
        for Held { seen, .. } in held.iter().skip(1) {
            let last = self
                .state
                .last
                .as_ref()
                .map_or(seen.energy_mwh, |last| last.energy_mwh);
            let advance = (seen.energy_mwh - last).max(0);
            readings.extend(self.advance(seen, advance, counter));
        }
        readings
    }

    fn wrap(&mut self, seen: &Seen, modulus: i64, counter: &Counter) -> Vec<Reading> {
        let Some(last) = &mut self.state.last else {
            return Vec::new();
        };
        let advance = seen.energy_mwh + modulus - last.energy_mwh;
        // From here on the same position is the counter's value less a whole range.
        last.energy_mwh -= modulus;
        self.state.offset_mwh += modulus;
        self.advance(seen, advance, counter)
    }

    /// The counter is elsewhere, and what was produced meanwhile is not known.
    fn jump(&mut self, seen: &Seen, cause: Cause) -> Vec<Reading> {
        let Some(last) = self.state.last.clone() else {
            return Vec::new();
        };
        let position_mwh = last.energy_mwh + self.state.offset_mwh;
        let way = Way {
            from: last.at,
            to: seen.at.max(last.at),
            position_mwh,
            advance_mwh: 0,
            estimated: true,
            doubt: Some(cause),
            division: None,
        };
        let readings = self.travel(&way, seen.clock);
        self.state.offset_mwh = position_mwh - seen.energy_mwh;
        if let Some(open) = &mut self.state.open
            && open.start == way.to
        {
            open.offset_mwh = self.state.offset_mwh;
        }
        self.state.last = Some(Last {
            at: way.to,
            wall: seen.at,
            monotonic: seen.monotonic,
            energy_mwh: seen.energy_mwh,
            power_w: seen.power_w,
            still_ms: 0,
            expected_mwh: 0,
            frozen: false,
            serial: seen.serial.clone(),
        });
        self.state.nonsense = None;
        readings
    }

    /// The counter advanced as it should, or stood still.
    fn advance(&mut self, seen: &Seen, advance_mwh: i64, counter: &Counter) -> Vec<Reading> {
        let Some(mut last) = self.state.last.clone() else {
            return Vec::new();
        };
        let elapsed_ms = self.elapsed_ms(&last, seen);
        let straddle = seen.at - last.at;
        let was_frozen = last.frozen;
        self.watch(&mut last, seen, advance_mwh, elapsed_ms, counter);
        let way = Way {
            from: last.at,
            to: seen.at.max(last.at),
            position_mwh: last.energy_mwh + self.state.offset_mwh,
            advance_mwh,
            estimated: straddle > self.settings.straddle,
            doubt: if was_stepped(&last, seen) || seen.at < last.at {
                Some(Cause::ClockUnsynchronised)
            } else if last.frozen || was_frozen {
                Some(Cause::Frozen)
            } else {
                None
            },
            division: if straddle > self.settings.max_gap {
                Some(Cause::Gap)
            } else if straddle > self.settings.straddle && advance_mwh > 0 {
                self.state.nonsense
            } else {
                None
            },
        };
        let readings = self.travel(&way, seen.clock);
        last.at = way.to;
        last.wall = seen.at;
        last.monotonic = seen.monotonic;
        last.energy_mwh += advance_mwh;
        last.power_w = seen.power_w;
        if !seen.serial.is_empty() {
            last.serial.clone_from(&seen.serial);
        }
        self.state.last = Some(last);
        self.state.nonsense = None;
        readings
    }

    /// Compares a counter that stands still with what the power says. Only between samples close by, since
    /// nobody knows the power during a gap.
    fn watch(
        &self,
        last: &mut Last,
        seen: &Seen,
        advance: i64,
        elapsed_ms: i64,
        counter: &Counter,
    ) {
        if advance > 0 {
            (last.still_ms, last.expected_mwh, last.frozen) = (0, 0, false);
            return;
        }
        last.still_ms = last.still_ms.saturating_add(elapsed_ms);
        let (Some(before), Some(now)) = (last.power_w, seen.power_w) else {
            return;
        };
        if elapsed_ms <= self.settings.straddle.num_milliseconds() {
            let watts = before.min(now).max(0);
            let energy = watts.saturating_mul(elapsed_ms) / 3_600;
            last.expected_mwh = last.expected_mwh.saturating_add(energy);
        }
        last.frozen = guard::frozen(self.settings.nameplate_w, counter, last.expected_mwh);
    }

    /// Finishes the intervals that end on the way.
    fn travel(&mut self, way: &Way, clock: ClockState) -> Vec<Reading> {
        let Some(mut open) = self.state.open.take() else {
            return Vec::new();
        };
        let mut readings = Vec::new();
        let length = self.settings.length;
        open.clock = worst(open.clock, clock);
        open.doubt = open.doubt.or(way.doubt);
        let intervals = (way.to - open.start).num_milliseconds() / length.span().num_milliseconds();
        if intervals > MAX_INTERVALS {
            let end = way.position_mwh + way.advance_mwh;
            open.doubt = open.doubt.or(Some(Cause::Gap));
            readings.push(self.close(&open, open.start + length.span(), end, false));
            open = self.open_after(&open, length.start_of(way.to), end, clock);
            open.estimated = true;
        }
        while open.start + length.span() <= way.to {
            let end = open.start + length.span();
            let inside = end < way.to;
            let position = way.position_at(end);
            if inside {
                open.doubt = open.doubt.or(way.division);
            }
            readings.push(self.close(&open, end, position, inside && way.estimated));
            open = self.open_after(&open, end, position, clock);
            if inside {
                open.estimated = way.estimated;
                open.doubt = way.doubt.or(way.division);
            }
        }
        self.state.open = Some(open);
        readings
    }

    fn open_after(
        &self,
        before: &Open,
        start: DateTime<Utc>,
        position_mwh: i64,
        clock: ClockState,
    ) -> Open {
        Open {
            start,
            position_mwh,
            offset_mwh: self.offset_at(before, position_mwh),
            estimated: false,
            doubt: None,
            clock,
        }
    }

    /// What is added to the counter at a position: before it wrapped, what was added before.
    const fn offset_at(&self, open: &Open, position_mwh: i64) -> i64 {
        if position_mwh < self.state.offset_mwh {
            open.offset_mwh
        } else {
            self.state.offset_mwh
        }
    }

    fn close(&self, open: &Open, end: DateTime<Utc>, position: i64, estimated: bool) -> Reading {
        let doubt = open.doubt.or_else(|| {
            (open.clock == ClockState::Unsynchronised).then_some(Cause::ClockUnsynchronised)
        });
        let offset_mwh = self.offset_at(open, position);
        let wrapped = open.offset_mwh != offset_mwh;
        let (quality, cause) = match doubt {
            Some(cause) => (Quality::Doubtful, Some(cause)),
            None if open.estimated || estimated => (Quality::Interpolated, Some(Cause::Gap)),
            None => (Quality::Measured, wrapped.then_some(Cause::Wrap)),
        };
        // Where a counter wrapped in a gap, its end is told as if its range had not ended.
        let offset_at_end = match quality {
            Quality::Interpolated => open.offset_mwh,
            _ => offset_mwh,
        };
        let (from, to) = (whole(open.position_mwh), whole(position));
        Reading {
            interval_start: open.start,
            interval_end: end,
            wh: WattHours(to - from),
            counter_start_wh: Some(WattHours(from - whole(open.offset_mwh))),
            counter_end_wh: Some(WattHours(to - whole(offset_at_end))),
            quality,
            cause,
            clock: open.clock,
        }
    }
}

impl Way {
    /// The position at a moment on the way, in proportion to time, rounded down.
    fn position_at(&self, at: DateTime<Utc>) -> i64 {
        let whole = (self.to - self.from).num_milliseconds();
        let part = (at - self.from).num_milliseconds().clamp(0, whole);
        if whole == 0 || part == whole {
            return self.position_mwh + self.advance_mwh;
        }
        let share = i128::from(self.advance_mwh) * i128::from(part) / i128::from(whole);
        self.position_mwh + i64::try_from(share).unwrap_or(self.advance_mwh)
    }
}

const fn whole(position_mwh: i64) -> i64 {
    position_mwh.div_euclid(1_000)
}

fn is_other(one: &str, other: &str) -> bool {
    !one.is_empty() && !other.is_empty() && one != other
}

/// What the monotonic clock says has passed, if it is the same that showed `before`.
fn since(before: Option<std::time::Duration>, seen: &Seen) -> Option<i64> {
    let elapsed = seen.monotonic?.checked_sub(before?)?;
    i64::try_from(elapsed.as_millis()).ok()
}

/// Whether somebody set the wall clock between the two.
fn was_stepped(last: &Last, seen: &Seen) -> bool {
    since(last.monotonic, seen).is_some_and(|elapsed| {
        let shown = (seen.at - last.wall).num_milliseconds();
        shown.saturating_sub(elapsed).abs() > CLOCK_STEP_MS
    })
}

const fn worst(one: ClockState, other: ClockState) -> ClockState {
    match (one, other) {
        (ClockState::Unsynchronised, _) | (_, ClockState::Unsynchronised) => {
            ClockState::Unsynchronised
        }
        (ClockState::Unknown, _) | (_, ClockState::Unknown) => ClockState::Unknown,
        _ => ClockState::Synchronised,
    }
}
