//! What signing in rests on: codes are good once, and a password that was changed does not come back.
#![allow(clippy::unwrap_used)]

mod world;

use ledger::command::{
    AddSecondFactor, FactorProof, FactorRemover, RehashPassword, RemoveSecondFactor, UpdateUser,
    UseSecondFactor,
};
use ledger::{Code, Command, Decision, Event, Refusal};
use schemas::event::IdentityEvent;
use schemas::event::identity::{UserChanges, UserProfile};
use schemas::event::session::TokenDigest;
use schemas::id::UserId;
use schemas::life_cycle::Role;
use schemas::log::Position;
use world::{World, code};

const STEP: i64 = 57_733_333;

/// A world with one user, whose password hash is `first`.
fn with_user() -> (World, UserId) {
    let mut world = World::empty();
    let profile = UserProfile {
        name: "Ada".into(),
        email: "ada@example.org".into(),
        role: Role::Trading,
        organisation: None,
        password_hash: Some("first".into()),
    };
    let registered = world.run(Command::RegisterUser(profile)).unwrap();
    let Event::Identity(IdentityEvent::UserRegistered(event)) = &registered.events[0] else {
        panic!("{registered:?}");
    };
    let user_id = event.user_id;
    (world, user_id)
}

/// Where the events end.
fn head(world: &World) -> Position {
    Position(i64::try_from(world.events.len()).unwrap())
}

fn add(world: &mut World, user_id: UserId) -> Result<Decision, Refusal> {
    let now = head(world);
    add_offered(world, user_id, now)
}

fn add_offered(world: &mut World, user_id: UserId, offered: Position) -> Result<Decision, Refusal> {
    world.run(Command::AddSecondFactor(Box::new(AddSecondFactor {
        user_id,
        sealed: "sealed".into(),
        step: STEP,
        recovery: vec![TokenDigest([1; 32]), TokenDigest([2; 32])],
        offered,
    })))
}

fn recovery(number: u8) -> FactorProof {
    let digest = TokenDigest([number; 32]);
    FactorProof::Recovery { digest }
}

#[test]
fn a_code_is_good_once_and_so_are_those_before_it_and_a_recovery_code() {
    let (mut world, user_id) = with_user();
    let show = |world: &mut World, proof| {
        world.run(Command::UseSecondFactor(UseSecondFactor { user_id, proof }))
    };
    let step = |step| FactorProof::Code { step };
    assert_eq!(
        code(show(&mut world, step(STEP))),
        Code::SecondFactorMissing
    );
    add(&mut world, user_id).unwrap();
    assert_eq!(code(add(&mut world, user_id)), Code::SecondFactorExists);
    for spent in [STEP, STEP - 1] {
        assert_eq!(code(show(&mut world, step(spent))), Code::SecondFactorSpent);
    }
    show(&mut world, step(STEP + 1)).unwrap();
    assert_eq!(
        code(show(&mut world, step(STEP + 1))),
        Code::SecondFactorSpent
    );
    show(&mut world, recovery(1)).unwrap();
    for none in [1, 3] {
        assert_eq!(
            code(show(&mut world, recovery(none))),
            Code::SecondFactorSpent
        );
    }
    show(&mut world, recovery(2)).unwrap();
}

#[test]
fn a_user_removes_it_with_a_code_and_who_manages_users_without() {
    let (mut world, user_id) = with_user();
    let remove = |world: &mut World, by| {
        world.run(Command::RemoveSecondFactor(RemoveSecondFactor {
            user_id,
            by,
        }))
    };
    add(&mut world, user_id).unwrap();
    for shown in [
        None,
        Some(recovery(3)),
        Some(FactorProof::Code { step: STEP }),
    ] {
        let refused = remove(&mut world, FactorRemover::User(shown));
        assert_eq!(code(refused), Code::SecondFactorSpent);
    }
    remove(&mut world, FactorRemover::User(Some(recovery(1)))).unwrap();
    let again = remove(&mut world, FactorRemover::Manager);
    assert_eq!(code(again), Code::SecondFactorMissing);
    add(&mut world, user_id).unwrap();
    remove(&mut world, FactorRemover::Manager).unwrap();
}

#[test]
fn attack_a_secret_that_was_offered_before_the_removal_of_one_brings_its_codes_back() {
    let (mut world, user_id) = with_user();
    let offered = head(&world);
    for by in [
        FactorRemover::User(Some(recovery(1))),
        FactorRemover::Manager,
    ] {
        add(&mut world, user_id).unwrap();
        let last = head(&world);
        let remove = RemoveSecondFactor { user_id, by };
        world.run(Command::RemoveSecondFactor(remove)).unwrap();
        for before in [offered, last] {
            let again = add_offered(&mut world, user_id, before);
            assert_eq!(code(again), Code::SecondFactorSpent);
        }
    }
    add(&mut world, user_id).unwrap();
}

#[test]
fn a_password_that_was_changed_meanwhile_is_not_hashed_anew() {
    let (mut world, user_id) = with_user();
    let rehash = |world: &mut World, before: &str, after: &str| {
        let rehash = RehashPassword {
            user_id,
            before: before.into(),
            after: after.into(),
        };
        world.run(Command::RehashPassword(rehash)).unwrap()
    };
    assert_eq!(rehash(&mut world, "first", "second").events.len(), 1);
    let changes = UserChanges {
        password_hash: Some("another".into()),
        ..UserChanges::default()
    };
    let update = UpdateUser {
        user_id,
        changes,
        session: None,
    };
    world.run(Command::UpdateUser(update)).unwrap();
    assert!(rehash(&mut world, "second", "third").events.is_empty());
    assert_eq!(rehash(&mut world, "another", "fourth").events.len(), 1);
}
