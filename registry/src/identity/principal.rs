//! What a caller may do and act for, as READ shows it.

use super::credential::{Credential, Restriction, Via};
use crate::http::position::{Positions, reached};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::state::State;
use crate::read;
use ledger::entry::Membership;
use moka::future::Cache;
use schemas::capability::{Capabilities, Capability, Duties};
use schemas::id::{AccountId, OrganisationId, UserId};
use schemas::life_cycle::Role;
use std::sync::Arc;
use std::time::Duration;

/// A signed-in user, as far as their credentials are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The user.
    pub user_id: UserId,
    /// Their role.
    pub role: Role,
    /// What they may do.
    pub capabilities: Capabilities,
    /// The accounts they are a member of, closed ones included, in the order of their ids.
    pub accounts: Vec<AccountId>,
    /// The organisation they belong to, unless it is closed.
    pub organisation: Option<Membership>,
    /// The only accounts that the credentials are good for.
    only: Option<Vec<AccountId>>,
}

impl Principal {
    fn new(row: read::principal::PrincipalRow, duties: Duties) -> Self {
        Self {
            user_id: row.user_id,
            role: row.role,
            capabilities: row.role.capabilities(duties),
            accounts: row.accounts,
            organisation: row.organisation,
            only: None,
        }
    }

    /// The same, with credentials that are good for less.
    fn restricted(&self, restriction: Restriction) -> Self {
        let mut less = self.clone();
        less.capabilities = less.capabilities.and(restriction.capabilities);
        if let Some(only) = &restriction.accounts {
            less.accounts.retain(|account| only.contains(account));
            // Who manages an organisation reaches all its accounts.
            less.organisation = None;
        }
        less.only = restriction.accounts;
        less
    }

    /// Whether they may do it.
    #[must_use]
    pub const fn may(&self, capability: Capability) -> bool {
        self.capabilities.has(capability)
    }

    /// Checks that they may do it.
    ///
    /// # Errors
    /// `capability_required`, in the contract's words where the role lacks it.
    pub fn check(&self, capability: Capability) -> Answer<()> {
        if self.may(capability) {
            return Ok(());
        }
        let role = capability.lowest_role().as_str().to_ascii_lowercase();
        Err(Problem::new(
            EdgeCode::CapabilityRequired,
            format!(
                "User does not have the required role: {role}; the operation needs the capability `{capability}`"
            ),
        ))
    }

    /// Whether they manage the organisation.
    #[must_use]
    pub fn manages(&self, organisation_id: OrganisationId) -> bool {
        let manages = |of: Membership| of.organisation_id == organisation_id && of.manages;
        self.organisation.is_some_and(manages)
    }

    /// The accounts that the credentials are good for; `None` stands for all there are.
    #[must_use]
    pub fn restriction(&self) -> Option<&[AccountId]> {
        self.only.as_deref()
    }

    /// Whether the credentials are good for the account, whoever may do what there.
    #[must_use]
    pub fn reaches(&self, account_id: AccountId) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| only.contains(&account_id))
    }

    /// Whether they see every user there is.
    #[must_use]
    pub const fn sees_everybody(&self) -> bool {
        self.may(Capability::ManageUsers) && self.only.is_none()
    }

    /// Whether they see every account there is.
    #[must_use]
    pub const fn sees_all(&self) -> bool {
        self.may(Capability::Oversee) && self.only.is_none()
    }

    /// Whether they may see what belongs to the account: as a member, or as who oversees all.
    #[must_use]
    pub fn sees(&self, account_id: AccountId) -> bool {
        self.accounts.contains(&account_id)
            || self.may(Capability::Oversee) && self.reaches(account_id)
    }

    /// The accounts whose entries a list shows; `None` stands for all there are.
    #[must_use]
    pub fn visible_accounts(&self) -> Option<&[AccountId]> {
        match &self.only {
            None if self.sees_all() => None,
            Some(only) if self.may(Capability::Oversee) => Some(only),
            _ => Some(&self.accounts),
        }
    }
}

/// How long a principal is taken for granted. A change made through this process counts at once, one
/// made through another this long after READ shows it.
const TRUSTED: Duration = Duration::from_secs(1);
const MAX_PRINCIPALS: u64 = 100_000;

/// The principals seen lately, with all that their users may.
///
/// The key holds the positions that decide who may do what, so a change of users or members leaves all
/// that was known before behind.
pub struct Principals {
    known: Cache<(UserId, Via, Positions), Arc<Principal>>,
    duties: Duties,
}

impl Principals {
    /// None seen yet.
    #[must_use]
    pub fn new(duties: Duties) -> Self {
        Self {
            known: Cache::builder()
                .max_capacity(MAX_PRINCIPALS)
                .time_to_live(TRUSTED)
                .build(),
            duties,
        }
    }

    /// Who holds the credentials, and what these are good for.
    ///
    /// # Errors
    /// 401 if they were removed or their session is over, 503 if it can not be found out.
    pub async fn get(&self, credential: Credential, state: &State) -> Answer<Arc<Principal>> {
        let authority = state.authority();
        let (user_id, via) = (credential.user_id, credential.via);
        let whole = self
            .known
            .try_get_with(
                (user_id, via, authority),
                load(user_id, via, authority, self.duties, state),
            )
            .await
            .map_err(|problem| (*problem).clone())?;
        Ok(match credential.restriction {
            None => whole,
            Some(restriction) => Arc::new(whole.restricted(restriction)),
        })
    }
}

async fn load(
    user_id: UserId,
    via: Via,
    authority: Positions,
    duties: Duties,
    state: &State,
) -> Answer<Arc<Principal>> {
    reached(state.read_progress(), authority, state.read_wait()).await?;
    let client = state.read_client().await?;
    let session_id = match via {
        Via::Session(session_id) => Some(session_id),
        Via::ApiKey(_) | Via::External(_) => None,
    };
    read::principal::by_id(&client, user_id, session_id)
        .await?
        .map(|row| Arc::new(Principal::new(row, duties)))
        .ok_or_else(|| Problem::new(EdgeCode::TokenInvalid, "Could not validate credentials"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn somebody(role: Role) -> Principal {
        let row = read::principal::PrincipalRow {
            user_id: UserId(3),
            role,
            accounts: vec![AccountId(1), AccountId(2)],
            organisation: None,
        };
        Principal::new(row, Duties::Separated)
    }

    fn only(capabilities: &[Capability], accounts: &[i64]) -> Restriction {
        Restriction {
            capabilities: Capabilities::of(capabilities),
            accounts: Some(accounts.iter().copied().map(AccountId).collect()),
        }
    }

    #[test]
    fn a_refusal_is_in_the_words_of_the_contract() {
        let auditor = somebody(Role::Audit);
        auditor.check(Capability::Read).unwrap();
        let refusal = auditor.check(Capability::Trade).unwrap_err();
        assert_eq!(refusal.code().as_str(), "capability_required");
        let said = refusal.to_string();
        let sentence = "User does not have the required role: trading_user";
        assert!(said.contains(sentence), "{said}");
    }

    #[test]
    fn a_restriction_only_takes_away() {
        let wanted = [Capability::Trade, Capability::Issue];
        let less = somebody(Role::Trading).restricted(only(&wanted, &[2, 9]));
        assert_eq!(less.capabilities, Capabilities::of(&[Capability::Trade]));
        assert_eq!(less.accounts, [AccountId(2)]);
        assert!(less.sees(AccountId(2)));
        assert!(!less.sees(AccountId(1)) && !less.sees(AccountId(9)));
        assert_eq!(less.visible_accounts(), Some(&[AccountId(2)][..]));
    }

    #[test]
    fn who_oversees_with_restricted_credentials_sees_no_account_but_those() {
        let admin = somebody(Role::Admin);
        assert!(admin.sees(AccountId(9)) && admin.visible_accounts().is_none());
        let less = admin.restricted(only(&[Capability::Read, Capability::Oversee], &[9]));
        assert!(less.sees(AccountId(9)) && !less.sees(AccountId(1)) && !less.sees_all());
        assert_eq!(less.visible_accounts(), Some(&[AccountId(9)][..]));
        let blind = admin.restricted(only(&[Capability::Read], &[9]));
        assert!(!blind.sees(AccountId(9)));
    }
}
