//! Somebody goes on managing users, whoever is demoted, removed or erased.
#![allow(clippy::unwrap_used)]

mod world;

use ledger::command::UpdateUser;
use ledger::{Code, Command, Event};
use schemas::event::IdentityEvent;
use schemas::event::identity::{UserChanges, UserProfile};
use schemas::id::UserId;
use schemas::life_cycle::Role;
use world::{World, code};

fn register(world: &mut World, name: &str, role: Role) -> UserId {
    let profile = UserProfile {
        name: name.into(),
        email: format!("{name}@example.org"),
        role,
        organisation: None,
        password_hash: None,
    };
    let registered = world.run(Command::RegisterUser(profile)).unwrap();
    let Event::Identity(IdentityEvent::UserRegistered(event)) = &registered.events[0] else {
        panic!("{registered:?}");
    };
    event.user_id
}

fn in_role(user_id: UserId, role: Role) -> Command {
    Command::UpdateUser(UpdateUser {
        user_id,
        changes: UserChanges {
            role: Some(role),
            ..UserChanges::default()
        },
        session: None,
    })
}

/// Every way to lose an administrator.
fn losses(user_id: UserId) -> impl Iterator<Item = Command> {
    let lesser = Role::ALL.into_iter().filter(|role| *role != Role::Admin);
    lesser
        .map(move |role| in_role(user_id, role))
        .chain([Command::RemoveUser(user_id), Command::EraseUser(user_id)])
}

#[test]
fn the_last_administrator_is_not_demoted_removed_or_erased() {
    let mut world = World::empty();
    let last = register(&mut world, "last", Role::Admin);
    register(&mut world, "trader", Role::Trading);
    for loss in losses(last) {
        assert_eq!(code(world.run(loss)), Code::LastAdministrator);
    }
    // What leaves them an administrator is theirs to change.
    world.run(in_role(last, Role::Admin)).unwrap();
    let renamed = UserChanges {
        name: Some("Last".into()),
        ..UserChanges::default()
    };
    let renamed = UpdateUser {
        user_id: last,
        changes: renamed,
        session: None,
    };
    world.run(Command::UpdateUser(renamed)).unwrap();
}

#[test]
fn of_two_administrators_one_is_lost_in_any_way_and_the_other_then_in_none() {
    let mut founded = World::empty();
    let one = register(&mut founded, "one", Role::Admin);
    let other = register(&mut founded, "other", Role::Trading);
    founded.run(in_role(other, Role::Admin)).unwrap();
    for first in losses(one) {
        for then in losses(other) {
            let mut world = founded.clone();
            world.run(first.clone()).unwrap();
            assert_eq!(code(world.run(then)), Code::LastAdministrator, "{first:?}");
        }
    }
}

#[test]
fn who_was_removed_before_can_be_erased_beside_the_last_administrator() {
    let mut world = World::empty();
    let gone = register(&mut world, "gone", Role::Admin);
    let last = register(&mut world, "last", Role::Admin);
    world.run(Command::RemoveUser(gone)).unwrap();
    world.run(Command::EraseUser(gone)).unwrap();
    for loss in losses(last) {
        assert_eq!(code(world.run(loss)), Code::LastAdministrator);
    }
}
