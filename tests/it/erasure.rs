//! A person is erased: their key is destroyed, nothing personal is left, and the log still verifies and rebuilds.

mod address;
mod killed;

use event_store::person::PersonKeys;
use event_store::{EventStore, NewEvent};
use ledger::Command;
use projections::Target;
use projections::postgres::{Connection, connect};
use projections::rebuild::{CHUNK_ROWS, rebuild};
use registry::sequencer::{ExecuteError, Receipt, Request};
use registry::system::{Core, Projectors};
use schemas::event::IdentityEvent;
use schemas::event::identity::{UserChanges, UserErased, UserProfile, UserRegistered, UserUpdated};
use schemas::event::link::ExternalIdentity;
use schemas::id::UserId;
use schemas::log::{Position, StreamName};
use schemas::person::{erased_email, erased_name};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tests::{Actor, Answer, Clusters, PASSWORD, Registry, World, eventually};

const NAME: &str = "Wilhelmina Unmistakable";
const RENAMED: &str = "Wilhelmina Changed-Unmistakably";
const EMAIL: &str = "wilhelmina@unmistakable.example";
const MOVED: &str = "wilhelmina@moved-unmistakably.example";
const OFFICE: &str = "Unmistakable Energy";
const PROGRAM: &str = "unmistakable-browser/1.0";
const KEY_NAME: &str = "unmistakable laptop";
const SUBJECT: &str = "unmistakable-subject";
const ADDRESS: &str = "198.51.100.177";
const ISSUER: &str = "https://login.example";
/// All that was ever said of her.
const CANARIES: [&str; 9] = [
    NAME, RENAMED, EMAIL, MOVED, OFFICE, PROGRAM, KEY_NAME, SUBJECT, ADDRESS,
];

/// Whether the text is in any file under the folder, other than those of configuration.
fn is_in_files(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_in_files(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap();
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    })
}

async fn register(world: &World) -> Actor {
    register_at(world, EMAIL).await
}

async fn register_at(world: &World, email: &str) -> Actor {
    let created = world.admin.create_user(NAME, email, 3, PASSWORD).await;
    created.expect(200);
    let anonymous = world.registry.anonymous().with("user-agent", PROGRAM);
    let anonymous = anonymous.with("x-forwarded-for", ADDRESS);
    anonymous.signed_in(email, PASSWORD).await
}

/// Registers her and has everything said of her that can be.
async fn known(world: &World) -> (Actor, Answer) {
    let person = register(world).await;
    let path = format!("/user/update/{}", person.id);
    let changes = json!({"name": RENAMED, "email": MOVED, "organisation": OFFICE, "current_password": PASSWORD});
    person.patch(&path, changes).await.expect(200);
    let expires_at = chrono::Utc::now() + chrono::TimeDelta::days(1);
    let key = json!({"name": KEY_NAME, "capabilities": ["read"], "expires_at": expires_at});
    let key = person.post("/api_keys", key).await;
    link(world, person.id).await.unwrap();
    let members = [world.producer.id, world.trader.id, person.id];
    let path = format!("/account/update/{}", world.s);
    let members = json!({"user_ids": members});
    world.producer.patch(&path, members).await.expect(200);
    (person, key)
}

async fn erase(world: &World, id: i64) -> Answer {
    world.admin.post_nothing(&format!("/user/erase/{id}")).await
}

/// Links a user to her subject, as signing in elsewhere would.
async fn link(world: &World, user_id: i64) -> Result<Receipt, ExecuteError> {
    let link = ledger::command::Link {
        user_id: UserId(user_id),
        identity: ExternalIdentity {
            issuer: ISSUER.to_owned(),
            subject: SUBJECT.to_owned(),
        },
    };
    let request = Request::of_system("test", Command::LinkIdentity(link));
    world.registry.core().sequencers().execute(request).await
}

/// A world in which it is known where everybody asks from.
async fn world_with_addresses() -> World {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    registry.config.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    registry.up().await;
    World::on(registry).await
}

/// The log as its files have it, and the stream of people.
async fn stored(world: &World) -> (Arc<dyn EventStore>, StreamName) {
    let config = &world.registry.config;
    let store = config.event_store_location().unwrap().open().await.unwrap();
    (store, StreamName::identity(&config.domain).unwrap())
}

/// Every text in every row of the READ database.
async fn said_by_read(world: &World) -> String {
    said_by(&world.registry.config.database.read).await
}

async fn said_by(database: &Connection) -> String {
    let client = connect(database).await.unwrap();
    let tables = client
        .query(
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'registry'
             AND table_type = 'BASE TABLE'",
            &[],
        )
        .await
        .unwrap();
    assert!(tables.len() > 15, "{} tables", tables.len());
    let mut said = String::new();
    for table in tables {
        let table: String = table.get(0);
        let question =
            format!("SELECT coalesce(string_agg(t::text, '|'), '') FROM registry.{table} t");
        let row = client.query_one(&question, &[]).await.unwrap();
        said += row.get::<_, &str>(0);
    }
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_never_in_the_files_of_the_log_and_is_forgotten_once_they_are_erased() {
    let mut world = world_with_addresses().await;
    let (person, key) = known(&world).await;
    // Refused for what she is known to be, and an accepted command without a person's name.
    let refused = person.post_nothing("/user/erase/1").await;
    refused.refused(403, "capability_required");
    let key = key.expect(201)["key"].as_str().unwrap().to_owned();
    // Shows all that is in the audit stream.
    world.admin.get("/audit").await.expect(200);
    world.registry.caught_up().await;
    let before = said_by_read(&world).await;
    for text in [RENAMED, MOVED, OFFICE, PROGRAM, KEY_NAME, SUBJECT, ADDRESS] {
        assert!(before.contains(text), "{text} is not known");
    }
    let folder = world.registry.config.data_dir.clone();
    for text in CANARIES {
        assert!(!is_in_files(&folder, text), "{text} is in a file");
    }

    let left = erase(&world, person.id).await.expect(200);
    let id = UserId(person.id);
    assert_eq!(left["name"], erased_name(id));
    assert_eq!(left["email"], erased_email(id));
    assert_eq!(left["organisation"], Value::Null);
    erase(&world, person.id).await.expect(200);

    // At once.
    person.get("/user/me").await.refused(401, "token_invalid");
    let machine = world.registry.anonymous().with_token(&key);
    machine
        .get("/account/list")
        .await
        .refused(401, "token_invalid");
    let anonymous = world.registry.anonymous();
    for email in [EMAIL, MOVED] {
        let refused = anonymous.login(email, PASSWORD).await;
        refused.refused(401, "login_failed");
    }
    // The audit trail names the id only.
    let entries = world.admin.get("/audit?operation=erase_user").await;
    let entries = entries.expect(200);
    assert_eq!(entries[0]["principal"], format!("user:{}", world.admin.id));
    let by_her = format!("/audit?user_id={}", person.id);
    let hers = world.admin.get(&by_her).await.expect(200);
    assert!(!hers.as_array().unwrap().is_empty());
    for entry in hers.as_array().unwrap() {
        assert_eq!(entry["address"], Value::Null, "{entry}");
    }
    // What she was a member of still names her id.
    let path = format!("/account/{}/users", world.s);
    let members = world.admin.get(&path).await.expect(200);
    let shown = members.as_array().unwrap().iter();
    let shown: Vec<_> = shown.filter(|one| one["id"] == person.id).collect();
    assert_eq!(shown.len(), 1, "{members}");
    assert_eq!(shown[0]["name"], erased_name(id));

    world.registry.caught_up().await;
    for database in [
        &world.registry.config.database.read,
        &world.registry.config.database.write,
    ] {
        let after = said_by(database).await;
        for text in CANARIES {
            assert!(!after.contains(text), "{text} is in {}", database.dbname);
        }
    }
    // The live databases are what the log without the key makes, and a rebuild makes the same.
    world.registry.audit().await;
    let store = world.registry.events().await;
    let domain = &world.registry.config.domain;
    for (target, database) in [
        (Target::Write, &world.registry.config.database.write),
        (Target::Read, &world.registry.config.database.read),
    ] {
        rebuild(target, database, &store, domain, CHUNK_ROWS, |_| {})
            .await
            .unwrap();
    }
    store.close().await;
    world.registry.audit().await;
    let rebuilt = said_by_read(&world).await;
    for text in CANARIES {
        assert!(!rebuilt.contains(text), "{text} came back");
    }

    // After a restart too somebody else can have the addresses and the identity.
    world.registry.down().await;
    world.registry.up().await;
    let admin = world.registry.admin().await;
    for (name, email) in [("another", EMAIL), ("third", MOVED)] {
        let created = admin.create_user(name, email, 1, PASSWORD).await;
        created.expect(200);
    }
    link(&world, world.trader.id).await.unwrap();
    world.registry.audit().await;
    world.registry.down().await;
    for text in [NAME, RENAMED, OFFICE, PROGRAM, KEY_NAME] {
        assert!(!is_in_files(&folder, text), "{text} is in a file");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_was_removed_before_is_erased_and_leaves_their_address_to_who_has_it_now() {
    let world = World::start().await;
    let person = register(&world).await;
    let remove = format!("/user/delete/{}", person.id);
    world.admin.delete(&remove).await.expect(200);
    let next = register(&world).await;
    assert_ne!(next.id, person.id);
    erase(&world, person.id).await.expect(200);
    let taken = world.admin.create_user("x", EMAIL, 1, PASSWORD).await;
    taken.refused(422, "email_taken");
    next.get("/user/me").await.expect(200);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_administrator_stays_one_and_the_last_member_of_an_account_is_not_erased() {
    let world = World::start().await;
    let person = register(&world).await;
    let alone = person.open_account("Alone", &[]).await;
    let refused = erase(&world, person.id).await;
    refused.refused(409, "user_last_member");
    let path = format!("/account/update/{}", world.x);
    let with_other = json!({"user_ids": [world.admin.id, world.auditor.id]});
    world.admin.patch(&path, with_other).await.expect(200);
    let (role, delete) = (
        format!("/user/change_role/{}?role=3", world.admin.id),
        format!("/user/delete/{}", world.admin.id),
    );
    for refused in [
        erase(&world, world.admin.id).await,
        world.admin.delete(&delete).await,
        world.admin.post_nothing(&role).await,
    ] {
        refused.refused(409, "last_administrator");
    }
    let refused = world.trader.post_nothing("/user/erase/1").await;
    refused.refused(403, "capability_required");
    erase(&world, 9_999).await.refused(404, "user_not_found");
    person.get(&format!("/account/{alone}")).await.expect(200);
}

fn erasure(user_id: i64) -> NewEvent {
    let erased = IdentityEvent::from(UserErased {
        user_id: UserId(user_id),
    });
    tests::event(erased.event_type(), erased.version(), erased.encode())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_between_the_event_and_the_key_is_made_up_for_by_the_next_start() {
    let mut world = World::start().await;
    let person = register(&world).await;
    world.registry.caught_up().await;
    world.registry.down().await;
    // What such a process leaves behind: the event, and the key.
    let config = &world.registry.config;
    let (plain, stream) = stored(&world).await;
    let head = plain.head(&stream).await.unwrap().position;
    let event = vec![erasure(person.id)];
    plain.append(&stream, head, event).await.unwrap();
    plain.close().await;
    let keys = config.people_keys().unwrap().path;
    let before = std::fs::read(&keys).unwrap();

    world.registry.up().await;
    assert_ne!(std::fs::read(&keys).unwrap(), before);
    world.registry.caught_up().await;
    let said = said_by_read(&world).await;
    for text in [NAME, EMAIL, PROGRAM] {
        assert!(!said.contains(text), "{text}");
    }
    person.get("/user/me").await.refused(401, "token_invalid");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_that_was_away_meanwhile_makes_of_the_rest_what_the_others_made() {
    let mut world = World::start().await;
    let person = register(&world).await;
    world.registry.caught_up().await;
    world.registry.down().await;
    // They see what follows only once her key is gone: that her address is another's.
    let (plain, stream) = stored(&world).await;
    let keys = world.registry.config.people_keys().unwrap();
    let store = keys.seal(plain, &stream).await.unwrap();
    let append = async |events: Vec<IdentityEvent>| {
        let head = store.head(&stream).await.unwrap().position;
        let events = events
            .iter()
            .map(|event| tests::event(event.event_type(), event.version(), event.encode()));
        store.append(&stream, head, events.collect()).await.unwrap();
    };
    let user_id = UserId(person.id);
    append(vec![
        UserUpdated {
            user_id,
            previous_email: ledger::key::name_digest(EMAIL),
            changes: UserChanges {
                email: Some(MOVED.into()),
                ..UserChanges::default()
            },
        }
        .into(),
        UserRegistered {
            user_id: user_id.plus(1),
            profile: UserProfile {
                name: "next".into(),
                email: EMAIL.into(),
                role: schemas::life_cycle::Role::Trading,
                organisation: None,
                password_hash: None,
            },
        }
        .into(),
        UserErased { user_id }.into(),
    ])
    .await;
    store.close().await;
    world.registry.up().await;
    world.registry.caught_up().await;
    let admin = world.registry.admin().await;
    let taken = admin.create_user("x", EMAIL, 1, PASSWORD).await;
    taken.refused(422, "email_taken");
    admin.create_user("y", MOVED, 1, PASSWORD).await.expect(200);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_log_is_read_with_the_same_keys_and_with_no_others() {
    let mut world = World::start().await;
    let person = register(&world).await;
    world.registry.caught_up().await;
    world.registry.down().await;
    let config = &world.registry.config;
    let (from, stream) = stored(&world).await;
    let there = tempfile::tempdir().unwrap();
    let copy = event_store::Location::Sqlite(there.path().join("events.db"));
    let to = copy.open().await.unwrap();
    event_store::copy::copy(from.as_ref(), to.as_ref(), &stream, |_| {})
        .await
        .unwrap();
    assert!(!is_in_files(there.path(), NAME));
    let place = event_store::KeyPlace::new(None, None, &copy, there.path());
    let refused = place.seal(Arc::clone(&to), &stream).await.err().unwrap();
    let refused = refused.to_string();
    let id = PersonKeys::open(&config.people_keys().unwrap().path).unwrap();
    assert!(refused.contains(&id.id().to_string()), "{refused}");
    std::fs::copy(config.people_keys().unwrap().path, &place.path).unwrap();
    let read = place.seal(to, &stream).await.unwrap();
    let events = read.read(&stream, Position::START, 100).await.unwrap();
    let says =
        |event: &event_store::RecordedEvent| String::from_utf8_lossy(&event.data).contains(NAME);
    assert!(events.iter().any(says));
    from.close().await;
    read.close().await;
    world.registry.up().await;
    person.get("/user/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_whose_keys_are_gone_does_not_start_and_says_what_is_missing() {
    let mut world = World::start().await;
    world.registry.down().await;
    let config = &world.registry.config;
    let keys = config.people_keys().unwrap().path;
    std::fs::rename(&keys, keys.with_extension("away")).unwrap();
    let refused = Core::start(config, Projectors::Here).await.err().unwrap();
    let refused = refused.to_string();
    assert!(refused.contains("people.db"), "{refused}");
    assert!(refused.contains("people_keys_lost"), "{refused}");
    std::fs::rename(keys.with_extension("away"), keys).unwrap();
    world.registry.up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_erases_a_person_beside_a_running_registry_and_without_one() {
    let mut world = World::start().await;
    let first = register(&world).await;
    let erase = async |world: &World, id: i64| {
        let core = Core::start(&world.registry.config, Projectors::Here).await;
        let core = core.unwrap();
        let erased = core.erase(UserId(id), "cli").await;
        core.shutdown().await;
        erased
    };
    erase(&world, first.id).await.unwrap();
    eventually("she can not ask any more", || async {
        let answer = first.alone().get("/user/me").await;
        (answer.status == 401).then_some(())
    })
    .await;
    let second = register_at(&world, MOVED).await;
    let path = format!("/account/update/{}", world.x);
    let with_other = json!({"user_ids": [world.admin.id, world.auditor.id]});
    world.admin.patch(&path, with_other).await.expect(200);
    world.registry.down().await;
    erase(&world, second.id).await.unwrap();
    let refused = erase(&world, world.admin.id).await.unwrap_err();
    assert!(refused.to_string().contains("administrate"), "{refused}");
    world.registry.up().await;
    second.get("/user/me").await.refused(401, "token_invalid");
    world.registry.audit().await;
}
