//! Whom other servers sign in: written straight from the events. They are few, so each has a statement of its
//! own.

use crate::Error;
use crate::chunk::Decoded;
use deadpool_postgres::ClientWrapper;
use ledger::Event;
use ledger::key::identity_digest;
use schemas::event::IdentityEvent;

/// Writes what the events say of identities.
pub(super) async fn save(client: &ClientWrapper, events: &[Decoded]) -> Result<(), Error> {
    for decoded in events {
        let (at, position) = (decoded.envelope.recorded_at, decoded.position.0);
        match &decoded.event {
            Event::Identity(IdentityEvent::IdentityLinked(link)) if link.identity.is_erased() => {}
            Event::Identity(IdentityEvent::IdentityLinked(link)) => {
                let insert = client.prepare_cached(INSERT).await?;
                let (id, identity) = (identity_digest(&link.identity), &link.identity);
                let (user_id, issuer, subject) =
                    (&link.user_id.0, &identity.issuer, &identity.subject);
                client
                    .execute(&insert, &[&id, user_id, issuer, subject, &at, &position])
                    .await?;
            }
            // Which one is not known any more, and whose it was is erased by a later event.
            Event::Identity(IdentityEvent::IdentityUnlinked(link)) if link.identity.is_erased() => {
                let delete = client.prepare_cached(DELETE_ALL).await?;
                client.execute(&delete, &[&link.user_id.0]).await?;
            }
            Event::Identity(IdentityEvent::UserErased(erased)) => {
                let delete = client.prepare_cached(DELETE_ALL).await?;
                client.execute(&delete, &[&erased.user_id.0]).await?;
            }
            Event::Identity(IdentityEvent::IdentityUnlinked(link)) => {
                let delete = client.prepare_cached(DELETE).await?;
                let id = identity_digest(&link.identity);
                client.execute(&delete, &[&id]).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

const INSERT: &str = "INSERT INTO external_identity
     (identity_id, user_id, issuer, subject, linked_at, position) VALUES ($1, $2, $3, $4, $5, $6)";
const DELETE: &str = "DELETE FROM external_identity WHERE identity_id = $1";
const DELETE_ALL: &str = "DELETE FROM external_identity WHERE user_id = $1";
