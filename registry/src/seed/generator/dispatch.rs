//! What a grid battery charges and discharges: cheap hours in, dear hours out, within its power and what
//! it can hold. Conversion and standing losses are in the integers, so that the meter shows them.

use chrono::{DateTime, Timelike, Utc};
use schemas::WattHours;

use super::noise::between;

const SEED: u64 = 61;
/// Of what goes in, what can come out again, in parts of 10,000: two conversions of 95 %.
const ROUND_TRIP: i64 = 9_025;
/// Of what is held, what is lost in an hour: one part of so many.
const STANDING_LOSS: i64 = 10_000;

/// A battery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Battery {
    /// Highest power in and out.
    pub power_w: i64,
    /// What it can hold.
    pub capacity_wh: i64,
}

/// A battery of 300 MW for four hours.
pub const GRID_BATTERY: Battery = Battery {
    power_w: 300_000_000,
    capacity_wh: 1_200_000_000,
};

impl Battery {
    /// The flow of each hour, empty at first: below zero charged, above discharged.
    #[must_use]
    pub fn dispatch(
        self,
        hours: impl Iterator<Item = DateTime<Utc>>,
    ) -> Vec<(DateTime<Utc>, WattHours)> {
        let mut held = 0;
        hours
            .map(|start| {
                let flow = self.flow(start, held);
                held += match flow {
                    ..0 => -flow * ROUND_TRIP / 10_000,
                    _ => -flow,
                };
                held -= held / STANDING_LOSS;
                (start, WattHours(flow))
            })
            .collect()
    }

    /// What the market asks for, as far as the battery can.
    fn flow(self, start: DateTime<Utc>, held: i64) -> i64 {
        let slot = start.timestamp() / 3_600;
        let percent = match start.hour() {
            1..=4 => -between(SEED, slot, 40, 75),
            11..=14 => -between(SEED + 1, slot, 65, 100),
            7 | 8 => between(SEED + 2, slot, 25, 60),
            17..=20 => between(SEED + 3, slot, 70, 100),
            _ => 0,
        };
        let asked = self.power_w * percent / 100;
        let room = (self.capacity_wh - held) * 10_000 / ROUND_TRIP;
        asked.clamp(-room, held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn a_week_stays_within_power_and_capacity_and_loses_what_batteries_lose() {
        let first = DateTime::UNIX_EPOCH + TimeDelta::days(19_723);
        let week = GRID_BATTERY.dispatch((0..168).map(|hour| first + TimeDelta::hours(hour)));
        let charged: i64 = week.iter().map(|(_, wh)| (-wh.0).max(0)).sum();
        let discharged: i64 = week.iter().map(|(_, wh)| wh.0.max(0)).sum();
        assert!(
            week.iter()
                .all(|(_, wh)| wh.0.abs() <= GRID_BATTERY.power_w)
        );
        assert!(charged > 5 * GRID_BATTERY.capacity_wh, "{charged}");
        let percent = discharged * 100 / charged;
        assert!((85..=90).contains(&percent), "{discharged} of {charged}");
    }
}
