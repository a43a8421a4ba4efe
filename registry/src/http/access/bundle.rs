//! Bundles, and actions on them.

use super::open;
use crate::http::Read;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::read::action;
use ledger::refusal::Code;
use schemas::api::Named;
use schemas::api::certificate::{Action, BundleFull};
use schemas::id::{ActionId, BundleId};

impl<C> Read<C> {
    /// The bundle, held by an account that the caller sees, or cancelled for one.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn bundle(&self, named: Named<BundleId>) -> Answer<BundleFull> {
        let id = open(named);
        let found = self.state().bundles.get(id).await?;
        let visible = found.filter(|bundle| {
            let beneficiary = bundle.beneficiary_account_id;
            self.sees(bundle.account_id) || beneficiary.is_some_and(|account| self.sees(account))
        });
        visible.ok_or_else(|| {
            Problem::not_found(Code::BundleNotFound, "GranularCertificateBundle", id)
        })
    }

    /// The action, whose source, target or beneficiary's account the caller sees.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn action(&self, named: Named<ActionId>) -> Answer<Action> {
        let id = open(named);
        let found = action::by_id(&self.client().await?, id).await?;
        let visible = found.filter(|action| {
            let parties = [
                Some(action.source_id),
                action.target_id,
                action.beneficiary_account_id,
            ];
            parties.iter().flatten().any(|party| self.sees(*party))
        });
        visible.ok_or_else(|| {
            Problem::new(
                EdgeCode::ActionNotFound,
                format!("Action with id {id} not found"),
            )
        })
    }
}
