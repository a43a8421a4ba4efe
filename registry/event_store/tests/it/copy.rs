//! Copies between stores.

use crate::conformance::{event, events, fresh_stream, read_all};
use crate::sqlite::Folder;
use event_store::copy::{CopyError, Progress, copy, copy_until};
use event_store::{EventStore, Head};
use schemas::log::{Position, RunningHash, StreamName};

/// A stream of that many events in a new store.
async fn filled(folder: &Folder, count: usize) -> (impl EventStore, StreamName) {
    let (store, stream) = (folder.open().unwrap(), fresh_stream());
    store
        .append(&stream, Position(0), events(count))
        .await
        .unwrap();
    (store, stream)
}

#[tokio::test]
async fn a_copy_has_the_same_events_and_a_second_one_copies_nothing() {
    let (here, there) = (Folder::new(), Folder::new());
    let (from, stream) = filled(&here, 2_345).await;
    let to = there.open().unwrap();
    let mut steps = Vec::new();
    let head = copy(&from, &to, &stream, |step| steps.push(step))
        .await
        .unwrap();
    assert_eq!(head, from.head(&stream).await.unwrap());
    assert_eq!(read_all(&to, &stream).await, read_all(&from, &stream).await);
    assert_eq!(steps[0], Progress::Copied(Position(1_000)));
    assert_eq!(steps.last(), Some(&Progress::Verified(Position(2_345))));

    let mut copied = 0;
    let count = |step| copied += usize::from(matches!(step, Progress::Copied(_)));
    assert_eq!(copy(&from, &to, &stream, count).await.unwrap(), head);
    assert_eq!(copied, 0);
    assert_eq!(
        copy(&from, &to, &fresh_stream(), |_| ()).await.unwrap(),
        Head::START
    );
}

#[tokio::test]
async fn a_copy_goes_on_where_it_was_broken_off_and_with_what_is_new() {
    let (here, there) = (Folder::new(), Folder::new());
    let (from, stream) = filled(&here, 50).await;
    let to = there.open().unwrap();
    let all = read_all(&from, &stream).await;
    let begun = all[..20].iter().map(|event| event_store::NewEvent {
        event_id: event.event_id,
        event_type: event.event_type.clone().into(),
        version: event.version,
        data: event.data.clone(),
        metadata: event.metadata.clone(),
    });
    to.append(&stream, Position(0), begun.collect())
        .await
        .unwrap();
    copy(&from, &to, &stream, |_| ()).await.unwrap();
    from.append(&stream, Position(50), events(3)).await.unwrap();
    let head = copy(&from, &to, &stream, |_| ()).await.unwrap();
    assert_eq!(head.position, Position(53));
    assert_eq!(read_all(&to, &stream).await, read_all(&from, &stream).await);
}

#[tokio::test]
async fn a_target_that_holds_something_else_is_left_alone() {
    let (here, there) = (Folder::new(), Folder::new());
    let (from, stream) = filled(&here, 5).await;
    let to = there.open().unwrap();
    for (count, stands) in [(2, 2), (6, 8)] {
        to.append(
            &stream,
            Position(stands - count),
            events(usize::try_from(count).unwrap()),
        )
        .await
        .unwrap();
        let error = copy(&from, &to, &stream, |_| ()).await.unwrap_err();
        assert!(
            matches!(error, CopyError::Foreign { head, .. } if head == Position(stands)),
            "{error}"
        );
        assert_eq!(to.head(&stream).await.unwrap().position, Position(stands));
    }
}

#[tokio::test]
async fn a_copy_up_to_a_position_ends_there_and_a_longer_target_is_left_alone() {
    let (here, there) = (Folder::new(), Folder::new());
    let (from, stream) = filled(&here, 1_500).await;
    let to = there.open().unwrap();
    let all = read_all(&from, &stream).await;
    for end in [0, 1, 1_000, 1_001, 1_499] {
        let (end, proved) = (Position(end), Head::START);
        let copied = copy_until(&from, &to, &stream, end, proved, |_| ()).await;
        let head = copied.unwrap();
        assert_eq!(head.position, end);
        let copied = usize::try_from(end.0).unwrap();
        assert_eq!(read_all(&to, &stream).await, all[..copied]);
    }
    let (end, proved) = (Position(1_498), Head::START);
    let copied = copy_until(&from, &to, &stream, end, proved, |_| ()).await;
    let error = copied.unwrap_err();
    assert!(matches!(error, CopyError::Further { .. }), "{error}");
    assert_eq!(to.head(&stream).await.unwrap().position, Position(1_499));
}

#[tokio::test]
async fn what_is_proved_of_a_target_is_not_read_again_and_what_is_added_is() {
    let (here, there) = (Folder::new(), Folder::new());
    let (from, stream) = filled(&here, 2_500).await;
    let to = there.open().unwrap();
    let proved = copy(&from, &to, &stream, |_| ()).await.unwrap();
    from.append(&stream, proved.position, events(3))
        .await
        .unwrap();
    for (end, read) in [(2_500, None), (2_503, Some(2_503))] {
        let mut verified = Vec::new();
        let told = |step| {
            if let Progress::Verified(at) = step {
                verified.push(at.0);
            }
        };
        let copied = copy_until(&from, &to, &stream, Position(end), proved, told).await;
        assert_eq!(copied.unwrap().position, Position(end));
        assert_eq!(verified, Vec::from_iter(read));
    }
    // Nor is what was never there taken for the source.
    let other = Head {
        hash: RunningHash([7; 32]),
        ..to.head(&stream).await.unwrap()
    };
    let copied = copy_until(&from, &to, &stream, other.position, other, |_| ()).await;
    assert!(matches!(copied, Err(CopyError::NotTheSame { .. })));
}

#[cfg(feature = "kurrentdb")]
mod to_a_server {
    use super::*;
    use crate::double::{Double, Fault, ReadFault};
    use event_store::KurrentStore;
    use event_store::kurrentdb::{Address, LIMITS, limits};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_ledger_goes_to_a_server_and_back_through_faults() {
        let (here, back, double) = (Folder::new(), Folder::new(), Double::start().await);
        let (from, stream) = filled(&here, 2_100).await;
        // As much as an append may hold there, twice, in one of ours.
        let around = event(0).size();
        let large = vec![
            event(LIMITS.append_bytes - around),
            event(LIMITS.append_bytes - around),
        ];
        from.append(&stream, Position(2_100), large).await.unwrap();
        let server = KurrentStore::new(Address::parse(&double.url()).unwrap());
        double.fail([Fault::LostApplied, Fault::LostUnapplied, Fault::Unavailable]);
        double.fail_reads([ReadFault::DropsAfter(0), ReadFault::Unavailable]);
        let head = copy(&from, &server, &stream, |_| ()).await.unwrap();
        assert_eq!(head, from.head(&stream).await.unwrap());
        let all = read_all(&from, &stream).await;
        assert!(
            read_all(&server, &stream).await == all,
            "the server holds something else"
        );

        let to = back.open().unwrap();
        copy(&server, &to, &stream, |_| ()).await.unwrap();
        assert!(read_all(&to, &stream).await == all, "it came back changed");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_event_that_is_too_large_for_the_server_is_named_by_its_place() {
        let (here, double) = (Folder::new(), Double::start().await);
        let (from, stream) = filled(&here, 3).await;
        from.append(&stream, Position(3), vec![event(LIMITS.event_bytes)])
            .await
            .unwrap();
        let server = KurrentStore::new(Address::parse(&double.url()).unwrap());
        let error = copy(&from, &server, &stream, |_| ()).await.unwrap_err();
        assert!(
            matches!(
                &error,
                CopyError::TooLarge {
                    position: Position(4),
                    ..
                }
            ),
            "{error}"
        );
        // Where the server takes as much as it says, the copy goes on.
        let CopyError::TooLarge { size, .. } = error else {
            unreachable!()
        };
        let said = error.to_string();
        let mut numbers = said.split(|c: char| !c.is_ascii_digit());
        let enough = numbers.rfind(|number| !number.is_empty()).unwrap();
        let limits = limits(enough.parse().unwrap());
        assert!((size..=size + 1).contains(&limits.event_bytes));
        let address = Address::parse(&double.url()).unwrap();
        let server = KurrentStore::with_limits(address, limits);
        let head = copy(&from, &server, &stream, |_| ()).await.unwrap();
        assert_eq!(head.position, Position(4));
    }
}
