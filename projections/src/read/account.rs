//! Accounts, and from whom they accept transfers.

use super::entity::{Entities, Entity};
use crate::Error;
use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use schemas::event::account::{
    AccountAssigned, AccountOpened, AccountStandingChanged, AccountUpdated, WhitelistChanged,
};
use schemas::id::{AccountId, OrganisationId, UserId};
use schemas::life_cycle::AccountState;
use schemas::log::Position;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tokio_postgres::types::ToSql;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Account {
    account_id: AccountId,
    account_name: String,
    user_ids: Vec<UserId>,
    is_deleted: bool,
    created_at: DateTime<Utc>,
    position: Position,
    state: AccountState,
    transfer_disabled: bool,
    organisation_id: Option<OrganisationId>,
}

impl Entity for Account {
    const TABLE: &'static str = "account";
    const COLUMNS: &'static [&'static str] = &[
        "account_id",
        "account_name",
        "user_ids",
        "is_deleted",
        "created_at",
        "position",
        "state",
        "transfer_disabled",
        "organisation_id",
    ];

    fn id(&self) -> i64 {
        self.account_id.0
    }
}

impl Entities<Account> {
    pub(super) fn opened(&mut self, event: &AccountOpened, at: DateTime<Utc>, position: Position) {
        self.insert(Account {
            account_id: event.account_id,
            account_name: event.account_name.clone(),
            user_ids: event.user_ids.clone(),
            is_deleted: false,
            created_at: at,
            position,
            state: if event.is_requested {
                AccountState::Requested
            } else {
                AccountState::Approved
            },
            transfer_disabled: false,
            organisation_id: event.organisation_id,
        });
    }

    pub(super) fn updated(&mut self, event: &AccountUpdated, position: Position) {
        if let Some(account) = self.edit(event.account_id.0) {
            account.account_name.clone_from(&event.account_name);
            account.user_ids.clone_from(&event.user_ids);
            account.position = position;
        }
    }

    pub(super) fn assigned(&mut self, event: &AccountAssigned, position: Position) {
        if let Some(account) = self.edit(event.account_id.0) {
            account.organisation_id = event.organisation_id;
            account.position = position;
        }
    }

    pub(super) fn stands(&mut self, event: &AccountStandingChanged, position: Position) {
        if let Some(account) = self.edit(event.account_id.0) {
            account.state = event.state;
            account.transfer_disabled = event.transfer_disabled;
            account.position = position;
        }
    }

    pub(super) fn closed(&mut self, id: AccountId, position: Position) {
        if let Some(account) = self.edit(id.0) {
            account.is_deleted = true;
            account.state = AccountState::Closed;
            account.position = position;
        }
    }
}

/// Pairs of target and source account; at which position the source was added, `None` if it was removed.
#[derive(Default)]
pub(super) struct Whitelist(BTreeMap<(AccountId, AccountId), Option<Position>>);

impl Whitelist {
    pub(super) fn changed(&mut self, event: &WhitelistChanged, position: Position) {
        let pair = |source: &AccountId| (event.account_id, *source);
        for source in &event.removed {
            self.0.insert(pair(source), None);
        }
        for source in &event.added {
            self.0.insert(pair(source), Some(position));
        }
    }

    pub(super) async fn save(&self, client: &ClientWrapper) -> Result<(), Error> {
        let (mut targets, mut sources, mut positions) = (Vec::new(), Vec::new(), Vec::new());
        let (mut without_targets, mut without_sources) = (Vec::new(), Vec::new());
        for ((target, source), added) in &self.0 {
            if let Some(position) = added {
                targets.push(target.0);
                sources.push(source.0);
                positions.push(position.0);
            } else {
                without_targets.push(target.0);
                without_sources.push(source.0);
            }
        }
        if !targets.is_empty() {
            let parameters: [&(dyn ToSql + Sync); 3] = [&targets, &sources, &positions];
            client
                .execute(&client.prepare_cached(UPSERT).await?, &parameters)
                .await?;
        }
        if !without_targets.is_empty() {
            let parameters: [&(dyn ToSql + Sync); 2] = [&without_targets, &without_sources];
            client
                .execute(&client.prepare_cached(DELETE).await?, &parameters)
                .await?;
        }
        Ok(())
    }
}

const UPSERT: &str = "INSERT INTO whitelist (target_account_id, source_account_id, position)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
     ON CONFLICT (target_account_id, source_account_id) DO UPDATE SET position = EXCLUDED.position";
const DELETE: &str = "DELETE FROM whitelist
     USING unnest($1::bigint[], $2::bigint[]) AS gone (target, source)
     WHERE target_account_id = gone.target AND source_account_id = gone.source";
