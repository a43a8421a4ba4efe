#![allow(clippy::unwrap_used)]
use super::super::frame::{HEADER_BYTES, MAX_FRAME_BYTES};
use super::super::session::{AppKey, Seal};
use super::*;
use proptest::prelude::*;
use serde_json::Value;

const PHONE: Peer = [1; 6];
const OTHER: Peer = [2; 6];
const NOW: Duration = Duration::from_secs(100);
const CHALLENGE: Random = [3; 16];
const NONCE: Random = [4; 16];

fn key() -> AppKey {
    AppKey::parse("ABCDEFGHJKMNPQRS").unwrap()
}

fn send(service: &mut Service, peer: Peer, kind: Kind, id: u16, message: &[u8]) -> Option<Job> {
    let mut job = None;
    for frame in Frame::cut(kind, id, message, 40) {
        job = service.write(peer, &frame, NOW, CHALLENGE).unwrap();
    }
    job
}

/// The answer, page by page, and its kind.
fn receive(service: &mut Service, peer: Peer, id: u16) -> (u8, Vec<u8>) {
    let mut answer = Vec::new();
    loop {
        let offset = u16::try_from(answer.len()).unwrap();
        let page = Frame {
            kind: Kind::Page,
            id,
            total: 0,
            offset,
            piece: &[],
        };
        service.write(peer, &page.encode(), NOW, CHALLENGE).unwrap();
        let read = service.read(peer, 60);
        answer.extend(&read[HEADER_BYTES..]);
        if answer.len() >= usize::from(u16::from_le_bytes([read[3], read[4]])) {
            return (read[0], answer);
        }
    }
}

fn plain(service: &mut Service, peer: Peer, id: u16, message: &str) -> Value {
    assert!(send(service, peer, Kind::Plain, id, message.as_bytes()).is_none());
    let (kind, answer) = receive(service, peer, id);
    assert_eq!(kind, 2);
    serde_json::from_slice(&answer).unwrap()
}

/// A service that `PHONE` has proven itself to, and the phone's keys.
fn let_in() -> (Service, Seal) {
    let mut service = Service::new(Trust::Key(key()));
    let hello = plain(&mut service, PHONE, 1, r#"{"op":"hello"}"#);
    assert_eq!(hello["ok"]["challenge"], hex::encode(CHALLENGE));
    let message = json!({"op": "authenticate", "nonce": hex::encode(NONCE),
        "proof": hex::encode(key().client_proof(&CHALLENGE, &NONCE))});
    let answer = plain(&mut service, PHONE, 2, &message.to_string());
    let proof = hex::encode(key().gateway_proof(&CHALLENGE, &NONCE));
    assert_eq!(answer["ok"]["proof"], proof);
    (service, key().seal(&CHALLENGE, &NONCE))
}

#[test]
fn nothing_but_hello_is_answered_before_the_key_was_proven() {
    let mut service = Service::new(Trust::Key(key()));
    for (id, op) in ["identity", "state", "wifi_scan"].into_iter().enumerate() {
        let message = json!({"op": op}).to_string();
        let answer = plain(&mut service, PHONE, u16::try_from(id).unwrap(), &message);
        assert_eq!(answer["refused"]["code"], "not_authenticated");
    }
    assert!(send(&mut service, PHONE, Kind::Sealed, 9, b"anything").is_none());
    let (_, answer) = receive(&mut service, PHONE, 9);
    assert!(
        String::from_utf8(answer)
            .unwrap()
            .contains("not_authenticated")
    );
}

#[test]
fn a_phone_that_knows_the_key_is_answered_under_seal_and_others_are_not() {
    let (mut service, seal) = let_in();
    let request = seal.seal_request(3, br#"{"op":"state"}"#).unwrap();
    assert!(
        send(&mut service, OTHER, Kind::Sealed, 3, &request).is_none(),
        "who listened in"
    );
    let job = send(&mut service, PHONE, Kind::Sealed, 3, &request).unwrap();
    assert_eq!(job.operation, Operation::State {});
    assert_eq!(receive(&mut service, PHONE, 3).0, 1, "being worked on");
    service.finish(&job, &Answer::Ok(json!({"devices": 2})));
    let (kind, answer) = receive(&mut service, PHONE, 3);
    assert_eq!(kind, 3);
    assert_eq!(
        seal.open_answer(3, &answer).unwrap(),
        br#"{"ok":{"devices":2}}"#
    );
    let unsealed = plain(&mut service, PHONE, 4, r#"{"op":"state"}"#);
    assert_eq!(unsealed["refused"]["code"], "not_authenticated");
}

#[test]
fn a_request_sent_again_or_read_again_is_not_carried_out_again() {
    let (mut service, seal) = let_in();
    let request = seal.seal_request(3, br#"{"op":"wifi_scan"}"#).unwrap();
    let job = send(&mut service, PHONE, Kind::Sealed, 3, &request).unwrap();
    assert!(send(&mut service, PHONE, Kind::Sealed, 3, &request).is_none());
    let long: Vec<Value> = (0..50)
        .map(|index| json!({"ssid": format!("network {index}")}))
        .collect();
    service.finish(&job, &Answer::Ok(json!(long)));
    let first = receive(&mut service, PHONE, 3);
    assert!(first.1.len() > 1000);
    assert!(send(&mut service, PHONE, Kind::Sealed, 3, &request).is_none());
    assert_eq!(receive(&mut service, PHONE, 3), first);
}

#[test]
fn a_paired_phone_needs_no_key() {
    let mut service = Service::new(Trust::Pairing);
    let hello = plain(&mut service, PHONE, 1, r#"{"op":"hello"}"#);
    assert_eq!(hello["ok"]["trust"], "pairing");
    let job = send(&mut service, PHONE, Kind::Plain, 2, br#"{"op":"identity"}"#).unwrap();
    assert_eq!(job.operation, Operation::Identity {});
    service.finish(&job, &Answer::Ok(json!({})));
    assert_eq!(receive(&mut service, PHONE, 2).1, br#"{"ok":{}}"#);
}

#[test]
fn an_answer_may_be_as_long_as_a_message_and_no_longer() {
    let (mut service, seal) = let_in();
    for (id, bytes, refused) in [
        (3, MAX_MESSAGE_BYTES - 16, false),
        (4, MAX_MESSAGE_BYTES - 15, true),
    ] {
        let request = seal.seal_request(id, br#"{"op":"state"}"#).unwrap();
        let job = send(&mut service, PHONE, Kind::Sealed, id, &request).unwrap();
        let around = r#"{"ok":""}"#.len();
        service.finish(&job, &Answer::Ok(json!("x".repeat(bytes - around))));
        let answer = seal
            .open_answer(id, &receive(&mut service, PHONE, id).1)
            .unwrap();
        assert_eq!(answer.starts_with(b"{\"refused\""), refused);
    }
}

#[test]
fn as_many_phones_are_remembered_as_the_limit_and_the_silent_one_is_forgotten() {
    let (mut service, _) = let_in();
    let peer = |index: usize| [u8::try_from(index).unwrap(), 0, 0, 0, 0, 9];
    for index in 1..MAX_PEERS {
        plain(&mut service, peer(index), 1, r#"{"op":"hello"}"#);
    }
    assert_eq!(service.phones.len(), MAX_PEERS);
    assert_ne!(service.read(PHONE, 60)[0], 0, "still known");
    plain(&mut service, peer(MAX_PEERS), 1, r#"{"op":"hello"}"#);
    assert_eq!(service.phones.len(), MAX_PEERS);
    assert_eq!(service.read(PHONE, 60), frame::status(None));
}

#[test]
fn what_is_no_frame_is_told_to_the_reader() {
    let mut service = Service::new(Trust::Pairing);
    assert_eq!(service.read(PHONE, 60), frame::status(None));
    assert_eq!(
        service.write(PHONE, &[1, 2], NOW, CHALLENGE).unwrap_err(),
        FrameError::Short
    );
    assert_eq!(service.read(PHONE, 60)[0], FrameError::Short.code());
}

proptest! {
    #[test]
    fn hostile_writes_are_never_a_panic_and_never_a_job(
        writes in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..MAX_FRAME_BYTES)), 0..20),
    ) {
        let (mut service, _) = let_in();
        for (is_framed, bytes) in writes {
            let frames = if is_framed && !bytes.is_empty() {
                Frame::cut(Kind::Sealed, u16::from(bytes[0]), &bytes, 100)
            } else {
                vec![bytes]
            };
            for frame in frames {
                prop_assert!(!matches!(service.write(PHONE, &frame, NOW, CHALLENGE), Ok(Some(_))));
                prop_assert!(service.read(PHONE, 60).len() <= 60);
            }
        }
    }
}
