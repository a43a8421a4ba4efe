//! `registry verify-bundle`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::Args;
use schemas::api::certificate::Lineage;

use crate::lineage::verify::verify;

/// A saved answer that can not be read.
const UNREADABLE: u8 = 2;

/// Check a saved answer of GET /certificate/{id}/lineage, without a registry
///
/// Recomputes each hash, verifies the envelope that a gateway signed (format=raw), and follows ranges, amounts,
/// states and holders from the reading to what the bundle is now. Ends with 0 if all agrees, with 1 if something does not, with 2 if the file can not be
/// read.
#[derive(Debug, Args)]
pub(super) struct VerifyBundle {
    /// The answer as JSON, in either format
    file: PathBuf,
}

impl VerifyBundle {
    pub fn run(&self) -> ExitCode {
        let lineage = match read(&self.file) {
            Ok(lineage) => lineage,
            Err(error) => {
                eprintln!("registry: {error:#}");
                return ExitCode::from(UNREADABLE);
            }
        };
        let verdict = verify(&lineage);
        print!("{verdict}");
        let id = lineage.bundle_id;
        if !verdict.holds() {
            println!("The lineage of bundle {id} does not hold.");
            return ExitCode::FAILURE;
        }
        println!("The lineage of bundle {id} holds.");
        if let Some(bundle) = lineage.bundles.iter().find(|bundle| bundle.id == id) {
            println!(
                "It is the registry's if GET /certificate/{id} answers with the hash {}.",
                bundle.hash
            );
        }
        ExitCode::SUCCESS
    }
}

fn read(file: &Path) -> anyhow::Result<Lineage> {
    let text = fs::read(file).with_context(|| file.display().to_string())?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not a lineage", file.display()))
}
