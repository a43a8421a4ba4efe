//! The server.

use super::access::{Access, TokenError, guard};
use super::code::Code;
use super::problem::{Problem, unreadable_body};
use super::{device, discovery, key, metrics, openapi, status};
use crate::control::Control;
use crate::discover::Discovery;
use actix_web::dev::ServerHandle;
use actix_web::http::header;
use actix_web::middleware::{NormalizePath, from_fn};
use actix_web::web::{self, Data, JsonConfig, PathConfig, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, ResponseError};
use std::io;
use std::net::{SocketAddr, TcpListener};
use tokio::task::JoinHandle;

/// Longest body of a request.
pub const MAX_BODY_BYTES: usize = 16 * 1024;
/// Connections at a time: a person's browser and a collector of metrics need a few.
const MAX_CONNECTIONS: usize = 64;
/// Seconds that requests in flight have when it is stopped.
const SHUTDOWN_S: u64 = 2;

/// Why it can not be served.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The address is taken or not this machine's.
    #[error("the local API can not listen on {listen}: {source}")]
    Listen {
        /// Where.
        listen: SocketAddr,
        #[source]
        source: io::Error,
    },
    /// Nobody could be let in, or everybody.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// A running server. It goes on when this is dropped; stop it with [`Server::stop`].
pub struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    task: JoinHandle<io::Result<()>>,
}

/// Serves the local API inside the current Tokio runtime, on one thread of its own: whatever is asked of it,
/// meters are polled meanwhile.
///
/// # Errors
/// If the address can not be used.
pub fn serve(
    listen: SocketAddr,
    access: Access,
    control: Control,
    discovery: Discovery,
) -> Result<Server, ApiError> {
    let failed = |source| ApiError::Listen { listen, source };
    let listener = TcpListener::bind(listen).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let (access, control, discovery) =
        (Data::new(access), Data::new(control), Data::new(discovery));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(access.clone())
            .app_data(control.clone())
            .app_data(discovery.clone())
            .configure(routes)
            .wrap(from_fn(guard))
            .wrap(NormalizePath::trim())
    })
    .workers(1)
    .max_connections(MAX_CONNECTIONS)
    .disable_signals()
    .shutdown_timeout(SHUTDOWN_S)
    .listen(listener)
    .map_err(failed)?
    .run();
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

    /// Answers the requests in flight, takes no more, and ends.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        if let Ok(Err(error)) = self.task.await {
            tracing::warn!(%error, "the local API ended with an error");
        }
    }
}

fn routes(config: &mut ServiceConfig) {
    config
        .app_data(
            JsonConfig::default()
                .limit(MAX_BODY_BYTES)
                .error_handler(|error, _| unreadable_body(&error).into()),
        )
        .app_data(
            PathConfig::default().error_handler(|error, _| {
                Problem::new(Code::RouteNotFound, error.to_string()).into()
            }),
        )
        .service(status::get_health)
        .service(status::get_status)
        .service(metrics::get_metrics)
        .service(openapi::get_openapi)
        .service(device::try_device)
        .service(device::list_devices)
        .service(device::add_device)
        .service(device::get_device)
        .service(device::remove_device)
        .service(discovery::start_discovery)
        .service(discovery::get_discovery)
        .service(key::change_key)
        .default_service(web::route().to(no_route));
}

/// 405 for a path that has other methods, else 404.
async fn no_route(request: HttpRequest) -> HttpResponse {
    let is_device = |path: &str| {
        let id = path.strip_prefix("/devices/").unwrap_or_default();
        id.parse::<i64>().is_ok()
    };
    let allowed = match request.path() {
        "/health" | "/status" | "/metrics" | "/openapi.json" => "GET",
        "/devices" | "/discovery" => "GET, POST",
        "/devices/try" | key::KEY_PATH => "POST",
        path if is_device(path) => "GET, DELETE",
        path => {
            let detail = format!("there is nothing at {path}");
            return Problem::new(Code::RouteNotFound, detail).error_response();
        }
    };
    let detail = format!("{} is not one of {allowed}", request.method());
    let mut response = Problem::new(Code::MethodNotAllowed, detail).error_response();
    response
        .headers_mut()
        .insert(header::ALLOW, header::HeaderValue::from_static(allowed));
    response
}
