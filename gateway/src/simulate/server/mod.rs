//! A simulated device on the network.

mod line;
mod p1;
mod service;
mod simulator;

pub use simulator::{Framing, Simulator, UNITS};

#[cfg(test)]
mod p1_tests;
#[cfg(test)]
mod tests;
