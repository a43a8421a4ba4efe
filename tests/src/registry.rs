//! A registry as it runs.

use crate::Actor;
use crate::actor::Seen;
use crate::audit::reached;
use crate::clock::TestClock;
use crate::clusters::{Clusters, Database};
use crate::people::{PASSWORD, PEOPLE, email, found};
use crate::process::config;
use projections::postgres::{self, Databases};
use registry::config::{Config, Http, StoreUrl, Trusted};
use registry::exchange::Exchange;
use registry::identity::{KeyRing, Master, Tokens};
use registry::read::signing_key;
use registry::system::{Core, Listener, Projectors, System};
use reqwest::Client;
use schemas::id::UserId;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Handle;
use uuid::Uuid;

/// How long a registry may take to stop.
const STOP: Duration = Duration::from_secs(60);

/// A whole registry: event store file in a folder of its own, databases of its own, API on a free
/// port. Gone when it is dropped.
pub struct Registry {
    pub config: Config,
    pub clusters: Clusters,
    /// What time it is for its decisions.
    pub clock: TestClock,
    system: Option<System>,
    client: Client,
    seen: Arc<Seen>,
    _folder: TempDir,
}

impl Registry {
    /// One that runs, on the servers that all tests share.
    pub async fn start() -> Self {
        let mut registry = Self::prepare(Clusters::shared().await).await;
        registry.up().await;
        registry
    }

    /// One that does not run yet, on these servers.
    pub async fn prepare(clusters: Clusters) -> Self {
        Self::prepare_as(clusters, &Config::default().domain).await
    }

    /// Likewise, of this domain.
    pub async fn prepare_as(clusters: Clusters, domain: &str) -> Self {
        Self::prepare_on(clusters, domain, None).await
    }

    /// Likewise, with its events at this URL rather than in a file of its own.
    pub async fn prepare_on(clusters: Clusters, domain: &str, url: Option<StoreUrl>) -> Self {
        Self::prepare_all(clusters, domain, url, &std::env::temp_dir()).await
    }

    /// One that does not run yet, with its events in a folder of its own within this one.
    pub async fn prepare_in(clusters: Clusters, within: &Path) -> Self {
        Self::prepare_all(clusters, &Config::default().domain, None, within).await
    }

    async fn prepare_all(
        clusters: Clusters,
        domain: &str,
        url: Option<StoreUrl>,
        within: &Path,
    ) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("gcr-test-")
            .tempdir_in(within)
            .unwrap();
        let (write, read) = tokio::join!(
            Database::create(&clusters.write),
            Database::create(&clusters.read)
        );
        let mut config = config(folder.path(), 0, Databases { write, read });
        domain.clone_into(&mut config.domain);
        if clusters.are_own() {
            // What is stopped on purpose is not waited for.
            config.http.read_wait_ms = Http::default().read_wait_ms;
        }
        if let Some(url) = url {
            config.event_store.url = url;
        }
        found(&config).await;
        Self {
            config,
            clusters,
            clock: TestClock::default(),
            system: None,
            client: Client::new(),
            seen: Arc::default(),
            _folder: folder,
        }
    }

    /// Tells it the public keys of another registry.
    pub fn trust(&mut self, other: &Self) {
        let keys = Exchange::open(&other.config).unwrap().published();
        let public_keys = keys.keys.into_iter().map(|key| key.public_key).collect();
        let trusted = &mut self.config.exchange.trusted;
        trusted.insert(keys.registry, Trusted { public_keys });
    }

    /// Starts it; returns when requests are answered.
    pub async fn up(&mut self) {
        assert!(self.system.is_none(), "it runs already");
        let clock = self.clock.clock();
        let system = match Listener::bind(&self.config.http) {
            Ok(listener) => System::start_by(listener, &self.config, Projectors::Here, clock).await,
            Err(error) => Err(error),
        };
        let system = system.unwrap_or_else(|error| panic!("it does not start: {error}"));
        // Whoever calls it now finds it again after a restart.
        self.config.http.port = system.address().port();
        self.system = Some(system);
    }

    /// Stops it in good order; [`Registry::up`] starts it again on what it has stored.
    pub async fn down(&mut self) {
        if let Some(mut system) = self.system.take() {
            system.drain().await.unwrap();
            let stopped = tokio::time::timeout(STOP, system.shutdown()).await;
            assert!(stopped.is_ok(), "it does not stop within {STOP:?}");
        }
    }

    /// What is behind its API.
    pub fn core(&self) -> &Core {
        self.system.as_ref().expect("it runs").core()
    }

    /// What is behind the API alone, which does nothing by itself; for a registry that is down.
    pub async fn bare_core(&self) -> Core {
        assert!(self.system.is_none(), "it runs");
        let started = Core::start_by(&self.config, Projectors::Here, self.clock.clock()).await;
        started.unwrap_or_else(|error| panic!("it does not start: {error}"))
    }

    /// Where the API is, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}:{}", self.config.http.host, self.config.http.port)
    }

    /// An access token of a user that expires in the second it is made in.
    pub async fn expiring_token(&self, user_id: i64) -> String {
        let secret = self.config.auth.master().unwrap();
        let master = Master::new(secret.expose().as_bytes());
        let pool = postgres::pool(&self.config.database.read).unwrap();
        let keys = signing_key::accepted(&pool.get().await.unwrap()).await;
        let ring = KeyRing::of(keys.unwrap(), &master.vault().unwrap());
        let tokens = Tokens::new(&master, &self.config.domain, 0);
        tokens.access(&ring, UserId(user_id), Uuid::nil()).unwrap()
    }

    /// Somebody who has not signed in.
    pub fn anonymous(&self) -> Actor {
        Actor::anonymous(self.client.clone(), self.url(), self.seen.clone())
    }

    /// The first administrator.
    pub async fn admin(&self) -> Actor {
        self.person("admin").await
    }

    /// One of its people, signed in.
    pub(crate) async fn person(&self, name: &str) -> Actor {
        // They were written behind the registry's back, so nothing waits until they can be read.
        let everybody = i64::try_from(PEOPLE.len()).unwrap();
        reached(&self.config.database.read, "identity", everybody).await;
        self.anonymous().signed_in(&email(name), PASSWORD).await
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let databases = self.config.database.clone();
        tokio::task::block_in_place(|| {
            Handle::current().block_on(async {
                // A test that failed may have left them so.
                self.clusters.resume();
                if let Some(system) = self.system.take()
                    && tokio::time::timeout(STOP, system.shutdown()).await.is_err()
                {
                    eprintln!("the registry did not stop within {STOP:?}");
                }
                tokio::join!(
                    Database::remove(&databases.write),
                    Database::remove(&databases.read)
                );
            });
        });
    }
}
