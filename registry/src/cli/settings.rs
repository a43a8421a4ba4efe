//! Flags that every sub-command has: where the configuration is, and single settings.

use std::path::PathBuf;

use clap::Args;

use crate::config::{Config, SettingsError, Sources};

#[derive(Debug, Args)]
pub(super) struct Settings {
    /// A TOML file of settings
    #[arg(long, global = true, env = "GCR_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting, over file and environment: --set http.port=8001
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Where events, keys and databases are kept
    #[arg(long, global = true, value_name = "FOLDER")]
    data_dir: Option<String>,
}

impl Settings {
    /// The configuration that these flags, the environment and the file make.
    pub fn load(&self) -> Result<Config, SettingsError> {
        let mut flags = self.set.clone();
        if let Some(folder) = &self.data_dir {
            flags.push(("data_dir".to_owned(), folder.clone()));
        }
        Config::load(&Sources::of_process(self.config.as_deref(), flags))
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}
