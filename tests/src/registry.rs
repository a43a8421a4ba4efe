//! A registry as it runs.

use crate::actor::Seen;
use crate::clusters::{Clusters, Database};
use crate::founder::{FOUNDER, found};
use crate::{Actor, eventually};
use projections::postgres::{Databases, Secret};
use registry::config::{Config, Http, Location};
use registry::system::{Projectors, System};
use reqwest::Client;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Handle;

/// How long a registry may take to stop.
const STOP: Duration = Duration::from_secs(20);

/// A whole registry: event store file in a folder of its own, databases of its own, API on a free
/// port. Gone when it is dropped.
pub struct Registry {
    pub config: Config,
    pub clusters: Clusters,
    system: Option<System>,
    client: Client,
    seen: Arc<Seen>,
    _folder: TempDir,
}

impl Registry {
    /// One that runs, on the servers that all tests share, with the first administrator.
    pub async fn start() -> Self {
        let mut registry = Self::prepare(Clusters::shared().await).await;
        registry.up().await;
        registry
    }

    /// One that does not run yet, on these servers.
    pub async fn prepare(clusters: Clusters) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("gcr-test-")
            .tempdir()
            .unwrap();
        let (write, read) = tokio::join!(
            Database::create(&clusters.write),
            Database::create(&clusters.read)
        );
        let mut config = Config {
            data_dir: folder.path().to_owned(),
            http: Http {
                port: 0,
                workers: 2,
                ..Http::default()
            },
            database: Databases { write, read },
            ..Config::default()
        };
        config.auth.jwt_secret = Secret::new("the key of a registry that only tests use");
        let Location::Sqlite(events) = config.event_store_location().unwrap();
        found(&events, &config.domain).await;
        Self {
            config,
            clusters,
            system: None,
            client: Client::new(),
            seen: Arc::default(),
            _folder: folder,
        }
    }

    /// Starts it; returns when requests are answered.
    pub async fn up(&mut self) {
        assert!(self.system.is_none(), "it runs already");
        let system = System::start(&self.config, Projectors::Here).await;
        let system = system.unwrap_or_else(|error| panic!("it does not start: {error}"));
        // Whoever calls it now finds it again after a restart.
        self.config.http.port = system.address().port();
        self.system = Some(system);
    }

    /// Stops it in good order; [`Registry::up`] starts it again on what it has stored.
    pub async fn down(&mut self) {
        if let Some(system) = self.system.take() {
            let stopped = tokio::time::timeout(STOP, system.shutdown()).await;
            assert!(stopped.is_ok(), "it does not stop within {STOP:?}");
        }
    }

    pub fn system(&self) -> &System {
        self.system.as_ref().expect("it was started")
    }

    /// Where the API is, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.system().address())
    }

    /// Somebody who has not signed in.
    pub fn anonymous(&self) -> Actor {
        Actor::anonymous(self.client.clone(), self.url(), self.seen.clone())
    }

    /// The first administrator.
    pub async fn founder(&self) -> Actor {
        let anonymous = self.anonymous();
        let (email, password) = FOUNDER;
        // Written behind the registry's back, so nothing waits until it can be read.
        eventually("the first administrator can sign in", || async {
            (anonymous.login(email, password).await.status == 200).then_some(())
        })
        .await;
        anonymous.signed_in(email, password).await
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
