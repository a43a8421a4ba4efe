//! Rules of invitations into organisations. Whoever has the code is invited, so what an invitation is good
//! for is looked at when it is accepted, by what its inviter may do then.

use crate::command::{AcceptInvitation, Guest, IssueInvitation, RevokeInvitation};
use crate::context::Context;
use crate::decide::Decision;
use crate::entry::{Invitation, InvitationEnd, Membership};
use crate::event::Event;
use crate::key::Key;
use crate::organisation;
use crate::refusal::{Code, Refusal};
use crate::state::{Entries, get};
use crate::user;
use schemas::capability::{Capability, Duties};
use schemas::event::IdentityEvent;
use schemas::event::organisation::{InvitationAccepted, InvitationIssued, InvitationRevoked};
use schemas::id::{OrganisationId, UserId};
use schemas::life_cycle::Role;
use uuid::Uuid;

/// Invitations of one organisation that wait: neither accepted nor revoked, nor, where there are as many, over.
pub const MAX_INVITATIONS: usize = 100;

/// Of an organisation that has as many as it may, those too: some may be over.
pub(crate) fn needed(entries: &impl Entries, issue: &IssueInvitation, keys: &mut Vec<Key>) {
    keys.extend([
        Key::Organisation(issue.organisation_id),
        Key::User(issue.inviter_id),
        Key::Invitation(issue.code),
    ]);
    if let Ok(organisation) = organisation::existing(entries, issue.organisation_id)
        && organisation.invitations.len() >= MAX_INVITATIONS
    {
        keys.extend(
            organisation
                .invitations
                .iter()
                .copied()
                .map(Key::Invitation),
        );
    }
}

pub(crate) fn needed_to_revoke(entries: &impl Entries, code: Uuid, keys: &mut Vec<Key>) {
    keys.push(Key::Invitation(code));
    if let Ok(Some(invitation)) = get::invitation(entries, code) {
        keys.push(Key::Organisation(invitation.organisation_id));
    }
}

pub(crate) fn needed_to_accept(
    entries: &impl Entries,
    accept: &AcceptInvitation,
    keys: &mut Vec<Key>,
) {
    needed_to_revoke(entries, accept.code, keys);
    if let Ok(Some(invitation)) = get::invitation(entries, accept.code) {
        keys.push(Key::User(invitation.inviter_id));
    }
    match &accept.guest {
        Guest::New(profile) => user::needed_for_email(entries, &profile.email, keys),
        Guest::Known(user_id) => {
            keys.push(Key::User(*user_id));
            if let Ok(Some(user)) = get::user(entries, *user_id) {
                let of = user.organisation.map(|of| of.organisation_id);
                keys.extend(of.map(Key::Organisation));
            }
        }
    }
}

/// Why somebody can not invite so.
enum Lacks {
    /// They neither manage the organisation nor keep organisations.
    Management,
    /// The role may do what theirs may not.
    Role,
}

/// Whether a user in this role, who belongs to an organisation so, may invite into the organisation with the role
/// `wanted`.
#[must_use]
pub fn may_invite(
    role: Role,
    of: Option<Membership>,
    organisation_id: OrganisationId,
    wanted: Role,
) -> bool {
    lacks(role, of, organisation_id, wanted).is_none()
}

/// Roles are compared as they are in the contract: where duties are separated, the issuing body invites those who
/// trade and does not trade itself.
fn lacks(
    role: Role,
    of: Option<Membership>,
    organisation_id: OrganisationId,
    wanted: Role,
) -> Option<Lacks> {
    let may = role.capabilities(Duties::Together);
    let manages = of.is_some_and(|of| of.organisation_id == organisation_id && of.manages);
    let invites =
        may.has(Capability::ManageOrganisations) || manages && may.has(Capability::ManageAccounts);
    match (invites, wanted.capabilities(Duties::Together)) {
        (false, _) => Some(Lacks::Management),
        (true, wanted) if !wanted.is_within(may) => Some(Lacks::Role),
        (true, _) => None,
    }
}

fn check_inviter(
    entries: &impl Entries,
    inviter_id: UserId,
    organisation_id: OrganisationId,
    role: Role,
) -> Result<Option<Lacks>, Refusal> {
    let Some(inviter) = get::user(entries, inviter_id)?.filter(|user| !user.is_removed) else {
        return Ok(Some(Lacks::Management));
    };
    Ok(lacks(
        inviter.role,
        inviter.organisation,
        organisation_id,
        role,
    ))
}

pub(crate) fn issue(
    entries: &impl Entries,
    issue: &IssueInvitation,
    context: &Context,
) -> Result<Decision, Refusal> {
    let organisation = organisation::existing(entries, issue.organisation_id)?;
    match check_inviter(entries, issue.inviter_id, issue.organisation_id, issue.role)? {
        None => {}
        Some(Lacks::Management) => {
            return Err(Refusal::new(
                Code::InvitationVoid,
                "who does not manage the organisation can not invite into it",
            ));
        }
        Some(Lacks::Role) => {
            return Err(Refusal::new(
                Code::RoleAboveInviter,
                format!(
                    "role {} may do what yours may not; nobody invites with more rights than their own",
                    issue.role.as_str()
                ),
            )
            .at("/role"));
        }
    }
    let over = match organisation.invitations.len() {
        0..MAX_INVITATIONS => Vec::new(),
        _ => over(entries, &organisation.invitations, context)?,
    };
    if organisation.invitations.len() - over.len() >= MAX_INVITATIONS {
        return Err(Refusal::new(
            Code::TooManyInvitations,
            format!(
                "an organisation has at most {MAX_INVITATIONS} invitations that wait; revoke one first"
            ),
        ));
    }
    if issue.expires_at <= context.now {
        return Err(Refusal::new(
            Code::InvitationExpired,
            "the invitation would be over already",
        ));
    }
    if get::invitation(entries, issue.code)?.is_some() {
        return Err(Refusal::new(
            Code::InvitationUsed,
            "the code was issued before; ask for another",
        ));
    }
    let issued = InvitationIssued {
        invitation_id: issue.invitation_id,
        organisation_id: issue.organisation_id,
        code: issue.code,
        role: issue.role,
        manages: issue.manages,
        account_ids: issue.account_ids.clone(),
        inviter_id: issue.inviter_id,
        expires_at: issue.expires_at,
    };
    let mut events = over;
    events.push(issued.into());
    Ok(Decision::of(events))
}

/// Takes back those that nobody can accept any longer, to make room.
fn over(
    entries: &impl Entries,
    codes: &[Uuid],
    context: &Context,
) -> Result<Vec<IdentityEvent>, Refusal> {
    let mut over = Vec::new();
    for code in codes {
        if let Some(invitation) = get::invitation(entries, *code)?
            && invitation.expires_at <= context.now
        {
            over.push(taken_back(*code, invitation));
        }
    }
    Ok(over)
}

/// The invitation, unless it has ended.
fn waiting(entries: &impl Entries, code: Uuid) -> Result<&Invitation, Refusal> {
    let invitation = get::invitation(entries, code)?.ok_or_else(|| {
        Refusal::new(Code::InvitationUnknown, "there is no such invitation").at("/code")
    })?;
    match invitation.ended {
        None => Ok(invitation),
        Some(InvitationEnd::Accepted) => Err(Refusal::new(
            Code::InvitationUsed,
            "somebody has joined with this invitation",
        )),
        Some(InvitationEnd::Revoked) => Err(Refusal::new(
            Code::InvitationRevoked,
            "the invitation was taken back",
        )),
    }
}

pub(crate) fn revoke(
    entries: &impl Entries,
    revoke: &RevokeInvitation,
) -> Result<IdentityEvent, Refusal> {
    let invitation = waiting(entries, revoke.code)?;
    Ok(taken_back(revoke.code, invitation))
}

fn taken_back(code: Uuid, invitation: &Invitation) -> IdentityEvent {
    InvitationRevoked {
        invitation_id: invitation.invitation_id,
        organisation_id: invitation.organisation_id,
        code,
    }
    .into()
}

pub(crate) fn accept(
    entries: &impl Entries,
    accept: &AcceptInvitation,
    context: &Context,
) -> Result<Decision, Refusal> {
    let invitation = waiting(entries, accept.code)?;
    if invitation.expires_at <= context.now {
        return Err(Refusal::new(
            Code::InvitationExpired,
            format!("the invitation was good until {}", invitation.expires_at),
        ));
    }
    let organisation_id = invitation.organisation_id;
    organisation::existing(entries, organisation_id)?;
    if check_inviter(
        entries,
        invitation.inviter_id,
        organisation_id,
        invitation.role,
    )?
    .is_some()
    {
        return Err(Refusal::new(
            Code::InvitationVoid,
            "who invited might not invite so any more; ask for another invitation",
        ));
    }
    let mut events: Vec<Event> = Vec::new();
    let user_id = match &accept.guest {
        Guest::New(profile) => {
            let mut profile = profile.clone();
            profile.role = invitation.role;
            events.push(user::register(entries, &profile)?.into());
            get::identity_counters(entries)?.user
        }
        Guest::Known(user_id) => {
            check_unbound(entries, *user_id)?;
            *user_id
        }
    };
    let accepted = InvitationAccepted {
        invitation_id: invitation.invitation_id,
        organisation_id,
        code: accept.code,
        user_id,
        manages: invitation.manages,
    };
    events.push(IdentityEvent::from(accepted).into());
    Ok(Decision {
        events,
        ..Decision::default()
    })
}

/// Checks that the user belongs to no organisation that is open.
fn check_unbound(entries: &impl Entries, user_id: UserId) -> Result<(), Refusal> {
    let Some(of) = user::existing(entries, user_id)?.organisation else {
        return Ok(());
    };
    match get::organisation(entries, of.organisation_id)? {
        Some(organisation) if !organisation.is_closed => Err(Refusal::new(
            Code::UserInOrganisation,
            format!(
                "user {user_id} belongs to organisation {}; nobody belongs to two",
                of.organisation_id
            ),
        )),
        _ => Ok(()),
    }
}
