//! Accounts.

use super::open;
use crate::audit;
use crate::http::Caller;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::read;
use ledger::refusal::Code;
use schemas::api::Named;
use schemas::id::AccountId;

impl<C> Caller<C> {
    /// The account, of which the caller is a member.
    ///
    /// # Errors
    /// 404 if there is none the caller may see, 403 if they may see it only.
    pub async fn member_of(&self, named: Named<AccountId>) -> Answer<AccountId> {
        let account_id = self.may_view(named).await?;
        self.acts_for(account_id)
    }

    /// The account, which the caller may see: as a member, or as who oversees all.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn may_view(&self, named: Named<AccountId>) -> Answer<AccountId> {
        let account_id = open(named);
        audit::for_account(account_id);
        let visible = self.accounts.contains(&account_id)
            || self.sees(account_id)
                && read::account::exists(&self.state().read_client().await?, account_id).await?;
        if visible {
            Ok(account_id)
        } else {
            Err(not_found(account_id))
        }
    }

    /// The account, of whichever holder; that there is one is for the ledger to say.
    ///
    /// # Errors
    /// 404 if the caller may not see it.
    pub fn supervises(&self, named: Named<AccountId>) -> Answer<AccountId> {
        let account_id = open(named);
        audit::for_account(account_id);
        if self.sees(account_id) {
            return Ok(account_id);
        }
        Err(not_found(account_id))
    }

    /// The account of something that the caller sees, of which they must be a member to act on it.
    ///
    /// # Errors
    /// 403 if they are not.
    pub fn acts_for(&self, account_id: AccountId) -> Answer<AccountId> {
        audit::for_account(account_id);
        if self.accounts.contains(&account_id) {
            return Ok(account_id);
        }
        Err(Problem::new(
            EdgeCode::AccountAccessDenied,
            "User does not have access to the specified source account",
        ))
    }
}

fn not_found(account_id: AccountId) -> Problem {
    Problem::not_found(Code::AccountNotFound, "Account", account_id)
}
