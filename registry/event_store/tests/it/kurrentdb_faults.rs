//! What the KurrentDB adapter does when the network or the server fails.

use crate::conformance::{event, events, fresh_stream, read_all, soon};
use crate::double::{Double, Fault, ReadFault, Recorded};
use event_store::kurrentdb::{ATTEMPT_WITHIN, Address, LIMITS, READ_BYTES, limits};
use event_store::{AppendError, EventStore, Head, KurrentStore, NewEvent, StoreError};
use futures_util::StreamExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use schemas::log::{Position, StreamName};
use std::time::Duration;
use uuid::Uuid;

fn store(double: &Double) -> KurrentStore {
    KurrentStore::new(Address::parse(&double.url()).unwrap())
}

fn ids(events: &[NewEvent]) -> Vec<Uuid> {
    events.iter().map(|event| event.event_id).collect()
}

fn stored(double: &Double, stream: &StreamName) -> Vec<Uuid> {
    double.node.log.lock().unwrap().ids(stream.as_str())
}

/// Appends two batches, the second of which meets the faults, and looks for each event once.
async fn survives(faults: &[Fault], forgets: bool) {
    let (double, stream) = (Double::start().await, fresh_stream());
    double.node.log.lock().unwrap().forgets = forgets;
    let store = store(&double);
    let (first, second) = (events(3), events(4));
    let head = store
        .append(&stream, Position(0), first.clone())
        .await
        .unwrap();
    double.fail(faults.iter().copied());
    let head = soon(store.append(&stream, head.position, second.clone()))
        .await
        .unwrap();
    assert_eq!(head.position, Position(7), "{faults:?}");
    let last = soon(store.append(&stream, head.position, events(1)))
        .await
        .unwrap();
    assert_eq!(last.position, Position(8));
    assert_eq!(
        stored(&double, &stream)[..7],
        [ids(&first), ids(&second)].concat()
    );
    assert_eq!(read_all(&store, &stream).await[6].hash, head.hash);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_answer_is_lost_is_done_once() {
    use Fault::{LostApplied, LostAppliedLate, LostUnapplied, Unavailable};
    for forgets in [false, true] {
        survives(&[LostApplied], forgets).await;
        survives(&[LostUnapplied], forgets).await;
        survives(&[LostAppliedLate], forgets).await;
        survives(&[Unavailable], forgets).await;
        survives(
            &[LostUnapplied, Unavailable, LostAppliedLate, LostApplied],
            forgets,
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_lands_between_two_looks_is_done_and_no_conflict() {
    for forgets in [false, true] {
        survives(&[Fault::LostAppliedBehindRead], forgets).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_is_never_answered_is_found_on_the_server() {
    survives(&[Fault::Silent], false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_was_lost_before_somebody_elses_is_a_conflict() {
    let (double, stream) = (Double::start().await, fresh_stream());
    let (ours, theirs) = (store(&double), store(&double));
    let head = theirs
        .append(&stream, Position(0), events(2))
        .await
        .unwrap();
    // Ours is sent and lost; whether theirs comes before or after the second attempt decides it.
    double.fail([Fault::LostUnapplied]);
    let append = ours.append(&stream, Position(0), events(1));
    let error = soon(append).await.unwrap_err();
    assert!(
        matches!(error, AppendError::Conflict { actual, .. } if actual == head.position),
        "{error}"
    );
    assert_eq!(stored(&double, &stream).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_a_follower_is_led_to_the_leader() {
    let leader = Double::start().await;
    let follower = leader.follower().await;
    let (store, stream) = (store(&follower), fresh_stream());
    let given = events(5);
    let head = soon(store.append(&stream, Position(0), given.clone()))
        .await
        .unwrap();
    assert_eq!(head.position, Position(5));
    assert_eq!(stored(&leader, &stream), ids(&given));
    assert_eq!(*follower.node.appends.lock().unwrap(), 0);
    assert_eq!(read_all(&store, &stream).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_whose_leader_is_gone_is_asked_at_its_other_nodes() {
    let mut one = Double::start().await;
    let two = one.follower().await;
    let url = format!(
        "esdb://{},{}?tls=false&discoveryInterval=50",
        one.address, two.address
    );
    let (store, stream) = (
        KurrentStore::new(Address::parse(&url).unwrap()),
        fresh_stream(),
    );
    let head = soon(store.append(&stream, Position(0), events(2)))
        .await
        .unwrap();
    one.down().await;
    *two.node.leader.lock().unwrap() = None;
    let head = soon(store.append(&stream, head.position, events(2)))
        .await
        .unwrap();
    assert_eq!(head.position, Position(4));
    assert_eq!(stored(&two, &stream).len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts_is_ridden_out_and_subscriptions_go_on_where_they_were() {
    let (mut double, stream) = (Double::start().await, fresh_stream());
    let store = store(&double);
    let mut subscription = store.subscribe(&stream, Position(0));
    let first = store.append(&stream, Position(0), events(3)).await.unwrap();
    assert_eq!(soon(subscription.next()).await.unwrap().unwrap().len(), 3);

    double.down().await;
    let more = events(2);
    let (append, ()) = tokio::join!(
        soon(store.append(&stream, first.position, more.clone())),
        async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            double.up().await;
        }
    );
    assert_eq!(append.unwrap().position, Position(5));
    let news = soon(subscription.next()).await.unwrap().unwrap();
    assert_eq!(
        news.iter().map(|event| event.event_id).collect::<Vec<_>>(),
        ids(&more)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_away_is_unavailable_and_nothing_is_appended() {
    let (mut double, stream) = (Double::start().await, fresh_stream());
    let store = store(&double);
    let head = store.append(&stream, Position(0), events(1)).await.unwrap();
    double.down().await;
    let (append, read) = tokio::join!(
        soon(store.append(&stream, head.position, events(1))),
        soon(store.read(&stream, Position(0), 10))
    );
    assert!(
        matches!(append, Err(AppendError::Unavailable(_))),
        "{append:?}"
    );
    assert!(matches!(&read, Err(error) if error.may_pass()), "{read:?}");
    double.up().await;
    assert_eq!(soon(store.head(&stream)).await.unwrap(), head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_credentials_is_told_from_one_that_is_away() {
    let (double, stream) = (Double::start().await, fresh_stream());
    double.fail_reads([ReadFault::Denied]);
    let refused = soon(store(&double).head(&stream)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    assert!(!refused.may_pass(), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_that_break_off_or_dawdle_return_everything_in_the_end() {
    let (double, stream) = (Double::start().await, fresh_stream());
    let store = store(&double);
    store
        .append(&stream, Position(0), events(20))
        .await
        .unwrap();
    let all = read_all(&store, &stream).await;
    for faults in [
        vec![ReadFault::DropsAfter(0)],
        vec![
            ReadFault::DropsAfter(7),
            ReadFault::Unavailable,
            ReadFault::DropsAfter(19),
        ],
        vec![ReadFault::Slow(Duration::from_millis(5))],
    ] {
        double.fail_reads(faults.clone());
        assert_eq!(read_all(&store, &stream).await, all, "{faults:?}");
        double.fail_reads(faults);
        let mut subscription = store.subscribe(&stream, Position(4));
        assert_eq!(soon(subscription.next()).await.unwrap().unwrap(), all[4..]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_each_batch_is_there_once_and_in_order() {
    // Side by side, since each of them waits for most of its time.
    futures_util::future::join_all((0..6).map(whatever_fails)).await;
}

async fn whatever_fails(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let (double, stream) = (Double::start().await, fresh_stream());
    double.node.log.lock().unwrap().forgets = random.random();
    let store = store(&double);
    let (mut head, mut expected) = (Head::START, Vec::new());
    for _ in 0..25 {
        let faults = random.random_range(0..3);
        double.fail((0..faults).map(|_| match random.random_range(0..4) {
            0 => Fault::LostApplied,
            1 => Fault::LostUnapplied,
            2 => Fault::LostAppliedLate,
            _ => Fault::Unavailable,
        }));
        if random.random_range(0..4) == 0 {
            double.fail_reads([ReadFault::DropsAfter(random.random_range(0..3))]);
        }
        let batch = events(random.random_range(1..6));
        let appended = soon(store.append(&stream, head.position, batch.clone()));
        head = appended
            .await
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        expected.extend(ids(&batch));
        double.node.faults.lock().unwrap().clear();
    }
    assert_eq!(stored(&double, &stream), expected, "seed {seed}");
    let all = read_all(&store, &stream).await;
    let last = all.last().map(|event| event.hash);
    assert_eq!(last, Some(head.hash), "seed {seed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_on_the_server_is_damage() {
    let (double, stream) = (Double::start().await, fresh_stream());
    let store = store(&double);
    let head = store.append(&stream, Position(0), events(6)).await.unwrap();
    let name = stream.as_str().as_bytes();
    let pristine = double.node.log.lock().unwrap().streams[name].clone();
    let damages: [fn(&mut Vec<Recorded>); 4] = [
        |events| drop(events.remove(2)),
        |events| drop(events.drain(..3)),
        |events| events[3].data = b"{}".as_slice().into(),
        |events| events[3].custom_metadata = b"{}".as_slice().into(),
    ];
    for damage in damages {
        let mut damaged = pristine.clone();
        damage(&mut damaged);
        double
            .node
            .log
            .lock()
            .unwrap()
            .streams
            .insert(stream.as_str().to_owned().into(), damaged);
        let error = store.read(&stream, Position(0), 10).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }
    let short = pristine[..4].to_vec();
    double
        .node
        .log
        .lock()
        .unwrap()
        .streams
        .insert(stream.as_str().to_owned().into(), short);
    let error = store.check(&stream, head).await.unwrap_err();
    assert!(
        matches!(error, StoreError::BehindCheckpoint { .. }),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_lie_on_the_server_as_people_and_later_releases_expect_them() {
    let (double, stream) = (Double::start().await, fresh_stream());
    let url = double.url().replace("://", "://cle%72k:s%33c%40%3A%25ret@");
    let store = KurrentStore::new(Address::parse(&url).unwrap());
    let mut json = event(0);
    json.data = br#"{"wh": 1}"#.to_vec();
    let bytes = event(10);
    store
        .append(&stream, Position(0), vec![json.clone(), bytes])
        .await
        .unwrap();
    let log = double.node.log.lock().unwrap();
    let lying = &log.streams[stream.as_str().as_bytes()];
    let hash = json.hash_after(Head::START.hash);
    assert_eq!(lying[0].stream_revision, 0);
    assert_eq!(lying[0].data, json.data);
    assert_eq!(lying[0].metadata["type"], "SomethingHappened");
    assert_eq!(lying[0].metadata["content-type"], "application/json");
    assert_eq!(
        lying[1].metadata["content-type"],
        "application/octet-stream"
    );
    assert_eq!(
        std::str::from_utf8(&lying[0].custom_metadata).unwrap(),
        format!(r#"{{"version":7,"hash":"{hash}","envelope":{{"actor":"somebody"}}}}"#)
    );
    let shown = double.node.authorization.lock().unwrap().clone();
    assert_eq!(shown.as_deref(), Some("Basic Y2xlcms6czNjQDolcmV0"));
}

#[test]
fn what_an_append_may_hold_stays_below_what_servers_take() {
    // Version, hash and names before the envelope, and the type, which is counted in two bytes a letter.
    const BESIDE_EACH: usize = 200;
    for servers_take in [256 << 10, 1 << 20, 4 << 20, 16 << 20] {
        let limits = limits(servers_take);
        assert!(limits.append_bytes + limits.append_events * BESIDE_EACH < servers_take);
    }
    assert_eq!(limits(1 << 20), LIMITS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_more_is_sent_more_and_what_is_lost_on_the_way_is_found() {
    let (double, stream) = (Double::start().await, fresh_stream());
    let limits = limits(16 << 20);
    let store = KurrentStore::with_limits(Address::parse(&double.url()).unwrap(), limits);
    // More than one read gives, in an append whose answer is lost.
    let large: Vec<_> = (0..4)
        .map(|_| event(limits.append_bytes / 4 - 1024))
        .collect();
    assert!(large[..3].iter().map(NewEvent::size).sum::<usize>() > READ_BYTES);
    double.fail([Fault::LostApplied]);
    let head = soon(store.append(&stream, Position(0), large.clone()));
    let head = head.await.unwrap();
    assert_eq!(stored(&double, &stream), ids(&large));
    assert_eq!(
        read_all(&store, &stream).await.last().unwrap().hash,
        head.hash
    );
    let above = store.append(&stream, head.position, vec![event(limits.event_bytes)]);
    assert!(matches!(above.await, Err(AppendError::TooLarge { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_never_ends_gives_what_has_come_and_the_next_one_goes_on() {
    let (double, stream) = (Double::start().await, fresh_stream());
    let store = store(&double);
    let given = events(12);
    store
        .append(&stream, Position(0), given.clone())
        .await
        .unwrap();
    double.fail_reads([ReadFault::Slow(ATTEMPT_WITHIN / 4)]);
    let some = soon(store.read(&stream, Position(0), 12)).await.unwrap();
    assert!((1..12).contains(&some.len()), "{} events", some.len());
    let last = some.last().unwrap().position;
    let rest = soon(store.read(&stream, last, 12)).await.unwrap();
    let both = some.iter().chain(&rest).map(|event| event.event_id);
    assert_eq!(both.collect::<Vec<_>>(), ids(&given));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_only_ever_gets_slow_answers_is_given_up_and_is_there_once_if_at_all() {
    let (double, stream) = (Double::start().await, fresh_stream());
    let first = events(1);
    let head = store(&double)
        .append(&stream, Position(0), first.clone())
        .await
        .unwrap();
    // It knows no hash yet, so it reads first.
    let store = store(&double);
    double.fail_reads([ReadFault::Slow(ATTEMPT_WITHIN / 3); 20]);
    double.fail([Fault::Silent]);
    let second = events(3);
    let given_up = soon(store.append(&stream, head.position, second.clone())).await;
    assert!(
        matches!(given_up, Err(AppendError::Unavailable(_))),
        "{given_up:?}"
    );
    double.node.read_faults.lock().unwrap().clear();
    let again = soon(store.append(&stream, head.position, events(1))).await;
    assert!(
        matches!(
            again,
            Err(AppendError::Conflict {
                actual: Position(4),
                ..
            })
        ),
        "{again:?}"
    );
    assert_eq!(
        stored(&double, &stream),
        [ids(&first), ids(&second)].concat()
    );
}
