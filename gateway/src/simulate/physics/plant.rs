//! The whole house.

use chrono::{DateTime, TimeDelta, Utc};

use super::battery::{Battery, BatterySize, Flow};
use super::day::second_of_day;
use super::energy::Joules;
use super::noise::{gradual, hash};
use super::{load, sun};

/// How full a battery is at first, in permille.
const FIRST_CHARGE: u64 = 300;
/// For how long sun and household stay as they are, in seconds. Aligned, so that it does not matter when one begins.
const WEATHER_S: i64 = 10;
/// How long what wanders takes from one value to another, in seconds.
const WANDER_S: i64 = 300;
/// Channel of chance for what a device has counted before.
const PAST: u64 = 5;

/// What the house has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Rated power of the panels, in W.
    pub panels_w: u64,
    /// What the inverter can do at most, in W.
    pub inverter_w: u64,
    pub battery: Option<BatterySize>,
    /// Permille of what a usual household uses; 0 where nothing is used.
    pub load_permille: u64,
    /// How many hours the sun is ahead of that over central Europe, and people with it.
    pub east_h: u8,
}

impl Default for Size {
    /// Panels of 8 kW, an inverter of 6 kW, a battery of 10 kWh, a family.
    fn default() -> Self {
        Self {
            panels_w: 8_000,
            inverter_w: 6_000,
            battery: Some(BatterySize {
                capacity_wh: 10_000,
                power_w: 3_000,
            }),
            load_permille: 1_000,
            east_h: 0,
        }
    }
}

/// What flows at a moment, in W. Of import and export one is 0, of charge and discharge one is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Powers {
    pub generation_w: u64,
    pub load_w: u64,
    pub charge_w: u64,
    pub discharge_w: u64,
    pub import_w: u64,
    pub export_w: u64,
}

/// What has flown since the devices were new.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub generation: Joules,
    pub load: Joules,
    pub charge: Joules,
    pub discharge: Joules,
    pub import: Joules,
    pub export: Joules,
}

impl Totals {
    /// What comes in: made, bought and taken out of the battery.
    #[must_use]
    pub fn sources(&self) -> Joules {
        self.generation + self.import + self.discharge
    }

    /// What goes out: used, sold and put into the battery.
    #[must_use]
    pub fn sinks(&self) -> Joules {
        self.load + self.export + self.charge
    }

    /// Totals of a house that is a few years old; the same for the same seed.
    fn of_years(seed: u64, size: &Size) -> Self {
        let some =
            |n, least: u64, most: u64| Joules::of_wh(least + hash(seed, PAST, n) % (most - least));
        let battery = |n, least, most| match size.battery {
            Some(_) => some(n, least, most),
            None => Joules::default(),
        };
        let mut totals = Self {
            generation: some(0, 9_000_000, 14_000_000),
            import: some(1, 6_000_000, 9_000_000),
            export: some(2, 3_000_000, 5_000_000),
            charge: battery(3, 2_000_000, 2_400_000),
            discharge: battery(4, 1_700_000, 2_000_000),
            load: Joules::default(),
        };
        totals.load = totals.sources() - totals.export - totals.charge;
        totals
    }
}

/// A house at a moment. The same size, seed and start give the same house at any later moment, however one
/// gets there.
#[derive(Debug, Clone)]
pub struct Plant {
    size: Size,
    seed: u64,
    /// Seconds since 1970.
    second: i64,
    battery: Option<Battery>,
    powers: Powers,
    totals: Totals,
    generation_at_midnight: Joules,
    weather: Weather,
}

/// What comes from outside, and since when it is so.
#[derive(Debug, Clone, Copy, Default)]
struct Weather {
    /// The so-manieth since 1970.
    number: Option<i64>,
    generation_w: u64,
    load_w: u64,
}

impl Plant {
    /// A house at the whole second that `at` is in.
    #[must_use]
    pub fn new(size: Size, seed: u64, at: DateTime<Utc>) -> Self {
        let totals = Totals::of_years(seed, &size);
        Self {
            size,
            seed,
            second: at.timestamp(),
            battery: size.battery.map(|size| Battery::new(size, FIRST_CHARGE)),
            powers: Powers::default(),
            totals,
            generation_at_midnight: totals.generation,
            weather: Weather::default(),
        }
    }

    /// Goes on second by second until `at` is reached; stays where it is if that has passed.
    pub fn advance_to(&mut self, at: DateTime<Utc>) {
        while self.second < at.timestamp() {
            self.step();
        }
    }

    fn step(&mut self) {
        let number = self.second.div_euclid(WEATHER_S);
        if self.weather.number != Some(number) {
            self.change(number);
        }
        let Weather {
            generation_w,
            load_w,
            ..
        } = self.weather;
        let Flow {
            charge_w,
            discharge_w,
        } = match &mut self.battery {
            Some(battery) => battery.step(generation_w, load_w),
            None => Flow::default(),
        };
        let (sources, sinks) = (generation_w + discharge_w, load_w + charge_w);
        self.powers = Powers {
            generation_w,
            load_w,
            charge_w,
            discharge_w,
            import_w: sinks.saturating_sub(sources),
            export_w: sources.saturating_sub(sinks),
        };
        let Totals {
            generation,
            load,
            charge,
            discharge,
            import,
            export,
        } = &mut self.totals;
        for (total, power_w) in [
            (generation, self.powers.generation_w),
            (load, self.powers.load_w),
            (charge, self.powers.charge_w),
            (discharge, self.powers.discharge_w),
            (import, self.powers.import_w),
            (export, self.powers.export_w),
        ] {
            *total += Joules(power_w);
        }
        self.second += 1;
    }

    /// The sun, the household and the date are what they are from then on.
    fn change(&mut self, number: i64) {
        let at = DateTime::from_timestamp(number * WEATHER_S, 0).unwrap_or_default();
        let here = at + TimeDelta::hours(i64::from(self.size.east_h));
        if second_of_day(here) == 0 {
            self.generation_at_midnight = self.totals.generation;
        }
        let made = sun::power_w(self.size.panels_w, self.seed, here);
        self.weather = Weather {
            number: Some(number),
            generation_w: made.min(self.size.inverter_w),
            load_w: load::power_w(self.size.load_permille, self.seed, here),
        };
    }

    /// The moment it is at, in whole seconds.
    #[must_use]
    pub fn at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.second, 0).unwrap_or_default()
    }

    /// What the house has.
    #[must_use]
    pub fn size(&self) -> &Size {
        &self.size
    }

    /// What flew in the last second.
    #[must_use]
    pub fn powers(&self) -> Powers {
        self.powers
    }

    /// What has flown until now.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// What was generated since local midnight.
    #[must_use]
    pub fn generation_today(&self) -> Joules {
        self.totals.generation - self.generation_at_midnight
    }

    /// Chance from 0 to 999 that wanders within minutes, another one for each channel.
    #[must_use]
    pub fn chance(&self, channel: u64) -> u64 {
        gradual(self.seed, channel, self.second, WANDER_S)
    }

    /// State of charge in permille, if there is a battery.
    #[must_use]
    pub fn charge_permille(&self) -> Option<u64> {
        self.battery.as_ref().map(Battery::charge_permille)
    }
}
