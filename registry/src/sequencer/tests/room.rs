//! Commands whose events do not fit into an append, or would not later.

use super::write_double::WriteDouble;
use super::{act, foundation, request, submit};
use crate::clock::Clock;
use crate::sequencer::{ExecuteError, Receipt, Sequencer, Settings, Time};
use crate::wrapped::{Narrow, Wrapped};
use event_store::person::PersonKeys;
use event_store::{EventStore, Limits, SealedStore, SqliteStore};
use futures_util::future::join_all;
use ledger::command::Amount;
use ledger::{Command, Policy, Stream};
use schemas::event::identity::UserProfile;
use schemas::life_cycle::{ActionType, Role};
use std::sync::Arc;

/// Bytes of a name with which an event exceeds the limit once it is sealed, and not before.
const LONG: usize = 500;

struct Decided {
    sequencer: Sequencer,
    _folder: tempfile::TempDir,
}

impl Decided {
    fn new(stream: Stream, event_bytes: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits {
            event_bytes,
            append_bytes: 5 * event_bytes,
            append_events: 1_000,
        };
        let store = Arc::new(SqliteStore::open(&folder.path().join("events.db")).unwrap());
        let keys = PersonKeys::open(&folder.path().join("people.db")).unwrap();
        let narrow = Arc::new(Wrapped(Narrow { store, limits }));
        let store: Arc<dyn EventStore> = Arc::new(SealedStore::new(narrow, keys, None));
        let stream_name = stream.name("test").unwrap();
        let sequencer = Sequencer::start(Settings {
            stream,
            stream_name: stream_name.clone(),
            store: Arc::clone(&store),
            source: WriteDouble::new(store, stream_name),
            policy: Policy::default(),
            cache_entries: 1_000,
            time: Time::new(Clock::default()),
            is_alone: false,
        });
        Self {
            sequencer,
            _folder: folder,
        }
    }

    async fn run(&self, command: Command) -> Result<Receipt, ExecuteError> {
        self.sequencer.execute(request(command)).await
    }

    async fn register(&self, number: usize, name: usize) -> Result<Receipt, ExecuteError> {
        let register = Command::RegisterUser(UserProfile {
            name: "x".repeat(name),
            email: format!("{number}@example.org"),
            role: Role::Trading,
            organisation: None,
            password_hash: None,
        });
        self.run(register).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_too_large_once_it_is_sealed_is_refused_and_no_other() {
    let people = Decided::new(Stream::Identity, 1_000);
    let names = [10, LONG, 10, LONG, 10];
    let asked = names.iter().enumerate();
    let done = join_all(asked.map(|(number, name)| people.register(number, *name))).await;
    for (name, done) in names.iter().zip(done) {
        match done {
            Ok(_) => assert_ne!(*name, LONG),
            Err(refused) => {
                assert_eq!(*name, LONG, "{refused}");
                assert!(refused.to_string().contains("list_too_long"), "{refused}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_fit_into_an_append_until_they_are_sealed_are_shared_out_to_several() {
    let people = Decided::new(Stream::Identity, 1_000);
    let done = join_all((0..100).map(|number| people.register(number, 10))).await;
    for done in done {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_whose_confirmation_would_not_fit_is_not_made() {
    let decided = Decided::new(Stream::Ledger, 8_000);
    for command in foundation() {
        decided.run(command).await.unwrap();
    }
    for day in 0..4 {
        let submitted = decided.run(submit(1, 24 * day, &[1_000; 5])).await;
        submitted.unwrap();
    }
    let offer = |bundles| {
        let Command::ActOnBundles(mut offer) = act(ActionType::Export, 1, bundles, Amount::Whole)
        else {
            unreachable!()
        };
        offer.receiving_registry = Some("fr".into());
        Command::ActOnBundles(offer)
    };
    let refused = decided.run(offer((1..=20).collect())).await.unwrap_err();
    assert!(refused.to_string().contains("list_too_long"), "{refused}");
    decided.run(offer(vec![1, 2])).await.unwrap();
}
