//! People and machines that other servers vouch for.

mod admit;
mod bearer;
mod introspection;
mod issuer;
mod link;
mod provider;
mod second_factor;
mod sign_in;

use issuer::Issuer;
use registry::config::Oidc;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use schemas::life_cycle::Role;
use serde_json::{Value, json};
use std::collections::HashMap;
use tests::{Actor, Clusters, Registry, World};

/// What the registry is called at an issuer.
const CLIENT_ID: &str = "registry";
const CLIENT_SECRET: &str = "a secret, with signs: %&+";
/// What the people of the tests are called there.
const SUBJECT: &str = "248289761001";

/// A registry whose people an issuer signs in.
async fn world(issuer: &Issuer, change: impl FnOnce(&mut Oidc)) -> World {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    let oidc = &mut registry.config.auth.oidc;
    oidc.issuer.clone_from(&issuer.url);
    oidc.client_id = CLIENT_ID.to_owned();
    oidc.client_secret = projections::postgres::Secret::new(CLIENT_SECRET);
    change(oidc);
    registry.up().await;
    World::on(registry).await
}

/// Says what stands for which role.
fn with_roles(oidc: &mut Oidc) {
    let roles = [("trader", Role::Trading), ("auditor", Role::Audit)];
    oidc.role_claim = "roles".to_owned();
    oidc.roles = roles.map(|(word, role)| (word.to_owned(), role)).into();
}

/// Links a user to a subject of the issuer; returns the id of the identity.
async fn link(world: &World, user: &Actor, issuer: &Issuer, subject: &str) -> String {
    let body = json!({"issuer": issuer.url, "subject": subject});
    let path = format!("/user/{}/identities", user.id);
    let linked = world.admin.post(&path, body).await.expect(201);
    linked["id"].as_str().unwrap().to_owned()
}

/// A browser that goes nowhere by itself.
struct Browser {
    client: Client,
    base: String,
}

/// A sign-in that was begun.
struct Begun {
    cookie: String,
    /// Where the provider is to ask.
    url: Url,
    asked: HashMap<String, String>,
}

impl Browser {
    fn of(world: &World) -> Self {
        let client = Client::builder().redirect(Policy::none());
        Self {
            client: client.build().unwrap(),
            base: world.registry.url(),
        }
    }

    async fn begin(&self) -> Begun {
        let url = format!("{}/auth/oidc/login?return_to=/docs?x=1", self.base);
        let answer = self.client.get(url).send().await.unwrap();
        assert_eq!(answer.status(), 303, "{:?}", answer.text().await);
        let cookies = cookies(&answer);
        let url: Url = header(&answer, LOCATION).parse().unwrap();
        let asked = url.query_pairs().into_owned().collect();
        Begun {
            cookie: format!("oidc_sign_in={}", cookies["oidc_sign_in"]),
            url,
            asked,
        }
    }

    async fn finish(&self, cookie: &str, query: &[(&str, &str)]) -> Response {
        let url = format!("{}/auth/oidc/callback", self.base);
        let request = self.client.get(url).query(query).header(COOKIE, cookie);
        request.send().await.unwrap()
    }

    /// Signs in as whom the issuer's next ID token names.
    async fn sign_in(&self, issuer: &Issuer, claims: Value) -> Response {
        let begun = self.begin().await;
        issuer.will_give(issuer.id_token(&begun, claims));
        let state = begun.asked["state"].as_str();
        let query = [("code", "a code"), ("state", state)];
        self.finish(&begun.cookie, &query).await
    }
}

fn header(answer: &Response, name: reqwest::header::HeaderName) -> String {
    let value = answer.headers().get(name).expect("the header is there");
    value.to_str().unwrap().to_owned()
}

/// The cookies that an answer sets.
fn cookies(answer: &Response) -> HashMap<String, String> {
    let all = answer.headers().get_all(SET_COOKIE).iter();
    let pairs = all.map(|cookie| {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    });
    pairs.collect()
}

/// Somebody with the session that an answer opened.
fn signed_in(world: &World, answer: &Response) -> Actor {
    assert_eq!(answer.status(), 303, "{answer:?}");
    let token = &cookies(answer)["access_token"];
    world.registry.anonymous().with_token(token)
}

/// Checks that an answer is a refusal with this code.
async fn refused(answer: Response, status: u16, code: &str) {
    let found = answer.status();
    let signs_in = answer.headers().get_all(SET_COOKIE).iter().any(|cookie| {
        let cookie = cookie.to_str().unwrap();
        cookie.starts_with("access_token") || cookie.starts_with("refresh_token")
    });
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(
        (found.as_u16(), &problem["code"]),
        (status, &json!(code)),
        "{problem}"
    );
    assert!(!signs_in);
}
