//! What `registry doctor` finds wrong, and that it finds nothing else.

use chrono::{TimeDelta, Utc};
use projections::postgres::connect;
use projections::schema::drop_tables;
use registry::clock::Clock;
use registry::config::{Config, Hazard, Secret};
use registry::doctor::{Finding, Grade, examine};
use schemas::log::StreamName;
use tests::{Clusters, Registry, World, event, eventually};

/// Said of the servers of tests, which hurry and keep nothing.
const OF_TEST_SERVERS: [&str; 3] = ["fsync", "full_page_writes", "synchronous_commit"];

async fn everything_found_by(config: &Config, clock: &Clock) -> Vec<Finding> {
    let mut config = config.clone();
    // Passwords of tests are hashed cheaply.
    config.allow_unsafe = vec![Hazard::CheapPasswords];
    examine(&config, clock).await
}

/// The problems.
async fn found_by(config: &Config, clock: &Clock) -> Vec<Finding> {
    let mut found = everything_found_by(config, clock).await;
    let is_of_tests = |says: &str| {
        OF_TEST_SERVERS
            .iter()
            .any(|setting| says.starts_with(setting))
    };
    found.retain(|finding| finding.grade == Grade::Problem && !is_of_tests(&finding.says));
    found
}

/// The problems, of which there is one about each of these, and none about anything else.
async fn problems(config: &Config, abouts: &[&str]) -> Vec<Finding> {
    let found = found_by(config, &Clock::default()).await;
    let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
    let about: Vec<_> = found.iter().map(|finding| finding.about).collect();
    assert_eq!(about, abouts, "{shown:#?}");
    found
}

async fn problem(config: &Config, about: &str, says: &str, advice: &str) {
    let found = problems(config, &[about]).await;
    assert!(found[0].says.contains(says), "{}", found[0]);
    assert!(found[0].advice.contains(advice), "{}", found[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_runs_has_no_problem_and_each_thing_that_is_wrong_is_one() {
    let world = World::start().await;
    world.registry.caught_up().await;
    let well = world.registry.config.clone();
    problems(&well, &[]).await;

    let mut config = well.clone();
    config.database.write.port = 1;
    problem(
        &config,
        "database write",
        "127.0.0.1:1",
        "database.write.host",
    )
    .await;

    let mut config = well.clone();
    config.auth.master_secret = Secret::new("0123456789abcdef0123456789abcdef");
    problem(
        &config,
        "keys",
        "auth.master_secret is not the one",
        "put back",
    )
    .await;

    let mut config = well.clone();
    config.auth.master_secret = Secret::default();
    let found = problems(&config, &["configuration"]).await;
    assert!(found[0].says.contains("openssl"), "{}", found[0]);

    let mut config = well.clone();
    config.event_store.people_keys = Some("none.db".into());
    let found = problems(&config, &["keys"]).await;
    assert!(found[0].says.contains("Restore the file"), "{}", found[0]);

    let other = Registry::prepare(Clusters::shared().await).await;
    let mut config = well.clone();
    config.event_store.people_keys = Some(other.config.data_dir.join("people.db"));
    let found = problems(&config, &["keys"]).await;
    assert!(found[0].says.contains("has the id"), "{}", found[0]);

    let key = well.exchange.key_file(&well.data_dir);
    let kept = std::fs::read(&key).unwrap();
    std::fs::write(&key, "no key").unwrap();
    problem(&well, "keys", "does not hold a signing key", "backup").await;
    std::fs::write(&key, kept).unwrap();

    let mut config = well.clone();
    config.data_dir = well.data_dir.join("nowhere");
    let found = found_by(&config, &Clock::default()).await;
    let about: Vec<_> = found.iter().map(|finding| finding.about).collect();
    assert_eq!(about, ["disk", "event store"]);

    let of_yesterday = Clock::from(|| Utc::now() - TimeDelta::days(1));
    let found = found_by(&well, &of_yesterday).await;
    for about in ["event store", "database write", "database read"] {
        let clock = found.iter().find(|finding| finding.about == about);
        let clock = clock.unwrap_or_else(|| panic!("{about}: {found:#?}"));
        assert!(clock.advice.contains("NTP"), "{clock}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_that_nobody_fills_or_that_are_of_another_log_are_problems() {
    let mut world = World::start().await;
    world.registry.caught_up().await;
    world.registry.down().await;
    let config = world.registry.config.clone();
    let both = ["database write", "database read"];
    eventually("the locks of the projectors are free", || async {
        let found = found_by(&config, &Clock::default()).await;
        let idle = |finding: &&Finding| finding.says.contains("no projector is at work");
        (found
            .iter()
            .filter(idle)
            .map(|finding| finding.about)
            .eq(both))
        .then_some(())
    })
    .await;
    problems(&config, &both).await;

    let mut other = Registry::prepare(Clusters::shared().await).await;
    other.up().await;
    other.down().await;
    let mut mixed = config.clone();
    mixed.data_dir.clone_from(&other.config.data_dir);
    let found = found_by(&mixed, &Clock::default()).await;
    for about in both {
        let is_other =
            |finding: &&Finding| finding.about == about && finding.says.contains("another log");
        assert!(found.iter().any(|finding| is_other(&finding)), "{found:#?}");
    }

    for connection in [&config.database.write, &config.database.read] {
        drop_tables(connection).await.unwrap();
    }
    let found = found_by(&config, &Clock::default()).await;
    for about in both {
        let finding = found.iter().find(|finding| finding.about == about).unwrap();
        assert!(finding.says.contains("registry migrate"), "{finding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_another_release_and_a_projector_that_hangs_are_found() {
    let mut registry = Registry::start().await;
    registry.caught_up().await;
    registry.down().await;
    let config = registry.config.clone();
    let read = connect(&config.database.read).await.unwrap();
    let about_read = async |clock: &Clock| {
        let found = everything_found_by(&config, clock).await;
        let about_it = found
            .into_iter()
            .filter(|finding| finding.about == "database read");
        about_it
            .map(|finding| finding.to_string())
            .collect::<Vec<_>>()
            .join("\n")
    };
    let newer = "INSERT INTO registry.refinery_schema_history (version, name, applied_on, checksum)
                 SELECT max(version) + 2, 'later', '', '' FROM registry.refinery_schema_history";
    read.batch_execute(newer).await.unwrap();
    let found = about_read(&Clock::default()).await;
    assert!(
        found.contains("a later release has migrated its tables"),
        "{found}"
    );
    let older = "DELETE FROM registry.refinery_schema_history
                 WHERE version IN (SELECT version FROM registry.refinery_schema_history ORDER BY version DESC LIMIT 3)";
    read.batch_execute(older).await.unwrap();
    let found = about_read(&Clock::default()).await;
    assert!(
        found.contains("2 migrations of this release were not run"),
        "{found}"
    );

    // It holds its lock and does nothing.
    let lock = "SELECT pg_advisory_lock(hashtextextended('projector:registry', 0))";
    read.query_one(lock, &[]).await.unwrap();
    let audit = StreamName::audit(&config.domain).unwrap();
    let store = config.event_store_location().unwrap().open().await.unwrap();
    let head = store.head(&audit).await.unwrap().position;
    store
        .append(&audit, head, vec![event("Unknown", 1, b"{}".to_vec())])
        .await
        .unwrap();
    store.close().await;
    let later = Clock::from(|| Utc::now() + TimeDelta::seconds(120));
    let found = about_read(&later).await;
    assert!(found.contains("1 events of audit-gb wait"), "{found}");
    assert!(!found.contains("no projector"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_of_which_nothing_is_stored_is_a_warning() {
    let registry = Registry::start().await;
    let mut config = registry.config.clone();
    "fr".clone_into(&mut config.domain);
    let found = everything_found_by(&config, &Clock::default()).await;
    let store = found
        .iter()
        .find(|finding| finding.about == "event store")
        .unwrap();
    assert_eq!(store.grade, Grade::Warning, "{store}");
    assert!(store.advice.contains("user create"), "{store}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_changes_nothing() {
    let mut registry = Registry::start().await;
    registry.caught_up().await;
    registry.down().await;
    let files = || {
        let mut found: Vec<_> = std::fs::read_dir(&registry.config.data_dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect();
        found.sort();
        found
    };
    let before = files();
    found_by(&registry.config, &Clock::default()).await;
    let names = |files: &[(std::path::PathBuf, Vec<u8>)]| {
        let names = files.iter().map(|(path, _)| path.display().to_string());
        // What SQLite shares among readers is made by whoever reads.
        names
            .filter(|name| !name.ends_with("-shm") && !name.ends_with("-wal"))
            .collect::<Vec<_>>()
    };
    let after = files();
    assert_eq!(names(&after), names(&before));
    for (path, bytes) in &before {
        let now = after.iter().find(|(other, _)| other == path);
        assert!(
            now.is_none_or(|(_, now)| now == bytes),
            "{}",
            path.display()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_could_not_be_looked_at_are_a_warning() {
    let mut registry = Registry::start().await;
    registry.down().await;
    let mut config = registry.config.clone();
    config.database.read.port = 1;
    let found = everything_found_by(&config, &Clock::default()).await;
    let about_keys: Vec<_> = found.iter().filter(|one| one.about == "keys").collect();
    assert_eq!(about_keys.len(), 1, "{found:#?}");
    assert_eq!(about_keys[0].grade, Grade::Warning);
    let says = "the keys that sign access tokens were not looked at";
    assert!(about_keys[0].says.contains(says), "{}", about_keys[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_event_that_is_not_understood_is_a_problem() {
    let mut registry = Registry::start().await;
    registry.caught_up().await;
    registry.down().await;
    let config = &registry.config;
    let audit = StreamName::audit(&config.domain).unwrap();
    let store = config.event_store_location().unwrap().open().await.unwrap();
    let head = store.head(&audit).await.unwrap().position;
    let mut last = event("Unknown", 1, b"{}".to_vec());
    last.metadata = b"{}".to_vec();
    store.append(&audit, head, vec![last]).await.unwrap();
    store.close().await;
    let found = found_by(config, &Clock::default()).await;
    let of_store: Vec<_> = found
        .iter()
        .filter(|one| one.about == "event store")
        .collect();
    assert_eq!(of_store.len(), 1, "{found:#?}");
    assert!(of_store[0].says.contains("recorded_at"), "{}", of_store[0]);
}
