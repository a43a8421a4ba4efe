//! What an edge gateway and the registry say to each other: signed envelopes of meter readings, and the
//! requests and answers around them.
//!
//! An envelope is a JWS in compact serialisation (RFC 7515, 3.1) whose header names the key and whose payload is
//! [`MeterReadings`]. Its JSON Schema is `schemas/gateway/meter-readings.schema.json`. The envelopes of a
//! device count up from 1 without a gap and each names the hash of the one before, so what is
//! missing, repeated or exchanged shows.
//!
//! A key of a gateway signs [`jws::Signed`] types and nothing else: each has a `typ` and a `context` of its own, so
//! no signature can be passed off for one of another kind.

pub mod api;
pub mod enrolment;
pub mod jwk;
pub mod jws;
pub mod limit;
mod payload;
mod reading;
pub mod schema;

pub use jwk::{KeyId, PublicKey};
pub use jws::Algorithm;
pub use payload::{MeterIdentity, MeterReadings, ProfileRef, Unfit};
pub use reading::{Cause, ClockState, Quality, Reading};
