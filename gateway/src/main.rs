//! The binary `gateway`.

mod command;
mod submit;

use clap::Parser;
use gateway::simulate::Simulate;

/// The edge program of the granular certificate registry
#[derive(Parser)]
#[command(name = "gateway", version)]
enum Cli {
    Enrol(command::Enrol),
    Run(command::Run),
    Status(command::Status),
    RotateKey(command::RotateKey),
    BluetoothKey(command::BluetoothKey),
    Submit(submit::Submit),
    Simulate(Simulate),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    match Cli::parse() {
        Cli::Enrol(enrol) => enrol.run().await,
        Cli::Run(run) => run.run().await,
        Cli::Status(status) => status.run().await,
        Cli::RotateKey(rotate) => rotate.run().await,
        Cli::BluetoothKey(key) => key.run(),
        Cli::Submit(submit) => submit.run().await,
        Cli::Simulate(simulate) => simulate.run().await,
    }
}
