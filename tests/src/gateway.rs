//! An edge gateway as the registry sees one: a key, and a chain of signed envelopes per device.

use crate::{Actor, Answer, hour};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
};
use chrono::{DateTime, Utc};
use schemas::WattHours;
use schemas::gateway::enrolment::{EnrolmentProof, KeyChange};
use schemas::gateway::jws::{self, Signed, Unsigned};
use schemas::gateway::{
    Algorithm, Cause, ClockState, KeyId, MeterIdentity, MeterReadings, ProfileRef, PublicKey,
    Quality, Reading,
};
use schemas::id::{DeviceId, GatewayId};
use serde_json::{Value, json};
use std::collections::HashMap;

/// A key pair that signs.
pub enum GatewayKey {
    /// ES256.
    P256(EcdsaKeyPair),
    /// EdDSA.
    Ed25519(Ed25519KeyPair),
}

impl GatewayKey {
    /// A new key.
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Es256 => {
                Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
            }
            Algorithm::EdDsa => Self::Ed25519(Ed25519KeyPair::generate().unwrap()),
        }
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        match self {
            Self::P256(pair) => {
                let point = pair.public_key().as_ref();
                PublicKey::p256(
                    point[1..33].try_into().unwrap(),
                    point[33..].try_into().unwrap(),
                )
            }
            Self::Ed25519(pair) => {
                PublicKey::ed25519(pair.public_key().as_ref().try_into().unwrap())
            }
        }
    }

    /// Its id.
    pub fn id(&self) -> KeyId {
        self.public().key_id()
    }

    /// Signs bytes, whatever they are.
    pub fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        let signature = match self {
            Self::P256(pair) => pair.sign(&SystemRandom::new(), message).unwrap(),
            Self::Ed25519(pair) => pair.sign(message),
        };
        signature.as_ref().try_into().unwrap()
    }

    /// Signs a payload as it should be.
    pub fn sign<T: Signed>(&self, payload: &T) -> String {
        let unsigned = Unsigned::new(self.public().algorithm(), self.id(), payload);
        let signature = self.sign_bytes(unsigned.signing_input());
        unsigned.signed(&signature)
    }
}

/// A gateway that was enrolled.
pub struct TestGateway {
    pub id: i64,
    pub key: GatewayKey,
    /// Of each device the number and hash of its last envelope.
    chains: HashMap<i64, (i64, Option<String>)>,
}

/// A code for devices of an account.
pub async fn gateway_code(member: &Actor, account: i64, devices: &[i64]) -> String {
    let body = json!({"account_id": account, "device_ids": devices});
    let code = member.post("/gateway/code", body).await.expect(201);
    code["code"].as_str().unwrap().to_owned()
}

/// What a gateway sends to enrol.
pub fn enrolment(code: &str, key: &GatewayKey) -> Value {
    json!({
        "code": code,
        "public_key": key.public(),
        "proof": key.sign(&EnrolmentProof::new(code)),
        "name": "shed",
    })
}

impl TestGateway {
    /// Enrols a gateway for devices of an account of which `member` is a member.
    pub async fn enrol(
        anonymous: &Actor,
        member: &Actor,
        account: i64,
        devices: &[i64],
        algorithm: Algorithm,
    ) -> Self {
        let code = gateway_code(member, account, devices).await;
        let key = GatewayKey::new(algorithm);
        let body = enrolment(&code, &key);
        let enrolled = anonymous.post("/gateway/enrol", body).await.expect(201);
        assert_eq!(enrolled["key_id"], json!(key.id()));
        let chains = enrolled["devices"]
            .as_array()
            .unwrap()
            .iter()
            .map(|device| {
                let next = device["next_sequence"].as_i64().unwrap();
                let hash = device["previous"].as_str().map(str::to_owned);
                (device["device_id"].as_i64().unwrap(), (next - 1, hash))
            });
        Self {
            id: enrolled["gateway_id"].as_i64().unwrap(),
            chains: chains.collect(),
            key,
        }
    }

    /// The payload of a device's next envelope.
    pub fn payload(&self, device: i64, readings: Vec<Reading>) -> MeterReadings {
        let (last, previous) = self.chains.get(&device).cloned().unwrap_or_default();
        meter_readings(self.id, device, (last + 1, previous), readings)
    }

    /// A device's next envelope; the one after follows it.
    pub fn envelope(&mut self, device: i64, readings: Vec<Reading>) -> String {
        let payload = self.payload(device, readings);
        let envelope = self.key.sign(&payload);
        let hash = jws::hash(&envelope);
        self.chains.insert(device, (payload.sequence, Some(hash)));
        envelope
    }

    /// A change to another key, as it is sent.
    pub fn key_change(&self, new: &GatewayKey) -> Value {
        let change = KeyChange::new(GatewayId(self.id), new.public());
        json!({
            "signed_by_current": self.key.sign(&change),
            "signed_by_new": new.sign(&change),
        })
    }
}

/// The payload of an envelope; `chain` is its number and the hash of the one before.
pub fn meter_readings(
    gateway: i64,
    device: i64,
    (sequence, previous): (i64, Option<String>),
    readings: Vec<Reading>,
) -> MeterReadings {
    MeterReadings {
        context: MeterReadings::CONTEXT.to_owned(),
        gateway_id: GatewayId(gateway),
        device_id: DeviceId(device),
        meter: MeterIdentity {
            maker: "Huawei".to_owned(),
            model: "SUN2000-10KTL-M1".to_owned(),
            serial: "HV2140123456".to_owned(),
            firmware: None,
        },
        profile: ProfileRef {
            id: "huawei_sun2000".to_owned(),
            sha256: "ab".repeat(32),
        },
        sequence,
        previous,
        created_at: readings
            .last()
            .map_or_else(Utc::now, |one| one.interval_end),
        readings,
    }
}

/// A measured reading.
pub fn measured(start: DateTime<Utc>, end: DateTime<Utc>, wh: i64) -> Reading {
    Reading {
        interval_start: start,
        interval_end: end,
        wh: WattHours(wh),
        counter_start_wh: Some(WattHours(1_000_000)),
        counter_end_wh: Some(WattHours(1_000_000 + wh)),
        quality: Quality::Measured,
        cause: None,
        clock: ClockState::Synchronised,
    }
}

/// A measured reading of the `n`-th hour.
pub fn measured_hour(n: i64, wh: i64) -> Reading {
    measured(hour(n), hour(n + 1), wh)
}

/// A doubtful reading of the `n`-th hour.
pub fn doubtful_hour(n: i64, wh: i64, cause: Cause) -> Reading {
    Reading {
        quality: Quality::Doubtful,
        cause: Some(cause),
        ..measured_hour(n, wh)
    }
}

impl Actor {
    /// Submits envelopes; they authenticate themselves.
    pub async fn submit_envelopes(&self, envelopes: &[String]) -> Answer {
        self.post("/gateway/events", json!({"envelopes": envelopes}))
            .await
    }

    /// The same, all of which must be answered; gives the receipts.
    pub async fn receipts(&self, envelopes: &[String]) -> Vec<Value> {
        let answer = self.submit_envelopes(envelopes).await.expect(200);
        answer["receipts"].as_array().unwrap().clone()
    }
}
