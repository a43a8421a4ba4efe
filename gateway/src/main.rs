//! The binary `gateway`.

mod file;
mod submit;
mod uplink;

use clap::Parser;

/// The edge program of the granular certificate registry
#[derive(Parser)]
#[command(name = "gateway", version)]
enum Cli {
    Submit(submit::Submit),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    match Cli::parse() {
        Cli::Submit(submit) => submit.run().await,
    }
}
