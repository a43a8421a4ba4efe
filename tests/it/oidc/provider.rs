//! The same with a certified provider that runs in a process of its own (`tests/oidc`).

use super::{Browser, CLIENT_SECRET, cookies, header, with_roles};
use projections::postgres::Secret;
use reqwest::header::{COOKIE, LOCATION};
use reqwest::{Client, Url};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tests::{Clusters, Registry, World, eventually};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// What the API is called at the provider.
const API: &str = "https://registry.example/api";
/// What it is called by who wants an opaque token for it.
const OPAQUE: &str = "https://registry.example/opaque";
/// The person who signs in there.
const ADA: &str = "ada";

/// The provider; it ends with its standard input.
struct Provider {
    url: String,
    _process: Child,
}

impl Provider {
    async fn start(redirect_uri: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("oidc");
        tokio::task::spawn_blocking({
            let folder = folder.clone();
            move || install(&folder)
        })
        .await
        .unwrap();
        let mut process = Command::new("node")
            .args(["provider.mjs", redirect_uri])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node is there: .ci/install node");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = loop {
            let line = lines.next_line().await.unwrap();
            let line = line.expect("the provider says where it listens");
            if line.starts_with("http://") {
                break line;
            }
        };
        Self {
            url,
            _process: process,
        }
    }

    /// Posts a form as one of the provider's clients; returns what it answers.
    async fn ask(&self, client: &str, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let encoded = |text: &str| {
            let mut url = Url::parse("http://x").unwrap();
            url.query_pairs_mut().append_pair("v", text);
            url.query().unwrap()[2..].to_owned()
        };
        let request = Client::new().post(format!("{}{path}", self.url));
        let request = request.basic_auth(client, Some(encoded(CLIENT_SECRET)));
        let answer = request.form(form).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    /// A token of the machine's.
    async fn machine(&self, more: &[(&str, &str)]) -> String {
        let grant = [("grant_type", "client_credentials")];
        let (_, given) = self
            .ask("machine", "/token", &[&grant[..], more].concat())
            .await;
        given["access_token"].as_str().unwrap().to_owned()
    }
}

/// Installs the packages of the lock file, once for all tests.
fn install(folder: &Path) {
    let lock = fs::File::create(folder.join("node_modules.lock")).unwrap();
    lock.lock().unwrap();
    let (wanted, installed) = (
        folder.join("package-lock.json"),
        folder.join("node_modules/installed.json"),
    );
    let read = |path: &PathBuf| fs::read(path).ok();
    if read(&installed) == read(&wanted) {
        return;
    }
    let npm = std::process::Command::new("npm")
        .args(["ci", "--silent", "--no-audit", "--no-fund"])
        .current_dir(folder)
        .status()
        .expect("npm is there: .ci/install node");
    assert!(
        npm.success(),
        "npm ci in tests/oidc; that needs the network"
    );
    fs::copy(wanted, installed).unwrap();
}

/// A registry with this provider, which wants to know beforehand where people come back to.
async fn world() -> (World, Provider) {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    registry.config.http.port = free.local_addr().unwrap().port();
    drop(free);
    let callback = format!("{}/auth/oidc/callback", registry.url());
    let provider = Provider::start(&callback).await;
    let auth = &mut registry.config.auth;
    auth.oidc.issuer.clone_from(&provider.url);
    auth.oidc.client_id = "registry".to_owned();
    auth.oidc.client_secret = Secret::new(CLIENT_SECRET);
    auth.oidc.scopes.push("roles".to_owned());
    auth.oidc.audiences = vec![API.to_owned()];
    auth.oidc.create_users = true;
    with_roles(&mut auth.oidc);
    auth.introspection.url = format!("{}/token/introspection", provider.url);
    auth.introspection.issuer.clone_from(&provider.url);
    auth.introspection.client_id = "registry".to_owned();
    auth.introspection.client_secret = Secret::new(CLIENT_SECRET);
    auth.introspection.audience = API.to_owned();
    auth.introspection.cache_s = 1;
    auth.introspection
        .role_claim
        .clone_from(&auth.oidc.role_claim);
    auth.introspection.roles.clone_from(&auth.oidc.roles);
    registry.up().await;
    (World::on(registry).await, provider)
}

/// Signs in at the provider as a browser would; returns the code and the state that it sends back.
async fn at_the_provider(begun: &Url) -> HashMap<String, String> {
    let client = Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.build().unwrap();
    let mut jar: HashMap<String, String> = HashMap::new();
    let mut url = begun.clone();
    for _ in 0..8 {
        let pairs = jar.iter().map(|(name, value)| format!("{name}={value}"));
        let kept = pairs.collect::<Vec<_>>().join("; ");
        let answer = client.get(url.clone()).header(COOKIE, kept).send().await;
        let answer = answer.unwrap();
        assert!(answer.status().is_redirection(), "{url}: {answer:?}");
        jar.extend(cookies(&answer));
        url = url.join(&header(&answer, LOCATION)).unwrap();
        if url.path().starts_with("/interaction/") {
            url.query_pairs_mut().append_pair("account", ADA);
        }
        if url.path() == "/auth/oidc/callback" {
            return url.query_pairs().into_owned().collect();
        }
    }
    panic!("the provider sends the browser about: {url}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certified_provider_signs_people_in_and_its_tokens_are_taken() {
    let (world, provider) = world().await;
    let browser = Browser::of(&world);
    let begun = browser.begin().await;
    let back = at_the_provider(&begun.url).await;
    let query = [
        ("code", back["code"].as_str()),
        ("state", back["state"].as_str()),
        ("iss", back["iss"].as_str()),
    ];
    let answer = browser.finish(&begun.cookie, &query).await;
    let ada = super::signed_in(&world, &answer);
    let me = ada.get("/user/me").await.expect(200);
    assert_eq!(me["name"], "Ada Miller");
    assert_eq!(me["email"], "ada@login.example");
    assert_eq!(me["role"], "TRADING_USER");
    // The provider gives nothing for a code that was used.
    let again = browser.finish(&begun.cookie, &query).await;
    super::refused(again, 401, "external_sign_in_failed").await;

    // A machine of the provider, by a JWT for this API and by an opaque token that it is asked about.
    let anonymous = world.registry.anonymous();
    let by_jwt = anonymous.with_token(&provider.machine(&[("resource", API)]).await);
    let opaque = provider.machine(&[("resource", OPAQUE)]).await;
    let by_opaque = anonymous.with_token(&opaque);
    for token in [&by_jwt, &by_opaque] {
        token.get("/user/me").await.refused(401, "token_invalid");
    }
    let body = json!({"issuer": provider.url, "subject": "machine"});
    let path = format!("/user/{}/identities", world.producer.id);
    world.admin.post(&path, body).await.expect(201);
    for token in [&by_jwt, &by_opaque] {
        let me = token.get("/user/me").await.expect(200);
        assert_eq!(me["id"], world.producer.id);
        // The provider makes it a trader.
        let refused = token.submit(world.w, &tests::hours(100, [1])).await;
        refused.refused(403, "capability_required");
    }
    let form = [("token", opaque.as_str())];
    let (status, _) = provider.ask("machine", "/token/revocation", &form).await;
    assert_eq!(status, 200);
    eventually("what is revoked there is not good here", || async {
        let answer = by_opaque.get("/user/me").await;
        (answer.status == 401).then_some(())
    })
    .await;
    world.registry.audit().await;
}
