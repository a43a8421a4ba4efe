//! The fault suite: a registry as in production, all of it in processes of its own, to which one thing after another
//! happens under load.
//!
//! Two registries share one event store, each database has a projector and a server of its own, and each of them reaches
//! the others through a way that can fail. What may happen is a [`Fault`], and what people see meanwhile is said there,
//! by [`Fault::shows`]: the crowd that works on ([`crowd`]) takes no other answer. After each fault, once everybody has
//! got through, everybody rests and everything is audited: the invariants, and that each write that was acknowledged was
//! made once.
//!
//! The order is drawn: `make test.faults MINUTES=20 SEED=7`. What is here by itself is one pass over every kind, and one
//! over what happens to a server that has the events.

mod crowd;
mod draw;
mod fault;
#[cfg_attr(not(feature = "kurrentdb"), allow(dead_code))]
mod server;
mod shown;
mod stage;
mod told;
mod tools;
mod worker;

use draw::Draw;
use fault::Fault;
use stage::Stage;
use std::time::{Duration, Instant};
use tests::Program;

/// This module's test that is a program.
pub(super) const ENTRY: &str = "faults::suite::a_program_for_the_tests_beside";
/// How long, in minutes; one pass unless it is set.
const MINUTES: &str = "GCR_FAULTS_MINUTES";
/// Where chance begins.
const SEED: &str = "GCR_FAULTS_SEED";
/// Of the one pass.
const SEED_OF_ONE_PASS: u64 = 20;
/// After which one pass begins no further fault, on a machine so slow that it has not come through by then.
const ONE_PASS: Duration = Duration::from_secs(240);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is a process that another test starts and kills"]
async fn a_program_for_the_tests_beside() {
    Program::run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_under_load_each_acknowledged_write_is_made_once() {
    perform(Stage::set(None).await, Draw::new).await;
}

/// Two registries whose events are on a server.
#[cfg(feature = "kurrentdb")]
#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_server_of_events_does_under_load_each_acknowledged_write_is_made_once() {
    let server = server::Server::start().await;
    perform(Stage::set(Some(server)).await, Draw::of_server).await;
}

/// One fault after another, for so many minutes or one pass.
async fn perform(mut stage: Stage, draw: fn(u64, &Stage) -> Draw) {
    let minutes: Option<u64> = setting(MINUTES);
    let seed = setting(SEED).unwrap_or(SEED_OF_ONE_PASS);
    println!("{SEED}={seed}");
    let mut draw = draw(seed, &stage);
    let began = Instant::now();
    let until = minutes.map_or(ONE_PASS, |minutes| Duration::from_secs(60 * minutes));
    let mut steps = 0;
    while began.elapsed() < until {
        let Some(fault) = draw.next(minutes.is_some()) else {
            break;
        };
        steps += 1;
        let said = step(&mut stage, &fault, draw.pause()).await;
        println!("{:>5} s  {fault:?}: {said}", began.elapsed().as_secs());
    }
    let done = stage.end().await;
    println!("{steps} faults in {} s: {done}", began.elapsed().as_secs());
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")),
    )
}

/// One fault from beginning to end; says what was seen.
async fn step(stage: &mut Stage, fault: &Fault, pause: Duration) -> String {
    let crowd = stage.crowd();
    crowd.expects(fault);
    let failing = stage.apply(fault).await;
    crowd.sees(fault).await;
    tokio::time::sleep(pause).await;
    drop(failing);
    stage.heal(fault).await;
    let seen = stage.crowd().seen();
    let healed = Instant::now();
    stage.audited(fault.spares_the_trail()).await;
    format!(
        "{seen}; over and audited after {:.1} s",
        healed.elapsed().as_secs_f64()
    )
}
