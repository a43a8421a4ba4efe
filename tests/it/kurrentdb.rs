//! A registry whose events are on a KurrentDB server: the one that `GCR_TEST_KURRENTDB` names, else the double.

use crate::double::{Authority, Double, ReadFault, Security, elsewhere};
use clap::Parser;
use projections::Target;
use projections::rebuild::{CHUNK_ROWS, rebuild};
use registry::backup::{Until, restore, take};
use registry::cli::Cli;
use registry::config::{Config, StoreUrl};
use registry::system::{Projectors, System, SystemError};
use serde_json::json;
use tests::{Clusters, PASSWORD, Registry, World, email, eventually};
use uuid::Uuid;

/// Where the events go, and the double if there is no server.
async fn server() -> (String, Option<Double>) {
    match elsewhere::named() {
        Some(url) => {
            elsewhere::reach(&url).await.unwrap();
            (url, None)
        }
        None => {
            let double = Double::start().await;
            (double.url(), Some(double))
        }
    }
}

/// A registry with a domain that nobody has used on that server.
async fn world(url: &str) -> World {
    let domain = format!("walk-{}", &Uuid::now_v7().simple().to_string()[..24]);
    let clusters = Clusters::shared().await;
    let mut registry = Registry::prepare_on(clusters, &domain, Some(StoreUrl::new(url))).await;
    registry.up().await;
    World::on(registry).await
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_issued_moved_and_cancelled_on_a_server_and_survive_a_restart() {
    let (url, _double) = server().await;
    let mut world = world(&url).await;
    let [kept, moved, cancelled] = world.issue([100, 200, 300]).await;
    world
        .trader
        .transfer(world.s, world.t, &[moved])
        .await
        .expect(202);
    world
        .trader
        .cancel(world.s, &[cancelled], "Somebody")
        .await
        .expect(202);
    // One of two who want the same bundle gets it.
    let wanted = [kept];
    let (one, other) = tokio::join!(
        world.trader.transfer(world.s, world.t, &wanted),
        world.producer.cancel(world.s, &wanted, "Somebody"),
    );
    let answers = [one.status, other.status];
    let accepted = answers.iter().filter(|status| **status == 202).count();
    assert_eq!(accepted, 1, "{answers:?}");
    world.registry.audit().await;

    world.registry.down().await;
    world.registry.up().await;
    let [next] = world.issue([400]).await;
    let body = json!({"source_id": world.s, "granular_certificate_bundle_ids": [next],
                      "beneficiary": "Somebody else"});
    world
        .trader
        .post("/certificate/cancel/", body)
        .await
        .expect(202);
    world.registry.audit().await;
    for (target, database) in [
        (Target::Write, &world.registry.config.database.write),
        (Target::Read, &world.registry.config.database.read),
    ] {
        let store = world.registry.events().await;
        let domain = &world.registry.config.domain;
        rebuild(target, database, &store, domain, CHUNK_ROWS, |_| ())
            .await
            .unwrap();
    }
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_away_commands_are_refused_and_afterwards_they_are_taken() {
    // A server that others use is not ours to stop.
    let mut double = Double::start().await;
    let mut world = world(&double.url()).await;
    let [first] = world.issue([100]).await;
    double.down().await;
    let refused = world.trader.transfer(world.s, world.t, &[first]).await;
    assert_eq!(refused.status, 503);
    double.up().await;
    world
        .trader
        .transfer(world.s, world.t, &[first])
        .await
        .expect(202);
    world.registry.audit().await;
    world.registry.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_starts_before_its_server_answers_503_until_that_is_there() {
    let mut double = Double::start().await;
    let mut world = world(&double.url()).await;
    let [first] = world.issue([100]).await;
    world.registry.down().await;
    double.down().await;
    world.registry.up().await;
    let anonymous = world.registry.anonymous();
    let ready = anonymous.get("/readyz").await.expect(503);
    assert_eq!(ready["event_store"]["ready"], false);
    anonymous.get("/healthz").await.expect(200);
    // READ is there, but whether it shows all that was revoked is not known.
    let shown = world.trader.get(&format!("/certificate/{first}")).await;
    assert_eq!(shown.status, 503, "{shown}");
    let refused = world.trader.transfer(world.s, world.t, &[first]).await;
    assert_eq!(refused.status, 503, "{refused}");
    double.up().await;
    eventually("it is ready", || async {
        (anonymous.get("/readyz").await.status == 200).then_some(())
    })
    .await;
    // What decides has still to read up.
    eventually("commands are taken", || async {
        let moved = world.trader.transfer(world.s, world.t, &[first]).await;
        assert!([202, 503].contains(&moved.status), "{moved}");
        (moved.status == 202).then_some(())
    })
    .await;
    world.registry.audit().await;
    world.registry.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_with_credentials_that_its_server_does_not_know_does_not_start() {
    let double = Double::start().await;
    let domain = format!("walk-{}", &Uuid::now_v7().simple().to_string()[..24]);
    let url = StoreUrl::new(double.url());
    let registry = Registry::prepare_on(Clusters::shared().await, &domain, Some(url)).await;
    double.fail_reads([ReadFault::Denied; 100]);
    let ended = ended(&registry.config).await;
    assert!(matches!(ended, SystemError::Store(_)), "{ended}");
}

/// Why a registry can not run as it is configured. Where that takes it longer to find out than a start may wait, it ends
/// after its start.
async fn ended(config: &Config) -> SystemError {
    match System::start(config, Projectors::Elsewhere).await {
        Err(refused) => refused,
        Ok(mut system) => system.ended().await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_starts_on_a_server_with_tls_only_with_its_authority_and_the_right_password() {
    let (authority, other) = (Authority::new(), Authority::new());
    let security = Security::new(&authority, "127.0.0.1", "registry", "right");
    let double = Double::secured(security).await;
    let url = |password: &str, authority: &Authority| {
        let (address, file) = (double.address, authority.file());
        format!(
            "esdb://registry:{password}@{address}?tlsCaFile={}",
            file.display()
        )
    };
    let mut world = world(&url("right", &authority)).await;
    let [first] = world.issue([100]).await;
    let moved = world.trader.transfer(world.s, world.t, &[first]).await;
    moved.expect(202);
    world.registry.audit().await;
    world.registry.down().await;
    for (wrong, is_named) in [
        (url("wrong", &authority), "password"),
        (url("right", &other), "tlsCaFile"),
    ] {
        world.registry.config.event_store.url = StoreUrl::new(wrong);
        let refused = ended(&world.registry.config).await;
        assert!(matches!(refused, SystemError::Store(_)), "{refused}");
        assert!(refused.to_string().contains(is_named), "{refused}");
    }
    std::fs::remove_file(other.file()).unwrap();
    let refused = world.registry.config.check_production().unwrap_err();
    assert!(refused.to_string().contains("tlsCaFile"), "{refused}");
}

/// `registry log copy`, as somebody types it.
async fn copy(domain: &str, from: &str, to: &str) {
    let domain = format!("domain={domain}");
    let line = [
        "registry", "--set", &domain, "log", "copy", "--from", from, "--to", to,
    ];
    let command = Cli::try_parse_from(line).unwrap();
    command.run().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_moves_from_a_file_to_a_server_and_back_and_goes_on() {
    let (server, _double) = server().await;
    let domain = format!("move-{}", &Uuid::now_v7().simple().to_string()[..24]);
    let mut registry = Registry::prepare_as(Clusters::shared().await, &domain).await;
    let folder = registry.config.data_dir.clone();
    let file = |name: &str| format!("sqlite:{}", folder.join(name).display());
    registry.up().await;
    let mut world = World::on(registry).await;
    let [first] = world.issue([100]).await;
    for (from, to) in [
        (file("events.db"), server.clone()),
        (server, file("back.db")),
    ] {
        world.registry.caught_up().await;
        world.registry.down().await;
        copy(&domain, &from, &to).await;
        // Broken off or not, a second time does nothing.
        copy(&domain, &from, &to).await;
        world.registry.config.event_store.url = StoreUrl::new(to);
        world.registry.up().await;
        world.issue([200]).await;
        world.registry.audit().await;
    }
    world
        .trader
        .cancel(world.s, &[first], "Somebody")
        .await
        .expect(202);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_from_a_server_is_restored_to_a_file_and_to_another_server() {
    let (here, there) = (Double::start().await, Double::start().await);
    let world = world(&here.url()).await;
    let [bundle] = world.issue([100]).await;
    let cancelled = world.trader.cancel(world.s, &[bundle], "Somebody").await;
    cancelled.expect(202);
    let folder = tempfile::tempdir().unwrap();
    let (from, domain) = (folder.path(), &world.registry.config.domain);
    let taken = take(&world.registry.config, from, from, |_, _| ()).await;
    let manifest = taken.unwrap_or_else(|error| panic!("no backup: {error}"));
    for (index, url) in ["sqlite:events.db".to_owned(), there.url()]
        .into_iter()
        .enumerate()
    {
        let mut other = Registry::prepare_as(Clusters::shared().await, domain).await;
        other.config.data_dir = from.join(format!("machine {index}"));
        other.config.event_store.url = StoreUrl::new(url);
        let restored = restore(&other.config, from, from, Until::End, |_, _| ()).await;
        let restored = restored.unwrap_or_else(|error| panic!("not restored: {error}"));
        for ((stream, head), ending) in restored.streams.iter().zip(&manifest.streams) {
            assert_eq!((stream, head.hash), (&ending.stream, ending.hash));
        }
        other.up().await;
        other.audit().await;
        let trader = other
            .anonymous()
            .signed_in(&email("trader"), PASSWORD)
            .await;
        let shown = trader.bundle(bundle).await;
        assert_eq!(shown["certificate_bundle_status"], "Cancelled");
    }
}
