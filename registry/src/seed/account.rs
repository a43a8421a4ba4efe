//! The demo's accounts, and who may send to whom.

use schemas::{
    api::account::{AccountRead, WhitelistedAccount},
    id::AccountId,
};
use serde_json::json;

use super::{
    error::{SeedError, While},
    people::People,
};
use crate::client::Client;

/// Who has an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Party {
    Test,
    Test2,
    WindCompany,
    SolarCompany,
    Household,
    Retailer,
    BatteryOperator,
}

impl Party {
    pub const ALL: [Self; 7] = [
        Self::Test,
        Self::Test2,
        Self::WindCompany,
        Self::SolarCompany,
        Self::Household,
        Self::Retailer,
        Self::BatteryOperator,
    ];

    pub const fn account_name(self) -> &'static str {
        match self {
            Self::Test => "Test Account",
            Self::Test2 => "Test Account 2",
            Self::WindCompany => "Hill Farm Wind Ltd",
            Self::SolarCompany => "Southdown Solar Park Ltd",
            Self::Household => "12 Orchard Lane",
            Self::Retailer => "Evergreen Retail plc",
            Self::BatteryOperator => "Grid Balance Batteries Ltd",
        }
    }

    /// Whether all demo users are members, or the administrator alone.
    const fn is_shared(self) -> bool {
        !matches!(self, Self::Test2)
    }

    /// From whom it accepts transfers.
    const fn whitelist(self) -> &'static [Self] {
        match self {
            Self::Test => &[Self::Test2, Self::WindCompany, Self::SolarCompany],
            Self::Test2 => &[Self::Test],
            Self::Retailer => &[
                Self::WindCompany,
                Self::SolarCompany,
                Self::Household,
                Self::BatteryOperator,
            ],
            Self::Household => &[Self::Retailer],
            Self::WindCompany | Self::SolarCompany | Self::BatteryOperator => &[],
        }
    }
}

/// Ids of the demo's accounts, in the order of [`Party::ALL`].
pub(super) struct Accounts([AccountId; Party::ALL.len()]);

impl Accounts {
    pub const fn id(&self, party: Party) -> AccountId {
        self.0[party as usize]
    }
}

/// Opens the accounts that are missing, and completes the whitelists.
pub(super) async fn ensure(people: &People) -> Result<Accounts, SeedError> {
    let known: Option<Vec<AccountRead>> = people
        .admin
        .get("/user/me/accounts")
        .await
        .during("the demo's accounts")?;
    let known = known.unwrap_or_default();
    let mut accounts = Accounts([AccountId(0); Party::ALL.len()]);
    for party in Party::ALL {
        let found = known
            .iter()
            .find(|account| account.account_name == party.account_name());
        accounts.0[party as usize] = match found {
            Some(account) => account.id,
            None => open(people, party).await?,
        };
    }
    for party in Party::ALL {
        complete_whitelist(&people.admin, &accounts, party).await?;
    }
    Ok(accounts)
}

async fn open(people: &People, party: Party) -> Result<AccountId, SeedError> {
    let others = match party.is_shared() {
        true => vec![people.production.user_id(), people.trading.user_id()],
        false => Vec::new(),
    };
    let body = json!({"account_name": party.account_name(), "user_ids": others});
    let opened: AccountRead = people
        .admin
        .post("/account/create", &body)
        .await
        .during(format!("account {:?}", party.account_name()))?;
    Ok(opened.id)
}

async fn complete_whitelist(
    admin: &Client,
    accounts: &Accounts,
    party: Party,
) -> Result<(), SeedError> {
    let what = || format!("whitelist of {:?}", party.account_name());
    let id = accounts.id(party);
    let listed: Vec<WhitelistedAccount> = admin
        .get(&format!("/account/{id}/whitelist"))
        .await
        .during(what())?;
    let missing: Vec<_> = party
        .whitelist()
        .iter()
        .map(|source| accounts.id(*source))
        .filter(|source| listed.iter().all(|account| account.id != *source))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let body = json!({"add_to_whitelist": missing});
    let _: AccountRead = admin
        .patch(&format!("/account/update_whitelist/{id}"), &body)
        .await
        .during(what())?;
    Ok(())
}
