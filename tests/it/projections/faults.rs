//! Databases that are absent, killed, frozen, or older than they were.

use super::random::{Random, live, lived};
use super::rig::Rig;
use super::world;
use projections::Target;
use projections::postgres::{Connection, PoolError, Secret, ensure_database_within};
use projections::runner::Phase;
use registry::dev::postgres::Cluster;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tests::eventually;

const A_WHILE: Duration = Duration::from_secs(120);

fn cluster(rig: &mut Rig, target: Target) -> &mut Cluster {
    match target {
        Target::Write => &mut rig.clusters.write,
        Target::Read => &mut rig.clusters.read,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_databases_lose_nothing() {
    let mut rig = Rig::on_own_servers().await;
    let _running = rig.start_both();
    lived(&mut rig.history, 60, 40).await;
    let mut random = Random::new(61);
    for target in [Target::Read, Target::Write, Target::Read] {
        // In the middle of whatever it is doing.
        live(&mut rig.history, &mut random, 20).await;
        cluster(&mut rig, target).kill9().await;
        live(&mut rig.history, &mut random, 20).await;
        cluster(&mut rig, target).restart().await.unwrap();
        rig.audit().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_database_catches_up_and_does_not_hold_up_the_other() {
    let mut rig = Rig::on_own_servers().await;
    let _running = rig.start_both();
    lived(&mut rig.history, 62, 40).await;
    rig.caught_up().await;
    cluster(&mut rig, Target::Read).pause();
    live(&mut rig.history, &mut Random::new(63), 40).await;
    rig.caught_up_in(Target::Write).await;
    cluster(&mut rig, Target::Read).resume();
    rig.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_absent_at_start_is_waited_for() {
    let mut rig = Rig::on_own_servers().await;
    cluster(&mut rig, Target::Write).stop().await.unwrap();
    let running = rig.start_both();
    world::found(&mut rig.history, 2).await.unwrap();
    rig.caught_up_in(Target::Read).await;
    eventually("the projector says that it can not connect", || async {
        let progress = running[0].progress.borrow();
        (progress.phase == Phase::Connecting && progress.error.is_some()).then_some(())
    })
    .await;
    cluster(&mut rig, Target::Write).restart().await.unwrap();
    rig.audit().await;
    assert!(running[0].progress.borrow().error.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_makes_the_tables_waits_for_a_server_that_is_started_and_not_for_one_that_refuses() {
    let mut rig = Rig::on_own_servers().await;
    let connection = rig.connection(Target::Read).clone();
    cluster(&mut rig, Target::Read).stop().await.unwrap();
    let (tell, told) = tokio::sync::oneshot::channel();
    let waiting = {
        let connection = connection.clone();
        let tell = move |absence: &PoolError| tell.send(absence.to_string()).unwrap();
        tokio::spawn(async move { ensure_database_within(A_WHILE, &connection, tell).await })
    };
    let told = told.await.unwrap();
    let place = format!("{}:{}", connection.host, connection.port);
    assert!(told.contains(&place), "{told}");
    cluster(&mut rig, Target::Read).restart().await.unwrap();
    waiting.await.unwrap().unwrap();

    let refused = Connection {
        password: Secret::new("another"),
        ..connection.clone()
    };
    let told = |absence: &PoolError| panic!("it is waited for: {absence}");
    ensure_database_within(A_WHILE, &refused, told)
        .await
        .unwrap_err();
    cluster(&mut rig, Target::Read).stop().await.unwrap();
    let given_up = ensure_database_within(Duration::ZERO, &connection, |_| ()).await;
    assert!(given_up.unwrap_err().is_absence());
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_restored_from_an_old_backup_close_the_lag() {
    let mut rig = Rig::on_own_servers().await;
    let running = rig.start_both();
    lived(&mut rig.history, 64, 40).await;
    rig.caught_up().await;
    for target in Target::ALL {
        let data = cluster(&mut rig, target).data_dir().to_owned();
        let backup = data.with_extension("backup");
        cluster(&mut rig, target).stop().await.unwrap();
        copy(&data, &backup);
        cluster(&mut rig, target).restart().await.unwrap();
    }
    live(&mut rig.history, &mut Random::new(65), 60).await;
    rig.audit().await;
    for target in Target::ALL {
        let data = cluster(&mut rig, target).data_dir().to_owned();
        cluster(&mut rig, target).stop().await.unwrap();
        std::fs::remove_dir_all(&data).unwrap();
        std::fs::rename(data.with_extension("backup"), &data).unwrap();
        cluster(&mut rig, target).restart().await.unwrap();
    }
    // Without a new event: what was restored is behind, and nobody says so.
    rig.audit().await;
    live(&mut rig.history, &mut Random::new(66), 20).await;
    rig.audit().await;
    for target in running {
        assert!(!target.task.is_finished());
    }
}

/// Copies a folder with owners and modes: as root, the files are another user's.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.unwrap().success());
}
