//! How meters are reached.

pub mod p1;
pub mod solarman;
