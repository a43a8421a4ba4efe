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
    let mut crowd = Crowd::connect(bench.world.address, clients).await?;
    let load = sustain(bench, &mut crowd).await?;
    let settings = format!("GET /healthz, {CLIENTS} clients: the ceiling of generator and server");
    Ok(vec![
        load.rate("http", "requests/s").settings(settings),
        load.p99("http_p99"),
        load.cpu("http_cpu"),
    ])
}
