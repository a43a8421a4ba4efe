//! The format of envelopes, pinned: golden files, the published schema, and what is refused.
#![allow(clippy::unwrap_used)]

use schemas::WattHours;
use schemas::gateway::jws::{self, NotSigned, SIGNATURE_BYTES, Signed, Unsigned};
use schemas::gateway::limit::{MAX_ENVELOPE_BYTES, MAX_READINGS, MAX_TEXT_CHARS};
use schemas::gateway::{
    Algorithm, Cause, ClockState, MeterIdentity, MeterReadings, ProfileRef, PublicKey, Quality,
    Reading, schema,
};
use schemas::id::{DeviceId, GatewayId, MAX_CERTIFICATE_ID};
use serde_json::{Value, json};
use std::path::PathBuf;

fn at(text: &str) -> chrono::DateTime<chrono::Utc> {
    text.parse().unwrap()
}

fn reading() -> Reading {
    Reading {
        interval_start: at("2026-06-01T10:00:00Z"),
        interval_end: at("2026-06-01T10:15:00Z"),
        wh: WattHours(1_250),
        counter_start_wh: Some(WattHours(8_000_000)),
        counter_end_wh: Some(WattHours(8_001_250)),
        quality: Quality::Measured,
        cause: None,
        clock: ClockState::Synchronised,
    }
}

fn first() -> MeterReadings {
    MeterReadings {
        context: MeterReadings::CONTEXT.to_owned(),
        gateway_id: GatewayId(3),
        device_id: DeviceId(7),
        meter: MeterIdentity {
            maker: "Huawei".into(),
            model: "SUN2000-10KTL-M1".into(),
            serial: "HV2140123456".into(),
            firmware: Some("V100R001C00SPC139".into()),
        },
        profile: ProfileRef {
            id: "huawei_sun2000".into(),
            sha256: "ab".repeat(32),
        },
        sequence: 1,
        previous: None,
        created_at: at("2026-06-01T10:15:01.25Z"),
        readings: vec![reading()],
    }
}

/// One reading of each quality, and the hash of the envelope before.
fn second() -> MeterReadings {
    let interpolated = Reading {
        interval_start: at("2026-06-01T10:15:00Z"),
        interval_end: at("2026-06-01T10:30:00Z"),
        wh: WattHours(10),
        counter_start_wh: Some(WattHours(8_001_250)),
        counter_end_wh: Some(WattHours(8_001_260)),
        quality: Quality::Interpolated,
        cause: Some(Cause::Gap),
        clock: ClockState::Unknown,
    };
    let doubtful = Reading {
        interval_start: at("2026-06-01T10:30:00Z"),
        interval_end: at("2026-06-01T10:45:00Z"),
        wh: WattHours::ZERO,
        counter_start_wh: None,
        counter_end_wh: None,
        quality: Quality::Doubtful,
        cause: Some(Cause::Sentinel),
        clock: ClockState::Unsynchronised,
    };
    MeterReadings {
        sequence: 2,
        previous: Some("cd".repeat(32)),
        readings: vec![interpolated, doubtful],
        ..first()
    }
}

fn key() -> PublicKey {
    PublicKey::p256(&[1; 32], &[2; 32])
}

fn compact(payload: &MeterReadings) -> String {
    Unsigned::new(Algorithm::Es256, key().key_id(), payload).signed(&[9; SIGNATURE_BYTES])
}

fn pinned(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("gateway")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() && !path.exists() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(text, golden, "{name}");
}

#[test]
fn payloads_are_written_and_read_as_the_golden_files_say() {
    for (name, payload) in [("first", first()), ("second", second())] {
        payload.check().unwrap();
        let text = serde_json::to_string(&payload).unwrap();
        pinned(&format!("golden/{name}.json"), &text);
        let envelope = compact(&payload);
        pinned(&format!("golden/{name}.jws"), &envelope);
        let read = jws::parse::<MeterReadings>(&envelope, MAX_ENVELOPE_BYTES).unwrap();
        assert_eq!(read.payload, payload);
        assert_eq!(read.header.kid, key().key_id());
        assert_eq!(read.signature, [9; SIGNATURE_BYTES]);
        assert_eq!(
            read.signing_input,
            envelope.rsplit_once('.').unwrap().0.as_bytes()
        );
    }
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    let mut text = serde_json::to_string_pretty(&schema::json_schema().unwrap()).unwrap();
    text.push('\n');
    pinned("meter-readings.schema.json", &text);
}

#[test]
fn the_schema_names_every_member_and_allows_no_other() {
    let schema = schema::json_schema().unwrap();
    let parts = [
        ("MeterReadings", serde_json::to_value(second()).unwrap()),
        (
            "MeterIdentity",
            serde_json::to_value(first().meter).unwrap(),
        ),
        ("ProfileRef", serde_json::to_value(first().profile).unwrap()),
        (
            "Reading",
            serde_json::to_value(&second().readings[0]).unwrap(),
        ),
    ];
    for (name, sample) in parts {
        let part = &schema["$defs"][name];
        assert_eq!(part["additionalProperties"], json!(false), "{name}");
        let known: Vec<_> = part["properties"].as_object().unwrap().keys().collect();
        let written: Vec<_> = sample.as_object().unwrap().keys().collect();
        assert_eq!(known.len(), written.len(), "{name}");
        assert!(
            written.iter().all(|member| known.contains(member)),
            "{name}"
        );
    }
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                found.extend(
                    members
                        .get("$ref")
                        .and_then(Value::as_str)
                        .map(str::to_owned),
                );
                members
                    .values()
                    .for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    references(&schema, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        assert!(
            schema.pointer(reference.trim_start_matches('#')).is_some(),
            "{reference}"
        );
    }
}

fn with_header(header: &Value) -> String {
    use base64::Engine;
    let base64 = base64::prelude::BASE64_URL_SAFE_NO_PAD;
    let envelope = compact(&first());
    let (_, rest) = envelope.split_once('.').unwrap();
    format!("{}.{rest}", base64.encode(header.to_string()))
}

#[test]
fn a_header_with_no_algorithm_another_one_or_a_key_of_its_own_is_refused() {
    let good = json!({"alg": "ES256", "typ": MeterReadings::TYP, "kid": key().key_id()});
    assert!(jws::parse::<MeterReadings>(&with_header(&good), MAX_ENVELOPE_BYTES).is_ok());
    for (member, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("es256")),
        ("alg", Value::Null),
        ("jwk", serde_json::to_value(key()).unwrap()),
        ("jku", json!("https://example.org/keys")),
        ("x5c", json!([])),
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("kid", json!("1")),
    ] {
        let mut header = good.clone();
        header[member] = value;
        let envelope = with_header(&header);
        let refused = jws::parse::<MeterReadings>(&envelope, MAX_ENVELOPE_BYTES);
        assert!(matches!(refused, Err(NotSigned::Header(_))), "{header}");
    }
    let mut header = good;
    header["typ"] = json!("JWT");
    let envelope = with_header(&header);
    let refused = jws::parse::<MeterReadings>(&envelope, MAX_ENVELOPE_BYTES);
    assert!(matches!(refused, Err(NotSigned::Typ { .. })));
}

#[test]
fn a_payload_of_another_context_or_with_another_member_is_refused() {
    let other = MeterReadings {
        context: "gcr-meter-readings/2".into(),
        ..first()
    };
    assert!(matches!(
        jws::parse::<MeterReadings>(&compact(&other), MAX_ENVELOPE_BYTES),
        Err(NotSigned::Context { .. })
    ));
    let mut more = serde_json::to_value(first()).unwrap();
    more["price"] = json!(1);
    assert!(serde_json::from_value::<MeterReadings>(more).is_err());
    let twice = serde_json::to_string(&first()).unwrap().replacen(
        "\"sequence\":1",
        "\"sequence\":1,\"sequence\":2",
        1,
    );
    assert!(serde_json::from_str::<MeterReadings>(&twice).is_err());
}

#[test]
fn a_text_that_is_not_three_parts_in_base64url_is_refused() {
    let good = compact(&first());
    let padded = format!("{good}==");
    let four = format!("{good}.AAAA");
    for text in ["", "a", "a.b", "a.b.c", &padded, &four, "é.é.é"] {
        assert_eq!(
            jws::parse::<MeterReadings>(text, MAX_ENVELOPE_BYTES),
            Err(NotSigned::NotCompact),
            "{text}"
        );
    }
}

#[test]
fn the_longest_envelope_there_can_be_is_within_the_limit_and_one_byte_more_is_not() {
    let longest = Reading {
        wh: WattHours(i64::MAX),
        interval_start: at("2026-06-01T10:15:00.123456789Z"),
        interval_end: at("2026-06-01T10:30:00.123456789Z"),
        counter_start_wh: Some(WattHours(i64::MIN)),
        counter_end_wh: Some(WattHours(i64::MIN)),
        quality: Quality::Interpolated,
        cause: Some(Cause::ClockUnsynchronised),
        clock: ClockState::Unsynchronised,
    };
    let text = "\u{1}".repeat(MAX_TEXT_CHARS);
    let payload = MeterReadings {
        meter: MeterIdentity {
            maker: text.clone(),
            model: text.clone(),
            serial: text.clone(),
            firmware: Some(text),
        },
        readings: vec![longest; MAX_READINGS],
        ..second()
    };
    let envelope = compact(&payload);
    assert!(envelope.len() <= MAX_ENVELOPE_BYTES, "{}", envelope.len());
    assert!(jws::parse::<MeterReadings>(&envelope, envelope.len()).is_ok());
    assert_eq!(
        jws::parse::<MeterReadings>(&envelope, envelope.len() - 1),
        Err(NotSigned::TooLong {
            found: envelope.len(),
            limit: envelope.len() - 1
        })
    );
}

fn refused_at(change: impl FnOnce(&mut MeterReadings)) -> String {
    let mut payload = second();
    change(&mut payload);
    payload.check().unwrap_err().pointer
}

#[test]
fn a_payload_that_contradicts_itself_is_refused() {
    assert_eq!(refused_at(|payload| payload.sequence = 0), "/sequence");
    assert_eq!(refused_at(|payload| payload.sequence = 1), "/previous");
    assert_eq!(refused_at(|payload| payload.previous = None), "/previous");
    assert_eq!(
        refused_at(|payload| payload.previous = Some("CD".repeat(32))),
        "/previous"
    );
    assert_eq!(
        refused_at(|payload| payload.profile.sha256 = "ab".into()),
        "/profile/sha256"
    );
    assert_eq!(
        refused_at(|payload| payload.meter.serial = "x".repeat(MAX_TEXT_CHARS + 1)),
        "/meter/serial"
    );
    assert_eq!(
        refused_at(|payload| payload.meter.model = "\0".into()),
        "/meter/model"
    );
    assert_eq!(refused_at(|payload| payload.readings.clear()), "/readings");
    assert_eq!(
        refused_at(|payload| payload.readings = vec![reading(); MAX_READINGS + 1]),
        "/readings"
    );
}

#[test]
fn a_reading_that_contradicts_itself_is_refused() {
    let changes: [fn(&mut Reading); 10] = [
        |reading| reading.interval_end = reading.interval_start,
        |reading| reading.wh = WattHours(-1),
        |reading| reading.wh = WattHours(1_251),
        |reading| reading.counter_end_wh = None,
        |reading| reading.counter_start_wh = Some(WattHours(i64::MIN)),
        |reading| reading.clock = ClockState::Unsynchronised,
        |reading| reading.cause = Some(Cause::Gap),
        |reading| reading.quality = Quality::Interpolated,
        |reading| reading.quality = Quality::Doubtful,
        |reading| {
            reading.quality = Quality::Doubtful;
            reading.cause = Some(Cause::Reset);
            reading.wh = WattHours(MAX_CERTIFICATE_ID + 1);
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut payload = first();
        change(&mut payload.readings[0]);
        let refused = payload.check().unwrap_err();
        assert_eq!(refused.pointer, "/readings/0", "change {number}");
    }
}

#[test]
fn a_counter_that_wraps_may_end_below_where_it_started() {
    let mut payload = first();
    payload.readings[0].cause = Some(Cause::Wrap);
    payload.readings[0].counter_start_wh = Some(WattHours(4_294_967_000));
    payload.readings[0].counter_end_wh = Some(WattHours(954));
    assert_eq!(payload.check(), Ok(()));
}
