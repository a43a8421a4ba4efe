//! What the gateway is told: this registry, that inverter.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
};

use super::error::{EdgeError, while_doing};
use super::place::{CAPACITY_W, PROFILE, Place};

/// Name of the file in the gateway's folder.
const FILE: &str = "gateway.toml";

/// Where a gateway's local API listens unless it is told otherwise.
const API_PORT: u16 = 8450;

/// Where its local API can listen: where everybody looks for it, or anywhere if that is taken, as by another
/// environment on this machine.
pub(super) fn api_address() -> io::Result<SocketAddr> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    bind(API_PORT).or_else(|_| bind(0))?.local_addr()
}

/// Writes it anew: the ports may be others than last time.
pub(super) fn write(
    folder: &Path,
    registry: &str,
    place: &Place,
    inverter: SocketAddr,
    api: SocketAddr,
) -> Result<(), EdgeError> {
    let path = folder.join(FILE);
    let text = format!(
        "# Written at each start of the development environment.\n\
         registry = \"{registry}\"\n\
         interval = \"PT5M\"\n\
         # Somebody who tries it out may not keep this machine's clock.\n\
         clock_check = false\n\
         # Nor does anybody want to find it by Bluetooth.\n\
         bluetooth.offer = \"never\"\n\
         api.listen = \"{api}\"\n\
         \n\
         [[device]]\n\
         id = {}\n\
         profile = \"{PROFILE}\"\n\
         connection = {{ kind = \"tcp\", host = \"{}\", port = {} }}\n\
         nameplate_w = {CAPACITY_W}\n",
        place.device_id,
        inverter.ip(),
        inverter.port(),
    );
    fs::write(&path, text).map_err(while_doing(&path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_second_environment_gets_another_port() {
        // Somebody may have it already, who is then the first.
        let _first = TcpListener::bind((Ipv4Addr::LOCALHOST, API_PORT));
        let second = api_address().unwrap();
        assert_ne!(second.port(), API_PORT);
        assert!(second.ip().is_loopback());
    }
}
