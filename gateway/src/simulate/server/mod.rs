//! A simulated device on the network.

mod line;
mod service;
mod simulator;

pub use simulator::{Framing, Simulator, UNITS};

#[cfg(test)]
mod tests;
