#![allow(clippy::unwrap_used)]
#[path = "mod.rs"]
mod projections;
