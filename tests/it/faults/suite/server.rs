//! Events on a server rather than in a file. It is a double of its protocol within this process, which keeps them in
//! memory: it goes away and comes back with all that it acknowledged, as a server would. That it is stopped is that nothing
//! passes on any way to it.

use crate::double::Double;
use registry::config::StoreUrl;
use tests::{EVENTS, Proxy, Way};

pub struct Server {
    double: Double,
    /// From the registries.
    pub registries: Proxy,
    /// From the projectors.
    pub projectors: Proxy,
}

impl Server {
    pub async fn start() -> Self {
        let double = Double::start().await;
        let port = double.address.port();
        Self {
            double,
            registries: Proxy::to(port).await,
            projectors: Proxy::to(port).await,
        }
    }

    /// Where it is, by a way that never fails.
    pub fn url(&self) -> StoreUrl {
        StoreUrl::new(self.double.url())
    }

    pub async fn down(&mut self) {
        self.double.down().await;
    }

    pub async fn up(&mut self) {
        self.double.up().await;
    }

    /// As if it were stopped.
    pub fn pause(&self) {
        self.set(Way::Silent);
    }

    pub fn resume(&self) {
        self.set(Way::Open);
    }

    fn set(&self, way: Way) {
        self.registries.set(way);
        self.projectors.set(way);
    }
}

/// What tells a process that its events are at the end of this way.
pub fn environment(way: &Proxy) -> (String, String) {
    let url = format!("esdb://127.0.0.1:{}?tls=false", way.port());
    (EVENTS.to_owned(), url)
}
