//! The address of the API, taken before anything else is started: whoever finds it taken should
//! learn that first.

use std::net::{SocketAddr, TcpListener};

use super::error::SystemError;
use crate::config::Http;

pub(super) fn listen(http: &Http) -> Result<(TcpListener, SocketAddr), SystemError> {
    TcpListener::bind((http.host.as_str(), http.port))
        .and_then(|listener| {
            let address = listener.local_addr()?;
            Ok((listener, address))
        })
        .map_err(|source| SystemError::Listen {
            host: http.host.clone(),
            port: http.port,
            source,
        })
}
