//! Plausible meter readings, the same in every run: integers only, from tables and a hash.

mod battery;
mod dispatch;
mod home;
mod noise;
mod sun;
#[cfg(test)]
mod tests;
mod wind;

pub use dispatch::{Battery, GRID_BATTERY};

use chrono::{DateTime, Utc};
use schemas::WattHours;

use super::window::Window;

/// A meter of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Generator {
    /// 50 MW on a hill, hourly.
    WindFarm,
    /// 20 MW of panels, half-hourly.
    SolarPark,
    /// 5 kW on a roof, half-hourly.
    Roof,
    /// What a 10 MW battery discharges, half-hourly.
    Battery,
    /// What a home draws, half-hourly.
    Home,
}

/// Capacity of the wind farm.
pub const WIND_FARM_W: i64 = 50_000_000;
/// Capacity of the solar park.
pub const SOLAR_PARK_W: i64 = 20_000_000;
/// Capacity of the roof.
pub const ROOF_W: i64 = 5_000;
/// Discharging power of the battery.
pub const BATTERY_W: i64 = 10_000_000;
/// Connection of the home.
pub const HOME_W: i64 = 12_000;

impl Generator {
    /// Length of its intervals in seconds.
    #[must_use]
    pub const fn interval_s(self) -> u32 {
        match self {
            Self::WindFarm => 3_600,
            Self::SolarPark | Self::Roof | Self::Battery | Self::Home => 1_800,
        }
    }

    /// Its readings: start of each interval of the window, and the energy in it.
    #[must_use]
    pub fn readings(self, window: Window) -> Vec<(DateTime<Utc>, WattHours)> {
        let starts = window.intervals(self.interval_s());
        match self {
            Self::WindFarm => wind::readings(starts, WIND_FARM_W),
            Self::SolarPark => sun::readings(starts, SOLAR_PARK_W, 11),
            Self::Roof => sun::readings(starts, ROOF_W, 12),
            Self::Battery => battery::readings(starts, BATTERY_W),
            Self::Home => home::readings(starts),
        }
    }
}
