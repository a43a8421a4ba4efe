//! Exports to other registries.

use super::open;
use crate::http::Caller;
use crate::http::problem::{Answer, Problem};
use crate::read::exchange;
use deadpool_postgres::Client;
use ledger::refusal::Code;
use schemas::api::Named;
use schemas::api::certificate::ExportRead;
use schemas::id::ActionId;

impl<C> Caller<C> {
    /// The export, of an account that the caller sees.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn export(&self, client: &Client, named: Named<ActionId>) -> Answer<ExportRead> {
        let id = open(named);
        exchange::export(client, id)
            .await?
            .filter(|export| self.sees(export.source_id))
            .ok_or_else(|| Problem::not_found(Code::ExportNotFound, "Export", id))
    }
}
