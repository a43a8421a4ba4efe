//! A house with panels, a battery and a meter, second by second, in whole joules: what goes in comes out.
//!
//! Power is constant within a second, so energy is an integer number of joules (W·s), and
//! `generation + import + discharge = load + export + charge` holds exactly at every moment. What a
//! device shows are these joules cut to the resolution of its counters.

mod battery;
mod day;
mod energy;
mod load;
mod noise;
mod plant;
mod sun;

pub use battery::BatterySize;
pub use day::{LocalDay, local_offset, local_time};
pub use energy::Joules;
pub(super) use noise::hash;
pub use plant::{Plant, Powers, Size, Totals};

#[cfg(test)]
mod tests;
