//! Looking at one bundle.

use super::sustained::{sustain, sustain_as};
use super::{Bench, CLIENTS};
use crate::figure::Figure;
use crate::http::{Reply, get};
use crate::load::{Arrival, Client, Crowd};
use crate::random::Random;
use anyhow::Result;
use std::sync::Arc;

/// Bundles that are looked at, at random.
const BUNDLES: usize = 50_000;
/// Requests per second where they arrive by themselves: half of what the target asks for, since a machine that is
/// full has no latency to speak of.
const OPEN_PER_SECOND: u64 = 5_000;

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
    let mut crowd = Crowd::connect(bench.world.address, readers).await?;
    let load = sustain(bench, &mut crowd).await?;
    let open = sustain_as(bench, &mut crowd, Arrival::Open(OPEN_PER_SECOND)).await?;
    let settings = format!("{CLIENTS} clients, {} bundles at random", bundles.len());
    Ok(vec![
        load.rate("get", "requests/s")
            .target(10_000.0)
            .settings(settings),
        load.p99("get_p99").target(20.0),
        load.cpu("get_cpu"),
        open.p99("get_open_p99").settings(format!(
            "from when it was due, {OPEN_PER_SECOND} arriving per second whatever is answered"
        )),
    ])
}
