//! `gateway bluetooth-key`.

use super::Dir;
use clap::Args;
use gateway::bluetooth::key_file;
use gateway::folder::MODE;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;

/// Print the key for commissioning over Bluetooth, to be put on the gateway's label; makes one if there is none
#[derive(Debug, Args)]
pub struct BluetoothKey {
    #[command(flatten)]
    dir: Dir,
}

impl BluetoothKey {
    pub fn run(self) -> anyhow::Result<()> {
        let dir = self.dir.dir;
        DirBuilder::new().recursive(true).mode(MODE).create(&dir)?;
        println!("{}", key_file::open_or_create(&dir)?.printed());
        Ok(())
    }
}
