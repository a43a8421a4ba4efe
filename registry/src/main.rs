//! The binary `registry`.

use std::process::ExitCode;

use clap::Parser;
use registry::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("registry: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes; a cause that its effect has named already is not said twice.
fn sentence(error: &anyhow::Error) -> String {
    error
        .chain()
        .skip(1)
        .fold(error.to_string(), |said, cause| {
            let cause = cause.to_string();
            if said.contains(&cause) {
                said
            } else {
                format!("{said}: {cause}")
            }
        })
}
