//! Other servers that say who somebody is.

use super::auth::{AuthError, secret};
use projections::postgres::Secret;
use reqwest::Url;
use schemas::life_cycle::Role;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// An OpenID provider, which signs people in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// Its address, exactly as its tokens have it in `iss`; empty: there is none.
    pub issuer: String,
    /// What the registry is called there.
    pub client_id: String,
    /// What the registry proves that with; empty for a client without secret, whom PKCE protects alone.
    pub client_secret: Secret,
    /// A file whose first line is the secret; used when `client_secret` is empty.
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Signatures of its tokens that count: none of `none` and `HS…`, whatever a token says.
    pub algorithms: Vec<String>,
    /// `aud` of the provider's JWTs that are taken as bearer tokens; empty: none are.
    pub audiences: Vec<String>,
    /// Values of `amr` or `acr` in an ID token which say that the provider has asked for a second factor, such as
    /// `mfa` (RFC 8176). Without one of them, whoever has a second factor here is asked for it.
    pub second_factor: Vec<String>,
    /// Whether somebody who is linked to no user becomes one with the first sign-in, if the provider has verified
    /// their e-mail address. Else an administrator links them.
    pub create_users: bool,
    /// The role of such a user where `roles` is empty.
    pub default_role: Role,
    /// Where a browser goes after signing in, unless it named another path of the registry.
    pub return_to: String,
    /// How long the provider may take to answer, in milliseconds.
    pub timeout_ms: u64,
    /// The claim that says which role somebody has: its name, or a JSON pointer (`/realm_access/roles`) into the
    /// claims. A text, or a list of them.
    pub role_claim: String,
    /// Role by value of the claim; of several the highest. Whoever has no value that is here has no role. Empty:
    /// the server says nothing about roles.
    pub roles: BTreeMap<String, Role>,
}

impl Default for Oidc {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            issuer: String::new(),
            client_id: String::new(),
            client_secret: Secret::default(),
            client_secret_file: None,
            scopes: words(&["openid", "email", "profile"]),
            algorithms: words(&["EdDSA", "ES256", "PS256", "RS256"]),
            audiences: Vec::new(),
            second_factor: Vec::new(),
            create_users: false,
            default_role: Role::Audit,
            return_to: "/docs".to_owned(),
            timeout_ms: 5_000,
            role_claim: String::new(),
            roles: BTreeMap::new(),
        }
    }
}

/// A server that is asked about each bearer token that is not the registry's own (RFC 7662).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Introspection {
    /// Where it is asked; empty: there is none.
    pub url: String,
    /// What the registry is called there; empty: it is asked without credentials.
    pub client_id: String,
    /// What the registry proves that with.
    pub client_secret: Secret,
    /// A file whose first line is the secret; used when `client_secret` is empty.
    pub client_secret_file: Option<PathBuf>,
    /// The `iss` of its tokens, to which users are linked.
    pub issuer: String,
    /// What must be among the `aud` of a token: any other was given out for another service, which could use it here.
    pub audience: String,
    /// How long an answer counts, in seconds: a token that is revoked there is good here this much longer.
    pub cache_s: u64,
    /// How long it may take to answer, in milliseconds.
    pub timeout_ms: u64,
    /// The claim that says which role somebody has: its name, or a JSON pointer (`/realm_access/roles`) into the
    /// claims. A text, or a list of them.
    pub role_claim: String,
    /// Role by value of the claim; of several the highest. Whoever has no value that is here has no role. Empty:
    /// the server says nothing about roles.
    pub roles: BTreeMap<String, Role>,
}

impl Default for Introspection {
    fn default() -> Self {
        Self {
            url: String::new(),
            client_id: String::new(),
            client_secret: Secret::default(),
            client_secret_file: None,
            issuer: String::new(),
            audience: String::new(),
            cache_s: 10,
            timeout_ms: 2_000,
            role_claim: String::new(),
            roles: BTreeMap::new(),
        }
    }
}

/// Which role follows from what another server says of somebody.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    /// See [`Oidc::role_claim`].
    pub role_claim: String,
    /// See [`Oidc::roles`].
    pub roles: BTreeMap<String, Role>,
}

impl Oidc {
    /// Whether there is a provider.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.issuer.is_empty()
    }

    /// What says which role somebody has.
    #[must_use]
    pub fn mapping(&self) -> Mapping {
        Mapping {
            role_claim: self.role_claim.clone(),
            roles: self.roles.clone(),
        }
    }

    /// The client's secret, from the setting or its file.
    ///
    /// # Errors
    /// [`AuthError`] if the file can not be read.
    pub fn secret(&self) -> Result<Secret, AuthError> {
        secret(
            "auth.oidc.client_secret_file",
            &self.client_secret,
            self.client_secret_file.as_deref(),
        )
    }

    /// Rules that do not hold.
    pub(super) fn contradictions(&self, wrong: &mut Vec<String>) {
        if !self.is_on() {
            return;
        }
        let mut must = |holds: bool, key: &str, rule: &str| {
            if !holds {
                wrong.push(format!("`auth.oidc.{key}` {rule}"));
            }
        };
        must(is_safe(&self.issuer), "issuer", SAFE);
        must(!self.client_id.is_empty(), "client_id", "is missing");
        let openid = self.scopes.iter().any(|scope| scope == "openid");
        must(openid, "scopes", "must have `openid` among them");
        let known = |name: &String| ALGORITHMS.contains(&name.as_str());
        let all_known = !self.algorithms.is_empty() && self.algorithms.iter().all(known);
        let rule = format!("must be some of {}", ALGORITHMS.join(", "));
        must(all_known, "algorithms", &rule);
        let local = is_local_path(&self.return_to);
        must(local, "return_to", "must be a path of the registry");
        must(self.mapping().is_whole(), "role_claim", "is missing");
        must(self.timeout_ms >= 1, "timeout_ms", "must be at least 1");
    }
}

impl Introspection {
    /// Whether there is a server to ask.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.url.is_empty()
    }

    /// What says which role somebody has.
    #[must_use]
    pub fn mapping(&self) -> Mapping {
        Mapping {
            role_claim: self.role_claim.clone(),
            roles: self.roles.clone(),
        }
    }

    /// The client's secret, from the setting or its file.
    ///
    /// # Errors
    /// [`AuthError`] if the file can not be read.
    pub fn secret(&self) -> Result<Secret, AuthError> {
        secret(
            "auth.introspection.client_secret_file",
            &self.client_secret,
            self.client_secret_file.as_deref(),
        )
    }

    /// Rules that do not hold.
    pub(super) fn contradictions(&self, wrong: &mut Vec<String>) {
        if !self.is_on() {
            return;
        }
        let mut must = |holds: bool, key: &str, rule: &str| {
            if !holds {
                wrong.push(format!("`auth.introspection.{key}` {rule}"));
            }
        };
        must(is_safe(&self.url), "url", SAFE);
        must(!self.issuer.is_empty(), "issuer", "is missing");
        must(!self.audience.is_empty(), "audience", "is missing");
        must(
            (1..=300).contains(&self.cache_s),
            "cache_s",
            "must be 1 to 300",
        );
        must(self.timeout_ms >= 1, "timeout_ms", "must be at least 1");
        must(self.mapping().is_whole(), "role_claim", "is missing");
    }
}

impl Mapping {
    fn is_whole(&self) -> bool {
        self.roles.is_empty() || !self.role_claim.is_empty()
    }
}

/// Signatures that only the holder of a private key can make.
const ALGORITHMS: [&str; 9] = [
    "EdDSA", "ES256", "ES384", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512",
];

const SAFE: &str = "must be an `https://` address, or one of this machine";

/// Whether what goes there can not be read on the way.
#[must_use]
pub fn is_safe(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let is_here = || match url.host_str() {
        Some("localhost") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback()),
        None => false,
    };
    match url.scheme() {
        "https" => url.host_str().is_some(),
        "http" => is_here(),
        _ => false,
    }
}

/// Whether a browser that is sent there stays with the registry.
#[must_use]
pub fn is_local_path(path: &str) -> bool {
    let mut chars = path.chars();
    chars.next() == Some('/')
        && !matches!(chars.next(), Some('/' | '\\'))
        && path.chars().all(|c| c.is_ascii_graphic() && c != '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(change: impl FnOnce(&mut Oidc)) -> Vec<String> {
        let mut oidc = Oidc {
            issuer: "https://login.example".to_owned(),
            client_id: "registry".to_owned(),
            ..Oidc::default()
        };
        change(&mut oidc);
        let mut wrong = Vec::new();
        oidc.contradictions(&mut wrong);
        wrong
    }

    #[test]
    fn a_provider_needs_few_settings_and_each_that_is_wrong_is_named() {
        assert_eq!(wrong(|_| {}), Vec::<String>::new());
        assert_eq!(wrong(|oidc| *oidc = Oidc::default()), Vec::<String>::new());
        for (key, said) in [
            (
                "issuer",
                wrong(|oidc| oidc.issuer = "http://login.example".to_owned()),
            ),
            ("client_id", wrong(|oidc| oidc.client_id.clear())),
            ("scopes", wrong(|oidc| oidc.scopes.clear())),
            (
                "algorithms",
                wrong(|oidc| oidc.algorithms = vec!["HS256".to_owned()]),
            ),
            (
                "algorithms",
                wrong(|oidc| oidc.algorithms = vec!["none".to_owned()]),
            ),
            ("algorithms", wrong(|oidc| oidc.algorithms.clear())),
            (
                "return_to",
                wrong(|oidc| oidc.return_to = "//evil.example".to_owned()),
            ),
            (
                "role_claim",
                wrong(|oidc| {
                    oidc.roles.insert("x".to_owned(), Role::Trading);
                }),
            ),
        ] {
            let named = format!("`auth.oidc.{key}`");
            assert!(
                said.len() == 1 && said[0].starts_with(&named),
                "{key}: {said:?}"
            );
        }
    }

    #[test]
    fn a_server_that_is_asked_about_tokens_says_whom_they_are_for() {
        let mut asked = Introspection {
            url: "https://login.example/introspect".to_owned(),
            issuer: "https://login.example".to_owned(),
            audience: "registry".to_owned(),
            ..Introspection::default()
        };
        let wrong = |asked: &Introspection| {
            let mut wrong = Vec::new();
            asked.contradictions(&mut wrong);
            wrong
        };
        assert_eq!(wrong(&asked), Vec::<String>::new());
        asked.audience.clear();
        assert_eq!(wrong(&asked), ["`auth.introspection.audience` is missing"]);
    }

    #[test]
    fn secrets_go_over_tls_or_stay_on_the_machine() {
        for good in [
            "https://login.example/realms/x",
            "http://localhost:8080",
            "http://127.0.0.1:1",
            "http://[::1]:1/x",
        ] {
            assert!(is_safe(good), "{good}");
        }
        for bad in [
            "",
            "login.example",
            "http://login.example",
            "http://127.0.0.1.example",
            "http://localhost.example",
            "ftp://localhost",
            "file:///etc/passwd",
        ] {
            assert!(!is_safe(bad), "{bad}");
        }
    }

    #[test]
    fn a_browser_is_not_sent_elsewhere() {
        for good in ["/", "/docs", "/app?x=1#y"] {
            assert!(is_local_path(good), "{good}");
        }
        for bad in [
            "",
            "docs",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nb",
            "/\\/x",
            "/é",
        ] {
            assert!(!is_local_path(bad), "{bad}");
        }
    }
}
