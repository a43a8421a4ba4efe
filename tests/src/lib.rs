#![doc = include_str!("../README.md")]
#![allow(clippy::unwrap_used)]

mod actor;
mod answer;
mod audit;
mod bundle;
mod call;
mod clock;
mod clusters;
mod data;
mod deadline;
mod disk;
mod edge;
mod event;
mod gateway;
mod hash;
mod lineage;
pub mod object_store;
mod people;
mod process;
mod program;
mod proxy;
mod readings;
mod registry;
mod world;

pub use actor::Actor;
pub use answer::Answer;
pub use bundle::{Bundles, ids, quantities, volume};
pub use clock::{Pace, TestClock};
pub use clusters::{Clusters, Database};
pub use data::data_folder;
pub use deadline::eventually;
pub use disk::SmallDisk;
pub use edge::{Edge, SimulatedDay};
pub use event::event;
pub use gateway::{
    GatewayKey, TestGateway, doubtful_hour, enrolment, gateway_code, measured, measured_hour,
    meter_readings,
};
pub use hash::recomputed_hash;
pub use lineage::broken;
pub use people::{PASSWORD, email};
pub use process::Process;
pub use program::{EVENTS, Program, Role};
pub use proxy::{Proxy, Way};
pub use readings::{HOUR_0, Reading, csv, hour, hours};
pub use registry::Registry;
pub use world::World;
