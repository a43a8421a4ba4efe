//! Certificate accounts.

use super::decimal::ExactNumber;
use super::field::{Fields, FromFields};
use super::named::Named;
use crate::amount::WattHours;
use crate::energy::{EnergySource, TechnologyType};
use crate::id::{AccountId, OrganisationId, UserId};
use crate::life_cycle::{AccountState, CertificateStatus};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountRead {
    /// Id.
    #[schema(value_type = i64, example = 1)]
    pub id: AccountId,
    /// Name.
    #[schema(example = "Test Account")]
    pub account_name: String,
    /// Its members, in the order given; null if none.
    #[schema(value_type = Option<Vec<i64>>, example = json!([1, 2]))]
    pub user_ids: Option<Vec<UserId>>,
    /// Whether it can be used.
    pub state: AccountState,
    /// Whether the issuing body has stopped its transfers and exports.
    pub transfer_disabled: bool,
    /// Whose it is; null unless an organisation's.
    #[schema(value_type = Option<i64>, example = 1)]
    pub organisation_id: Option<OrganisationId>,
}

/// An account on a whitelist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhitelistedAccount {
    /// Id.
    #[schema(value_type = i64, example = 2)]
    pub id: AccountId,
    /// Name.
    #[schema(example = "Test Account 2")]
    pub account_name: String,
    /// Its members.
    #[schema(value_type = Vec<i64>)]
    pub user_ids: Vec<UserId>,
    /// Whether it is closed.
    pub is_deleted: bool,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
}

/// What an account has. What was withdrawn or split is not there any more and does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountSummary {
    /// Id.
    #[schema(value_type = i64, example = 1)]
    pub id: AccountId,
    /// Name.
    #[schema(example = "Test Account")]
    pub account_name: String,
    /// Devices of the account.
    pub num_devices: i64,
    /// The same by technology.
    #[schema(value_type = BTreeMap<String, i64>, example = json!({"wind_turbine": 1}))]
    pub num_devices_by_type: BTreeMap<TechnologyType, i64>,
    /// Capacity in MW by technology.
    #[schema(value_type = BTreeMap<String, f64>, example = json!({"wind_turbine": 3000}))]
    pub device_capacity_by_type: BTreeMap<TechnologyType, ExactNumber>,
    /// Bundles it holds, in any state.
    pub num_granular_certificate_bundles: i64,
    /// Bundles it holds that are cancelled or claimed.
    pub num_cancelled_granular_certificate_bundles: i64,
    /// Bundles it holds that are expired.
    pub num_expired_granular_certificate_bundles: i64,
    /// Energy of all bundles it holds, in Wh.
    #[schema(value_type = i64)]
    pub total_certificate_energy: WattHours,
    /// The same by energy source of the bundles, in Wh.
    #[schema(value_type = BTreeMap<String, i64>, example = json!({"wind": 1000}))]
    pub energy_by_fuel_type: BTreeMap<EnergySource, WattHours>,
    /// Bundles it holds by state.
    #[schema(value_type = BTreeMap<String, i64>, example = json!({"Active": 1}))]
    pub num_granular_certificate_bundles_by_status: BTreeMap<CertificateStatus, i64>,
    /// Their energy by state, in Wh.
    #[schema(value_type = BTreeMap<String, i64>, example = json!({"Active": 1000}))]
    pub energy_by_status: BTreeMap<CertificateStatus, WattHours>,
    /// When bundles were last issued to it; null if never.
    pub last_issuance_datetime: Option<DateTime<Utc>>,
}

/// An account to open. The caller becomes a member.
#[derive(Debug, Clone, ToSchema)]
pub struct CreateAccount {
    /// Name, 1 to 200 characters, unique without regard to case.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "Hill Farm"
    )]
    pub account_name: String,
    /// Members besides the caller, at most 1,000.
    #[schema(value_type = Vec<i64>, required = false, max_items = 1000, example = json!([2]))]
    pub user_ids: Vec<UserId>,
    /// The organisation that owns it: the caller's, or any for who manages organisations.
    #[schema(value_type = Option<i64>)]
    pub organisation_id: Option<Named<OrganisationId>>,
}

impl FromFields for CreateAccount {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let account_name = fields.required("account_name");
        let user_ids = fields.or("user_ids", Vec::new());
        Some(Self {
            account_name: account_name?,
            user_ids,
            organisation_id: fields.optional("organisation_id"),
        })
    }
}

/// Changes to an account; what is absent stays.
#[derive(Debug, Clone, ToSchema)]
pub struct UpdateAccount {
    /// New name.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"\S",
        example = "Hill Farm"
    )]
    pub account_name: Option<String>,
    /// New members, replacing all; at least one.
    #[schema(value_type = Option<Vec<i64>>, min_items = 1, max_items = 1000, example = json!([1, 2]))]
    pub user_ids: Option<Vec<UserId>>,
}

impl FromFields for UpdateAccount {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            account_name: fields.optional("account_name"),
            user_ids: fields.optional("user_ids"),
        })
    }
}

/// Changes to the accounts from which an account accepts transfers; all or nothing.
#[derive(Debug, Clone, ToSchema)]
pub struct UpdateWhitelist {
    /// Accounts that may send from here on.
    #[schema(value_type = Vec<i64>, required = false, max_items = 10000, example = json!([2]))]
    pub add_to_whitelist: Vec<AccountId>,
    /// Accounts that may no longer.
    #[schema(value_type = Vec<i64>, required = false, max_items = 10000, example = json!([]))]
    pub remove_from_whitelist: Vec<AccountId>,
}

impl FromFields for UpdateWhitelist {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            add_to_whitelist: fields.or("add_to_whitelist", Vec::new()),
            remove_from_whitelist: fields.or("remove_from_whitelist", Vec::new()),
        })
    }
}

/// Why the issuing body suspends an account.
#[derive(Debug, Clone, ToSchema)]
pub struct SuspendAccount {
    /// Why, 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500, example = "meter fraud suspected")]
    pub reason: String,
}

impl FromFields for SuspendAccount {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            reason: fields.required("reason")?,
        })
    }
}

/// Why the issuing body approves or reinstates an account.
#[derive(Debug, Clone, ToSchema)]
pub struct ChangeStanding {
    /// Why, at most 500 characters.
    #[schema(max_length = 500, example = "the meters were checked")]
    pub reason: Option<String>,
}

impl FromFields for ChangeStanding {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            reason: fields.optional("reason"),
        })
    }
}

/// Whether an account may transfer.
#[derive(Debug, Clone, ToSchema)]
pub struct ChangeTransfers {
    /// Whether certificates can neither leave nor enter it by transfer or export.
    pub transfer_disabled: bool,
    /// Why, at most 500 characters.
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

impl FromFields for ChangeTransfers {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let transfer_disabled = fields.required("transfer_disabled");
        let reason = fields.optional("reason");
        Some(Self {
            transfer_disabled: transfer_disabled?,
            reason,
        })
    }
}
