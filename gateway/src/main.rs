//! The binary `gateway`.

mod command;
mod submit;

use clap::Parser;
use gateway::simulate::Simulate;
use std::process::ExitCode;

/// The edge program of the granular certificate registry
#[derive(Parser)]
#[command(name = "gateway", version)]
enum Cli {
    Enrol(command::Enrol),
    Run(command::Run),
    Status(command::Status),
    Try(command::Try),
    RotateKey(command::RotateKey),
    BluetoothKey(command::BluetoothKey),
    Submit(submit::Submit),
    Simulate(Simulate),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = match Cli::parse() {
        Cli::Enrol(enrol) => enrol.run().await,
        Cli::Run(run) => run.run().await,
        Cli::Status(status) => status.run().await,
        Cli::Try(trial) => trial.run().await,
        Cli::RotateKey(rotate) => rotate.run().await,
        Cli::BluetoothKey(key) => key.run(),
        Cli::Submit(submit) => submit.run().await,
        Cli::Simulate(simulate) => simulate.run().await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes, but for those that it tells itself.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let line = cause.to_string();
        if !text.contains(&line) {
            let colon = if text.is_empty() { "" } else { ": " };
            text = format!("{text}{colon}{line}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::told;
    use anyhow::anyhow;

    #[test]
    fn an_error_is_told_with_its_causes_and_nothing_twice() {
        let error = anyhow!("no such file").context("x.toml: no such file");
        assert_eq!(told(&error), "x.toml: no such file");
        let error = anyhow!("no such code").context("not enrolled");
        assert_eq!(told(&error), "not enrolled: no such code");
    }
}
