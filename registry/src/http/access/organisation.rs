//! Organisations.

use super::open;
use crate::audit;
use crate::http::Caller;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::read;
use crate::read::account::AccountRow;
use crate::read::organisation::InvitationRow;
use chrono::Utc;
use deadpool_postgres::Client;
use ledger::refusal::Code;
use schemas::api::Named;
use schemas::api::organisation::OrganisationRead;
use schemas::capability::Capability;
use schemas::id::{AccountId, OrganisationId, UserId};
use uuid::Uuid;

impl<C> Caller<C> {
    /// The organisation: the caller's own, or any for who manages organisations.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn organisation(
        &self,
        client: &Client,
        named: Named<OrganisationId>,
    ) -> Answer<OrganisationRead> {
        let id = open(named);
        let knows = self.may(Capability::ManageOrganisations)
            || self.organisation.is_some_and(|of| of.organisation_id == id);
        let found = match knows {
            true => read::organisation::by_id(client, id).await?,
            false => None,
        };
        found.ok_or_else(|| not_found(id))
    }

    /// The organisation, which the caller manages.
    ///
    /// # Errors
    /// 404 if there is none they may know of, 403 if they belong to it only.
    pub async fn managed_organisation(
        &self,
        client: &Client,
        named: Named<OrganisationId>,
    ) -> Answer<OrganisationId> {
        let id = self.organisation(client, named).await?.id;
        self.check_manages(id)?;
        Ok(id)
    }

    /// Checks that the caller manages the organisation.
    ///
    /// # Errors
    /// 403 if they do not.
    pub fn check_manages(&self, id: OrganisationId) -> Answer<()> {
        if self.may(Capability::ManageOrganisations) || self.manages(id) {
            return Ok(());
        }
        Err(denied())
    }

    /// The account and the organisation that owns it, which the caller manages.
    ///
    /// # Errors
    /// 404 if there is none they may know of, 403 if they do not manage its organisation.
    pub async fn account_of_organisation(
        &self,
        client: &Client,
        named: Named<AccountId>,
    ) -> Answer<(AccountRow, OrganisationId)> {
        let account_id = open(named);
        audit::for_account(account_id);
        let account = read::account::by_id(client, account_id).await?;
        let own = account.and_then(|account| account.organisation_id.map(|of| (account, of)));
        match own.filter(|(_, of)| self.manages(*of)) {
            Some(found) => Ok(found),
            None if self.accounts.contains(&account_id) => Err(denied()),
            None if self.sees(account_id) && read::account::exists(client, account_id).await? => {
                Err(denied())
            }
            None => Err(Problem::not_found(
                Code::AccountNotFound,
                "Account",
                account_id,
            )),
        }
    }

    /// The user and their organisation, which the caller manages.
    ///
    /// # Errors
    /// 404 if there is none they may know of.
    pub async fn organisation_of_user(
        &self,
        client: &Client,
        named: Named<UserId>,
    ) -> Answer<(UserId, OrganisationId)> {
        let user_id = open(named);
        read::user::by_id(client, user_id)
            .await?
            .filter(|user| !user.is_deleted)
            .and_then(|user| user.organisation_id)
            .filter(|of| self.check_manages(*of).is_ok())
            .map(|of| (user_id, of))
            .ok_or_else(|| Problem::not_found(Code::UserNotFound, "User", user_id))
    }

    /// The invitation, into an organisation that the caller manages.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn invitation(&self, client: &Client, named: Named<Uuid>) -> Answer<InvitationRow> {
        let id = open(named);
        read::organisation::invitation_by_id(client, id, Utc::now())
            .await?
            .filter(|found| self.check_manages(found.read.organisation_id).is_ok())
            .ok_or_else(|| Problem::not_found(Code::InvitationUnknown, "Invitation", id))
    }
}

fn denied() -> Problem {
    Problem::new(
        EdgeCode::OrganisationAccessDenied,
        "only who manages the organisation may do this",
    )
}

fn not_found(id: OrganisationId) -> Problem {
    Problem::not_found(Code::OrganisationNotFound, "Organisation", id)
}

impl<C> Caller<C> {
    /// The organisation that an account is to be of: the caller's own, or any for who manages organisations. It
    /// must be open.
    ///
    /// # Errors
    /// 404 if there is none they may know of, `organisation_closed`.
    pub async fn owner(&self, named: Named<OrganisationId>) -> Answer<OrganisationId> {
        let organisation = self.organisation(&self.client().await?, named).await?;
        if organisation.is_deleted {
            return Err(Problem::new(
                Code::OrganisationClosed,
                format!("organisation {} is closed", organisation.id),
            )
            .at("/organisation_id"));
        }
        Ok(organisation.id)
    }
}
