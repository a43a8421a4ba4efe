//! What processes are told: where the others are, each by the way that can fail.

use super::ENTRY;
use super::server::{Server, environment};
use super::tools::SetClock;
use registry::config::Config;
use tests::{Clusters, Program, Proxy, Role};

/// Ways to the databases.
pub struct Links {
    pub registry_write: Proxy,
    pub registry_read: Proxy,
    pub projector_write: Proxy,
    pub projector_read: Proxy,
}

/// What each kind of process is told.
pub struct Told {
    pub registry: Config,
    pub projector: Config,
    /// Where the events are, where that is a server.
    pub events_of_registry: Option<(String, String)>,
    pub events_of_projector: Option<(String, String)>,
}

impl Links {
    pub async fn to(clusters: &Clusters) -> Self {
        let (write, read) = (clusters.write.port(), clusters.read.port());
        Self {
            registry_write: Proxy::to(write).await,
            registry_read: Proxy::to(read).await,
            projector_write: Proxy::to(write).await,
            projector_read: Proxy::to(read).await,
        }
    }
}

/// By these ways.
pub fn told(direct: &Config, links: &Links, server: Option<&Server>) -> Told {
    let by = |write: &Proxy, read: &Proxy| {
        let mut config = direct.clone();
        config.database.write.port = write.port();
        config.database.read.port = read.port();
        config
    };
    Told {
        registry: by(&links.registry_write, &links.registry_read),
        projector: by(&links.projector_write, &links.projector_read),
        events_of_registry: server.map(|server| environment(&server.registries)),
        events_of_projector: server.map(|server| environment(&server.projectors)),
    }
}

/// Starts one of the two registries.
pub async fn start(told: &Told, clocks: Option<&[SetClock; 2]>, which: usize) -> Program {
    let mut environment = clocks.map_or_else(Vec::new, |clocks| clocks[which].environment());
    environment.extend(told.events_of_registry.clone());
    Program::start(Role::Registry, &told.registry, ENTRY, &environment).await
}
