//! Organisations, and invitations into them.

use super::entity::{Entities, Entity};
use crate::Error;
use crate::chunk::Decoded;
use chrono::{DateTime, Utc};
use deadpool_postgres::ClientWrapper;
use ledger::Event;
use schemas::event::IdentityEvent;
use schemas::event::organisation::InvitationIssued;
use schemas::id::OrganisationId;
use schemas::log::Position;
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Serialize, Deserialize)]
pub(super) struct Organisation {
    organisation_id: OrganisationId,
    name: String,
    business_id: String,
    address: String,
    contact: String,
    is_deleted: bool,
    created_at: DateTime<Utc>,
    position: Position,
}

/// Shows nothing of whom to write to: it may end up in a log line.
impl fmt::Debug for Organisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Organisation")
            .field("organisation_id", &self.organisation_id)
            .finish_non_exhaustive()
    }
}

impl Entity for Organisation {
    const TABLE: &'static str = "organisation";
    const COLUMNS: &'static [&'static str] = &[
        "organisation_id",
        "name",
        "business_id",
        "address",
        "contact",
        "is_deleted",
        "created_at",
        "position",
    ];

    fn id(&self) -> i64 {
        self.organisation_id.0
    }
}

impl Entities<Organisation> {
    pub(super) fn fold(&mut self, event: &IdentityEvent, at: DateTime<Utc>, position: Position) {
        match event {
            IdentityEvent::OrganisationFounded(event) => {
                let details = event.details.clone();
                self.insert(Organisation {
                    organisation_id: event.organisation_id,
                    name: details.name,
                    business_id: details.business_id,
                    address: details.address,
                    contact: details.contact,
                    is_deleted: false,
                    created_at: at,
                    position,
                });
            }
            IdentityEvent::OrganisationUpdated(event) => {
                let Some(row) = self.edit(event.organisation_id.0) else {
                    return;
                };
                for (field, change) in [
                    (&mut row.name, &event.changes.name),
                    (&mut row.business_id, &event.changes.business_id),
                    (&mut row.address, &event.changes.address),
                    (&mut row.contact, &event.changes.contact),
                ] {
                    if let Some(change) = change {
                        field.clone_from(change);
                    }
                }
                row.position = position;
            }
            IdentityEvent::OrganisationClosed(event) => {
                if let Some(row) = self.edit(event.organisation_id.0) {
                    row.is_deleted = true;
                    row.position = position;
                }
            }
            _ => {}
        }
    }
}

/// Writes what the events say of invitations. They are few, so each has statements of its own.
pub(super) async fn save_invitations(
    client: &ClientWrapper,
    events: &[Decoded],
) -> Result<(), Error> {
    for decoded in events {
        let (at, position) = (decoded.envelope.recorded_at, decoded.position.0);
        match &decoded.event {
            Event::Identity(IdentityEvent::InvitationIssued(issued)) => {
                issue(client, issued, at, position).await?;
            }
            Event::Identity(IdentityEvent::InvitationRevoked(revoked)) => {
                let update = client.prepare_cached(REVOKE).await?;
                client
                    .execute(&update, &[&revoked.invitation_id, &at, &position])
                    .await?;
            }
            Event::Identity(IdentityEvent::InvitationAccepted(accepted)) => {
                let update = client.prepare_cached(ACCEPT).await?;
                let by = accepted.user_id.0;
                client
                    .execute(&update, &[&accepted.invitation_id, &by, &position])
                    .await?;
            }
            _ => {}
        }
    }
    Ok(())
}

async fn issue(
    client: &ClientWrapper,
    issued: &InvitationIssued,
    at: DateTime<Utc>,
    position: i64,
) -> Result<(), Error> {
    let accounts: Vec<_> = issued.account_ids.iter().map(|id| id.0).collect();
    let role = i16::try_from(issued.role.number())
        .map_err(|error| Error::Inconsistent(format!("the number of a role: {error}")))?;
    let insert = client.prepare_cached(INSERT).await?;
    client
        .execute(
            &insert,
            &[
                &issued.invitation_id,
                &issued.organisation_id.0,
                &issued.code,
                &role,
                &issued.manages,
                &accounts,
                &issued.inviter_id.0,
                &at,
                &issued.expires_at,
                &position,
            ],
        )
        .await?;
    Ok(())
}

const INSERT: &str = "INSERT INTO invitation (invitation_id, organisation_id, code, role, manages,
     account_ids, inviter_id, created_at, expires_at, position)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const REVOKE: &str =
    "UPDATE invitation SET revoked_at = $2, position = $3 WHERE invitation_id = $1";
const ACCEPT: &str =
    "UPDATE invitation SET accepted_by = $2, position = $3 WHERE invitation_id = $1";
