//! `gateway rotate-key`.

use super::enrol::Alg;
use super::{Dir, local};
use anyhow::{Context, bail};
use clap::Args;
use gateway::api::{KEY_PATH, NewKey, SigningKey};
use gateway::config::Config;
use gateway::enrolment::{self, Enrolment};
use gateway::folder::{Folder, FolderError};
use reqwest::Method;
use schemas::api::problem::ProblemDocument;
use schemas::gateway::{Algorithm, KeyId};
use std::time::Duration;

/// Time for the running gateway to change its key: longer than it gives itself.
const PATIENCE: Duration = Duration::from_secs(70);

/// Change the gateway's key; what the old one has signed is taken for a while yet
///
/// A gateway that is running does it itself, and goes on with the new key.
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
        let algorithm = self.alg.into();
        // A folder that is misspelt is not made.
        if !self.dir.dir.exists() {
            bail!("there is no folder {}", self.dir.dir.display());
        }
        let key_id = match Folder::hold(&self.dir.dir) {
            Ok(folder) => at_rest(&folder, algorithm).await?,
            Err(FolderError::InUse { .. }) => self.running(algorithm).await?,
            Err(error) => return Err(error.into()),
        };
        println!("The gateway signs with key {key_id}.");
        Ok(())
    }

    async fn running(&self, algorithm: Algorithm) -> anyhow::Result<KeyId> {
        let config = Config::load(&self.dir.dir)?;
        let snapshot = local::snapshot(&self.dir.dir, &config, PATIENCE).await?;
        if snapshot.key_id.is_none() {
            bail!("this gateway has not enrolled: there is no key to change");
        }
        let order = (Method::POST, KEY_PATH);
        let new = NewKey { alg: algorithm };
        let asked = local::ask(&self.dir.dir, &config, order, PATIENCE, |request| {
            request.json(&new)
        });
        let answer = asked.await?.context("the gateway has stopped")?;
        if !answer.status().is_success() {
            let problem: ProblemDocument = answer.json().await?;
            bail!(
                "the running gateway has not changed its key: {}",
                problem.detail
            );
        }
        let changed: SigningKey = answer.json().await?;
        Ok(changed.key_id)
    }
}

async fn at_rest(folder: &Folder, algorithm: Algorithm) -> anyhow::Result<KeyId> {
    let dir = folder.path();
    let config = Config::load(dir)?;
    let Some(enrolment) = Enrolment::load(dir)? else {
        bail!("this gateway has not enrolled: run `gateway enrol` first");
    };
    let changed = enrolment::change_key(dir, &config, &enrolment, algorithm).await?;
    Ok(changed.key_id)
}
