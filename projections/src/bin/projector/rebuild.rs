//! `projector rebuild`

use event_store::EventStore;
use indicatif::{ProgressBar, ProgressStyle};
use projections::Target;
use projections::postgres::Connection;
use projections::rebuild::{self, CHUNK_ROWS, Step};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rebuilds the databases, one after the other.
pub async fn rebuild(
    databases: &[(Target, Connection)],
    store: &Arc<dyn EventStore>,
    domain: &str,
) -> anyhow::Result<()> {
    for (target, connection) in databases {
        let begun = Instant::now();
        let bar = bar(*target);
        let show = |step| show(&bar, begun, step);
        let rebuilt = rebuild::rebuild(*target, connection, store, domain, CHUNK_ROWS, show).await;
        bar.finish_and_clear();
        let rebuilt = rebuilt?;
        println!(
            "{target}: {} events, {} bundles in {:.1?} ({} bundles/s); at ledger {}, identity {}",
            rebuilt.applied.events,
            rebuilt.applied.bundles,
            begun.elapsed(),
            per_second(rebuilt.applied.bundles, begun),
            rebuilt.positions.ledger,
            rebuilt.positions.identity,
        );
    }
    Ok(())
}

fn bar(target: Target) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{prefix:>5} {bar:32} {pos}/{len} events, {per_sec}, {msg}, {eta} left",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(0)
        .with_style(style)
        .with_prefix(target.as_str());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn show(bar: &ProgressBar, begun: Instant, step: Step) {
    match step {
        Step::Events { done, of, applied } => {
            bar.set_length(of.unsigned_abs());
            bar.set_position(done.unsigned_abs());
            bar.set_message(format!("{} bundles/s", per_second(applied.bundles, begun)));
        }
        Step::Index(name) => bar.set_message(format!("index {name}")),
        Step::Swap => bar.set_message("swapping"),
    }
}

fn per_second(count: u64, begun: Instant) -> u128 {
    u128::from(count) * 1000 / begun.elapsed().as_millis().max(1)
}
