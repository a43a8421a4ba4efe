//! `gateway rotate-key`.

use super::Dir;
use super::enrol::Alg;
use anyhow::bail;
use clap::Args;
use gateway::config::Config;
use gateway::enrolment::{self, Enrolment};
use gateway::folder::Folder;

/// Change the gateway's key; what the old one has signed is taken for a while yet
#[derive(Debug, Args)]
pub struct RotateKey {
    #[command(flatten)]
    dir: Dir,
    /// How the new key signs
    #[arg(long, value_enum, default_value_t = Alg::Es256)]
    alg: Alg,
}

impl RotateKey {
    pub async fn run(self) -> anyhow::Result<()> {
        super::log::start()?;
        let folder = Folder::hold(&self.dir.dir)?;
        let dir = folder.path();
        let config = Config::load(dir)?;
        let Some(enrolment) = Enrolment::load(dir)? else {
            bail!("this gateway has not enrolled: run `gateway enrol` first");
        };
        let changed = enrolment::change_key(dir, &config, &enrolment, self.alg.into()).await?;
        println!(
            "Gateway {} signs with key {}.",
            changed.gateway_id, changed.key_id
        );
        Ok(())
    }
}
