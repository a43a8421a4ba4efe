//! The bytes of every version of every event, pinned: an event once written must be readable for ever.
//!
//! A new version of an event keeps the old file and adds one. `UPDATE_GOLDEN=1` writes missing files.
#![allow(clippy::unwrap_used)]

mod audit;
mod gateway;
mod identity;
mod ledger;
mod recurring;
mod storage;

use ledger::action;
use schemas::Interval;
use schemas::envelope::{Actor, Envelope, Idempotency, Origin as AskedBy, Via};
use schemas::event::action::BundleAction;
use schemas::event::audit::Target;
use schemas::event::session::SecondFactorAdded;
use schemas::event::{AuditEvent, IdentityEvent, LedgerEvent};
use schemas::id::{AccountId, RuleId, UserId};
use schemas::life_cycle::ActionType;
use schemas::log::Position;
use std::collections::BTreeSet;
use std::path::PathBuf;
use uuid::Uuid;

fn at(text: &str) -> chrono::DateTime<chrono::Utc> {
    text.parse().unwrap()
}

fn hour() -> Interval {
    Interval::new(at("2024-11-18T10:00:00Z"), at("2024-11-18T11:00:00Z")).unwrap()
}

/// An action that a rule took: the same file, one more field.
#[test]
fn an_action_names_its_rule_only_where_it_has_one() {
    let by_hand = LedgerEvent::from(action(ActionType::Transfer)).encode();
    let by_rule = LedgerEvent::from(BundleAction {
        rule_id: Some(RuleId(2)),
        ..action(ActionType::Transfer)
    });
    let text = String::from_utf8(by_rule.encode()).unwrap();
    assert!(text.contains(r#""rule_id":2,"parts""#), "{text}");
    assert_eq!(text.replace(r#""rule_id":2,"#, "").into_bytes(), by_hand);
    let read = LedgerEvent::decode("BundlesTransferred", 1, text.as_bytes()).unwrap();
    assert_eq!(read, by_rule);
}

/// Of a secret that was offered as of a position: the same file, one more field.
#[test]
fn a_second_factor_says_since_when_its_secret_was_offered() {
    let added = |offered| {
        IdentityEvent::from(SecondFactorAdded {
            user_id: UserId(3),
            sealed: "c2VhbGVk".into(),
            step: 57_733_333,
            recovery: Vec::new(),
            offered,
        })
    };
    let text = String::from_utf8(added(Some(Position(7))).encode()).unwrap();
    let before = text.replace(r#","offered":7"#, "");
    assert_ne!(before, text);
    assert_eq!(before.into_bytes(), added(None).encode());
    let read = IdentityEvent::decode("SecondFactorAdded", 1, text.as_bytes());
    assert_eq!(read.unwrap(), added(Some(Position(7))));
}

/// Of who was to sign in: the same file, one more field.
#[test]
fn a_refused_sign_in_names_its_target_only_where_it_has_one() {
    let Some(AuditEvent::AttemptsRecorded(recorded)) = audit::samples().into_iter().next() else {
        panic!("the first sample is of attempts");
    };
    let aimed_at = |target| {
        let mut recorded = recorded.clone();
        recorded.attempts[0].target = target;
        AuditEvent::from(recorded)
    };
    for (target, added) in [
        (Target::User(UserId(7)), r#""target":{"user":7},"#),
        (
            Target::Nobody(Uuid::from_u128(5)),
            r#""target":{"nobody":"00000000-0000-0000-0000-000000000005"},"#,
        ),
    ] {
        let text = String::from_utf8(aimed_at(Some(target)).encode()).unwrap();
        assert!(text.contains(added), "{text}");
        assert_eq!(
            text.replace(added, "").into_bytes(),
            aimed_at(None).encode()
        );
        let read = AuditEvent::decode("AttemptsRecorded", 1, text.as_bytes());
        assert_eq!(read.unwrap(), aimed_at(Some(target)));
    }
}

/// A confirmation says what left, and whether the issuing body alone says so: the same file, two more fields.
#[test]
fn a_confirmed_export_names_what_left_and_on_whose_word() {
    let before = LedgerEvent::from(action(ActionType::ConfirmExport)).encode();
    let mut confirmed = action(ActionType::ConfirmExport);
    let export = confirmed.export.as_mut().unwrap();
    export.without_signature = true;
    export.certificates = ledger::certificates();
    let confirmed = LedgerEvent::from(confirmed);
    let text = String::from_utf8(confirmed.encode()).unwrap();
    let added = r#","without_signature":true,"certificates":[{"origin":{"registry":"fr","device":"31"},"ranges":[[101,350]]}]"#;
    assert_eq!(text.replace(added, "").into_bytes(), before);
    assert_eq!(
        LedgerEvent::decode("BundlesExported", 1, text.as_bytes()).unwrap(),
        confirmed
    );
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn pinned(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path = folder().join(name);
    if !path.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, bytes).unwrap();
    }
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn events_are_written_and_read_as_the_golden_files_say() {
    let mut files = BTreeSet::from([
        "Envelope.json".to_owned(),
        "Envelope.origin.json".to_owned(),
    ]);
    for sample in ledger::samples().into_iter().chain(gateway::samples()) {
        let (name, version) = (sample.event_type(), sample.version());
        let golden = pinned(&format!("{name}.v{version}.json"), &sample.encode());
        assert_eq!(
            String::from_utf8(sample.encode()).unwrap(),
            String::from_utf8(golden.clone()).unwrap()
        );
        assert_eq!(LedgerEvent::decode(name, version, &golden).unwrap(), sample);
        files.insert(format!("{name}.v{version}.json"));
    }
    for (name, version, event) in ledger::lifted() {
        let file = format!("{name}.v{version}.json");
        let golden = pinned(&file, &[]);
        assert_eq!(LedgerEvent::decode(name, version, &golden).unwrap(), event);
        files.insert(file);
    }
    for sample in identity::samples() {
        let (name, version) = (sample.event_type(), sample.version());
        let golden = pinned(&format!("{name}.v{version}.json"), &sample.encode());
        assert_eq!(
            String::from_utf8(sample.encode()).unwrap(),
            String::from_utf8(golden.clone()).unwrap()
        );
        assert_eq!(
            IdentityEvent::decode(name, version, &golden).unwrap(),
            sample
        );
        files.insert(format!("{name}.v{version}.json"));
    }
    for sample in audit::samples() {
        let (name, version) = (sample.event_type(), sample.version());
        let golden = pinned(&format!("{name}.v{version}.json"), &sample.encode());
        assert_eq!(
            String::from_utf8(sample.encode()).unwrap(),
            String::from_utf8(golden.clone()).unwrap()
        );
        assert_eq!(AuditEvent::decode(name, version, &golden).unwrap(), sample);
        files.insert(format!("{name}.v{version}.json"));
    }
    let found: BTreeSet<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(
        found, files,
        "each golden file has its sample and each sample its file"
    );
}

#[test]
fn accounts_that_changed_hands_before_that_was_counted_are_read() {
    for (name, payload) in [
        ("AccountAssigned", r#"{"account_id":1,"organisation_id":1}"#),
        ("AccountClosed", r#"{"account_id":3}"#),
    ] {
        let event = LedgerEvent::decode(name, 1, payload.as_bytes()).unwrap();
        assert_eq!(event.encode(), payload.as_bytes());
    }
}

#[test]
fn the_envelope_is_written_and_read_as_its_golden_file_says() {
    let envelope = Envelope {
        recorded_at: at("2024-11-19T08:00:00.000002Z"),
        actor: Actor::User(UserId(3)),
        command_id: Uuid::from_u128(5),
        correlation_id: Uuid::from_u128(6),
        causation_id: None,
        idempotency: Some(Idempotency {
            key: Uuid::from_u128(7),
            request: Uuid::from_u128(8),
        }),
        origin: None,
    };
    let first_of_its_command = Envelope {
        origin: Some(AskedBy {
            operation: "transfer_certificates".into(),
            via: Some(Via::Session(Uuid::from_u128(9))),
            account_id: Some(AccountId(1)),
        }),
        ..envelope.clone()
    };
    for (name, envelope) in [
        ("Envelope.json", envelope),
        ("Envelope.origin.json", first_of_its_command),
    ] {
        let bytes = serde_json::to_vec(&envelope).unwrap();
        let golden = pinned(name, &bytes);
        assert_eq!(bytes, golden);
        let read: Envelope = serde_json::from_slice(&golden).unwrap();
        assert_eq!(read, envelope);
    }
}

#[test]
fn credentials_are_written_by_kind_and_read_again() {
    let id = Uuid::from_u128(9);
    for via in [Via::Session(id), Via::ApiKey(id)] {
        let text = serde_json::to_string(&via).unwrap();
        assert_eq!(serde_json::from_str::<Via>(&text).unwrap(), via);
    }
    for wrong in [
        "\"session\"",
        "\"key:00000000-0000-0000-0000-000000000009\"",
        "\"session:x\"",
    ] {
        assert!(serde_json::from_str::<Via>(wrong).is_err(), "{wrong}");
    }
}
