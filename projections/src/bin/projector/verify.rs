//! `projector verify`

use event_store::EventStore;
use indicatif::{ProgressBar, ProgressStyle};
use projections::Target;
use projections::postgres::Connection;
use projections::verify::{self, Step};
use std::process::ExitCode;
use std::sync::Arc;

/// Audits the databases, prints what was found, and fails if anything is wrong.
pub async fn verify(
    databases: &[(Target, Connection)],
    store: &Arc<dyn EventStore>,
    domain: &str,
) -> anyhow::Result<ExitCode> {
    let databases: Vec<_> = databases
        .iter()
        .map(|(target, connection)| (*target, connection))
        .collect();
    let bar = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let mut read = 0;
    let report = verify::audit_of(&databases, store, domain, |step| {
        bar.set_message(match step {
            Step::Log(events) => {
                read += events;
                format!("log: {read} events")
            }
            Step::Replay(target, done, of) => format!("{target}: replayed {done} of {of} events"),
            Step::Table(target, table) => format!("{target}: comparing {table}"),
        });
        bar.tick();
    })
    .await;
    bar.finish_and_clear();
    let report = report?;
    print!("{report}");
    Ok(if report.passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
