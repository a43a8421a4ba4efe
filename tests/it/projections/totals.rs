//! The Wh that a question is told, against the bundles themselves.

use super::random::{Random, lived};
use super::rig::Rig;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use projections::Target;
use projections::postgres::pool;
use registry::read::query::{self, Filter};
use schemas::energy::EnergySource;
use schemas::id::{AccountId, DeviceId};
use schemas::life_cycle::CertificateStatus;

/// Questions asked of each history.
const QUESTIONS: u32 = 150;

/// What a filter looks at of a bundle.
struct Held {
    account_id: AccountId,
    device_id: DeviceId,
    source: EnergySource,
    status: CertificateStatus,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    wh: i64,
}

async fn held(client: &tokio_postgres::Client) -> Vec<Held> {
    let bundles =
        "SELECT account_id, device_id, energy_source, status, production_start, production_end,
            range_end - range_start + 1 FROM bundle WHERE status <> 'Bundle Split'";
    let rows = client.query(bundles, &[]).await.unwrap();
    let held = rows.iter().map(|row| Held {
        account_id: AccountId(row.get(0)),
        device_id: DeviceId(row.get(1)),
        source: row.get::<_, &str>(2).parse().unwrap(),
        status: row.get::<_, &str>(3).parse().unwrap(),
        start: row.get(4),
        end: row.get(5),
        wh: row.get(6),
    });
    held.collect()
}

impl Held {
    fn matches(&self, filter: &Filter) -> bool {
        self.account_id == filter.account_id
            && filter
                .issuances
                .iter()
                .all(|issuances| issuances.contains(&(self.device_id, self.start)))
            && filter
                .devices
                .iter()
                .all(|list| list.contains(&self.device_id))
            && filter
                .sources
                .iter()
                .all(|list| list.contains(&self.source))
            && filter
                .statuses
                .iter()
                .all(|list| list.contains(&self.status))
            && filter.from.is_none_or(|from| self.start >= from)
            && filter.to.is_none_or(|to| self.end <= to)
    }
}

/// A filter that some bundle may pass, each part of it there as often as not.
fn filter(held: &[Held], random: &mut Random) -> Filter {
    let mut some = |count: i64| -> Vec<&Held> {
        let picked = (0..=random.below(count)).filter_map(|_| random.pick(held));
        picked.collect()
    };
    let (account, devices, sources, statuses) = (some(1), some(3), some(2), some(3));
    let (from, to, issued) = (some(1), some(1), some(3));
    let mut filter = Filter::all_of(account[0].account_id);
    if random.one_in(3) {
        filter
            .devices
            .push(devices.iter().map(|one| one.device_id).collect());
    }
    if random.one_in(2) {
        filter
            .sources
            .push(sources.iter().map(|one| one.source).collect());
    }
    if random.one_in(2) {
        filter
            .statuses
            .push(statuses.iter().map(|one| one.status).collect());
    }
    let hour = TimeDelta::hours(1);
    match random.below(6) {
        0 => filter.from = Some(from[0].start.duration_trunc(hour).unwrap()),
        1 => filter.to = Some(to[0].end),
        2 => {
            filter.from = Some(from[0].start);
            filter.to = Some(to[0].end.duration_trunc(hour).unwrap());
        }
        3 => {
            filter.issuances = Some(
                issued
                    .iter()
                    .map(|one| (one.device_id, one.start))
                    .collect(),
            )
        }
        _ => {}
    }
    filter
}

#[tokio::test(flavor = "multi_thread")]
async fn the_total_of_any_question_is_the_sum_over_its_bundles() {
    for seed in 80..=82 {
        let mut rig = Rig::on_shared_servers().await;
        let _running = rig.start_both();
        lived(&mut rig.history, seed, 150).await;
        rig.caught_up().await;
        let client = pool(rig.connection(Target::Read))
            .unwrap()
            .get()
            .await
            .unwrap();
        let held = held(&client).await;
        let mut random = Random::new(seed);
        let mut told = 0;
        for _ in 0..QUESTIONS {
            let filter = filter(&held, &mut random);
            let matching = held.iter().filter(|one| one.matches(&filter));
            let total = query::total(&client, &filter).await.unwrap();
            assert_eq!(
                total.0,
                matching.map(|one| one.wh).sum::<i64>(),
                "seed {seed}: {filter:?}"
            );
            told += u32::from(total.0 > 0);
        }
        assert!(
            told > QUESTIONS / 4,
            "seed {seed}: only {told} questions match anything"
        );
    }
}
