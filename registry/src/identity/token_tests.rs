//! What RFC 8725 warns of, tried on access tokens.
#![allow(clippy::unwrap_used)]

use super::super::key_ring::tests::ring_of;
use super::*;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

const SEED: [u8; 32] = [3; 32];
const SESSION: Uuid = Uuid::from_u128(9);

fn tokens() -> Tokens {
    tokens_of("gb", 60)
}

fn tokens_of(domain: &str, minutes: u32) -> Tokens {
    Tokens::new(&Master::new(&[7; 32]), domain, minutes)
}

fn good() -> String {
    tokens()
        .access(&ring_of(SEED), UserId(42), SESSION)
        .unwrap()
}

fn reads(token: &str) -> Result<UserId, TokenError> {
    let verified = tokens().verify(&ring_of(SEED), token)?;
    Ok(verified.user_id)
}

fn encoded(part: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(part)
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Header and claims of a good token.
fn parts() -> (Value, Value) {
    let token = good();
    let mut parts = token.split('.');
    let mut next = || decoded(parts.next().unwrap());
    (next(), next())
}

/// The texts as they are, signed by the registry's own key.
fn signed(header: &str, claims: &str) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let signature = SigningKey::from_bytes(&SEED).sign(message.as_bytes());
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signature.to_bytes());
    format!("{message}.{signature}")
}

fn with_header(change: impl FnOnce(&mut Value)) -> String {
    let (mut header, claims) = parts();
    change(&mut header);
    signed(&header.to_string(), &claims.to_string())
}

fn with_claims(change: impl FnOnce(&mut Value)) -> String {
    let (header, mut claims) = parts();
    change(&mut claims);
    signed(&header.to_string(), &claims.to_string())
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name).unwrap();
    object
}

#[test]
fn a_token_names_its_user_and_session_and_is_what_rfc_9068_asks_for() {
    let verified = tokens().verify(&ring_of(SEED), &good()).unwrap();
    assert_eq!(
        (verified.user_id, verified.via, verified.scope),
        (UserId(42), Via::Session(SESSION), None)
    );
    let (header, claims) = parts();
    assert_eq!(
        (&header["typ"], &header["alg"]),
        (&json!("at+jwt"), &json!("EdDSA"))
    );
    for claim in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
        assert!(!claims[claim].is_null(), "{claim}");
    }
}

/// So that every refusal below is for the one thing that was changed.
#[test]
fn a_token_put_together_again_from_its_parts_is_good() {
    assert_eq!(reads(&with_header(|_| {})).unwrap(), UserId(42));
}

#[test]
fn a_token_without_signature_is_refused() {
    let (mut header, claims) = parts();
    for alg in ["none", "None", "NONE", ""] {
        header["alg"] = json!(alg);
        let message = format!(
            "{}.{}",
            encoded(&header.to_string()),
            encoded(&claims.to_string())
        );
        for token in [
            format!("{message}."),
            message.clone(),
            format!("{message}.AAAA"),
        ] {
            assert!(reads(&token).is_err(), "{alg}");
        }
    }
    let good = good();
    let (message, _) = good.rsplit_once('.').unwrap();
    for signature in ["", "AAAA", &BASE64_URL_SAFE_NO_PAD.encode([0; 64])] {
        assert!(reads(&format!("{message}.{signature}")).is_err());
    }
}

#[test]
fn the_public_key_is_no_secret_to_sign_with() {
    let public = SigningKey::from_bytes(&SEED).verifying_key();
    let (mut header, claims) = parts();
    header["alg"] = json!("HS256");
    let message = format!(
        "{}.{}",
        encoded(&header.to_string()),
        encoded(&claims.to_string())
    );
    let x = BASE64_URL_SAFE_NO_PAD.encode(public.as_bytes());
    for secret in [public.as_bytes().as_slice(), x.as_bytes()] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        let tag = aws_lc_rs::hmac::sign(&key, message.as_bytes());
        let tag = BASE64_URL_SAFE_NO_PAD.encode(tag);
        assert!(reads(&format!("{message}.{tag}")).is_err());
    }
}

#[test]
fn a_token_that_brings_its_own_key_or_says_where_to_find_one_is_refused() {
    let own =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    for (name, value) in [
        ("jwk", own),
        ("jku", json!("https://example.org/jwks.json")),
        ("x5u", json!("https://example.org/chain.pem")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
    ] {
        let token = with_header(|header| header[name] = value);
        assert!(matches!(reads(&token), Err(TokenError::Foreign)), "{name}");
    }
}

#[test]
fn a_key_id_is_a_thumbprint_and_nothing_else() {
    let unknown = schemas::gateway::PublicKey::ed25519(&[5; 32]).key_id();
    let token = with_header(|header| header["kid"] = json!(unknown.to_string()));
    assert!(matches!(reads(&token), Err(TokenError::UnknownKey)));
    for kid in [
        json!("../../../../dev/null"),
        json!("' OR 1=1 --"),
        json!("\u{0}"),
        json!(""),
        json!(1),
        json!(null),
        json!(["a"]),
        json!("A".repeat(1_000)),
    ] {
        let token = with_header(|header| header["kid"] = kid.clone());
        assert!(matches!(reads(&token), Err(TokenError::Foreign)), "{kid}");
    }
    let (header, claims) = parts();
    let token = signed(&without(header, "kid").to_string(), &claims.to_string());
    assert!(reads(&token).is_err());
}

#[test]
fn a_token_of_another_type_issuer_or_audience_is_refused() {
    for typ in [
        json!("JWT"),
        json!("jwt"),
        json!("dpop+jwt"),
        json!(""),
        json!(null),
    ] {
        assert!(
            reads(&with_header(|header| header["typ"] = typ.clone())).is_err(),
            "{typ}"
        );
    }
    for name in ["iss", "aud"] {
        for value in [
            json!("registry-de"),
            json!(""),
            json!(null),
            json!(["registry-de"]),
            json!(["registry-gb", "registry-de"]),
        ] {
            let token = with_claims(|claims| claims[name] = value.clone());
            assert!(reads(&token).is_err(), "{name} {value}");
        }
    }
    let elsewhere = tokens_of("de", 60).access(&ring_of(SEED), UserId(42), SESSION);
    assert!(reads(&elsewhere.unwrap()).is_err());
    let other_key = tokens().access(&ring_of([4; 32]), UserId(42), SESSION);
    assert!(matches!(
        reads(&other_key.unwrap()),
        Err(TokenError::UnknownKey)
    ));
}

#[test]
fn a_claim_that_is_missing_or_of_another_type_is_refused() {
    for name in [
        "iss",
        "aud",
        "sub",
        "exp",
        "nbf",
        "sid",
        "jti",
        "iat",
        "client_id",
    ] {
        let (header, claims) = parts();
        let token = signed(&header.to_string(), &without(claims, name).to_string());
        assert!(reads(&token).is_err(), "{name}");
        for value in [json!({}), json!([]), json!(true), json!("x"), json!(-1)] {
            if matches!(name, "client_id") && value.is_string()
                || name == "iat" && value == json!(-1)
            {
                continue;
            }
            let token = with_claims(|claims| claims[name] = value.clone());
            assert!(reads(&token).is_err(), "{name} {value}");
        }
    }
    for sub in ["", "forty", "1e3", "42 ", "99999999999999999999"] {
        assert!(
            reads(&with_claims(|claims| claims["sub"] = json!(sub))).is_err(),
            "{sub}"
        );
    }
}

#[test]
fn a_token_is_refused_before_its_time_and_after_it() {
    let now = Utc::now().timestamp();
    for (name, value) in [("exp", now - 1), ("exp", 0), ("nbf", now + 60)] {
        let token = with_claims(|claims| claims[name] = json!(value));
        assert!(reads(&token).is_err(), "{name} {value}");
    }
    // Neither a fraction nor an overflow is a way round it.
    for exp in ["1e400", "18446744073709551616"] {
        let (header, claims) = parts();
        let claims = claims.to_string().replace(&claims["exp"].to_string(), exp);
        assert!(
            reads(&signed(&header.to_string(), &claims)).is_err(),
            "{exp}"
        );
    }
}

#[test]
fn a_token_that_was_good_is_refused_once_it_expired_or_its_key_is_gone() {
    let (tokens, ring) = (tokens(), ring_of(SEED));
    let token = good();
    let verified = tokens.verify(&ring, &token).unwrap();
    assert!(matches!(
        tokens.verify(&KeyRing::default(), &token),
        Err(TokenError::UnknownKey)
    ));
    // One that was looked at while it was good.
    let exp = Utc::now().timestamp() - 1;
    let expired = with_claims(|claims| claims["exp"] = json!(exp));
    let digest = Sha256::digest(&expired).into();
    tokens.verified.insert(digest, Verified { exp, ..verified });
    assert!(tokens.verify(&ring, &expired).is_err());
}

#[test]
fn what_is_named_twice_is_refused() {
    let (header, claims) = parts();
    let twice = |object: &Value, name: &str, value: &str| {
        let text = object.to_string();
        format!("{},\"{name}\":{value}}}", text.trim_end_matches('}'))
    };
    for (name, value) in [
        ("sub", "\"1\""),
        ("exp", "99999999999"),
        ("iss", "\"registry-gb\""),
    ] {
        let token = signed(&header.to_string(), &twice(&claims, name, value));
        assert!(reads(&token).is_err(), "{name}");
    }
    let token = signed(&twice(&header, "alg", "\"EdDSA\""), &claims.to_string());
    assert!(reads(&token).is_err());
}

#[test]
fn a_token_of_2048_bytes_is_looked_at_and_a_longer_one_is_not() {
    let padded = |fill: usize| with_claims(|claims| claims["pad"] = json!("x".repeat(fill)));
    // A character of the claims is four thirds of one in base64.
    let fill = (MAX_TOKEN_BYTES - padded(0).len()) * 3 / 4;
    let sizes = fill - 3..fill + 4;
    let (taken, refused): (Vec<_>, Vec<_>) = sizes
        .map(padded)
        .partition(|token| token.len() <= MAX_TOKEN_BYTES);
    assert!(taken.iter().any(|token| token.len() == MAX_TOKEN_BYTES));
    assert!(
        refused
            .iter()
            .any(|token| token.len() == MAX_TOKEN_BYTES + 1)
    );
    assert!(taken.iter().all(|token| reads(token).is_ok()));
    assert!(
        refused
            .iter()
            .all(|token| matches!(reads(token), Err(TokenError::Foreign)))
    );
    assert!(reads(&"a.".repeat(1_000_000)).is_err());
}

#[test]
fn what_is_no_token_at_all_is_refused() {
    let good = good();
    let whitespace = format!(" {good}");
    let five = format!("{good}.a.b");
    for text in [
        "",
        ".",
        "..",
        "a.b.c",
        "null",
        whitespace.as_str(),
        five.as_str(),
    ] {
        assert!(reads(text).is_err(), "{text}");
    }
    let (header, _) = parts();
    for claims in ["", "null", "[]", "1", "{}"] {
        assert!(
            reads(&signed(&header.to_string(), claims)).is_err(),
            "{claims}"
        );
    }
}

#[test]
fn a_csrf_session_is_no_access_token_and_the_other_way_round() {
    let (csrf, session) = tokens().session(60).unwrap();
    assert_eq!(tokens().csrf(&session).unwrap(), csrf);
    assert!(reads(&session).is_err());
    assert!(tokens().csrf(&good()).is_err());
    assert!(tokens_of("de", 60).csrf(&session).is_err());
}
