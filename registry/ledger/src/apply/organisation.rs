//! Folding the events of organisations.

use super::Fold;
use crate::entry::{Entry, Invitation, InvitationEnd, Membership, Organisation, Owner};
use crate::key::{Key, name_digest};
use crate::state::NotLoaded;
use schemas::event::organisation::{
    InvitationAccepted, InvitationIssued, InvitationRevoked, OrganisationClosed,
    OrganisationFounded, OrganisationLeft, OrganisationManagerChanged, OrganisationUpdated,
};
use schemas::id::{OrganisationId, UserId};
use uuid::Uuid;

impl Fold<'_, '_> {
    fn organisation(
        &mut self,
        id: OrganisationId,
        change: impl FnOnce(&mut Organisation),
    ) -> Result<(), NotLoaded> {
        let key = Key::Organisation(id);
        if let Some(Some(Entry::Organisation(organisation))) =
            self.changes.edit(key, self.position)?
        {
            change(organisation);
        }
        Ok(())
    }

    pub(super) fn organisation_founded(
        &mut self,
        event: &OrganisationFounded,
    ) -> Result<(), NotLoaded> {
        let id = event.organisation_id;
        let business_id = name_digest(&event.details.business_id);
        self.create(
            Key::Organisation(id),
            Entry::Organisation(Organisation {
                business_id,
                is_closed: false,
                invitations: Vec::new(),
                managers: Vec::new(),
            }),
        );
        self.create(Key::BusinessId(business_id), Entry::BusinessId(id));
        self.identity_counters(|counters| counters.organisation = id.plus(1))
    }

    pub(super) fn organisation_updated(
        &mut self,
        event: &OrganisationUpdated,
    ) -> Result<(), NotLoaded> {
        let id = event.organisation_id;
        let business_id = event.changes.business_id.as_deref().map(name_digest);
        let Some(business_id) = business_id.filter(|new| *new != event.previous_business_id) else {
            return self.organisation(id, |_| {});
        };
        let previous = Key::BusinessId(event.previous_business_id);
        self.changes.forget(previous, self.position);
        self.create(Key::BusinessId(business_id), Entry::BusinessId(id));
        self.organisation(id, |organisation| organisation.business_id = business_id)
    }

    pub(super) fn organisation_closed(
        &mut self,
        event: &OrganisationClosed,
    ) -> Result<(), NotLoaded> {
        self.changes
            .forget(Key::BusinessId(event.business_id), self.position);
        self.organisation(event.organisation_id, |organisation| {
            organisation.is_closed = true;
        })
    }

    pub(super) fn organisation_left(&mut self, event: &OrganisationLeft) -> Result<(), NotLoaded> {
        self.user(event.user_id, |user| user.organisation = None)?;
        self.managed(event.organisation_id, event.user_id, false)
    }

    pub(super) fn manager_changed(
        &mut self,
        event: &OrganisationManagerChanged,
    ) -> Result<(), NotLoaded> {
        self.user(event.user_id, |user| {
            if let Some(of) = &mut user.organisation {
                of.manages = event.manages;
            }
        })?;
        self.managed(event.organisation_id, event.user_id, event.manages)
    }

    /// Whether the user is among who manages the organisation from here on.
    fn managed(
        &mut self,
        id: OrganisationId,
        user_id: UserId,
        manages: bool,
    ) -> Result<(), NotLoaded> {
        self.organisation(id, |organisation| {
            organisation.managers.retain(|known| *known != user_id);
            organisation.managers.extend(manages.then_some(user_id));
        })
    }

    /// What the organisation owns changes, where there is one.
    pub(super) fn owner(
        &mut self,
        id: Option<OrganisationId>,
        change: impl FnOnce(&mut Owner),
    ) -> Result<(), NotLoaded> {
        let Some(id) = id else {
            return Ok(());
        };
        if let Some(slot) = self.changes.edit(Key::Owner(id), self.position)? {
            let mut owner = match slot {
                Some(Entry::Owner(owner)) => *owner,
                _ => Owner::default(),
            };
            change(&mut owner);
            *slot = Some(Entry::Owner(owner));
        }
        Ok(())
    }

    pub(super) fn invitation_issued(&mut self, event: &InvitationIssued) -> Result<(), NotLoaded> {
        self.create(
            Key::Invitation(event.code),
            Entry::Invitation(Box::new(Invitation {
                invitation_id: event.invitation_id,
                organisation_id: event.organisation_id,
                role: event.role,
                manages: event.manages,
                account_ids: event.account_ids.clone(),
                inviter_id: event.inviter_id,
                expires_at: event.expires_at,
                ended: None,
            })),
        );
        self.organisation(event.organisation_id, |organisation| {
            organisation.invitations.push(event.code);
        })
    }

    pub(super) fn invitation_revoked(
        &mut self,
        event: &InvitationRevoked,
    ) -> Result<(), NotLoaded> {
        self.invitation_ended(event.organisation_id, event.code, InvitationEnd::Revoked)
    }

    pub(super) fn invitation_accepted(
        &mut self,
        event: &InvitationAccepted,
    ) -> Result<(), NotLoaded> {
        self.invitation_ended(event.organisation_id, event.code, InvitationEnd::Accepted)?;
        self.user(event.user_id, |user| {
            user.organisation = Some(Membership {
                organisation_id: event.organisation_id,
                manages: event.manages,
            });
        })?;
        self.managed(event.organisation_id, event.user_id, event.manages)
    }

    fn invitation_ended(
        &mut self,
        id: OrganisationId,
        code: Uuid,
        ended: InvitationEnd,
    ) -> Result<(), NotLoaded> {
        let key = Key::Invitation(code);
        if let Some(Some(Entry::Invitation(invitation))) = self.changes.edit(key, self.position)? {
            invitation.ended = Some(ended);
        }
        self.organisation(id, |organisation| {
            organisation.invitations.retain(|waiting| *waiting != code);
        })
    }
}
