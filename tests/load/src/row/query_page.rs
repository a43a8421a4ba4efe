//! Pages of 1,000 bundles: of a device and a period, and of all that an account holds.

use super::Bench;
use super::sustained::sustain;
use crate::figure::Figure;
use crate::http::{Reply, post};
use crate::load::{Client, Crowd};
use crate::world::World;
use anyhow::{Result, ensure};
use chrono::SecondsFormat;

/// Pages asked for at once.
const CLIENTS: usize = 2;
/// Bundles per page.
const PAGE: usize = 1_000;
/// Questions per client and round, drawn in advance.
const QUESTIONS: usize = 1_000;

/// Asks for 1,000 half-hours of one device.
struct Periods {
    questions: Vec<Vec<u8>>,
    at: usize,
}

impl Client for Periods {
    fn next(&mut self) -> Option<Vec<u8>> {
        self.at += 1;
        self.questions.get(self.at % self.questions.len()).cloned()
    }

    fn answered(&mut self, reply: Reply<'_>) -> Result<()> {
        reply.expect(202)
    }
}

/// Pages through everything the account holds, from the newest on.
struct Pages {
    token: String,
    account: i64,
    cursor: String,
}

impl Client for Pages {
    fn next(&mut self) -> Option<Vec<u8>> {
        let body = format!(
            r#"{{"source_id":{},"limit":{PAGE},"sort":"desc","cursor":{}}}"#,
            self.account, self.cursor
        );
        Some(post("/certificate/query", &self.token, &body))
    }

    fn answered(&mut self, reply: Reply<'_>) -> Result<()> {
        reply.expect(202)?;
        let name = b"\"next_cursor\":";
        let at = reply
            .body
            .windows(name.len())
            .rposition(|part| part == name);
        ensure!(at.is_some(), "no next_cursor");
        let rest = &reply.body[at.unwrap_or_default() + name.len()..];
        let end = rest.iter().position(|byte| matches!(byte, b',' | b'}'));
        self.cursor = String::from_utf8_lossy(&rest[..end.unwrap_or(rest.len())]).into_owned();
        Ok(())
    }
}

fn periods(world: &mut World) -> Periods {
    let shown = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let questions = (0..QUESTIONS).map(|_| {
        let device = world.devices[world.random.below(world.devices.len())];
        let (start, end) = world.window(PAGE);
        let body = format!(
            r#"{{"source_id":{},"device_id":{device},"limit":{PAGE},"certificate_period_start":"{}","certificate_period_end":"{}"}}"#,
            world.source,
            shown(start),
            shown(end)
        );
        post("/certificate/query", &world.reader, &body)
    });
    Periods {
        questions: questions.collect(),
        at: 0,
    }
}

pub async fn run(bench: &mut Bench) -> Result<Vec<Figure>> {
    let total = bench.databases.bundle_count().await?;
    let periods: Vec<_> = (0..CLIENTS).map(|_| periods(&mut bench.world)).collect();
    let pages = (0..CLIENTS).map(|_| Pages {
        token: bench.world.reader.clone(),
        account: bench.world.source,
        cursor: "null".into(),
    });
    let mut periods = Crowd::connect(bench.world.address, periods).await?;
    let of_period = sustain(bench, &mut periods).await?;
    let mut pages = Crowd::connect(bench.world.address, pages).await?;
    let of_account = sustain(bench, &mut pages).await?;
    Ok(vec![
        of_period
            .p99("query_page_p99")
            .target(50.0)
            .settings(format!(
                "{PAGE} half-hours of one device, {CLIENTS} clients, {total} bundles in READ"
            )),
        of_period.rate("query_page", "pages/s"),
        of_period.cpu("query_page_cpu"),
        of_account
            .p99("query_account_p99")
            .target(50.0)
            .settings("page after page of all that an account holds"),
        of_account.rate("query_account", "pages/s"),
        of_account.cpu("query_account_cpu"),
    ])
}
