//! The projections by themselves: logs of random histories, carried into real databases.

mod broken;
mod exchange;
mod faults;
mod gateway;
mod health;
mod history;
mod migration;
mod organisation;
mod random;
mod rebuild;
mod recurring;
mod rig;
mod runner;
mod standby;
mod storage;
mod tls;
mod totals;
mod verify;
mod version;
mod world;
