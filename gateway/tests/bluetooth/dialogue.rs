//! What a phone says to the service, in the clear and sealed.

use super::bluez::Phone;
use gateway::bluetooth::frame::Kind;
use gateway::bluetooth::session::{AppKey, Random, Seal};
use serde_json::{Value, json};

const NONCE: Random = [7; 16];

pub async fn plain(phone: &Phone, id: u16, message: Value) -> Value {
    let (kind, answer) = phone
        .ask(Kind::Plain, id, message.to_string().as_bytes())
        .await;
    assert_eq!(kind, 2, "a plain answer");
    serde_json::from_slice(&answer).unwrap()
}

/// Proves to know `key`; the session's keys, or what was answered instead.
pub async fn authenticate(phone: &Phone, first_id: u16, key: &str) -> Result<Seal, Value> {
    let key = AppKey::parse(key).unwrap();
    let hello = plain(phone, first_id, json!({"op": "hello"})).await;
    let mut challenge = Random::default();
    hex::decode_to_slice(hello["ok"]["challenge"].as_str().unwrap(), &mut challenge).unwrap();
    let proof = hex::encode(key.client_proof(&challenge, &NONCE));
    let message = json!({"op": "authenticate", "nonce": hex::encode(NONCE), "proof": proof});
    let answer = plain(phone, first_id + 1, message).await;
    if answer["ok"]["proof"] == hex::encode(key.gateway_proof(&challenge, &NONCE)) {
        Ok(key.seal(&challenge, &NONCE))
    } else {
        Err(answer)
    }
}

pub async fn sealed(phone: &Phone, seal: &Seal, id: u16, message: Value) -> Value {
    let request = seal
        .seal_request(id, message.to_string().as_bytes())
        .unwrap();
    let (kind, answer) = phone.ask(Kind::Sealed, id, &request).await;
    assert_eq!(kind, 3, "a sealed answer");
    serde_json::from_slice(&seal.open_answer(id, &answer).unwrap()).unwrap()
}
