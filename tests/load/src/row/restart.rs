//! From the start of everything to the first answer out of READ.

use super::Bench;
use crate::figure::Figure;
use anyhow::Result;
use std::time::Instant;

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let bundles = bench.databases.bundle_count().await?;
    let look = bench.world.look();
    let what = bench.registry.shape();
    let mut seconds = Vec::new();
    for _ in 0..bench.options.rounds {
        bench.registry.down().await?;
        let began = Instant::now();
        bench.registry.up().await?;
        bench.registry.answers(&look).await?;
        seconds.push(began.elapsed().as_secs_f64());
    }
    Ok(vec![
        Figure::lower("restart", "s", seconds).target(3.0).settings(format!(
            "all of it, both Postgres servers included, to the first answer out of READ; {what}; {bundles} bundles"
        )),
    ])
}
