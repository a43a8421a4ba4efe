//! Users.

use super::principal::role;
use super::{ReadError, row, rows};
use chrono::{DateTime, Utc};
use deadpool_postgres::Client;
use schemas::api::account::AccountRead;
use schemas::api::user::{AccountUser, UserRead};
use schemas::id::{AccountId, OrganisationId, UserId};
use schemas::life_cycle::Role;
use schemas::log::Position;
use tokio_postgres::Row;

/// A user, without what they sign in with.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Id.
    pub user_id: UserId,
    /// Name.
    pub name: String,
    /// Sign-in name.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Organisation they act for: the name of the one they belong to, else what was said of them.
    pub organisation: Option<String>,
    /// The organisation they belong to.
    pub organisation_id: Option<OrganisationId>,
    /// Whether they were removed.
    pub is_deleted: bool,
    /// When they were registered.
    pub created_at: DateTime<Utc>,
    /// The last event that changed them.
    pub position: Position,
}

impl UserRow {
    fn from_row(row: &Row) -> Result<Self, ReadError> {
        Ok(Self {
            user_id: UserId(row.try_get(0)?),
            name: row.try_get(1)?,
            email: row.try_get(2)?,
            role: role(row.try_get(3)?)?,
            organisation: row.try_get(4)?,
            is_deleted: row.try_get(5)?,
            created_at: row.try_get(6)?,
            organisation_id: row.try_get::<_, Option<i64>>(7)?.map(OrganisationId),
            position: Position(row.try_get(8)?),
        })
    }

    /// The user as the API shows them, with those of `accounts` that they are a member of.
    #[must_use]
    pub fn with_accounts(self, accounts: &[AccountRead]) -> UserRead {
        let own: Vec<_> = accounts
            .iter()
            .filter(|account| {
                account
                    .user_ids
                    .as_ref()
                    .is_some_and(|users| users.contains(&self.user_id))
            })
            .cloned()
            .collect();
        UserRead {
            id: self.user_id,
            name: self.name,
            email: self.email,
            role: self.role,
            accounts: (!own.is_empty()).then_some(own),
            organisation: self.organisation,
        }
    }
}

impl From<UserRow> for AccountUser {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.user_id,
            name: row.name,
            email: row.email,
            role: row.role,
            organisation: row.organisation,
            is_deleted: row.is_deleted,
            created_at: row.created_at,
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT u.user_id, u.name, u.email, u.role, coalesce(o.name, u.organisation), u.is_deleted,
             u.created_at, u.organisation_id, u.position
             FROM registry_user u LEFT JOIN organisation o ON o.organisation_id = u.organisation_id ",
            $rest
        )
    };
}

fn all(rows: &[Row]) -> Result<Vec<UserRow>, ReadError> {
    rows.iter().map(UserRow::from_row).collect()
}

/// The user, removed or not.
pub async fn by_id(client: &Client, user_id: UserId) -> Result<Option<UserRow>, ReadError> {
    let statement = select!("WHERE u.user_id = $1");
    let found = row(client, statement, &[&user_id.0]).await?;
    found.as_ref().map(UserRow::from_row).transpose()
}

/// Users behind `after` in the order of their ids, removed ones left out: those who share an open account with one
/// user, of those that are `reached` where not all are, and that user; or all.
pub async fn list(
    client: &Client,
    seen_by: Option<UserId>,
    reached: Option<&[AccountId]>,
    after: UserId,
    limit: i64,
) -> Result<Vec<UserRow>, ReadError> {
    let found = match seen_by {
        Some(viewer) => {
            let statement = select!(
                "WHERE NOT u.is_deleted AND u.user_id > $2 AND (u.user_id = $1 OR u.user_id IN (
                     SELECT unnest(a.user_ids) FROM account a
                     WHERE a.user_ids @> ARRAY[$1::bigint] AND NOT a.is_deleted
                         AND ($4::bigint[] IS NULL OR a.account_id = ANY($4))))
                 ORDER BY u.user_id LIMIT $3"
            );
            let reached = reached.map(|ids| ids.iter().map(|id| id.0).collect::<Vec<_>>());
            rows(client, statement, &[&viewer.0, &after.0, &limit, &reached]).await?
        }
        None => {
            let statement =
                select!("WHERE NOT u.is_deleted AND u.user_id > $1 ORDER BY u.user_id LIMIT $2");
            rows(client, statement, &[&after.0, &limit]).await?
        }
    };
    all(&found)
}

/// Members of an account, in the order of their ids.
pub async fn of_account(client: &Client, account_id: AccountId) -> Result<Vec<UserRow>, ReadError> {
    let statement = select!(
        "JOIN account a ON a.account_id = $1 WHERE u.user_id = ANY(a.user_ids) ORDER BY u.user_id"
    );
    all(&rows(client, statement, &[&account_id.0]).await?)
}

/// Whom somebody may know of by id.
#[derive(Debug, Clone, Copy)]
pub enum Known {
    /// Everybody.
    All,
    /// Who belongs to the organisation.
    Of(OrganisationId),
    /// Who belongs to no organisation, or to this one.
    NotElsewhere(Option<OrganisationId>),
}

/// Which of the ids are of no user, of one who was removed, or of one who is neither among `beside` nor known.
pub async fn unknown(
    client: &Client,
    user_ids: &[UserId],
    beside: &[UserId],
    known: Known,
) -> Result<Vec<UserId>, ReadError> {
    let ids = |users: &[UserId]| users.iter().map(|user| user.0).collect::<Vec<i64>>();
    let (all, anybody_without, organisation) = match known {
        Known::All => (true, false, None),
        Known::Of(organisation) => (false, false, Some(organisation.0)),
        Known::NotElsewhere(own) => (false, true, own.map(|own| own.0)),
    };
    let statement = "
        SELECT asked FROM unnest($1::bigint[]) AS asked
        WHERE NOT EXISTS (
            SELECT FROM registry_user WHERE user_id = asked AND NOT is_deleted
            AND ($3 OR user_id = ANY($2) OR organisation_id = $5
                 OR ($4 AND organisation_id IS NULL)))
        ORDER BY asked";
    let (asked, beside) = (ids(user_ids), ids(beside));
    let found = rows(
        client,
        statement,
        &[&asked, &beside, &all, &anybody_without, &organisation],
    )
    .await?;
    found
        .iter()
        .map(|row| Ok(UserId(row.try_get(0)?)))
        .collect()
}
