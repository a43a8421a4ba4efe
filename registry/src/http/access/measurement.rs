//! Readings.

use super::open;
use crate::http::Caller;
use crate::http::problem::{Answer, Problem};
use crate::read::measurement::{Found, by_id};
use deadpool_postgres::Client;
use ledger::refusal::Code;
use schemas::api::Named;
use schemas::id::MeasurementId;

impl<C> Caller<C> {
    /// The reading, of a device of an account that the caller sees.
    ///
    /// # Errors
    /// 404 if there is none.
    pub async fn measurement(&self, client: &Client, named: Named<MeasurementId>) -> Answer<Found> {
        let id = open(named);
        by_id(client, id)
            .await?
            .filter(|found| self.sees(found.account_id))
            .ok_or_else(|| Problem::not_found(Code::MeasurementNotFound, "MeasurementReport", id))
    }
}
