//! The ceiling: what generator and server reach together when a request asks for nothing.

use super::sustained::sustain;
use super::{Bench, CLIENTS};
use crate::figure::Figure;
use crate::http::{Reply, get};
use crate::load::{Client, Crowd};
use anyhow::Result;

struct Look(Vec<u8>);

impl Client for Look {
    fn next(&mut self) -> Option<Vec<u8>> {
        Some(self.0.clone())
    }

    fn answered(&mut self, reply: Reply<'_>) -> Result<()> {
        reply.expect(200)
    }
}

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let clients = (0..CLIENTS).map(|_| Look(get("/healthz", "")));
    let crowd = Crowd::connect(bench.world.address, clients).await?;
    let load = sustain(bench, crowd).await?;
    let settings = format!(
        "GET /healthz, {CLIENTS} clients: the ceiling of generator and server; {}",
        load.processor_time()
    );
    Ok(vec![
        Figure::higher("http", "requests/s", load.rates).settings(settings),
        Figure::lower("http_p99", "ms", load.p99_ms),
    ])
}
