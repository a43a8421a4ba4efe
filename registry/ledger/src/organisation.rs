//! Rules of organisations.

use crate::command::{ChangeManager, LeaveOrganisation, UpdateOrganisation};
use crate::decide::Decision;
use crate::entry::{Membership, Organisation};
use crate::key::{Key, name_digest};
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use crate::user;
use schemas::event::IdentityEvent;
use schemas::event::organisation::{
    OrganisationClosed, OrganisationDetails, OrganisationFounded, OrganisationLeft,
    OrganisationManagerChanged, OrganisationUpdated,
};
use schemas::id::{OrganisationId, UserId};

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

/// That it owns no account is for the ledger to say ([`crate::Command::CloseOwner`]).
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
    membership(entries, leave.organisation_id, leave.user_id)?;
    Ok(OrganisationLeft {
        organisation_id: leave.organisation_id,
        user_id: leave.user_id,
    }
    .into())
}

/// What the user is to the organisation, which must be open.
fn membership(
    entries: &impl Entries,
    organisation_id: OrganisationId,
    user_id: UserId,
) -> Result<Membership, Refusal> {
    existing(entries, organisation_id)?;
    let user = user::existing(entries, user_id)?;
    let of = user.organisation;
    of.filter(|of| of.organisation_id == organisation_id)
        .ok_or_else(|| {
            Refusal::new(
                Code::UserNotInOrganisation,
                format!("user {user_id} does not belong to organisation {organisation_id}"),
            )
        })
}

pub(crate) fn needed_to_change_manager(
    entries: &impl Entries,
    change: &ChangeManager,
    keys: &mut Vec<Key>,
) {
    keys.extend([
        Key::Organisation(change.organisation_id),
        Key::User(change.user_id),
    ]);
    if !change.manages
        && let Ok(Some(organisation)) = get::organisation(entries, change.organisation_id)
    {
        keys.extend(organisation.managers.iter().copied().map(Key::User));
    }
}

/// Somebody goes on managing the organisation. What is so already is no event.
pub(crate) fn change_manager(
    entries: &impl Entries,
    change: &ChangeManager,
) -> Result<Decision, Refusal> {
    let (organisation_id, user_id) = (change.organisation_id, change.user_id);
    let of = membership(entries, organisation_id, user_id)?;
    if of.manages == change.manages {
        return Ok(Decision::default());
    }
    if !change.manages && !has_other_manager(entries, organisation_id, user_id)? {
        return Err(Refusal::new(
            Code::LastManager,
            format!("nobody else manages organisation {organisation_id}; promote another first"),
        ));
    }
    let event = OrganisationManagerChanged {
        organisation_id,
        user_id,
        manages: change.manages,
    };
    Ok(IdentityEvent::from(event).into())
}

fn has_other_manager(
    entries: &impl Entries,
    organisation_id: OrganisationId,
    user_id: UserId,
) -> Result<bool, Refusal> {
    let managers = &existing(entries, organisation_id)?.managers;
    for other in managers.iter().filter(|other| **other != user_id) {
        if get::user(entries, *other)?.is_some_and(|user| !user.is_removed) {
            return Ok(true);
        }
    }
    Ok(false)
}
