//! A small OpenID provider that says what a test wants it to say, also what no provider should.

use super::{Begun, CLIENT_ID};
use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data, get, post};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::Utc;
use schemas::gateway::Algorithm;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use tests::GatewayKey;

/// A request that it was sent.
#[derive(Clone)]
pub struct Asked {
    pub path: String,
    pub form: HashMap<String, String>,
    pub authorization: String,
}

#[derive(Default)]
struct Said {
    id_token: Option<String>,
    /// By code, where a test tells codes apart.
    id_tokens: HashMap<String, String>,
    introspection: Option<Value>,
    keys: Vec<Value>,
    names_itself: bool,
    asked: Vec<Asked>,
}

/// The provider; it signs with Ed25519.
pub struct Issuer {
    pub url: String,
    key: GatewayKey,
    said: Arc<Mutex<Said>>,
    handle: ServerHandle,
}

impl Issuer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let said = Arc::<Mutex<Said>>::default();
        let (data, place) = (Data::from(Arc::clone(&said)), Data::new(url.clone()));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(place.clone())
                .route("/.well-known/openid-configuration", get().to(metadata))
                .route("/jwks", get().to(keys))
                .route("/token", post().to(token))
                .route("/introspect", post().to(introspect))
        });
        let server = server
            .workers(1)
            .disable_signals()
            .listen(listener)
            .unwrap();
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        let issuer = Self {
            url,
            key: GatewayKey::new(Algorithm::EdDsa),
            said,
            handle,
        };
        issuer.publish(&issuer.key, "one");
        issuer
    }

    fn said<T>(&self, change: impl FnOnce(&mut Said) -> T) -> T {
        change(&mut self.said.lock().unwrap())
    }

    /// Publishes one more key.
    pub fn publish(&self, key: &GatewayKey, kid: &str) {
        let mut key = serde_json::to_value(key.public()).unwrap();
        key["kid"] = json!(kid);
        key["use"] = json!("sig");
        self.said(|said| said.keys.push(key));
    }

    /// Publishes a key that nobody should.
    pub fn publish_secret(&self, kid: &str, secret: &[u8]) {
        let k = BASE64_URL_SAFE_NO_PAD.encode(secret);
        let key = json!({"kty": "oct", "k": k, "kid": kid, "alg": "HS256"});
        self.said(|said| said.keys.push(key));
    }

    /// What it answers the next code with; each code is good once.
    pub fn will_give(&self, id_token: String) {
        self.said(|said| said.id_token = Some(id_token));
    }

    /// What it answers this code with, once.
    pub fn will_give_for(&self, code: &str, id_token: String) {
        self.said(|said| said.id_tokens.insert(code.to_owned(), id_token));
    }

    /// Says that it names itself where it sends browsers back.
    pub fn will_name_itself(&self) {
        self.said(|said| said.names_itself = true);
    }

    /// What it says of every token; with `None` it fails.
    pub fn will_say(&self, introspection: Option<Value>) {
        self.said(|said| said.introspection = introspection);
    }

    /// What it was asked on a path.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.said(|said| {
            let all = said.asked.iter().filter(|asked| asked.path == path);
            all.cloned().collect()
        })
    }

    /// Claims of a good ID token for a sign-in, with these besides or instead; null takes one away.
    pub fn claims(&self, begun: &Begun, change: Value) -> Value {
        let nonce = &begun.asked["nonce"];
        let with_nonce = json!({"nonce": nonce});
        changed(changed(self.bare_claims(CLIENT_ID), with_nonce), change)
    }

    /// Claims of a token for an audience.
    pub fn bare_claims(&self, audience: &str) -> Value {
        let now = Utc::now().timestamp();
        json!({"iss": self.url, "aud": audience, "sub": super::SUBJECT, "iat": now, "exp": now + 300})
    }

    pub fn id_token(&self, begun: &Begun, change: Value) -> String {
        self.signed(&self.claims(begun, change))
    }

    /// Signs claims as it should.
    pub fn signed(&self, claims: &Value) -> String {
        let header = json!({"alg": "EdDSA", "kid": "one", "typ": "JWT"});
        jwt(&header, claims, &self.key)
    }

    pub const fn key(&self) -> &GatewayKey {
        &self.key
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        // It is told when the future is made; nobody waits for it.
        drop(self.handle.stop(false));
    }
}

/// Claims with others besides or instead; null takes one away.
pub fn changed(mut claims: Value, change: Value) -> Value {
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => {
                claims.as_object_mut().unwrap().remove(name);
            }
            value => claims[name] = value.clone(),
        }
    }
    claims
}

/// A JWT with these texts, whatever they say.
pub fn jwt(header: &Value, claims: &Value, key: &GatewayKey) -> String {
    jwt_of_text(header, &claims.to_string(), key)
}

/// The same of claims that are no value, such as one named twice.
pub fn jwt_of_text(header: &Value, claims: &str, key: &GatewayKey) -> String {
    let encoded = |part: &str| BASE64_URL_SAFE_NO_PAD.encode(part);
    let message = format!("{}.{}", encoded(&header.to_string()), encoded(claims));
    let signature = key.sign_bytes(message.as_bytes());
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// The part of a JWT that is signed.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let encoded = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}", encoded(header), encoded(claims))
}

async fn metadata(url: Data<String>, said: Data<Mutex<Said>>) -> HttpResponse {
    let names_itself = said.lock().unwrap().names_itself;
    HttpResponse::Ok().json(json!({
        "authorization_response_iss_parameter_supported": names_itself,
        "issuer": url.as_str(),
        "authorization_endpoint": format!("{}/authorize", url.as_str()),
        "token_endpoint": format!("{}/token", url.as_str()),
        "jwks_uri": format!("{}/jwks", url.as_str()),
    }))
}

fn note(said: &Data<Mutex<Said>>, request: &HttpRequest, body: &Bytes) {
    let form = reqwest::Url::parse(&format!("http://x/?{}", std::str::from_utf8(body).unwrap()));
    let authorization = request.headers().get("authorization");
    said.lock().unwrap().asked.push(Asked {
        path: request.path().to_owned(),
        form: form.unwrap().query_pairs().into_owned().collect(),
        authorization: authorization
            .map_or("", |value| value.to_str().unwrap())
            .to_owned(),
    });
}

async fn keys(said: Data<Mutex<Said>>, request: HttpRequest) -> HttpResponse {
    note(&said, &request, &Bytes::new());
    let keys = said.lock().unwrap().keys.clone();
    HttpResponse::Ok().json(json!({"keys": keys}))
}

async fn token(said: Data<Mutex<Said>>, request: HttpRequest, body: Bytes) -> HttpResponse {
    note(&said, &request, &body);
    let mut said = said.lock().unwrap();
    let code = said.asked.last().unwrap().form["code"].clone();
    let own = said.id_tokens.remove(&code);
    match own.or_else(|| said.id_token.take()) {
        Some(id_token) => HttpResponse::Ok().json(json!({
            "access_token": "x", "token_type": "Bearer", "id_token": id_token,
        })),
        None => HttpResponse::BadRequest().json(json!({"error": "invalid_grant"})),
    }
}

async fn introspect(said: Data<Mutex<Said>>, request: HttpRequest, body: Bytes) -> HttpResponse {
    note(&said, &request, &body);
    match said.lock().unwrap().introspection.clone() {
        Some(answer) => HttpResponse::Ok().json(answer),
        None => HttpResponse::InternalServerError().finish(),
    }
}
