//! The whole registry from outside: the scenarios of the contract with our answers, faults of its
//! parts, real readings, and the rules of the workspace itself.
#![allow(clippy::unwrap_used)]

mod access;
mod account;
mod account_state;
mod api_key;
mod api_manners;
mod audit;
mod bundle_query;
mod cancel;
mod claim;
mod contract;
mod correction;
mod demo_notebook;
mod dependency_arrows;
mod device;
mod exchange;
mod expiry;
mod faults;
mod gateway;
mod hash;
mod holdings;
mod hostile_input;
mod idempotency;
mod issuance;
mod issue_readings;
mod limits;
mod lineage;
mod lock;
mod meter;
mod projections;
mod race;
mod read_your_writes;
mod readings;
mod real_input;
mod recurring;
mod reserve;
mod roles;
mod session;
mod sign_in;
mod storage;
mod summary;
mod transfer;
mod user;
mod whitelist;
mod withdraw;
