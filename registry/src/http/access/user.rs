//! Users.

use super::open;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::user::{existing, not_found, shown};
use crate::http::{Caller, may};
use deadpool_postgres::Client;
use schemas::api::Named;
use schemas::api::user::UserRead;
use schemas::capability::Capability;
use schemas::id::UserId;
use uuid::Uuid;

impl<C> Caller<C> {
    /// Checks the `user_id` of a body, which must be the caller's own unless they manage users.
    ///
    /// # Errors
    /// `user_id_not_yours`.
    pub fn acts_as(&self, named: Option<Named<UserId>>) -> Answer<()> {
        match named.map(open) {
            Some(other) if other != self.user_id && !self.may(Capability::ManageUsers) => {
                Err(Problem::new(
                    EdgeCode::UserIdNotYours,
                    format!(
                        "user_id {other} is not yours; leave it out or send {}",
                        self.user_id
                    ),
                )
                .at("/user_id"))
            }
            _ => Ok(()),
        }
    }

    /// The user, with the accounts shared with the caller: themselves, and those who share one. Who manages
    /// users sees all.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn seen_user(&self, client: &Client, named: Named<UserId>) -> Answer<UserRead> {
        let user_id = open(named);
        let sees_whole = self.sees_everybody() || self.user_id == user_id;
        let viewer = (!sees_whole).then_some(self.user_id);
        let user = existing(client, user_id).await?;
        shown(self, client, vec![user], viewer)
            .await?
            .pop()
            .filter(|user| sees_whole || user.accounts.is_some())
            .ok_or_else(|| not_found(user_id))
    }
}

impl Caller<may::ManageSelf> {
    /// The user, who must be the caller unless they manage users.
    ///
    /// # Errors
    /// `other_user`.
    pub fn own_user(&self, named: Named<UserId>) -> Answer<UserId> {
        let user_id = open(named);
        if self.user_id == user_id || self.may(Capability::ManageUsers) {
            return Ok(user_id);
        }
        Err(Problem::new(
            EdgeCode::OtherUser,
            "You are not allowed to update other users' information.",
        ))
    }

    /// The session; that it is one of the caller's is for the rules to say.
    #[must_use]
    pub fn own_session(&self, named: Named<Uuid>) -> Uuid {
        open(named)
    }
}

impl Caller<may::ManageUsers> {
    /// The user, whoever it is; that there is one is looked up where it matters.
    #[must_use]
    pub fn managed_user(&self, named: Named<UserId>) -> UserId {
        open(named)
    }
}
