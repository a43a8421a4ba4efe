//! Accounts are requested, approved, suspended and closed: each step from each state, and what a held account
//! may not do.
#![allow(clippy::unwrap_used)]

mod world;

use ledger::command::{AccountStep, ChangeStanding, ChangeTransfers, OpenAccount, RegisterDevice};
use ledger::standing::{MAX_REASON_CHARS, TABLE};
use ledger::{Code, Command, Entry, Key, Refusal};
use schemas::id::{AccountId, UserId};
use schemas::life_cycle::{AccountState, ActionType, CertificateStatus};
use world::{World, act, attributes, code, hours, readings};

fn take(world: &mut World, account: i64, step: AccountStep) -> Result<(), Refusal> {
    let account_id = AccountId(account);
    let command = match step {
        AccountStep::Close => Command::CloseAccount(account_id),
        _ => Command::ChangeStanding(ChangeStanding {
            account_id,
            step,
            reason: Some("because".into()),
        }),
    };
    world.run(command).map(drop)
}

fn state(world: &World, account: i64) -> AccountState {
    match &world.entries[&Key::Account(AccountId(account))].entry {
        Some(Entry::Account(account)) => account.state(),
        other => panic!("account {account} is {other:?}"),
    }
}

/// A world with one account more, 4, which waits for approval, or is in another state.
fn with_account(wanted: AccountState) -> World {
    let mut world = World::with_accounts();
    let open = OpenAccount {
        account_name: "Four".into(),
        user_ids: vec![UserId(1)],
        is_requested: true,
        organisation_id: None,
    };
    world.run(Command::OpenAccount(open)).unwrap();
    let steps: &[AccountStep] = match wanted {
        AccountState::Requested => &[],
        AccountState::Approved => &[AccountStep::Approve],
        AccountState::Suspended => &[AccountStep::Approve, AccountStep::Suspend],
        AccountState::Closed => &[AccountStep::Close],
    };
    for step in steps {
        take(&mut world, 4, *step).unwrap();
    }
    assert_eq!(state(&world, 4), wanted);
    world
}

#[test]
fn each_step_leads_from_each_state_where_the_table_says_and_is_refused_elsewhere() {
    for row in TABLE {
        for from in AccountState::ALL {
            let mut world = with_account(*from);
            let taken = take(&mut world, 4, row.step);
            if row.from.contains(from) {
                taken.unwrap();
                assert_eq!(state(&world, 4), row.to, "{from} {}", row.step);
            } else {
                let expected = match from {
                    AccountState::Closed => Code::AccountClosed,
                    _ => Code::AccountState,
                };
                assert_eq!(taken.unwrap_err().code, expected, "{from} {}", row.step);
                assert_eq!(state(&world, 4), *from);
            }
        }
    }
}

#[test]
fn a_requested_account_gets_no_device_before_it_is_approved() {
    let mut world = with_account(AccountState::Requested);
    let register = || {
        Command::RegisterDevice(RegisterDevice {
            account_id: AccountId(4),
            attributes: attributes(),
        })
    };
    assert_eq!(code(world.run(register())), Code::AccountNotApproved);
    take(&mut world, 4, AccountStep::Approve).unwrap();
    world.run(register()).unwrap();
}

#[test]
fn nobody_acts_for_a_suspended_account_and_the_issuing_body_still_locks_and_withdraws() {
    let mut world = World::with_accounts();
    world.run(readings(1, hours(0, &[100, 100]))).unwrap();
    take(&mut world, 1, AccountStep::Suspend).unwrap();
    let events = world.events.len();
    for action in [
        ActionType::Transfer,
        ActionType::Cancel,
        ActionType::Reserve,
        ActionType::Export,
    ] {
        let mut asked = act(action, 1, &[1]);
        asked.target_id = Some(AccountId(2));
        let refused = world.run(Command::ActOnBundles(asked));
        assert_eq!(code(refused), Code::AccountSuspended, "{action}");
    }
    let more = world.run(readings(1, hours(2, &[100])));
    assert_eq!(code(more), Code::AccountSuspended);
    let mut sent = act(ActionType::Transfer, 3, &[1]);
    sent.target_id = Some(AccountId(1));
    let refused = world.run(Command::ActOnBundles(sent)).unwrap_err();
    assert_eq!(refused.code, Code::AccountSuspended);
    assert_eq!(refused.errors.len(), 1, "the target is named");
    assert_eq!(
        world.events.len(),
        events,
        "a refusal leaves nothing behind"
    );

    world
        .run(Command::ActOnBundles(act(ActionType::Lock, 1, &[1])))
        .unwrap();
    world
        .run(Command::ActOnBundles(act(ActionType::Withdraw, 1, &[2])))
        .unwrap();
    take(&mut world, 1, AccountStep::Reinstate).unwrap();
    assert_eq!(world.status(1), CertificateStatus::Locked);
    world.run(readings(1, hours(2, &[100]))).unwrap();
    world.audit();
}

#[test]
fn an_account_whose_transfers_are_stopped_neither_sends_nor_receives_and_cancels() {
    let stop = |account, disabled| {
        Command::ChangeTransfers(ChangeTransfers {
            account_id: AccountId(account),
            disabled,
            reason: None,
        })
    };
    let send = || {
        let mut sent = act(ActionType::Transfer, 1, &[1]);
        sent.target_id = Some(AccountId(2));
        Command::ActOnBundles(sent)
    };
    for stopped in [1, 2] {
        let mut world = World::with_accounts();
        world.run(readings(1, hours(0, &[100, 100]))).unwrap();
        world.run(stop(stopped, true)).unwrap();
        assert!(world.run(stop(stopped, true)).unwrap().events.is_empty());
        assert_eq!(code(world.run(send())), Code::TransferDisabled);
        if stopped == 1 {
            let export = Command::ActOnBundles(act(ActionType::Export, 1, &[1]));
            assert_eq!(code(world.run(export)), Code::TransferDisabled);
        }
        world
            .run(Command::ActOnBundles(act(ActionType::Cancel, 1, &[2])))
            .unwrap();
        world.run(stop(stopped, false)).unwrap();
        world.run(send()).unwrap();
    }
}

#[test]
fn a_suspension_needs_a_reason_of_500_characters_at_most() {
    let suspend = |reason: Option<String>| {
        let mut world = World::with_accounts();
        world.run(Command::ChangeStanding(ChangeStanding {
            account_id: AccountId(3),
            step: AccountStep::Suspend,
            reason,
        }))
    };
    for reason in [
        None,
        Some(" ".to_owned()),
        Some("é".repeat(MAX_REASON_CHARS + 1)),
    ] {
        assert_eq!(code(suspend(reason)), Code::ValueOutOfRange);
    }
    suspend(Some("é".repeat(MAX_REASON_CHARS))).unwrap();
}
