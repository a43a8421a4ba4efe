//! The ceiling: what generator and server reach together when a request asks for nothing.

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
    let mut crowd = Crowd::connect(bench.world.address, clients).await?;
    crowd.work(bench.round()).await?;
    let (mut rates, mut p99) = (Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds {
        let outcome = crowd.work(bench.round()).await?;
        rates.push(outcome.per_second());
        p99.push(outcome.p99_ms());
    }
    let settings = format!("GET /healthz, {CLIENTS} clients: the ceiling of generator and server");
    Ok(vec![
        Figure::higher("http", "requests/s", rates).settings(settings),
        Figure::lower("http_p99", "ms", p99),
    ])
}
