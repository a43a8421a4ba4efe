//! Who a caller is and which accounts they act for.

use super::{ReadError, defect, row, rows};
use deadpool_postgres::Client;
use ledger::entry::Membership;
use ledger::key::name_digest;
use schemas::id::{AccountId, OrganisationId, UserId};
use schemas::life_cycle::Role;
use uuid::Uuid;

/// A user who may sign in, with the accounts they are a member of, closed ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalRow {
    /// The user.
    pub user_id: UserId,
    /// Their role.
    pub role: Role,
    /// Their accounts, in the order of their ids.
    pub accounts: Vec<AccountId>,
    /// The organisation they belong to, unless it is closed.
    pub organisation: Option<Membership>,
}

const BY_ID: &str = "
    SELECT u.role,
           ARRAY(SELECT a.account_id FROM account a
                 WHERE a.user_ids @> ARRAY[u.user_id] ORDER BY a.account_id),
           o.organisation_id, u.manages_organisation
    FROM registry_user u
    LEFT JOIN organisation o ON o.organisation_id = u.organisation_id AND NOT o.is_deleted
    WHERE u.user_id = $1 AND NOT u.is_deleted AND NOT EXISTS (
        SELECT FROM session WHERE session_id = $2 AND ended_at IS NOT NULL)";

/// The user with this id, unless they were removed, or the session that they show ended. One that is not there
/// has just been opened: only the registry's own keys say that there is one.
pub async fn by_id(
    client: &Client,
    user_id: UserId,
    session_id: Option<Uuid>,
) -> Result<Option<PrincipalRow>, ReadError> {
    let Some(row) = row(client, BY_ID, &[&user_id.0, &session_id]).await? else {
        return Ok(None);
    };
    let accounts: Vec<i64> = row.try_get(1)?;
    let manages = row.try_get(3)?;
    let organisation_id: Option<i64> = row.try_get(2)?;
    Ok(Some(PrincipalRow {
        user_id,
        role: role(row.try_get(0)?)?,
        accounts: accounts.into_iter().map(AccountId).collect(),
        organisation: organisation_id.map(|id| Membership {
            organisation_id: OrganisationId(id),
            manages,
        }),
    }))
}

/// The role a number stands for.
pub(super) fn role(number: i16) -> Result<Role, ReadError> {
    Role::from_number(number.into()).ok_or_else(|| defect(format!("no role has number {number}")))
}

/// What signing in needs to know of a user.
#[derive(Debug)]
pub struct Credentials {
    /// The user.
    pub user_id: UserId,
    /// PHC string of their password, if they may sign in with one.
    pub password_hash: Option<String>,
    /// The sealed secret of their second factor, if they have one.
    pub second_factor: Option<String>,
}

/// What is known where somebody signs in, as of one moment.
#[derive(Debug)]
pub struct Known {
    /// The user, if there is one.
    pub user: Option<Credentials>,
    /// What the password hashes of all users cost: different PHC strings without salt and hash, in their order. Of
    /// absurdly many, the first ones.
    pub password_costs: Vec<String>,
}

const BY_EMAIL: &str = "
    SELECT user_id, email FROM registry_user
    WHERE lower(email) = lower($1) AND NOT is_deleted";

/// The user who signs in with this address, without regard to case. Postgres takes more letters for the same than the
/// ledger, which says whose an address is, so it is asked who comes into question only.
pub async fn by_email(client: &Client, email: &str) -> Result<Option<UserId>, ReadError> {
    let wanted = name_digest(email);
    let found = rows(client, BY_EMAIL, &[&email.trim()]).await?;
    for row in &found {
        if name_digest(row.try_get(1)?) == wanted {
            return Ok(Some(UserId(row.try_get(0)?)));
        }
    }
    Ok(None)
}

/// A step in the index for each cost, however many users there are.
const KNOWN: &str = "
    WITH RECURSIVE used(cost) AS (
        SELECT min(password_cost) FROM registry_user
        UNION ALL
        SELECT (SELECT min(password_cost) FROM registry_user WHERE password_cost > used.cost)
        FROM used WHERE used.cost IS NOT NULL)
    SELECT u.user_id, u.password_hash, u.second_factor,
           ARRAY(SELECT cost FROM used WHERE cost IS NOT NULL LIMIT 64)
    FROM (SELECT) AS one LEFT JOIN registry_user u ON u.user_id = $1 AND NOT u.is_deleted";

/// What is known of a user, or where there is none. Asked of both alike.
pub async fn known(client: &Client, user_id: Option<UserId>) -> Result<Known, ReadError> {
    let found = row(client, KNOWN, &[&user_id.map(|user_id| user_id.0)]).await?;
    let row = found.ok_or_else(|| defect("nothing is known where somebody signs in"))?;
    let user_id: Option<i64> = row.try_get(0)?;
    let (password_hash, second_factor) = (row.try_get(1)?, row.try_get(2)?);
    Ok(Known {
        user: user_id.map(|user_id| Credentials {
            user_id: UserId(user_id),
            password_hash,
            second_factor,
        }),
        password_costs: row.try_get(3)?,
    })
}

/// What signing in needs to know of the user with this id, unless they were removed.
pub async fn secret_by_id(
    client: &Client,
    user_id: UserId,
) -> Result<Option<Credentials>, ReadError> {
    Ok(known(client, Some(user_id)).await?.user)
}
