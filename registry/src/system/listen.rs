//! The address of the API, taken before anything else is started: whoever finds it taken should
//! learn that first.

use std::net::{SocketAddr, TcpListener};

use super::error::SystemError;
use crate::config::Http;

/// The address of the API, taken and not yet served: who connects waits.
#[derive(Debug)]
pub struct Listener {
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
}

impl Listener {
    /// # Errors
    /// [`SystemError::Listen`].
    pub fn bind(http: &Http) -> Result<Self, SystemError> {
        TcpListener::bind((http.host.as_str(), http.port))
            .and_then(|listener| {
                let address = listener.local_addr()?;
                Ok(Self { listener, address })
            })
            .map_err(|source| SystemError::Listen {
                host: http.host.clone(),
                port: http.port,
                source,
            })
    }

    /// With the port that was found when the configuration says 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
