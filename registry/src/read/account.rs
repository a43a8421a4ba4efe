//! Accounts, their members and their whitelists.

use super::{ReadError, row, rows, word};
use chrono::{DateTime, Utc};
use deadpool_postgres::Client;
use schemas::api::account::{AccountRead, WhitelistedAccount};
use schemas::id::{AccountId, OrganisationId, UserId};
use schemas::life_cycle::AccountState;
use tokio_postgres::Row;

/// An account, open or closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Id.
    pub account_id: AccountId,
    /// Name.
    pub account_name: String,
    /// Members, in the order given.
    pub user_ids: Vec<UserId>,
    /// Whether it is closed.
    pub is_deleted: bool,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// Whether it can be used.
    pub state: AccountState,
    /// Whether its transfers are stopped.
    pub transfer_disabled: bool,
    /// Whose it is, where it is an organisation's.
    pub organisation_id: Option<OrganisationId>,
}

impl AccountRow {
    fn from_row(row: &Row) -> Result<Self, ReadError> {
        let user_ids: Vec<i64> = row.try_get(2)?;
        Ok(Self {
            account_id: AccountId(row.try_get(0)?),
            account_name: row.try_get(1)?,
            user_ids: user_ids.into_iter().map(UserId).collect(),
            is_deleted: row.try_get(3)?,
            created_at: row.try_get(4)?,
            state: word(row, 5)?,
            transfer_disabled: row.try_get(6)?,
            organisation_id: row.try_get::<_, Option<i64>>(7)?.map(OrganisationId),
        })
    }
}

impl From<AccountRow> for AccountRead {
    fn from(row: AccountRow) -> Self {
        Self {
            id: row.account_id,
            account_name: row.account_name,
            user_ids: (!row.user_ids.is_empty()).then_some(row.user_ids),
            state: row.state,
            transfer_disabled: row.transfer_disabled,
            organisation_id: row.organisation_id,
        }
    }
}

impl From<AccountRow> for WhitelistedAccount {
    fn from(row: AccountRow) -> Self {
        Self {
            id: row.account_id,
            account_name: row.account_name,
            user_ids: row.user_ids,
            is_deleted: row.is_deleted,
            created_at: row.created_at,
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT a.account_id, a.account_name, a.user_ids, a.is_deleted, a.created_at, a.state,
             a.transfer_disabled, a.organisation_id FROM account a ",
            $rest
        )
    };
}

/// Ids as Postgres has them.
pub(super) fn ids(accounts: &[AccountId]) -> Vec<i64> {
    accounts.iter().map(|account| account.0).collect()
}

fn all(rows: &[Row]) -> Result<Vec<AccountRow>, ReadError> {
    rows.iter().map(AccountRow::from_row).collect()
}

/// Whether there is such an account, open or closed.
pub async fn exists(client: &Client, account_id: AccountId) -> Result<bool, ReadError> {
    let statement = "SELECT FROM account WHERE account_id = $1";
    Ok(row(client, statement, &[&account_id.0]).await?.is_some())
}

/// The account, open or closed.
pub async fn by_id(
    client: &Client,
    account_id: AccountId,
) -> Result<Option<AccountRow>, ReadError> {
    let statement = select!("WHERE a.account_id = $1");
    let found = row(client, statement, &[&account_id.0]).await?;
    found.as_ref().map(AccountRow::from_row).transpose()
}

/// Open accounts behind `after` in the order of their ids: among those given, or all.
pub async fn list(
    client: &Client,
    among: Option<&[AccountId]>,
    after: AccountId,
    limit: i64,
) -> Result<Vec<AccountRow>, ReadError> {
    let found = match among {
        Some(among) => {
            let statement = select!(
                "WHERE a.account_id = ANY($1) AND NOT a.is_deleted AND a.account_id > $2
                 ORDER BY a.account_id LIMIT $3"
            );
            rows(client, statement, &[&ids(among), &after.0, &limit]).await?
        }
        None => {
            let statement = select!(
                "WHERE NOT a.is_deleted AND a.account_id > $1 ORDER BY a.account_id LIMIT $2"
            );
            rows(client, statement, &[&after.0, &limit]).await?
        }
    };
    all(&found)
}

/// Open accounts of an organisation behind `after` in the order of their ids.
pub async fn of_organisation(
    client: &Client,
    organisation_id: OrganisationId,
    after: AccountId,
    limit: i64,
) -> Result<Vec<AccountRow>, ReadError> {
    let statement = select!(
        "WHERE a.organisation_id = $1 AND NOT a.is_deleted AND a.account_id > $2
         ORDER BY a.account_id LIMIT $3"
    );
    all(&rows(client, statement, &[&organisation_id.0, &after.0, &limit]).await?)
}

/// Open accounts that any of the users is a member of; with `seen_by`, only those it is a member of too.
pub async fn of_users(
    client: &Client,
    users: &[UserId],
    seen_by: Option<UserId>,
) -> Result<Vec<AccountRow>, ReadError> {
    let users: Vec<i64> = users.iter().map(|user| user.0).collect();
    let seen_by: Vec<i64> = seen_by.into_iter().map(|user| user.0).collect();
    let statement = select!(
        "WHERE a.user_ids && $1::bigint[] AND a.user_ids @> $2::bigint[] AND NOT a.is_deleted
         ORDER BY a.account_id"
    );
    all(&rows(client, statement, &[&users, &seen_by]).await?)
}

/// Accounts that may send to the account.
pub async fn whitelist(
    client: &Client,
    account_id: AccountId,
) -> Result<Vec<AccountRow>, ReadError> {
    let statement = select!(
        "JOIN whitelist w ON w.source_account_id = a.account_id
         WHERE w.target_account_id = $1 ORDER BY a.account_id"
    );
    all(&rows(client, statement, &[&account_id.0]).await?)
}

/// Accounts that the account may send to.
pub async fn whitelist_inverse(
    client: &Client,
    account_id: AccountId,
) -> Result<Vec<AccountRow>, ReadError> {
    let statement = select!(
        "JOIN whitelist w ON w.target_account_id = a.account_id
         WHERE w.source_account_id = $1 ORDER BY a.account_id"
    );
    all(&rows(client, statement, &[&account_id.0]).await?)
}

/// Open accounts that nobody could act for without the user.
pub async fn only_kept_by(client: &Client, user_id: UserId) -> Result<Vec<AccountRow>, ReadError> {
    let statement = select!(
        "WHERE a.user_ids @> ARRAY[$1::bigint] AND NOT a.is_deleted AND NOT EXISTS (
             SELECT FROM registry_user u
             WHERE u.user_id = ANY(a.user_ids) AND u.user_id <> $1 AND NOT u.is_deleted)
         ORDER BY a.account_id"
    );
    all(&rows(client, statement, &[&user_id.0]).await?)
}
