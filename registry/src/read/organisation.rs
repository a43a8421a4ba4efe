//! Organisations, who belongs to them, and invitations into them.

use super::principal::role;
use super::{ReadError, row, rows};
use chrono::{DateTime, Utc};
use deadpool_postgres::Client;
use ledger::entry::Membership;
use ledger::invitation::may_invite;
use schemas::api::organisation::{
    InvitationRead, InvitationState, OrganisationRead, OrganisationUser,
};
use schemas::id::{AccountId, OrganisationId, UserId};
use schemas::life_cycle::Role;
use tokio_postgres::Row;
use uuid::Uuid;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT o.organisation_id, o.name, o.business_id, o.address, o.contact, o.is_deleted, o.created_at
             FROM organisation o ",
            $rest
        )
    };
}

fn organisation(row: &Row) -> Result<OrganisationRead, ReadError> {
    Ok(OrganisationRead {
        id: OrganisationId(row.try_get(0)?),
        name: row.try_get(1)?,
        business_id: row.try_get(2)?,
        address: row.try_get(3)?,
        contact: row.try_get(4)?,
        is_deleted: row.try_get(5)?,
        created_at: row.try_get(6)?,
    })
}

/// The organisation, open or closed.
pub async fn by_id(
    client: &Client,
    id: OrganisationId,
) -> Result<Option<OrganisationRead>, ReadError> {
    let found = row(client, select!("WHERE o.organisation_id = $1"), &[&id.0]).await?;
    found.as_ref().map(organisation).transpose()
}

/// Open organisations behind `after` in the order of their ids: the one given, or all.
pub async fn list(
    client: &Client,
    only: Option<OrganisationId>,
    after: OrganisationId,
    limit: i64,
) -> Result<Vec<OrganisationRead>, ReadError> {
    let only = only.map(|id| id.0);
    let statement = select!(
        "WHERE NOT o.is_deleted AND o.organisation_id > $2
         AND ($1::bigint IS NULL OR o.organisation_id = $1)
         ORDER BY o.organisation_id LIMIT $3"
    );
    let found = rows(client, statement, &[&only, &after.0, &limit]).await?;
    found.iter().map(organisation).collect()
}

/// Users of an organisation behind `after` in the order of their ids, removed ones left out.
pub async fn users(
    client: &Client,
    id: OrganisationId,
    after: UserId,
    limit: i64,
) -> Result<Vec<OrganisationUser>, ReadError> {
    let statement = "SELECT user_id, name, email, role, manages_organisation FROM registry_user
         WHERE organisation_id = $1 AND NOT is_deleted AND user_id > $2
         ORDER BY user_id LIMIT $3";
    let found = rows(client, statement, &[&id.0, &after.0, &limit]).await?;
    found
        .iter()
        .map(|row| {
            Ok(OrganisationUser {
                id: UserId(row.try_get(0)?),
                name: row.try_get(1)?,
                email: row.try_get(2)?,
                role: role(row.try_get(3)?)?,
                manages: row.try_get(4)?,
            })
        })
        .collect()
}

/// Which of the ids are of no user of the organisation.
pub async fn strangers(
    client: &Client,
    id: OrganisationId,
    user_ids: &[UserId],
) -> Result<Vec<UserId>, ReadError> {
    let asked: Vec<i64> = user_ids.iter().map(|user| user.0).collect();
    let statement = "SELECT asked FROM unnest($2::bigint[]) AS asked
         WHERE NOT EXISTS (SELECT FROM registry_user
             WHERE user_id = asked AND organisation_id = $1 AND NOT is_deleted)
         ORDER BY asked";
    rows(client, statement, &[&id.0, &asked])
        .await?
        .iter()
        .map(|row| Ok(UserId(row.try_get(0)?)))
        .collect()
}

/// Open accounts of an organisation; with `of`, only those it is a member of. At most `limit`.
pub async fn open_accounts(
    client: &Client,
    id: OrganisationId,
    of: Option<UserId>,
    limit: i64,
) -> Result<Vec<AccountId>, ReadError> {
    let of: Vec<i64> = of.into_iter().map(|user| user.0).collect();
    let statement = "SELECT account_id FROM account
         WHERE organisation_id = $1 AND user_ids @> $2::bigint[] AND NOT is_deleted
         ORDER BY account_id LIMIT $3";
    rows(client, statement, &[&id.0, &of, &limit])
        .await?
        .iter()
        .map(|row| Ok(AccountId(row.try_get(0)?)))
        .collect()
}

/// Which of the ids are of no open account of the organisation.
pub async fn foreign_accounts(
    client: &Client,
    id: OrganisationId,
    account_ids: &[AccountId],
) -> Result<Vec<AccountId>, ReadError> {
    let asked = super::account::ids(account_ids);
    let statement = "SELECT asked FROM unnest($2::bigint[]) AS asked
         WHERE NOT EXISTS (SELECT FROM account
             WHERE account_id = asked AND organisation_id = $1 AND NOT is_deleted)
         ORDER BY asked";
    rows(client, statement, &[&id.0, &asked])
        .await?
        .iter()
        .map(|row| Ok(AccountId(row.try_get(0)?)))
        .collect()
}

macro_rules! select_invitation {
    ($rest:literal) => {
        concat!(
            "SELECT i.invitation_id, i.organisation_id, i.role, i.manages, i.account_ids, i.inviter_id,
             i.created_at, i.expires_at, i.accepted_by, i.revoked_at, i.code,
             o.is_deleted, u.role, u.organisation_id, u.manages_organisation
             FROM invitation i
             JOIN organisation o USING (organisation_id)
             LEFT JOIN registry_user u ON u.user_id = i.inviter_id AND NOT u.is_deleted ",
            $rest
        )
    };
}

/// An invitation with the digest of its code.
pub struct InvitationRow {
    /// As the API shows it.
    pub read: InvitationRead,
    /// Digest of its code.
    pub code: Uuid,
}

fn invitation(row: &Row, now: DateTime<Utc>) -> Result<InvitationRow, ReadError> {
    let accounts: Vec<i64> = row.try_get(4)?;
    let expires_at: DateTime<Utc> = row.try_get(7)?;
    let accepted_by: Option<i64> = row.try_get(8)?;
    let revoked_at: Option<DateTime<Utc>> = row.try_get(9)?;
    let organisation_id = OrganisationId(row.try_get(1)?);
    let wanted = role(row.try_get(2)?)?;
    let state = match (accepted_by, revoked_at) {
        (Some(_), _) => InvitationState::Accepted,
        (None, Some(_)) => InvitationState::Revoked,
        (None, None) if expires_at <= now => InvitationState::Expired,
        (None, None) if is_void(row, organisation_id, wanted)? => InvitationState::Void,
        (None, None) => InvitationState::Open,
    };
    let read = InvitationRead {
        invitation_id: row.try_get(0)?,
        organisation_id,
        role: wanted,
        manages: row.try_get(3)?,
        account_ids: accounts.into_iter().map(AccountId).collect(),
        inviter_id: UserId(row.try_get(5)?),
        created_at: row.try_get(6)?,
        expires_at,
        state,
        accepted_by: accepted_by.map(UserId),
    };
    Ok(InvitationRow {
        read,
        code: row.try_get(10)?,
    })
}

/// Whether the ledger would refuse who accepts it, by what its inviter and the organisation are now.
fn is_void(row: &Row, into: OrganisationId, wanted: Role) -> Result<bool, ReadError> {
    let is_closed: bool = row.try_get(11)?;
    // None once the inviter is removed.
    let Some(inviter) = row.try_get::<_, Option<i16>>(12)? else {
        return Ok(true);
    };
    let of: Option<i64> = row.try_get(13)?;
    let manages: bool = row.try_get(14)?;
    let of = of.map(|id| Membership {
        organisation_id: OrganisationId(id),
        manages,
    });
    Ok(is_closed || !may_invite(role(inviter)?, of, into, wanted))
}

/// The invitation under the digest of its code, as it is `now`.
pub async fn invitation_by_code(
    client: &Client,
    code: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<InvitationRow>, ReadError> {
    let found = row(client, select_invitation!("WHERE i.code = $1"), &[&code]).await?;
    found.map(|row| invitation(&row, now)).transpose()
}

/// The invitation, as it is `now`.
pub async fn invitation_by_id(
    client: &Client,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<InvitationRow>, ReadError> {
    let statement = select_invitation!("WHERE i.invitation_id = $1");
    let found = row(client, statement, &[&id]).await?;
    found.map(|row| invitation(&row, now)).transpose()
}

/// Invitations of an organisation behind `after` in the order they were made, as they are `now`.
pub async fn invitations(
    client: &Client,
    id: OrganisationId,
    after: Uuid,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<InvitationRead>, ReadError> {
    let statement = select_invitation!(
        "WHERE i.organisation_id = $1 AND i.invitation_id > $2 ORDER BY i.invitation_id LIMIT $3"
    );
    let found = rows(client, statement, &[&id.0, &after, &limit]).await?;
    let read = |row: &Row| Ok(invitation(row, now)?.read);
    found.iter().map(read).collect()
}
