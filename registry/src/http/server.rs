//! The HTTP server.

use super::audit::watch;
use super::browser::{cors, head};
use super::limit::guard;
use super::observe::observe;
use super::openapi::Routes;
use super::recalled::recalled;
use super::routes::routes;
use super::state::State;
use crate::config;
use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, NormalizePath, from_fn};
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// A running server. It goes on when this is dropped; stop it with [`Server::stop`].
pub struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    task: JoinHandle<io::Result<()>>,
}

/// Serves the API on `listener`, inside the current Tokio runtime.
///
/// # Errors
/// If the operating system refuses the listener.
pub fn serve(
    listener: TcpListener,
    settings: &config::Http,
    state: Arc<State>,
) -> io::Result<Server> {
    super::ops::prometheus();
    let address = listener.local_addr()?;
    let state = Data::from(state);
    let known = Data::new(Routes::new());
    let origins = settings.allowed_origins.clone();
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .app_data(known.clone())
            .configure(routes)
            .wrap(Compress::default())
            .wrap(from_fn(guard))
            .wrap(from_fn(watch))
            .wrap(from_fn(recalled))
            .wrap(NormalizePath::trim())
            .wrap(from_fn(head))
            .wrap(from_fn(observe))
            .wrap(cors(&origins))
    })
    .disable_signals()
    .shutdown_timeout(settings.shutdown_timeout_s);
    if settings.workers > 0 {
        server = server.workers(settings.workers);
    }
    let server = server.listen(listener)?.run();
    Ok(Server {
        address,
        handle: server.handle(),
        task: tokio::spawn(server),
    })
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A handle that can stop it while somebody waits for its end.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Answers the requests in flight, takes no more, and ends.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        if let Err(error) = self.ended().await {
            tracing::warn!(%error, "the HTTP server ended with an error");
        }
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// What made it end, unless it was stopped.
    pub async fn ended(self) -> io::Result<()> {
        self.task.await.map_err(io::Error::other)?
    }
}
