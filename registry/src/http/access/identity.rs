//! Who users are to other servers.

use super::open;
use crate::http::problem::{Answer, Problem};
use crate::http::{Caller, may};
use crate::read::identity::by_id;
use ledger::command::Link;
use ledger::refusal::Code;
use schemas::api::Named;
use schemas::event::link::ExternalIdentity;
use uuid::Uuid;

impl Caller<may::ManageUsers> {
    /// The identity, whosever it is.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn linked_identity(&self, named: Named<Uuid>) -> Answer<Link> {
        let identity_id = open(named);
        let found = by_id(&self.client().await?, identity_id).await?;
        let (user_id, read) = found
            .ok_or_else(|| Problem::not_found(Code::IdentityNotFound, "Identity", identity_id))?;
        let identity = ExternalIdentity {
            issuer: read.issuer,
            subject: read.subject,
        };
        Ok(Link { user_id, identity })
    }
}
