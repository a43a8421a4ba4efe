//! The whole registry from outside: the scenarios of the contract with our answers, faults of its
//! parts, real readings, and the rules of the workspace itself.
#![allow(clippy::unwrap_used)]

mod access;
mod account;
mod account_state;
mod address;
mod api_key;
mod api_manners;
mod attack;
mod audit;
mod bundle_query;
mod canary;
mod cancel;
mod claim;
mod contract;
mod correction;
mod demo_notebook;
mod dependency_arrows;
mod device;
mod doctor;
#[allow(dead_code, unused_imports)] // Its faults are for the event store's own tests.
#[path = "../../registry/event_store/tests/it/double/mod.rs"]
mod double;
mod drill;
mod erasure;
mod exchange;
mod expiry;
mod faults;
mod gateway;
mod guessing;
mod hash;
mod holdings;
mod hostile_input;
mod idempotency;
mod issuance;
mod issue_readings;
#[cfg(feature = "kurrentdb")]
mod kurrentdb;
mod limits;
mod lineage;
mod lock;
mod meter;
mod oauth;
mod oidc;
mod organisation;
mod projections;
mod race;
mod read_your_writes;
mod readings;
mod real_input;
mod recurring;
mod reserve;
mod roles;
mod second_factor;
mod session;
mod sign_in;
mod sign_in_time;
mod signing_key;
mod storage;
mod summary;
mod traces;
mod transfer;
mod user;
mod whitelist;
mod withdraw;
#[cfg(feature = "kurrentdb")]
mod writers;
