//! Who is erased gives up all that they held, once.
#![allow(clippy::unwrap_used)]

mod world;

use ledger::command::{Link, UpdateUser};
use ledger::{Code, Command, Decision, Event, Refusal};
use schemas::event::IdentityEvent;
use schemas::event::identity::{UserChanges, UserProfile};
use schemas::event::link::ExternalIdentity;
use schemas::id::UserId;
use schemas::life_cycle::Role;
use world::{World, code};

const EMAIL: &str = "ada@example.org";

fn register(world: &mut World, email: &str) -> Result<UserId, Refusal> {
    let registered = world.run(Command::RegisterUser(UserProfile {
        name: "Ada".into(),
        email: email.into(),
        role: Role::Trading,
        organisation: None,
        password_hash: Some("hash".into()),
    }))?;
    let Event::Identity(IdentityEvent::UserRegistered(event)) = &registered.events[0] else {
        panic!("{registered:?}");
    };
    Ok(event.user_id)
}

fn link(world: &mut World, user_id: UserId) -> Result<Decision, Refusal> {
    let identity = ExternalIdentity {
        issuer: "https://login.example".into(),
        subject: "ada".into(),
    };
    world.run(Command::LinkIdentity(Link { user_id, identity }))
}

#[test]
fn who_is_erased_gives_up_address_and_identities_and_is_erased_once() {
    let mut world = World::empty();
    let ada = register(&mut world, EMAIL).unwrap();
    link(&mut world, ada).unwrap();
    let erased = world.run(Command::EraseUser(ada)).unwrap();
    assert_eq!(erased.events.len(), 1);
    let again = world.run(Command::EraseUser(ada)).unwrap();
    assert!(again.events.is_empty());
    let update = Command::UpdateUser(UpdateUser {
        user_id: ada,
        changes: UserChanges::default(),
        session: None,
    });
    assert_eq!(code(world.run(update)), Code::UserRemoved);

    let next = register(&mut world, EMAIL).unwrap();
    link(&mut world, next).unwrap();
    let third = register(&mut world, "third@example.org").unwrap();
    assert_eq!(code(link(&mut world, third)), Code::IdentityTaken);
    assert_eq!(
        register(&mut world, EMAIL).unwrap_err().code,
        Code::EmailTaken
    );
}

#[test]
fn who_was_removed_before_takes_nothing_from_who_has_their_address_now() {
    let mut world = World::empty();
    let ada = register(&mut world, EMAIL).unwrap();
    world.run(Command::RemoveUser(ada)).unwrap();
    register(&mut world, EMAIL).unwrap();
    world.run(Command::EraseUser(ada)).unwrap();
    assert_eq!(
        register(&mut world, EMAIL).unwrap_err().code,
        Code::EmailTaken
    );
    let nobody = Command::EraseUser(UserId(9));
    assert_eq!(code(world.run(nobody)), Code::UserNotFound);
}
