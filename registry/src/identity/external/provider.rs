//! An OpenID provider (OpenID Connect Core 1.0, Discovery 1.0): what it says of itself, its keys, and the
//! authorization code flow with PKCE.

use super::claims::Claimed;
use super::client::{AskError, client, endpoint, object};
use super::jwks::KeySet;
use super::jwt::{self, Expected, JwtError};
use super::sign_in::Started;
use super::{ExternalError, away, refused};
use crate::config;
use crate::http::problem::{Answer, EdgeCode, Problem};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use moka::future::Cache;
use projections::postgres::Secret;
use reqwest::{Client, Url};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// How long what it says of itself counts: a key that it no longer has is refused after this long.
const KEPT: Duration = Duration::from_secs(600);
/// A token under an unknown key causes a look at its keys most this often, however many come.
pub const LEAST_BETWEEN_LOOKS_MS: i64 = 30_000;

/// The provider.
pub struct Provider {
    client: Client,
    settings: config::Oidc,
    secret: Secret,
    algorithms: Vec<Algorithm>,
    mapping: config::Mapping,
    documents: Cache<(), Arc<Documents>>,
    started: Instant,
    looked_ms: AtomicI64,
}

/// What it says of itself.
struct Documents {
    authorization_endpoint: String,
    token_endpoint: String,
    /// Whether it takes HTTP Basic, which it does unless it says otherwise (Discovery 1.0, section 3).
    takes_basic: bool,
    /// Whether it says who it is where it sends browsers back (RFC 9207, section 3).
    names_itself: bool,
    keys: KeySet,
}

impl Provider {
    /// As configured.
    ///
    /// # Errors
    /// [`ExternalError`].
    pub fn new(settings: &config::Oidc) -> Result<Self, ExternalError> {
        let names = settings.algorithms.iter();
        Ok(Self {
            client: client(settings.timeout_ms)?,
            secret: settings.secret()?,
            algorithms: names.filter_map(|name| name.parse().ok()).collect(),
            mapping: settings.mapping(),
            documents: Cache::builder().max_capacity(1).time_to_live(KEPT).build(),
            started: Instant::now(),
            looked_ms: AtomicI64::new(-LEAST_BETWEEN_LOOKS_MS),
            settings: settings.clone(),
        })
    }

    /// Its `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Whether its JWTs are taken as bearer tokens.
    #[must_use]
    pub fn takes_tokens(&self) -> bool {
        !self.settings.audiences.is_empty()
    }

    /// How it is used.
    #[must_use]
    pub const fn settings(&self) -> &config::Oidc {
        &self.settings
    }

    /// Where a browser goes to sign in and come back to `redirect_uri`.
    ///
    /// # Errors
    /// 503 if the provider does not say.
    pub async fn sign_in_url(&self, redirect_uri: &str, started: &Started) -> Answer<String> {
        let documents = self.documents().await?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&started.verifier));
        let scope = self.settings.scopes.join(" ");
        let parameters: [(&str, &str); 8] = [
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", redirect_uri),
            ("scope", &scope),
            ("state", &started.state),
            ("nonce", &started.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let url = Url::parse_with_params(&documents.authorization_endpoint, parameters);
        Ok(url.map_err(|error| away("oidc", &error))?.into())
    }

    /// Whether a browser that came back with this `iss` comes from the provider: one that names itself always does, and
    /// no other's name is taken (RFC 9207, section 2.4).
    ///
    /// # Errors
    /// 503 if the provider does not say whether it names itself.
    pub async fn is_sender(&self, iss: Option<&str>) -> Answer<bool> {
        Ok(match iss {
            Some(iss) => iss == self.issuer(),
            None => !self.documents().await?.names_itself,
        })
    }

    /// Whether it has asked for a second factor, by what is configured to say so.
    #[must_use]
    pub fn has_asked_for_second_factor(&self, claimed: &Claimed) -> bool {
        let configured = &self.settings.second_factor;
        configured.iter().any(|word| claimed.methods.contains(word))
    }

    /// Whom the provider signed in, for the code that a browser came back with.
    ///
    /// # Errors
    /// `external_sign_in_failed` whatever is wrong with it, 503 if the provider can not be asked.
    pub async fn signed_in(
        &self,
        code: &str,
        redirect_uri: &str,
        started: &Started,
    ) -> Answer<Claimed> {
        let documents = self.documents().await?;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", started.verifier.as_str()),
        ];
        let (id, secret) = (self.settings.client_id.as_str(), self.secret.expose());
        let mut request = self.client.post(&documents.token_endpoint);
        if !secret.is_empty() && documents.takes_basic {
            // Each half is form-encoded (RFC 6749, section 2.3.1).
            let encoded =
                |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            request = request.basic_auth(encoded(id), Some(encoded(secret)));
        } else {
            form.push(("client_id", id));
            form.extend((!secret.is_empty()).then_some(("client_secret", secret)));
        }
        let answer = match object(request.form(&form)).await {
            Ok(answer) => answer,
            // The code is not good, or not for us.
            Err(error) if error.is_our_fault() => return Err(failed(&error)),
            Err(error) => return Err(away("oidc", &error)),
        };
        let token = answer.get("id_token").and_then(Value::as_str);
        let token = token.ok_or_else(|| failed(&"the provider gave no ID token"))?;
        let own = std::slice::from_ref(&self.settings.client_id);
        let claims = self.read(token, own).await?;
        let claims = claims.map_err(|error| failed(&error))?;
        self.check(&claims, &started.nonce)
            .map_err(|error| failed(&error))?;
        Claimed::of(self.issuer(), &claims, &self.mapping)
            .ok_or_else(|| failed(&JwtError::Claim("sub")))
    }

    /// What an ID token must say besides (OpenID Connect Core 1.0, section 3.1.3.7).
    fn check(&self, claims: &Map<String, Value>, nonce: &str) -> Result<(), JwtError> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        if text("nonce") != Some(nonce) {
            return Err(JwtError::Claim("nonce"));
        }
        let own = self.settings.client_id.as_str();
        let is_shared = matches!(claims.get("aud"), Some(Value::Array(all)) if all.len() > 1);
        match text("azp") {
            Some(party) if party != own => Err(JwtError::Claim("azp")),
            None if is_shared => Err(JwtError::Claim("azp")),
            _ => Ok(()),
        }
    }

    /// Who holds a JWT of the provider that is for this registry's API.
    ///
    /// # Errors
    /// 401 if it is not good, 503 if the provider's keys can not be looked at.
    pub async fn bearer(&self, token: &str) -> Answer<Claimed> {
        let claims = self.read(token, &self.settings.audiences).await?;
        let claims = claims.map_err(|_| refused())?;
        Claimed::of(self.issuer(), &claims, &self.mapping).ok_or_else(refused)
    }

    async fn read(
        &self,
        token: &str,
        audiences: &[String],
    ) -> Answer<Result<Map<String, Value>, JwtError>> {
        let expected = Expected {
            issuer: self.issuer(),
            audiences,
            algorithms: &self.algorithms,
        };
        let read = jwt::read(token, &self.documents().await?.keys, &expected);
        if !matches!(read, Err(JwtError::UnknownKey)) || !self.is_time_to_look() {
            return Ok(read);
        }
        // What is known goes on counting where the provider is away.
        let documents = self.fetch().await.map_err(|error| away("oidc", &error))?;
        let documents = Arc::new(documents);
        self.documents.insert((), Arc::clone(&documents)).await;
        Ok(jwt::read(token, &documents.keys, &expected))
    }

    fn is_time_to_look(&self) -> bool {
        let now = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let last = self.looked_ms.load(Ordering::Acquire);
        now - last >= LEAST_BETWEEN_LOOKS_MS
            && self
                .looked_ms
                .compare_exchange(last, now, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
    }

    async fn documents(&self) -> Answer<Arc<Documents>> {
        let fetch = async { self.fetch().await.map(Arc::new) };
        self.documents
            .try_get_with((), fetch)
            .await
            .map_err(|error| away("oidc", &error))
    }

    async fn fetch(&self) -> Result<Documents, AskError> {
        let base = self.issuer().trim_end_matches('/');
        let url = format!("{base}/.well-known/openid-configuration");
        let metadata = object(self.client.get(url)).await?;
        if metadata.get("issuer").and_then(Value::as_str) != Some(self.issuer()) {
            return Err(AskError::Metadata("issuer"));
        }
        let methods = metadata.get("token_endpoint_auth_methods_supported");
        let methods = methods.and_then(Value::as_array);
        let keys = self.client.get(endpoint(&metadata, "jwks_uri")?);
        Ok(Documents {
            authorization_endpoint: endpoint(&metadata, "authorization_endpoint")?,
            token_endpoint: endpoint(&metadata, "token_endpoint")?,
            takes_basic: methods
                .is_none_or(|all| all.iter().any(|one| one == "client_secret_basic")),
            names_itself: metadata.get("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
            keys: KeySet::of(&object(keys).await?),
        })
    }
}

/// Nobody was signed in. Why is logged, and not said.
fn failed(cause: &dyn std::fmt::Display) -> Problem {
    tracing::info!(%cause, "signing in with the OpenID provider failed");
    metrics::counter!("sign_ins_refused_total").increment(1);
    Problem::new(
        EdgeCode::ExternalSignInFailed,
        "signing in with the OpenID provider did not succeed; begin anew",
    )
}
