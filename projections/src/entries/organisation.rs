//! Entries of organisations as rows.

use super::gateway::Digested;
use super::row::state;
use super::save::{Names, States, Write};
use crate::Error;
use deadpool_postgres::ClientWrapper;
use ledger::entry::{Invitation, Organisation, Owner};
use ledger::{Entry, Key, Slot};
use schemas::id::OrganisationId;
use tokio_postgres::Row;

pub(super) const ORGANISATION: &str =
    "SELECT organisation_id, state::json FROM organisation WHERE organisation_id = ANY($1)";
pub(super) const OWNER: &str =
    "SELECT organisation_id, state::json FROM owner WHERE organisation_id = ANY($1)";
pub(super) const BUSINESS_ID: &str =
    "SELECT digest, organisation_id FROM business_id WHERE digest = ANY($1)";
pub(super) const INVITATION: &str =
    "SELECT digest, state::json FROM invitation WHERE digest = ANY($1)";

pub(super) fn organisation(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::Organisation(OrganisationId(row.try_get(0)?));
    Ok((key, Entry::Organisation(state(row, 1)?)))
}

pub(super) fn owner(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::Owner(OrganisationId(row.try_get(0)?));
    Ok((key, Entry::Owner(state(row, 1)?)))
}

pub(super) fn business_id(row: &Row) -> Result<(Key, Entry), Error> {
    let holder = Entry::BusinessId(OrganisationId(row.try_get(1)?));
    Ok((Key::BusinessId(row.try_get(0)?), holder))
}

pub(super) fn invitation(row: &Row) -> Result<(Key, Entry), Error> {
    let key = Key::Invitation(row.try_get(0)?);
    Ok((key, Entry::Invitation(state(row, 1)?)))
}

/// Changed entries of organisations.
#[derive(Default)]
pub(super) struct Organisations<'a> {
    organisations: States<'a, Organisation>,
    owners: States<'a, Owner>,
    business_ids: Names,
    invitations: Digested<'a, Invitation>,
}

impl<'a> Organisations<'a> {
    /// Takes an entry that is of an organisation; false for any other.
    pub(super) fn push(&mut self, key: &Key, slot: &'a Slot) -> bool {
        let at = slot.as_of;
        match (key, &slot.entry) {
            (Key::Organisation(id), Some(Entry::Organisation(organisation))) => {
                self.organisations.push(id.0, organisation, at);
            }
            (Key::Owner(id), Some(Entry::Owner(owner))) => self.owners.push(id.0, owner, at),
            (Key::BusinessId(digest), Some(Entry::BusinessId(holder))) => {
                self.business_ids.push(*digest, Some(holder.0), at);
            }
            (Key::BusinessId(digest), None) => self.business_ids.push(*digest, None, at),
            (Key::Invitation(digest), Some(Entry::Invitation(invitation))) => {
                self.invitations.push(*digest, invitation, at);
            }
            _ => return false,
        }
        true
    }

    /// One statement per table that has something to write.
    pub(super) fn save<'s>(&'s self, client: &'s ClientWrapper) -> impl Iterator<Item = Write<'s>> {
        let names = self
            .business_ids
            .save(client, SAVE_BUSINESS_ID, FREE_BUSINESS_ID);
        [
            self.organisations.save(client, SAVE_ORGANISATION),
            self.owners.save(client, SAVE_OWNER),
            self.invitations.save(client, SAVE_INVITATION),
        ]
        .into_iter()
        .flatten()
        .chain(names)
    }
}

const SAVE_ORGANISATION: &str = "INSERT INTO organisation (organisation_id, state, position)
     SELECT * FROM unnest($1::bigint[], $2::json[], $3::bigint[])
     ON CONFLICT (organisation_id) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const SAVE_OWNER: &str = "INSERT INTO owner (organisation_id, state, position)
     SELECT * FROM unnest($1::bigint[], $2::json[], $3::bigint[])
     ON CONFLICT (organisation_id) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
const SAVE_BUSINESS_ID: &str = "INSERT INTO business_id (digest, organisation_id, position)
     SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])
     ON CONFLICT (digest) DO UPDATE SET organisation_id = EXCLUDED.organisation_id,
         position = EXCLUDED.position";
const FREE_BUSINESS_ID: &str = "DELETE FROM business_id WHERE digest = ANY($1)";
const SAVE_INVITATION: &str = "INSERT INTO invitation (digest, state, position)
     SELECT * FROM unnest($1::uuid[], $2::json[], $3::bigint[])
     ON CONFLICT (digest) DO UPDATE SET state = EXCLUDED.state, position = EXCLUDED.position";
