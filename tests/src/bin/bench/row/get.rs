//! Looking at one bundle.

use super::sustained::sustain;
use super::{Bench, CLIENTS};
use crate::figure::Figure;
use crate::http::{Reply, get};
use crate::load::{Client, Crowd};
use crate::random::Random;
use anyhow::Result;
use std::sync::Arc;

/// Bundles that are looked at, at random.
const BUNDLES: usize = 50_000;

struct Reader {
    token: String,
    bundles: Arc<Vec<i64>>,
    random: Random,
}

impl Client for Reader {
    fn next(&mut self) -> Option<Vec<u8>> {
        let bundle = self.bundles.get(self.random.below(self.bundles.len()))?;
        Some(get(&format!("/certificate/{bundle}"), &self.token))
    }

    fn answered(&mut self, reply: Reply<'_>) -> Result<()> {
        reply.expect(200)
    }
}

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let mut bundles = Vec::new();
    for device in bench.world.devices.clone() {
        bundles.extend(bench.databases.bundles_of(&[device]).await?);
        if bundles.len() > BUNDLES {
            break;
        }
    }
    let bundles = Arc::new(bundles);
    let readers = (0..CLIENTS).zip(0..).map(|(_, number)| Reader {
        token: bench.world.reader.clone(),
        bundles: bundles.clone(),
        random: Random::seeded(number),
    });
    let crowd = Crowd::connect(bench.world.address, readers).await?;
    let load = sustain(bench, crowd).await?;
    let settings = format!(
        "{CLIENTS} clients, {} bundles at random; {}",
        bundles.len(),
        load.processor_time()
    );
    Ok(vec![
        Figure::higher("get", "requests/s", load.rates)
            .target(10_000.0)
            .settings(settings),
        Figure::lower("get_p99", "ms", load.p99_ms).target(20.0),
    ])
}
