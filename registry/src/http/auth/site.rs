//! Which page has a browser sign in: another's could sign somebody in as the attacker, whom they then work for.

use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::http::state::State;
use actix_web::HttpRequest;
use actix_web::http::header::ORIGIN;
use reqwest::Url;

/// What browsers say of where a request comes from (W3C Fetch Metadata), and no page can change.
const SITE: &str = "Sec-Fetch-Site";

/// Checks that a browser which is to keep cookies was not told to sign in by a page of another site. Programs say
/// nothing of a site.
///
/// # Errors
/// `cross_site_sign_in`.
pub fn own_site(http: &HttpRequest, state: &State) -> Answer<()> {
    let header = |name| http.headers().get(name).map(|value| value.to_str().ok());
    let is_own = match (header(SITE), header(ORIGIN.as_str())) {
        (Some(site), _) => matches!(site, Some("same-origin" | "same-site" | "none")),
        // Of browsers that do not know the other.
        (None, Some(origin)) => {
            origin.is_some_and(|origin| is_own_origin(origin, &state.public_url(http)))
        }
        (None, None) => true,
    };
    if is_own {
        return Ok(());
    }
    Err(Problem::new(
        EdgeCode::CrossSiteSignIn,
        "a page of another site does not sign anybody in here",
    ))
}

fn is_own_origin(origin: &str, own: &str) -> bool {
    match (Url::parse(origin), Url::parse(own)) {
        (Ok(origin), Ok(own)) => origin.origin() == own.origin(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let own = "https://registry.example/api";
        assert!(is_own_origin("https://registry.example", own));
        assert!(is_own_origin("https://registry.example:443", own));
        for other in [
            "null",
            "",
            "http://registry.example",
            "https://registry.example:8443",
            "https://evil.example",
        ] {
            assert!(!is_own_origin(other, own), "{other}");
        }
    }
}
