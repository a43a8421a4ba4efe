//! The rules of issuing that an issuing body sets.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuance {
    /// Calendar years from issuance to expiry.
    pub expiry_years: i32,
    /// How much of capacity x hours a reading may reach, in percent: meters and nameplates are
    /// not exact.
    pub capacity_margin_percent: i64,
}

impl Default for Issuance {
    fn default() -> Self {
        Self {
            expiry_years: 2,
            capacity_margin_percent: 110,
        }
    }
}
