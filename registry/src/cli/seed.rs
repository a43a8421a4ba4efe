//! `registry seed`.

use clap::Args;

use crate::{config::Config, seed};

/// Fill a running dev registry with the demo, through its API; twice adds nothing
#[derive(Debug, Args)]
pub(super) struct Seed {
    /// The registry [default: the one that the configuration describes]
    #[arg(long)]
    url: Option<String>,
}

impl Seed {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let url = self.url.unwrap_or_else(|| config.http.url());
        println!("The demo, at {url}");
        let summary = seed::run(&url).await?;
        print!("{summary}");
        Ok(())
    }
}
