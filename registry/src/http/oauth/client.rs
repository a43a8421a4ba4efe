//! A machine that proves who it is: the id of an API key and the key itself.

use super::form::{Parameters, invalid};
use crate::audit;
use crate::http::extract::form_pairs;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::state::State;
use crate::identity::{GoodKey, Principal};
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use schemas::envelope::Actor;
use std::sync::Arc;

/// Id and secret as they were sent.
struct Pair {
    id: String,
    secret: String,
}

/// The key of the machine that asks, and what it is good for.
///
/// # Errors
/// `invalid_client` whatever is wrong with it, `invalid_request` if it comes in two ways, 429 above its limits,
/// 503 if it can not be found out.
pub async fn authenticated(
    http: &HttpRequest,
    form: &Parameters,
    state: &State,
) -> Answer<(Arc<GoodKey>, Arc<Principal>)> {
    let pair = match (by_basic(http)?, by_form(form)) {
        (Some(_), Some(_)) => {
            return Err(invalid("credentials are in the header and in the body"));
        }
        (Some(pair), None) | (None, Some(pair)) => pair,
        (None, None) => return Err(refused()),
    };
    let key = known(state.api_keys().by_text(&pair.secret, state).await)?;
    if key.key_id.to_string() != pair.id {
        return Err(refused());
    }
    let (user_id, via) = (key.credential.user_id, key.credential.via);
    audit::by(&Actor::User(user_id), Some(via));
    state.limits.of_principal(user_id, via)?;
    let principal = known(state.principals.get(key.credential.clone(), state).await)?;
    Ok((key, principal))
}

/// What a key is, or whose, if it is good.
fn known<T>(found: Answer<T>) -> Answer<T> {
    found.map_err(|problem| match problem.code().status() {
        StatusCode::UNAUTHORIZED => refused(),
        _ => problem,
    })
}

/// HTTP Basic, each half form-encoded (RFC 6749, section 2.3.1).
fn by_basic(http: &HttpRequest) -> Answer<Option<Pair>> {
    let Some(value) = http.headers().get(AUTHORIZATION) else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| refused())?;
    let (scheme, encoded) = text.split_once(' ').ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(refused());
    }
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok();
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = decoded.as_deref().and_then(|text| {
        let (id, secret) = text.split_once(':')?;
        let (id, secret) = (plain(id)?, plain(secret)?);
        Some(Pair { id, secret })
    });
    pair.map(Some).ok_or_else(refused)
}

/// A text that is form-encoded by itself.
fn plain(encoded: &str) -> Option<String> {
    let pairs = form_pairs(format!("v={encoded}").as_bytes());
    match <[_; 1]>::try_from(pairs) {
        Ok([(_, text)]) => Some(text),
        Err(_) => None,
    }
}

fn by_form(form: &Parameters) -> Option<Pair> {
    Some(Pair {
        id: form.get("client_id")?.to_owned(),
        secret: form.get("client_secret")?.to_owned(),
    })
}

fn refused() -> Problem {
    Problem::new(
        EdgeCode::InvalidClient,
        "`client_id` and `client_secret` are not the id of an API key that is good and the key",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use actix_web::test::TestRequest;

    fn basic(value: &str) -> Answer<Option<(String, String)>> {
        let request = TestRequest::post().insert_header((AUTHORIZATION, value));
        let pair = by_basic(&request.to_http_request())?;
        Ok(pair.map(|pair| (pair.id, pair.secret)))
    }

    #[test]
    fn basic_credentials_are_form_encoded_and_in_base64() {
        let encoded = BASE64_STANDARD.encode("a%3Ab:c+d%26");
        let read = basic(&format!("Basic {encoded}")).unwrap().unwrap();
        assert_eq!(read, ("a:b".to_owned(), "c d&".to_owned()));
        let two = BASE64_STANDARD.encode("a:b&c=d");
        let none = BASE64_STANDARD.encode("no colon");
        for wrong in [
            "Basic",
            "Basic !",
            "Bearer abc",
            &format!("Basic {two}"),
            &format!("Basic {none}"),
        ] {
            let refused = basic(wrong).unwrap_err();
            assert_eq!(refused.code().as_str(), "invalid_client", "{wrong}");
        }
    }
}
