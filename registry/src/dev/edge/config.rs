//! What the gateway is told: this registry, that inverter.

use std::{fs, net::SocketAddr, path::Path};

use super::error::{EdgeError, while_doing};
use super::place::{CAPACITY_W, PROFILE, Place};

/// Name of the file in the gateway's folder.
const FILE: &str = "gateway.toml";

/// Writes it anew: the ports may be others than last time.
pub(super) fn write(
    folder: &Path,
    registry: &str,
    place: &Place,
    inverter: SocketAddr,
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
