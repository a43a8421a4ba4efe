//! Devices that a user signed in from: their wrong guesses are counted apart, so that nobody who guesses from the
//! same network keeps them out. The cookie says which device, for which user, under the registry's key.

use super::cookie;
use crate::http::limit::Source;
use crate::http::problem::{Answer, Problem};
use crate::http::state::State;
use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use uuid::Uuid;

/// Cookie of a device.
const DEVICE_COOKIE: &str = "device";
/// How long a device is known, in seconds: a year from the last sign-in.
const KNOWN_S: u32 = 31_536_000;

fn bound(email: &str) -> String {
    format!("device of {}", ledger::key::name_digest(email))
}

/// The device that the request comes from, if this user signed in from it before.
fn of(http: &HttpRequest, state: &State, email: &str) -> Option<Uuid> {
    let cookie = http.cookie(DEVICE_COOKIE)?;
    let opened = state.vault.open(&bound(email), cookie.value()).ok()?;
    Uuid::from_slice(&opened).ok()
}

/// Where somebody signs in from.
pub fn from(http: &HttpRequest, state: &State, email: &str) -> Source {
    let address = || Source::Address(state.proxies.client(http));
    of(http, state, email).map_or_else(address, Source::Known)
}

/// The cookie of the device, for who has signed in.
pub fn cookie(http: &HttpRequest, state: &State, email: &str) -> Answer<Cookie<'static>> {
    let device = of(http, state, email).unwrap_or_else(Uuid::now_v7);
    let sealed = state.vault.seal(&bound(email), device.as_bytes());
    let sealed = sealed.map_err(|error| Problem::internal(&error))?;
    Ok(cookie::cookie(http, DEVICE_COOKIE, &sealed, KNOWN_S).into_owned())
}
