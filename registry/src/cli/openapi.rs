//! `registry openapi`.

use std::{fs, path::PathBuf};

use anyhow::Context;
use clap::Args;

use crate::http::openapi_document;

/// Print the OpenAPI document of the API, or write it to a file
#[derive(Debug, Args)]
pub(super) struct Openapi {
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Openapi {
    pub fn run(self) -> anyhow::Result<()> {
        let document = openapi_document();
        let Some(path) = self.output else {
            print!("{document}");
            return Ok(());
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        fs::write(&path, document).with_context(|| path.display().to_string())
    }
}
