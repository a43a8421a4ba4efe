//! Runs a command beside a registry of its own, whose address and people it finds in its environment:
//! how clients in other languages and the fuzzer get something to talk to.
//!
//! `with_registry COMMAND [ARGUMENT…]` ends as the command does. If that ends well, the registry is audited.

#![allow(clippy::unwrap_used)]

mod holdings;

use std::process::ExitCode;
use tests::{Actor, Clusters, PASSWORD, Registry, email};
use tokio::process::Command;

/// Longer than the longest command: a token that expires would be no finding.
const TOKEN_MINUTES: u32 = 24 * 60;
/// Shorter than for people: a position that is never reached is asked for over and over.
const READ_WAIT_MS: u64 = 500;

/// A producer who shares nothing with anybody.
async fn rival(registry: &Registry) -> Actor {
    let email = email("rival");
    let admin = registry.admin().await;
    let created = admin.create_user("rival", &email, 3, PASSWORD).await;
    created.expect(200);
    registry.anonymous().signed_in(&email, PASSWORD).await
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: with_registry COMMAND [ARGUMENT...]");
        return ExitCode::from(2);
    };
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    registry.config.auth.token_minutes = TOKEN_MINUTES;
    registry.config.http.read_wait_ms = READ_WAIT_MS;
    // A fuzzer proves nothing a thousand times a minute, and is to be listened to all the same.
    registry.config.limits.sign_in.per_minute = 0;
    registry.config.limits.unproven.per_minute = 0;
    registry.up().await;
    holdings::fill(&registry).await;
    let producer = registry.anonymous();
    let producer = producer.signed_in(&email("producer"), PASSWORD).await;
    let rival = rival(&registry).await;
    let mut command = Command::new(&program);
    command
        .args(arguments)
        .env("REGISTRY_URL", registry.url())
        .env("REGISTRY_ADMIN", email("admin"))
        .env("REGISTRY_PRODUCER", email("producer"))
        .env("REGISTRY_PASSWORD", PASSWORD)
        .env("REGISTRY_TOKEN", registry.admin().await.token())
        .env("REGISTRY_PRODUCER_TOKEN", producer.token())
        .env("REGISTRY_RIVAL_TOKEN", rival.token())
        .kill_on_drop(true);
    let ended = match command.status().await {
        Ok(status) => status,
        Err(error) => {
            eprintln!(
                "with_registry: {} can not be run: {error}",
                program.display()
            );
            return ExitCode::FAILURE;
        }
    };
    if !ended.success() {
        // A signal has no code.
        let code = ended.code().and_then(|code| u8::try_from(code).ok());
        return ExitCode::from(code.unwrap_or(1));
    }
    registry.audit().await;
    ExitCode::SUCCESS
}
