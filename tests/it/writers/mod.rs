//! Several processes that decide on one log.

mod one_file;
mod rolling;
mod together;

use crate::double::Double;
use registry::clock::Clock;
use registry::config::{Config, StoreUrl};
use registry::system::{Listener, Projectors, System};
use tests::{Clusters, Registry};

/// The first of them, which does not run yet.
async fn first(server: &Double) -> Registry {
    let url = StoreUrl::new(server.url());
    Registry::prepare_on(Clusters::shared().await, "writers", Some(url)).await
}

/// One more, on the port of `config`.
async fn another(config: &Config) -> System {
    let listener = Listener::bind(&config.http).unwrap();
    let system = System::start_by(listener, config, Projectors::Here, Clock::default()).await;
    system.unwrap_or_else(|error| panic!("it does not start: {error}"))
}
