//! The sub-commands.

mod bluetooth_key;
mod enrol;
mod key;
mod local;
mod log;
mod run;
mod status;
mod trial;

pub use bluetooth_key::BluetoothKey;
pub use enrol::Enrol;
pub use key::RotateKey;
pub use run::Run;
pub use status::Status;
pub use trial::Try;

use clap::Args;
use gateway::folder;
use std::path::PathBuf;

/// Where the gateway lives.
#[derive(Debug, Args)]
pub struct Dir {
    /// The gateway's folder: configuration, key, enrolment and buffer
    #[arg(long, env = "GATEWAY_DIR", default_value = folder::DEFAULT)]
    dir: PathBuf,
}
