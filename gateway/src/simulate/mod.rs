//! Meters and inverters that are not there: physics, the register map of a profile, and faults by script.

pub mod physics;
