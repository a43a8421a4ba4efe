//! Rules of organisations.

use crate::command::{LeaveOrganisation, UpdateOrganisation};
use crate::entry::Organisation;
use crate::key::{Key, name_digest};
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use crate::user;
use schemas::event::IdentityEvent;
use schemas::event::organisation::{
    OrganisationClosed, OrganisationDetails, OrganisationFounded, OrganisationLeft,
    OrganisationUpdated,
};
use schemas::id::OrganisationId;

pub(crate) fn needed_to_update(update: &UpdateOrganisation, keys: &mut Vec<Key>) {
    keys.push(Key::Organisation(update.organisation_id));
    let business_id = update.changes.business_id.as_deref();
    keys.extend(business_id.map(|id| Key::BusinessId(name_digest(id))));
}

/// The organisation, which must not be closed.
pub(crate) fn existing(
    entries: &impl Entries,
    organisation_id: OrganisationId,
) -> Result<&Organisation, Refusal> {
    let organisation = get::organisation(entries, organisation_id)?.ok_or_else(|| {
        Refusal::new(
            Code::OrganisationNotFound,
            format!("Organisation with id {organisation_id} not found"),
        )
    })?;
    if organisation.is_closed {
        return Err(Refusal::new(
            Code::OrganisationClosed,
            format!("organisation {organisation_id} is closed"),
        ));
    }
    Ok(organisation)
}

fn check_free(
    entries: &impl Entries,
    business_id: &str,
    holder: Option<OrganisationId>,
) -> Result<(), Refusal> {
    match get::business_id(entries, business_id)? {
        Some(taken) if Some(*taken) != holder => Err(Refusal::new(
            Code::BusinessIdTaken,
            "another organisation has this business id",
        )
        .at("/business_id")),
        _ => Ok(()),
    }
}

pub(crate) fn found(
    entries: &impl Entries,
    details: &OrganisationDetails,
) -> Result<IdentityEvent, Refusal> {
    check_free(entries, &details.business_id, None)?;
    Ok(OrganisationFounded {
        organisation_id: get::identity_counters(entries)?.organisation,
        details: details.clone(),
    }
    .into())
}

pub(crate) fn update(
    entries: &impl Entries,
    update: &UpdateOrganisation,
) -> Result<IdentityEvent, Refusal> {
    let organisation = existing(entries, update.organisation_id)?;
    if let Some(business_id) = &update.changes.business_id {
        check_free(entries, business_id, Some(update.organisation_id))?;
    }
    Ok(OrganisationUpdated {
        organisation_id: update.organisation_id,
        previous_business_id: organisation.business_id,
        changes: update.changes.clone(),
    }
    .into())
}

/// That its accounts are closed is looked at at the web edge: they are in the ledger's stream.
pub(crate) fn close(
    entries: &impl Entries,
    organisation_id: OrganisationId,
) -> Result<IdentityEvent, Refusal> {
    Ok(OrganisationClosed {
        organisation_id,
        business_id: existing(entries, organisation_id)?.business_id,
    }
    .into())
}

pub(crate) fn leave(
    entries: &impl Entries,
    leave: &LeaveOrganisation,
) -> Result<IdentityEvent, Refusal> {
    existing(entries, leave.organisation_id)?;
    let user = user::existing(entries, leave.user_id)?;
    let belongs = |of: crate::entry::Membership| of.organisation_id == leave.organisation_id;
    if !user.organisation.is_some_and(belongs) {
        return Err(Refusal::new(
            Code::UserNotInOrganisation,
            format!(
                "user {} does not belong to organisation {}",
                leave.user_id, leave.organisation_id
            ),
        ));
    }
    Ok(OrganisationLeft {
        organisation_id: leave.organisation_id,
        user_id: leave.user_id,
    }
    .into())
}
