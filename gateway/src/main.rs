//! The binary `gateway`.

mod submit;

use clap::Parser;
use gateway::simulate::Simulate;

/// The edge program of the granular certificate registry
#[derive(Parser)]
#[command(name = "gateway", version)]
enum Cli {
    Submit(submit::Submit),
    Simulate(Simulate),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    match Cli::parse() {
        Cli::Submit(submit) => submit.run().await,
        Cli::Simulate(simulate) => simulate.run().await,
    }
}
