//! The harness of the whole-system tests: a registry as it runs, on its own event store file and its
//! own two databases, and the people who use it.
//!
//! ```no_run
//! # async fn example() {
//! use tests::World;
//!
//! let world = World::start().await;
//! let [bundle] = world.issue([1_000]).await;
//! world.trader.transfer(world.s, world.t, &[bundle]).await.expect(202);
//! world.registry.audit().await;
//! # }
//! ```
//!
//! A step that does not go as expected panics with the request and the answer, because that is how a
//! test fails. Tests run on the multi-threaded runtime, which stopping a registry needs.
#![allow(clippy::unwrap_used)]

mod actor;
mod answer;
mod audit;
mod bundle;
mod call;
mod clusters;
mod data;
mod deadline;
mod hash;
mod people;
mod process;
mod readings;
mod registry;
mod world;

pub use actor::Actor;
pub use answer::Answer;
pub use bundle::{Bundles, ids, quantities, volume};
pub use clusters::{Clusters, Database};
pub use data::data_folder;
pub use deadline::eventually;
pub use hash::recomputed_hash;
pub use people::{PASSWORD, email};
pub use process::Process;
pub use readings::{HOUR_0, Reading, csv, hour, hours};
pub use registry::Registry;
pub use world::World;
