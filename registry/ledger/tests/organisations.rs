//! Organisations, who belongs to them, and invitations: one is good once, and for as long as its inviter might
//! make it.
#![allow(clippy::unwrap_used)]

mod world;

use chrono::TimeDelta;
use ledger::command::{
    AcceptInvitation, AssignAccount, ChangeManager, ChangeMembers, Guest, IssueInvitation,
    LeaveOrganisation, OpenAccount, RevokeInvitation, UpdateOrganisation, UpdateUser,
};
use ledger::invitation::MAX_INVITATIONS;
use ledger::{Code, Command, Decision, Entry, Event, Key, Refusal};
use schemas::event::LedgerEvent;
use schemas::event::identity::{UserChanges, UserProfile};
use schemas::event::organisation::{OrganisationChanges, OrganisationDetails};
use schemas::id::{AccountId, OrganisationId, UserId};
use schemas::life_cycle::Role;
use uuid::Uuid;
use world::{World, code};

type Outcome = Result<Decision, Refusal>;
/// How an inviter loses a right, and what happens then.
type Loss = (&'static str, fn(&mut World));

const ADMIN: UserId = UserId(1);
const MANAGER: UserId = UserId(2);
const HILL: OrganisationId = OrganisationId(1);

fn found(world: &mut World, business_id: &str) -> Outcome {
    world.run(Command::FoundOrganisation(Box::new(OrganisationDetails {
        name: "Hill Farm".into(),
        business_id: business_id.into(),
        address: "1 Hill Lane".into(),
        contact: "ada@hill.example".into(),
    })))
}

fn profile(name: &str, role: Role) -> UserProfile {
    UserProfile {
        name: name.into(),
        email: format!("{name}@example.org"),
        role,
        organisation: None,
        password_hash: None,
    }
}

fn invitation(inviter_id: UserId, number: u128, role: Role) -> IssueInvitation {
    IssueInvitation {
        organisation_id: HILL,
        invitation_id: Uuid::from_u128(1_000 + number),
        code: Uuid::from_u128(number),
        role,
        manages: false,
        account_ids: Vec::new(),
        inviter_id,
        expires_at: world::at("2025-06-08T12:00:00Z"),
    }
}

fn invite(world: &mut World, inviter_id: UserId, number: u128, role: Role) -> Outcome {
    let issue = invitation(inviter_id, number, role);
    world.run(Command::IssueInvitation(Box::new(issue)))
}

fn accept(world: &mut World, number: u128, guest: Guest) -> Outcome {
    world.run(Command::AcceptInvitation(Box::new(AcceptInvitation {
        code: Uuid::from_u128(number),
        guest,
    })))
}

fn newcomer(name: &str) -> Guest {
    // The role of the invitation counts, not this one.
    Guest::New(profile(name, Role::Admin))
}

fn role(world: &mut World, user_id: UserId, role: Role) {
    let changes = UserChanges {
        role: Some(role),
        ..UserChanges::default()
    };
    let update = UpdateUser {
        user_id,
        changes,
        session: None,
    };
    world.run(Command::UpdateUser(update)).unwrap();
}

fn user(world: &World, user_id: UserId) -> &ledger::entry::User {
    match &world.entries[&Key::User(user_id)].entry {
        Some(Entry::User(user)) => user,
        other => panic!("user {user_id} is {other:?}"),
    }
}

/// The issuing body, 1, and an organisation with a producer, 2, who manages it.
fn with_manager() -> World {
    let mut world = World::with_accounts();
    let admin = profile("admin", Role::Admin);
    world.run(Command::RegisterUser(admin)).unwrap();
    found(&mut world, "GB-1").unwrap();
    let first = IssueInvitation {
        manages: true,
        ..invitation(ADMIN, 1, Role::Production)
    };
    world
        .run(Command::IssueInvitation(Box::new(first)))
        .unwrap();
    accept(&mut world, 1, newcomer("manager")).unwrap();
    world
}

#[test]
fn who_accepts_is_registered_with_the_role_of_the_invitation_whatever_they_say() {
    let world = with_manager();
    let manager = user(&world, MANAGER);
    assert_eq!(manager.role, Role::Production);
    let of = manager.organisation.unwrap();
    assert_eq!((of.organisation_id, of.manages), (HILL, true));
}

#[test]
fn an_invitation_is_good_once() {
    let mut world = with_manager();
    invite(&mut world, MANAGER, 2, Role::Trading).unwrap();
    accept(&mut world, 2, newcomer("first")).unwrap();
    let again = accept(&mut world, 2, newcomer("second"));
    assert_eq!(code(again), Code::InvitationUsed);
    let revoke = RevokeInvitation {
        code: Uuid::from_u128(2),
    };
    let late = world.run(Command::RevokeInvitation(revoke));
    assert_eq!(code(late), Code::InvitationUsed);
    let same_code = invite(&mut world, MANAGER, 2, Role::Trading);
    assert_eq!(code(same_code), Code::InvitationUsed);
    let unknown = accept(&mut world, 3, newcomer("third"));
    assert_eq!(code(unknown), Code::InvitationUnknown);
}

#[test]
fn a_revoked_invitation_and_one_past_its_time_are_good_for_nothing() {
    let mut world = with_manager();
    invite(&mut world, MANAGER, 2, Role::Trading).unwrap();
    let revoke = Command::RevokeInvitation(RevokeInvitation {
        code: Uuid::from_u128(2),
    });
    world.run(revoke.clone()).unwrap();
    let refused = accept(&mut world, 2, newcomer("late"));
    assert_eq!(code(refused), Code::InvitationRevoked);
    assert_eq!(code(world.run(revoke)), Code::InvitationRevoked);

    invite(&mut world, MANAGER, 3, Role::Trading).unwrap();
    invite(&mut world, MANAGER, 4, Role::Trading).unwrap();
    let end = invitation(MANAGER, 3, Role::Trading).expires_at;
    world.now = end - TimeDelta::microseconds(1);
    accept(&mut world, 3, newcomer("in_time")).unwrap();
    world.now = end;
    let refused = accept(&mut world, 4, newcomer("too_late"));
    assert_eq!(code(refused), Code::InvitationExpired);
    let over = invite(&mut world, MANAGER, 5, Role::Trading);
    assert_eq!(code(over), Code::InvitationExpired);
}

#[test]
fn nobody_invites_with_a_role_that_may_do_what_theirs_may_not() {
    let mut world = with_manager();
    for (index, wanted) in Role::ALL.into_iter().enumerate() {
        let number = 10 + u128::try_from(index).unwrap();
        let outcome = invite(&mut world, MANAGER, number, wanted);
        let within = matches!(wanted, Role::Audit | Role::Trading | Role::Production);
        assert_eq!(outcome.is_ok(), within, "{wanted:?}");
        if !within {
            assert_eq!(code(outcome), Code::RoleAboveInviter);
        }
        invite(&mut world, ADMIN, number + 100, wanted).unwrap();
    }
}

#[test]
fn an_invitation_is_void_once_its_inviter_might_not_make_it_any_more() {
    let losses: [Loss; 4] = [
        ("a lower role", |world| role(world, MANAGER, Role::Trading)),
        ("a role that manages nothing", |world| {
            role(world, MANAGER, Role::Audit);
        }),
        ("leaving", |world| {
            let leave = LeaveOrganisation {
                organisation_id: HILL,
                user_id: MANAGER,
            };
            world.run(Command::LeaveOrganisation(leave)).unwrap();
        }),
        ("being removed", |world| {
            world.run(Command::RemoveUser(MANAGER)).unwrap();
        }),
    ];
    for (loss, happens) in losses {
        let mut world = with_manager();
        invite(&mut world, MANAGER, 2, Role::Production).unwrap();
        happens(&mut world);
        let refused = accept(&mut world, 2, newcomer("guest"));
        assert_eq!(code(refused), Code::InvitationVoid, "{loss}");
        assert!(
            invite(&mut world, MANAGER, 3, Role::Production).is_err(),
            "{loss}"
        );
    }
    // Rights that the invitation does not need may go.
    let mut world = with_manager();
    invite(&mut world, MANAGER, 2, Role::Audit).unwrap();
    role(&mut world, MANAGER, Role::Trading);
    accept(&mut world, 2, newcomer("guest")).unwrap();
}

#[test]
fn a_user_belongs_to_one_organisation_until_they_leave_it_or_it_is_closed() {
    let mut world = with_manager();
    found(&mut world, "GB-2").unwrap();
    let other = |number| IssueInvitation {
        organisation_id: OrganisationId(2),
        ..invitation(ADMIN, number, Role::Trading)
    };
    world
        .run(Command::IssueInvitation(Box::new(other(2))))
        .unwrap();
    let refused = accept(&mut world, 2, Guest::Known(MANAGER));
    assert_eq!(code(refused), Code::UserInOrganisation);
    world.run(Command::CloseOrganisation(HILL)).unwrap();
    accept(&mut world, 2, Guest::Known(MANAGER)).unwrap();
    let manager = user(&world, MANAGER);
    assert_eq!(manager.role, Role::Production, "the role stays");
    assert_eq!(
        manager.organisation.unwrap().organisation_id,
        OrganisationId(2)
    );
    let leave = |organisation_id| {
        Command::LeaveOrganisation(LeaveOrganisation {
            organisation_id,
            user_id: MANAGER,
        })
    };
    assert_eq!(
        code(world.run(leave(HILL))),
        Code::OrganisationClosed,
        "there is nothing to leave"
    );
    world.run(leave(OrganisationId(2))).unwrap();
    assert_eq!(
        code(world.run(leave(OrganisationId(2)))),
        Code::UserNotInOrganisation
    );
}

#[test]
fn a_business_id_is_one_organisations_until_that_is_closed_or_takes_another() {
    let mut world = with_manager();
    assert_eq!(code(found(&mut world, " gb-1 ")), Code::BusinessIdTaken);
    let rename = |id, business_id: &str| {
        Command::UpdateOrganisation(Box::new(UpdateOrganisation {
            organisation_id: OrganisationId(id),
            changes: OrganisationChanges {
                business_id: Some(business_id.into()),
                ..OrganisationChanges::default()
            },
        }))
    };
    world.run(rename(1, "GB-1")).unwrap();
    world.run(rename(1, "GB-9")).unwrap();
    found(&mut world, "GB-1").unwrap();
    assert_eq!(code(world.run(rename(2, "gb-9"))), Code::BusinessIdTaken);
    world.run(Command::CloseOrganisation(HILL)).unwrap();
    world.run(rename(2, "gb-9")).unwrap();
    assert_eq!(
        code(world.run(Command::CloseOrganisation(HILL))),
        Code::OrganisationClosed
    );
    assert_eq!(code(world.run(rename(1, "x"))), Code::OrganisationClosed);
    assert_eq!(code(world.run(rename(7, "x"))), Code::OrganisationNotFound);
    let refused = invite(&mut world, ADMIN, 9, Role::Audit);
    assert_eq!(code(refused), Code::OrganisationClosed);
}

#[test]
fn an_organisation_has_a_hundred_waiting_invitations_and_not_one_more() {
    let mut world = with_manager();
    let most = u128::try_from(MAX_INVITATIONS).unwrap();
    for number in 0..most {
        invite(&mut world, MANAGER, 100 + number, Role::Audit).unwrap();
    }
    let above = invite(&mut world, MANAGER, 99, Role::Audit);
    assert_eq!(code(above), Code::TooManyInvitations);
    accept(&mut world, 100, newcomer("guest")).unwrap();
    invite(&mut world, MANAGER, 99, Role::Audit).unwrap();
}

#[test]
fn invitations_that_are_over_make_room_for_one_more() {
    let mut world = with_manager();
    let most = u128::try_from(MAX_INVITATIONS).unwrap();
    for number in 0..most {
        invite(&mut world, MANAGER, 100 + number, Role::Audit).unwrap();
    }
    world.now = world::at("2025-06-08T12:00:00Z");
    let mut later = invitation(MANAGER, 99, Role::Audit);
    later.expires_at = world::at("2025-06-09T12:00:00Z");
    let decision = world.run(Command::IssueInvitation(Box::new(later)));
    assert_eq!(decision.unwrap().events.len(), MAX_INVITATIONS + 1);
    let over = accept(&mut world, 100, newcomer("guest"));
    assert_eq!(code(over), Code::InvitationRevoked);
}

#[test]
fn members_change_for_the_organisation_that_owns_the_account_only() {
    let mut world = with_manager();
    let account_id = AccountId(1);
    let change = |add: &[i64], remove: &[i64]| {
        let users = |ids: &[i64]| ids.iter().copied().map(UserId).collect();
        Command::ChangeMembers(ChangeMembers {
            account_id,
            organisation_id: HILL,
            add: users(add),
            remove: users(remove),
        })
    };
    let members = |world: &World| match &world.entries[&Key::Account(account_id)].entry {
        Some(Entry::Account(account)) => account.user_ids.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(code(world.run(change(&[2], &[]))), Code::AccountNotFound);
    let assign = |organisation_id| {
        Command::AssignAccount(AssignAccount {
            account_id,
            organisation_id,
        })
    };
    world.run(assign(Some(HILL))).unwrap();
    assert!(world.run(assign(Some(HILL))).unwrap().events.is_empty());
    world.run(change(&[2, 2], &[])).unwrap();
    assert_eq!(members(&world), [UserId(1), UserId(2)]);
    assert!(world.run(change(&[2], &[])).unwrap().events.is_empty());
    world.run(change(&[], &[1])).unwrap();
    assert_eq!(
        code(world.run(change(&[], &[2]))),
        Code::AccountWithoutUsers
    );
    world.run(assign(None)).unwrap();
    assert_eq!(code(world.run(change(&[3], &[]))), Code::AccountNotFound);
    assert_eq!(members(&world), [UserId(2)]);
}

#[test]
fn an_organisation_keeps_a_manager_whoever_is_demoted_and_whoever_was_removed() {
    let mut world = with_manager();
    let change = |user: i64, manages| {
        Command::ChangeManager(ChangeManager {
            organisation_id: HILL,
            user_id: UserId(user),
            manages,
        })
    };
    assert_eq!(code(world.run(change(2, false))), Code::LastManager);
    assert!(world.run(change(2, true)).unwrap().events.is_empty());
    assert_eq!(
        code(world.run(change(1, true))),
        Code::UserNotInOrganisation
    );
    for (user, number) in [(3, 2), (4, 3)] {
        invite(&mut world, MANAGER, number, Role::Trading).unwrap();
        accept(&mut world, number, newcomer(&format!("user{user}"))).unwrap();
        world.run(change(user, true)).unwrap();
        assert!(user_manages(&world, user));
    }
    world.run(change(3, false)).unwrap();
    assert!(!user_manages(&world, 3));
    // Who was removed manages nothing.
    world.run(Command::RemoveUser(UserId(4))).unwrap();
    assert_eq!(code(world.run(change(2, false))), Code::LastManager);
    world.run(change(3, true)).unwrap();
    world.run(change(2, false)).unwrap();
    // Nor does who left.
    world.run(change(2, true)).unwrap();
    let leave = LeaveOrganisation {
        organisation_id: HILL,
        user_id: UserId(3),
    };
    world.run(Command::LeaveOrganisation(leave)).unwrap();
    assert_eq!(code(world.run(change(2, false))), Code::LastManager);
    world.run(Command::CloseOrganisation(HILL)).unwrap();
    assert_eq!(code(world.run(change(2, false))), Code::OrganisationClosed);
}

fn user_manages(world: &World, id: i64) -> bool {
    user(world, UserId(id)).organisation.unwrap().manages
}

#[test]
fn an_organisation_that_is_to_close_owns_no_account_and_is_given_none() {
    let mut world = with_manager();
    let assign = |account, organisation_id| {
        Command::AssignAccount(AssignAccount {
            account_id: AccountId(account),
            organisation_id,
        })
    };
    let open = |name: &str| {
        Command::OpenAccount(OpenAccount {
            account_name: name.into(),
            user_ids: vec![MANAGER],
            is_requested: false,
            organisation_id: Some(HILL),
        })
    };
    let close = Command::CloseOwner(HILL);
    world.run(assign(1, Some(HILL))).unwrap();
    let opened = world.run(open("Barn")).unwrap();
    let Event::Ledger(LedgerEvent::AccountOpened(barn)) = &opened.events[0] else {
        panic!("{opened:?}");
    };
    let barn = barn.account_id;
    assert_eq!(
        code(world.run(close.clone())),
        Code::OrganisationHasAccounts
    );
    world.run(assign(1, Some(OrganisationId(2)))).unwrap();
    assert_eq!(
        code(world.run(close.clone())),
        Code::OrganisationHasAccounts
    );
    world.run(Command::CloseAccount(barn)).unwrap();
    world.run(close.clone()).unwrap();
    assert!(world.run(close).unwrap().events.is_empty());
    assert_eq!(
        code(world.run(assign(1, Some(HILL)))),
        Code::OrganisationClosed
    );
    assert_eq!(code(world.run(open("Shed"))), Code::OrganisationClosed);
    world.run(assign(1, None)).unwrap();
    world.run(Command::CloseOwner(OrganisationId(2))).unwrap();
}
