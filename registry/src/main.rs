//! The binary `registry`.

use std::process::ExitCode;

use clap::Parser;
use registry::cli::Cli;

/// Gives memory back after a burst. With the allocator of glibc a registry stays at the size it had while
/// it took in a year of many devices, 450 to 580 MB in the bench; with this one at 220 MB. Huge pages, which it asks for
/// unless built with `no_thp`, cost 60 MB and gained nothing.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(code) => code,
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
