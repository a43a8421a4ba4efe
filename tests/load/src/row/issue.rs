//! Bulk submission: a year of half-hours for several devices, until both databases show all of it.

use super::Bench;
use crate::cpu::Used;
use crate::figure::Figure;
use crate::load::per_second;
use crate::world::DEVICE_YEAR;
use anyhow::Result;
use std::time::Instant;

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let (devices, uploads) = (bench.options.devices, bench.options.uploads);
    let (mut rates, mut accepted, mut cpu_us) = (Vec::new(), Vec::new(), Vec::new());
    let (mut used, mut count) = (Used::default(), 0);
    for round in 0..=bench.options.rounds {
        let years = bench.world.years(devices).await?;
        let before = bench.registry.processor_time();
        let began = Instant::now();
        let submitted = bench.world.submit(years, uploads).await?;
        let answered = began.elapsed();
        bench.databases.caught_up(submitted.position).await?;
        let shown = began.elapsed();
        if round > 0 {
            let bundles = u64::try_from(submitted.bundles)?;
            let of_round = bench.registry.processor_time().since(before);
            used = used.plus(of_round);
            cpu_us.push(of_round.server_us(bundles));
            count += bundles;
            rates.push(per_second(bundles, shown));
            accepted.push(per_second(bundles, answered));
        }
    }
    let settings =
        format!("{devices} devices x {DEVICE_YEAR} half-hours as CSV, {uploads} uploads at once");
    Ok(vec![
        Figure::higher("issue", "bundles/s", rates)
            .target(20_000.0)
            .settings(format!("{settings}; until both databases show them")),
        Figure::higher("issue_durable", "bundles/s", accepted)
            .settings("the same until the last answer: durable, not yet visible everywhere"),
        Figure::lower("issue_cpu", "µs", cpu_us)
            .settings(format!("processor time each: {}", used.per(count))),
    ])
}
