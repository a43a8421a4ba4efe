//! Standing by: of several projectors of a database one works, and whatever becomes of it another takes over.

use super::random::{Random, live};
use super::rig::{Rig, Running};
use super::world;
use projections::runner::Phase;
use projections::{Target, schema};
use std::time::{Duration, Instant};
use tests::{Proxy, Way, eventually};

/// It takes four seconds where the machine does nothing else, and far less than the two hours after which an operating
/// system notices.
const TAKES_OVER: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn of_two_projectors_one_works_and_the_other_takes_over() {
    let mut rig = Rig::on_shared_servers().await;
    let first = rig.start_both();
    world::found(&mut rig.history, 2).await.unwrap();
    rig.caught_up().await;
    let second = rig.start_both();
    for standby in &second {
        is(Phase::Standby, standby).await;
    }
    let mut random = Random::new(3);
    live(&mut rig.history, &mut random, 20).await;
    drop(first);
    live(&mut rig.history, &mut random, 20).await;
    rig.audit().await;
    for active in &second {
        assert_eq!(active.progress.borrow().phase, Phase::Active);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_standby_takes_over_from_a_projector_whose_machine_is_gone_and_which_stands_by_when_it_is_back()
 {
    let mut rig = Rig::on_shared_servers().await;
    let (way, vanishing, standby) = two(&mut rig).await;
    // The connection stays, and nobody tells the server.
    way.set(Way::Silent);
    takes_over(&standby).await;
    comes_back(&mut rig, &way, &vanishing, &standby).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_standby_takes_over_from_a_projector_whose_machine_is_gone_in_the_middle_of_a_transaction()
 {
    let mut rig = Rig::on_shared_servers().await;
    let (way, vanishing, standby) = two(&mut rig).await;
    let connection = rig.connection(Target::Read);
    let client = schema::connect(connection, schema::LIVE).await.unwrap();
    // Within a transaction Postgres shows what others do as it was at the first look.
    let looking = schema::connect(connection, schema::LIVE).await.unwrap();
    client
        .batch_execute("BEGIN; LOCK TABLE issuance IN SHARE MODE")
        .await
        .unwrap();
    live(&mut rig.history, &mut Random::new(5), 40).await;
    eventually("the projector is about to copy rows", || async {
        let waiting =
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                           AND wait_event_type = 'Lock' AND query LIKE 'COPY issuance%')";
        let row = looking.query_one(waiting, &[]).await.unwrap();
        row.get::<_, bool>(0).then_some(())
    })
    .await;
    way.set(Way::Silent);
    // Now the server waits for rows that do not come, which no time limit of its own ends.
    client.batch_execute("ROLLBACK").await.unwrap();
    takes_over(&standby).await;
    comes_back(&mut rig, &way, &vanishing, &standby).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_does_not_wait_for_its_own_session_that_a_firewall_has_forgotten() {
    let mut rig = Rig::on_shared_servers().await;
    let way = Proxy::to(rig.connection(Target::Read).port).await;
    let alone = rig.start_through(Target::Read, &way);
    world::found(&mut rig.history, 2).await.unwrap();
    rig.caught_up_in(Target::Read).await;
    way.set(Way::Stale);
    is(Phase::Connecting, &alone).await;
    live(&mut rig.history, &mut Random::new(6), 20).await;
    takes_over(&alone).await;
    rig.caught_up_in(Target::Read).await;
    let _other = rig.start(Target::Write);
    rig.audit().await;
}

/// One at work, by a way that can fail, and one that stands by.
async fn two(rig: &mut Rig) -> (Proxy, Running, Running) {
    let way = Proxy::to(rig.connection(Target::Read).port).await;
    let active = rig.start_through(Target::Read, &way);
    world::found(&mut rig.history, 2).await.unwrap();
    rig.caught_up_in(Target::Read).await;
    let standby = rig.start(Target::Read);
    is(Phase::Standby, &standby).await;
    (way, active, standby)
}

async fn takes_over(standby: &Running) {
    let began = Instant::now();
    is(Phase::Active, standby).await;
    println!("it is at work after {:.1?}", began.elapsed());
    assert!(began.elapsed() < TAKES_OVER);
}

/// What was gone can reach the database again, finds that another is at work, and has done nothing of its own.
async fn comes_back(rig: &mut Rig, way: &Proxy, gone: &Running, active: &Running) {
    let mut random = Random::new(4);
    live(&mut rig.history, &mut random, 20).await;
    rig.caught_up_in(Target::Read).await;
    way.set(Way::Open);
    is(Phase::Standby, gone).await;
    live(&mut rig.history, &mut random, 20).await;
    let _other = rig.start(Target::Write);
    rig.audit().await;
    assert_eq!(active.progress.borrow().phase, Phase::Active);
    assert_eq!(gone.progress.borrow().phase, Phase::Standby);
}

async fn is(phase: Phase, running: &Running) {
    let what = format!("a projector is {phase:?}");
    eventually(&what, || async {
        (running.progress.borrow().phase == phase).then_some(())
    })
    .await;
}
