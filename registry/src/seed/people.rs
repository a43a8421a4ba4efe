//! The demo users, signed in.

use reqwest::StatusCode;
use schemas::api::user::UserRead;
use serde_json::json;

use super::error::{SeedError, While};
use crate::{
    client::{Client, ClientError},
    config::Secret,
    dev::{DEMO_USERS, DemoUser},
};

/// The demo users, signed in.
pub(super) struct People {
    /// The issuing body.
    pub admin: Client,
    /// Keeps devices and submits readings.
    pub production: Client,
    /// Moves and retires certificates.
    pub trading: Client,
}

impl People {
    pub async fn sign_in(url: &str) -> Result<Self, SeedError> {
        let [admin, production, trading] = &DEMO_USERS;
        let first = Client::sign_in(url, admin.email, Secret::new(admin.password))
            .await
            .map_err(|source| why(source, url, admin))?;
        let (production, trading) =
            tokio::try_join!(also(&first, url, production), also(&first, url, trading))?;
        Ok(Self {
            admin: first,
            production,
            trading,
        })
    }

    /// Says for whom each acts, unless that is said.
    pub async fn name_organisations(&self) -> Result<(), SeedError> {
        for (client, organisation) in [
            (&self.admin, "OFGEM"),
            (&self.production, "Hill Farm Wind Ltd"),
            (&self.trading, "Evergreen Retail plc"),
        ] {
            let what = || format!("organisation {organisation:?}");
            let me: UserRead = client.get("/user/me").await.during(what())?;
            if me.organisation.is_some() {
                continue;
            }
            let path = format!("/user/update/{}", me.id);
            let body = json!({"organisation": organisation});
            let _: UserRead = client.patch(&path, &body).await.during(what())?;
        }
        Ok(())
    }

    /// Where the ledger stands.
    pub async fn ledger_position(&self) -> Result<i64, SeedError> {
        let _: UserRead = self.admin.get("/user/me").await.during("the demo's user")?;
        Ok(self.admin.position())
    }
}

async fn also(first: &Client, url: &str, user: &DemoUser) -> Result<Client, SeedError> {
    let signed_in = first
        .sign_in_as(user.email, Secret::new(user.password))
        .await;
    signed_in.map_err(|source| why(source, url, user))
}

fn why(source: ClientError, url: &str, user: &DemoUser) -> SeedError {
    match source.status() {
        None => SeedError::NobodyThere { source },
        Some(StatusCode::UNAUTHORIZED) => SeedError::NoDemoUsers {
            url: url.to_owned(),
            email: user.email,
        },
        Some(_) => SeedError::Request {
            what: format!("{} signs in", user.email),
            source,
        },
    }
}
