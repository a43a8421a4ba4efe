//! States of a bundle, actions on it, and the roles of those who act.

use crate::words;
use serde::{Deserialize, Deserializer, Serialize};

words! {
    /// State of a bundle.
    CertificateStatus {
        /// Issued and free to move.
        Active = "Active",
        /// Retired for a beneficiary; never moves again.
        Cancelled = "Cancelled",
        /// Cancelled and claimed by the beneficiary; final.
        Claimed = "Claimed",
        /// Past its expiry; final.
        Expired = "Expired",
        /// Taken back by the issuing body; final.
        Withdrawn = "Withdrawn",
        /// Frozen by the issuing body.
        Locked = "Locked",
        /// Set aside by its holder.
        Reserved = "Reserved",
        /// Replaced by the two bundles it was split into; final.
        BundleSplit = "Bundle Split",
        /// Retired for what a storage device charged; final, and never claimed.
        CancelledForStorage = "Cancelled for Storage",
        /// Offered to another registry: out of circulation until confirmed or taken back.
        ExportOffered = "Export Offered",
        /// Held by another registry from here on; final.
        Exported = "Exported",
    }
}

impl CertificateStatus {
    /// Whether a holder still has something to lose: these states keep an account from being closed.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(
            self,
            Self::Active | Self::Reserved | Self::Locked | Self::ExportOffered
        )
    }
}

words! {
    /// What can be done to bundles.
    ActionType {
        Transfer = "transfer", Cancel = "cancel", Claim = "claim", Reserve = "reserve",
        Release = "release", Lock = "lock", Unlock = "unlock", Withdraw = "withdraw",
        Expire = "expire", CancelForStorage = "cancel_for_storage",
        UseForStorage = "use_for_storage",
        Export = "export", ConfirmExport = "confirm_export", TakeBackExport = "take_back_export",
    }
}

words! {
    /// State of an account.
    AccountState {
        /// Asked for, and not approved yet.
        Requested = "requested",
        /// In use.
        Approved = "approved",
        /// Held by the issuing body: it can be read, and nobody acts for it.
        Suspended = "suspended",
        /// Empty and closed; final.
        Closed = "closed",
    }
}

words! {
    /// What becomes of an account.
    AccountStep {
        Approve = "approve", Suspend = "suspend", Reinstate = "reinstate", Close = "close",
    }
}

words! {
    /// Whether `certificate_quantity` and `certificate_bundle_percentage` apply to each listed bundle
    /// or to all of them together, taken in the order listed.
    QuantityMode { PerBundle = "per_bundle", Total = "total" }
}

words! {
    /// What becomes of certificates that a correction takes the energy from and that can not be taken
    /// back.
    Settle {
        /// The correction is refused.
        Now = "now",
        /// They stay, and the device's next issuances pay for them.
        Later = "later",
    }
}

/// Role of a user. On the wire a name; a number is accepted too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
pub enum Role {
    /// Reads the accounts it is a member of and validates what their storage devices did. It stands
    /// beside the others, not below them.
    #[serde(rename = "STORAGE_VALIDATOR")]
    StorageValidator = 0,
    /// Reads the accounts it is a member of.
    #[serde(rename = "AUDIT_USER")]
    Audit = 1,
    /// May also move and retire certificates.
    #[serde(rename = "TRADING_USER")]
    Trading = 2,
    /// May also keep accounts and devices and submit readings.
    #[serde(rename = "PRODUCTION_USER")]
    Production = 3,
    /// The issuing body.
    #[serde(rename = "ADMIN")]
    Admin = 4,
}

impl Role {
    /// Every role, by number.
    pub const ALL: [Self; 5] = [
        Self::StorageValidator,
        Self::Audit,
        Self::Trading,
        Self::Production,
        Self::Admin,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StorageValidator => "STORAGE_VALIDATOR",
            Self::Audit => "AUDIT_USER",
            Self::Trading => "TRADING_USER",
            Self::Production => "PRODUCTION_USER",
            Self::Admin => "ADMIN",
        }
    }

    /// The number the contract gives the role.
    #[must_use]
    pub const fn number(self) -> i64 {
        self as i64
    }

    /// The role with this number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.number() == number)
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Role {
    type Err = crate::energy::UnknownWord;
    /// Reads the wire name in any case, the short form of the command line (`admin`), or the number.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = text.to_ascii_uppercase();
        Self::ALL
            .into_iter()
            .find(|role| {
                role.as_str() == wanted
                    || role.as_str().strip_suffix("_USER") == Some(&wanted)
                    || role.number().to_string() == wanted
            })
            .ok_or_else(|| crate::energy::UnknownWord {
                text: text.to_owned(),
                allowed: &[
                    "ADMIN",
                    "PRODUCTION_USER",
                    "TRADING_USER",
                    "AUDIT_USER",
                    "STORAGE_VALIDATOR",
                    "4",
                    "3",
                    "2",
                    "1",
                    "0",
                ],
            })
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum NumberOrName {
            Number(i64),
            Name(String),
        }
        let text = match NumberOrName::deserialize(deserializer)? {
            NumberOrName::Number(number) => number.to_string(),
            NumberOrName::Name(name) => name,
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}
