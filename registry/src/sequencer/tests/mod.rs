//! The sequencer against a WRITE database that misbehaves in every way, and against a second writer.
#![allow(clippy::unwrap_used)]

mod overtaken;
mod recovery;
mod room;
mod write_double;

use super::{ExecuteError, Receipt, Request, Sequencer, Settings, Time};
use crate::clock::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use event_store::{EventStore, SqliteStore};
use ledger::command::{
    ActOnBundles, Amount, OpenAccount, ReadingRow, RegisterDevice, SubmitReadings, UpdateWhitelist,
};
use ledger::{Code, Command, Policy, Stream};
use proptest::prelude::*;
use schemas::envelope::{Actor, Idempotency};
use schemas::event::device::DeviceAttributes;
use schemas::event::issuance::IssuanceMetadata;
use schemas::id::{AccountId, BundleId, DeviceId, UserId};
use schemas::life_cycle::{ActionType, QuantityMode};
use schemas::log::{Position, StreamName};
use schemas::{WattHours, Watts};
use std::sync::Arc;
use uuid::Uuid;
use write_double::WriteDouble;

fn fixed_clock() -> DateTime<Utc> {
    "2025-06-01T12:00:00Z".parse().unwrap()
}

struct Registry {
    sequencer: Sequencer,
    write: Arc<WriteDouble>,
    store: Arc<dyn EventStore>,
    name: StreamName,
    _dir: tempfile::TempDir,
}

fn start(
    store: &Arc<dyn EventStore>,
    write: &Arc<WriteDouble>,
    name: &StreamName,
    cache: usize,
) -> Sequencer {
    Sequencer::start(Settings {
        stream: Stream::Ledger,
        stream_name: name.clone(),
        store: Arc::clone(store),
        source: Arc::clone(write) as _,
        policy: Policy::default(),
        cache_entries: cache,
        time: Time::new(Clock::from(fixed_clock)),
        is_alone: false,
    })
}

impl Registry {
    fn new(cache: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn EventStore> =
            Arc::new(SqliteStore::open(&dir.path().join("events.db")).unwrap());
        let name = StreamName::ledger("test").unwrap();
        let write = WriteDouble::new(Arc::clone(&store), name.clone());
        let sequencer = start(&store, &write, &name, cache);
        Self {
            sequencer,
            write,
            store,
            name,
            _dir: dir,
        }
    }

    async fn run(&self, command: Command) -> Result<Receipt, ExecuteError> {
        self.sequencer.execute(request(command)).await
    }

    /// Everything in the stream, without what differs between two runs: ids and times of events.
    async fn history(&self) -> Vec<(Position, String, String)> {
        let events = self
            .store
            .read(&self.name, Position::START, 100_000)
            .await
            .unwrap();
        events
            .into_iter()
            .map(|event| {
                (
                    event.position,
                    event.event_type,
                    String::from_utf8(event.data).unwrap(),
                )
            })
            .collect()
    }
}

fn request(command: Command) -> Request {
    Request {
        actor: Actor::User(UserId(1)),
        correlation_id: Uuid::nil(),
        requested_at: fixed_clock(),
        ..Request::of_system("test", command)
    }
}

fn foundation() -> Vec<Command> {
    let mut commands = vec![Command::RecordIssuanceMetadata(Box::new(
        IssuanceMetadata {
            country_of_issuance: "GB".into(),
            connected_grid_identification: "NESO".into(),
            issuing_body: "OFGEM".into(),
            issue_market_zone: "GB".into(),
            legal_status: None,
            issuance_purpose: None,
            support_received: None,
            quality_scheme_reference: None,
            dissemination_level: None,
            registry_configuration: 1,
        },
    ))];
    for name in ["One", "Two"] {
        commands.push(Command::OpenAccount(OpenAccount {
            account_name: name.into(),
            user_ids: vec![UserId(1)],
            is_requested: false,
            organisation_id: None,
        }));
    }
    for (to, from) in [(1, 2), (2, 1)] {
        commands.push(Command::UpdateWhitelist(UpdateWhitelist {
            account_id: AccountId(to),
            add: vec![AccountId(from)],
            remove: Vec::new(),
        }));
    }
    for account in [1, 2] {
        commands.push(Command::RegisterDevice(RegisterDevice {
            account_id: AccountId(account),
            attributes: DeviceAttributes {
                device_name: "Wind farm".into(),
                local_device_identifier: None,
                device_unique_id: None,
                grid: "GB".into(),
                energy_source: schemas::energy::EnergySource::Wind,
                technology_type: schemas::energy::TechnologyType::WindTurbine,
                device_type: schemas::energy::DeviceType::Production,
                operational_date: "2020-01-01T00:00:00Z".parse().unwrap(),
                capacity_w: Watts(10_000_000),
                peak_demand_w: Watts(0),
                location: String::new(),
                gps_location: None,
                is_storage: false,
            },
        }));
    }
    commands
}

fn submit(device: i64, hour: i64, amounts: &[i64]) -> Command {
    let zero: DateTime<Utc> = "2024-01-01T00:00:00Z".parse().unwrap();
    let rows = (0..)
        .zip(amounts)
        .map(|(index, wh)| ReadingRow {
            row: u32::try_from(index + 1).unwrap(),
            start: zero + TimeDelta::hours(hour + index),
            end: zero + TimeDelta::hours(hour + index + 1),
            wh: WattHours(*wh),
            gross_net_indicator: "NET".into(),
            meter_identifier: None,
        })
        .collect();
    Command::SubmitReadings(SubmitReadings {
        device_id: DeviceId(device),
        rows,
        unreadable: Vec::new(),
        partial: false,
        issue: true,
    })
}

fn act(action_type: ActionType, source: i64, bundles: Vec<i64>, amount: Amount) -> Command {
    Command::ActOnBundles(ActOnBundles {
        action_type,
        source_id: AccountId(source),
        bundle_ids: bundles.into_iter().map(BundleId).collect(),
        amount,
        target_id: Some(AccountId(3 - source)),
        beneficiary: None,
        beneficiary_account_id: None,
        storage_device_id: None,
        reason: None,
        receiving_registry: None,
        here: String::new(),
        localise_time: true,
    })
}

#[derive(Debug, Clone)]
enum Step {
    Submit {
        device: i64,
        hour: i64,
        amounts: Vec<i64>,
    },
    Act {
        action: usize,
        source: i64,
        bundles: Vec<i64>,
        wh: i64,
    },
    OpenAccount {
        name: u8,
    },
    Project {
        events: usize,
    },
    BackUp,
    Restore,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_i64..=2, 0_i64..72, prop::collection::vec(0_i64..500, 1..5))
            .prop_map(|(device, hour, amounts)| Step::Submit { device, hour, amounts }),
        10 => (0_usize..8, 1_i64..=2, prop::collection::vec(1_i64..30, 1..3), 1_i64..200)
            .prop_map(|(action, source, bundles, wh)| Step::Act { action, source, bundles, wh }),
        1 => (0_u8..6).prop_map(|name| Step::OpenAccount { name }),
        5 => (1_usize..20).prop_map(|events| Step::Project { events }),
        1 => Just(Step::BackUp),
        1 => Just(Step::Restore),
        2 => Just(Step::Restart),
    ]
}

/// Outcome of a command as it must be the same in both registries.
fn outcome(result: &Result<Receipt, ExecuteError>) -> String {
    match result {
        Ok(receipt) => format!("{:?} {:?}", receipt.events, receipt.submission),
        Err(error) => error.to_string(),
    }
}

fn command(step: &Step) -> Option<Command> {
    Some(match step {
        Step::Submit {
            device,
            hour,
            amounts,
        } => submit(*device, *hour, amounts),
        Step::Act {
            action,
            source,
            bundles,
            wh,
        } => {
            let mut listed = bundles.clone();
            listed.dedup();
            act(
                ActionType::ALL[*action],
                *source,
                listed,
                Amount::Quantity(WattHours(*wh), QuantityMode::PerBundle),
            )
        }
        Step::OpenAccount { name } => Command::OpenAccount(OpenAccount {
            account_name: format!("Account {name}"),
            user_ids: vec![UserId(1)],
            is_requested: false,
            organisation_id: None,
        }),
        _ => return None,
    })
}

async fn differential(steps: Vec<Step>) {
    let reference = Registry::new(1_000_000);
    let mut tested = Registry::new(1);
    for command in foundation() {
        reference.run(command.clone()).await.unwrap();
        tested.run(command).await.unwrap();
    }
    for step in &steps {
        match step {
            Step::Project { events } => tested.write.project(*events).await,
            Step::BackUp => tested.write.back_up(),
            Step::Restore => tested.write.restore(),
            Step::Restart => {
                tested.sequencer = start(&tested.store, &tested.write, &tested.name, 1);
            }
            _ => {}
        }
        let Some(command) = command(step) else {
            continue;
        };
        let expected = reference.run(command.clone()).await;
        let mut found = tested.run(command.clone()).await;
        while let Err(ExecuteError::Unavailable(why)) = &found {
            assert!(why.contains("went back"), "{why}");
            tested.write.project(5).await;
            found = tested.run(command.clone()).await;
        }
        assert_eq!(outcome(&found), outcome(&expected), "{step:?}");
    }
    assert_eq!(tested.history().await, reference.history().await);
    tested.write.project(usize::MAX >> 1).await;
    reference.write.project(usize::MAX >> 1).await;
    assert_eq!(tested.write.entries(), reference.write.entries());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_cache_of_one_entry_and_a_write_database_that_lags_restarts_and_goes_back_change_no_event(
        steps in prop::collection::vec(step(), 1..80)
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(differential(steps));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sequencers_on_one_store_acknowledge_exactly_what_the_stream_holds() {
    let registry = Registry::new(1_000);
    for command in foundation() {
        registry.run(command).await.unwrap();
    }
    registry.run(submit(1, 0, &[100_000])).await.unwrap();
    let second = start(&registry.store, &registry.write, &registry.name, 10);
    let mut tasks = Vec::new();
    for index in 0..200_i64 {
        let sequencer = if index % 2 == 0 {
            registry.sequencer.clone()
        } else {
            second.clone()
        };
        let write = Arc::clone(&registry.write);
        tasks.push(tokio::spawn(async move {
            if index % 7 == 0 {
                write.project(10).await;
            }
            // Each device has its hour submitted by both, so that one of them must find it repeated.
            sequencer
                .execute(request(submit(2, index / 2, &[index / 2 + 1])))
                .await
                .unwrap()
        }));
    }
    let mut acknowledged = Vec::new();
    for task in tasks {
        acknowledged.extend(
            task.await
                .unwrap()
                .events
                .into_iter()
                .map(|(position, _)| position),
        );
    }
    acknowledged.sort_unstable();
    let before = i64::try_from(foundation().len()).unwrap() + 2;
    let stream: Vec<_> = registry
        .history()
        .await
        .into_iter()
        .map(|event| event.0)
        .filter(|position| position.0 > before)
        .collect();
    assert_eq!(acknowledged, stream);
    assert_eq!(
        acknowledged.len(),
        200,
        "100 hours, each with its readings and its bundles, once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_knows_what_another_sequencer_appended_before() {
    let registry = Registry::new(1_000);
    for command in foundation() {
        registry.run(command).await.unwrap();
    }
    registry.run(submit(1, 0, &[1_000])).await.unwrap();
    let second = start(&registry.store, &registry.write, &registry.name, 10);
    let moved = |source| request(act(ActionType::Transfer, source, vec![1], Amount::Whole));
    // Each looks at the bundle, which is where the other has brought it.
    for _ in 0..5 {
        registry.sequencer.execute(moved(1)).await.unwrap();
        second.execute(moved(2)).await.unwrap();
    }
    second.execute(moved(2)).await.unwrap_err();
    registry.sequencer.execute(moved(2)).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_for_one_bundle_has_exactly_one_winner() {
    let registry = Registry::new(1_000);
    for command in foundation() {
        registry.run(command).await.unwrap();
    }
    registry.run(submit(1, 0, &[1_000])).await.unwrap();
    let tasks: Vec<_> = (0..256)
        .map(|_| {
            let sequencer = registry.sequencer.clone();
            tokio::spawn(async move {
                sequencer
                    .execute(request(act(
                        ActionType::Transfer,
                        1,
                        vec![1],
                        Amount::Whole,
                    )))
                    .await
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(ExecuteError::Refused(refusal)) => assert_eq!(refusal.code, Code::BundleNotFound),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_repeated_under_its_key_gets_the_first_receipt() {
    let registry = Registry::new(1);
    for command in foundation() {
        registry.run(command).await.unwrap();
    }
    registry.run(submit(1, 0, &[1_000])).await.unwrap();
    let idempotency = Idempotency {
        key: Uuid::from_u128(7),
        request: Uuid::from_u128(8),
    };
    let send = |idempotency| {
        let mut request = request(act(
            ActionType::Cancel,
            1,
            vec![1],
            Amount::Quantity(WattHours(10), QuantityMode::PerBundle),
        ));
        request.idempotency = Some(idempotency);
        registry.sequencer.execute(request)
    };
    let (first, second) = tokio::join!(send(idempotency), send(idempotency));
    registry.write.project(1_000).await;
    let third = send(idempotency).await;
    let first = first.unwrap();
    assert_eq!(first.events.len(), 1);
    for repeated in [second.unwrap(), third.unwrap()] {
        assert_eq!(
            (repeated.position, &repeated.events),
            (first.position, &first.events)
        );
    }
    let other = send(Idempotency {
        request: Uuid::from_u128(9),
        ..idempotency
    })
    .await
    .unwrap_err();
    assert!(
        matches!(other, ExecuteError::Refused(refusal) if refusal.code == Code::IdempotencyKeyReused)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_write_database_what_is_in_memory_goes_on_and_the_rest_is_refused() {
    let registry = Registry::new(1_000);
    for command in foundation() {
        registry.run(command).await.unwrap();
    }
    registry.run(submit(1, 0, &[1_000])).await.unwrap();
    registry.write.set_absent(true);
    registry
        .run(act(ActionType::Transfer, 1, vec![1], Amount::Whole))
        .await
        .unwrap();
    let unknown = registry
        .run(act(ActionType::Transfer, 1, vec![77], Amount::Whole))
        .await;
    assert!(
        matches!(unknown, Err(ExecuteError::Unavailable(_))),
        "{unknown:?}"
    );
    registry.write.set_absent(false);
    let unknown = registry
        .run(act(ActionType::Transfer, 1, vec![77], Amount::Whole))
        .await;
    assert!(
        matches!(unknown, Err(ExecuteError::Refused(_))),
        "{unknown:?}"
    );
}
