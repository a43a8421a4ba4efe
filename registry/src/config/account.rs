//! How accounts come into use.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Whether the issuing body has to approve an account before it is used.
    pub approval: bool,
}
