//! Sums over what an account holds, against sums over the bundles themselves.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use projections::Target;
use projections::rebuild::{CHUNK_ROWS, rebuild};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::{Actor, World, hour, hours, ids, volume};

/// Bundles and Wh by start of the period and what tells groups apart.
type Sums = BTreeMap<(DateTime<Utc>, Vec<String>), (i64, i64)>;

const GROUPS: [(&str, &str, &str); 3] = [
    ("source", "energy_source", "source"),
    ("status", "certificate_bundle_status", "status"),
    ("device", "device_id", "device_id"),
];

fn period_start(at: DateTime<Utc>, period: &str) -> DateTime<Utc> {
    let day = at.date_naive();
    let start = match period {
        "hour" => day.and_hms_opt(at.hour(), 0, 0),
        "day" => day.and_hms_opt(0, 0, 0),
        _ => day.with_day(1).unwrap().and_hms_opt(0, 0, 0),
    };
    start.unwrap().and_utc()
}

/// The sums, bundle by bundle.
fn naive(
    bundles: &[Value],
    period: &str,
    groups: &[&str],
    bounds: Option<(DateTime<Utc>, DateTime<Utc>)>,
) -> Sums {
    let mut sums = Sums::new();
    for bundle in bundles {
        let start: DateTime<Utc> = bundle["production_starting_interval"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let is_outside = bounds.is_some_and(|(from, to)| start < from || start >= to);
        if bundle["certificate_bundle_status"] == "Withdrawn" || is_outside {
            continue;
        }
        let group = GROUPS.iter().filter(|(name, ..)| groups.contains(name));
        let group = group.map(|(_, field, _)| bundle[*field].to_string());
        let sum = sums
            .entry((period_start(start, period), group.collect()))
            .or_default();
        sum.0 += 1;
        sum.1 += bundle["bundle_quantity"].as_i64().unwrap();
    }
    sums
}

/// The sums as the API answers them, page by page.
async fn answered(actor: &Actor, path: &str, groups: &[&str]) -> Sums {
    let mut sums = Sums::new();
    let mut cursor = String::new();
    loop {
        let page = actor
            .get(&format!("{path}&limit=7{cursor}"))
            .await
            .expect(200);
        for row in page["holdings"].as_array().unwrap() {
            let group = GROUPS.iter().filter(|(name, ..)| groups.contains(name));
            let group = group.map(|(_, _, field)| row[*field].to_string());
            let start = row["period_start"].as_str().unwrap().parse().unwrap();
            let sum = (
                row["bundles"].as_i64().unwrap(),
                row["wh"].as_i64().unwrap(),
            );
            let before = sums.insert((start, group.collect()), sum);
            assert!(before.is_none(), "{row} is there twice");
        }
        let Some(next) = page["next_cursor"].as_str() else {
            let total = sums
                .values()
                .fold((0, 0), |all, sum| (all.0 + sum.0, all.1 + sum.1));
            assert_eq!(
                (&page["total_bundles"], &page["total_wh"]),
                (&json!(total.0), &json!(total.1))
            );
            return sums;
        };
        cursor = format!("&cursor={next}");
    }
}

/// Everything that sums are asked for, compared with the bundles.
async fn assert_sums(world: &World, account: i64) {
    let reader = if account == world.x {
        &world.admin
    } else {
        &world.trader
    };
    let bundles = reader.holdings(account).await;
    let (from, to) = (period_start(hour(0), "day"), period_start(hour(200), "day"));
    let cut = (hour(7), hour(45));
    for groups in ["", "source", "status", "device", "source,status,device"] {
        let names: Vec<_> = groups.split(',').collect();
        for (period, bounds) in [
            ("hour", Some((from, to))),
            ("hour", Some(cut)),
            ("day", Some((from, to))),
            ("month", None),
        ] {
            let mut path = format!("/account/{account}/holdings?period={period}&group_by={groups}");
            if let Some((from, to)) = bounds {
                let text = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
                path.push_str(&format!("&from={}&to={}", text(from), text(to)));
            }
            let sums = answered(reader, &path, &names).await;
            assert_eq!(sums, naive(&bundles, period, &names, bounds), "{path}");
        }
    }
    assert_totals(reader, account, &bundles).await;
    assert_summary(reader, account, &bundles).await;
}

/// The total of a query, which comes from sums where no hour is cut, over periods that cut days and hours.
async fn assert_totals(reader: &Actor, account: i64, bundles: &[Value]) {
    for (from, minutes) in [(hour(0), 0), (hour(7), 0), (hour(13), 30), (hour(14), 0)] {
        let (from, to) = (
            from + TimeDelta::minutes(minutes),
            from + TimeDelta::hours(53),
        );
        for source in ["wind", "solar_pv"] {
            let filter = json!({
                "certificate_period_start": from, "certificate_period_end": to,
                "energy_source": source,
            });
            let answer = reader.try_query(account, filter).await.expect(202);
            let inside: Vec<_> = bundles
                .iter()
                .filter(|bundle| {
                    let at = |name: &str| bundle[name].as_str().unwrap().parse::<DateTime<Utc>>();
                    bundle["energy_source"] == source
                        && at("production_starting_interval").unwrap() >= from
                        && at("production_ending_interval").unwrap() <= to
                })
                .cloned()
                .collect();
            assert_eq!(
                answer["total_certificate_volume"],
                volume(&inside),
                "{source} {from}"
            );
        }
    }
}

async fn assert_summary(reader: &Actor, account: i64, bundles: &[Value]) {
    let summary = reader
        .get(&format!("/account/{account}/summary"))
        .await
        .expect(200);
    let mut by_source: BTreeMap<String, i64> = BTreeMap::new();
    let mut by_status: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for bundle in bundles {
        let status = bundle["certificate_bundle_status"].as_str().unwrap();
        if status == "Withdrawn" {
            continue;
        }
        let wh = bundle["bundle_quantity"].as_i64().unwrap();
        let source = bundle["energy_source"].as_str().unwrap();
        *by_source.entry(source.to_owned()).or_default() += wh;
        let of_status = by_status.entry(status.to_owned()).or_default();
        of_status.0 += 1;
        of_status.1 += wh;
    }
    let count: BTreeMap<_, _> = by_status
        .iter()
        .map(|(name, (count, _))| (name, count))
        .collect();
    let wh: BTreeMap<_, _> = by_status.iter().map(|(name, (_, wh))| (name, wh)).collect();
    assert_eq!(summary["energy_by_fuel_type"], json!(by_source));
    assert_eq!(
        summary["num_granular_certificate_bundles_by_status"],
        json!(count)
    );
    assert_eq!(summary["energy_by_status"], json!(wh));
    assert_eq!(
        summary["total_certificate_energy"],
        by_source.values().sum::<i64>()
    );
    let expired = by_status.get("Expired").map_or(0, |sum| sum.0);
    assert_eq!(summary["num_expired_granular_certificate_bundles"], expired);
}

/// xorshift64*, so that a seed means the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % bound
    }
}

/// Issues from two devices, one of which changes its source, some of it by hand and soon expired.
async fn issue(world: &World, solar: i64, round: i64, random: &mut Random) {
    let amounts: Vec<_> = (0..20)
        .map(|_| i64::try_from(random.below(2000)).unwrap())
        .collect();
    for device in [world.w, solar] {
        let readings = hours(round * 20, amounts.clone());
        world.producer.submit(device, &readings).await.expect(200);
    }
    let source = if round % 2 == 0 { "solar_pv" } else { "wind" };
    let path = format!("/device/update/{solar}");
    let change = json!({"energy_source": source});
    world.producer.patch(&path, change).await.expect(200);
    let start = hour(500 + round);
    let by_hand = json!({
        "account_id": world.s, "device_id": world.w, "metadata_id": 1, "bundle_quantity": 77,
        "energy_carrier": "electricity", "energy_source": "wind",
        "production_starting_interval": start,
        "production_ending_interval": start + TimeDelta::minutes(15),
        "expiry_datestamp": Utc::now() + TimeDelta::milliseconds(1),
    });
    world
        .admin
        .post("/certificate/create", by_hand)
        .await
        .expect(201);
}

async fn act(world: &World, random: &mut Random) {
    let accounts = [world.s, world.t];
    let source = accounts[random.below(2)];
    let actions = [
        "transfer", "cancel", "claim", "reserve", "release", "lock", "unlock", "withdraw",
    ];
    let action = actions[random.below(actions.len())];
    let from = match action {
        "claim" => "Cancelled",
        "release" => "Reserved",
        "unlock" => "Locked",
        _ => "Active",
    };
    let filter = json!({"certificate_bundle_status": from});
    let held = ids(&world.trader.query(source, filter).await);
    if held.is_empty() {
        return;
    }
    let mut bundles: Vec<_> = (0..=random.below(8))
        .map(|_| held[random.below(held.len())])
        .collect();
    bundles.sort_unstable();
    bundles.dedup();
    let mut fields = match random.below(3) {
        0 => json!({"certificate_bundle_percentage": 0.5}),
        1 => json!({"certificate_quantity": 1 + random.below(300)}),
        _ => json!({}),
    };
    if action == "transfer" {
        fields["target_id"] = json!(if source == world.s { world.t } else { world.s });
    }
    let actor = match action {
        "lock" | "unlock" | "withdraw" => &world.admin,
        _ => &world.trader,
    };
    // Some are refused: too small to split, or expired meanwhile.
    let answer = actor.act(action, source, &bundles, fields).await;
    assert!([202, 409, 422].contains(&answer.status), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_and_lineages_agree_with_the_bundles_after_random_histories() {
    for seed in [7, 8] {
        let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let mut world = World::start().await;
        world
            .producer
            .update_whitelist(world.s, &[world.t], &[])
            .await
            .expect(200);
        let solar = world
            .producer
            .register_device(world.s, json!({"energy_source": "solar_pv"}))
            .await;
        for round in 0..4 {
            issue(&world, solar, round, &mut random).await;
            for _ in 0..12 {
                act(&world, &mut random).await;
            }
        }
        // It looks for what has expired when it starts.
        world.registry.caught_up().await;
        world.registry.down().await;
        world.registry.up().await;
        tests::eventually("the registry marks what has expired", || async {
            let summary = world
                .trader
                .get(&format!("/account/{}/summary", world.s))
                .await
                .json();
            (summary["num_expired_granular_certificate_bundles"].as_i64()? > 0).then_some(())
        })
        .await;
        for account in [world.s, world.t] {
            assert_sums(&world, account).await;
        }
        assert_lineages(&world, seed).await;
        world.registry.audit().await;
        rebuilt(&world).await;
        for account in [world.s, world.t] {
            assert_sums(&world, account).await;
        }
        world.registry.audit().await;
    }
}

/// Both forms of every bundle, split or not.
async fn assert_lineages(world: &World, seed: u64) {
    let last = [world.s, world.t].map(|account| world.trader.holdings(account));
    let last = futures_util::future::join_all(last).await.concat();
    let last = ids(&last).into_iter().max().unwrap();
    let mut deepest = 0;
    for id in 1..=last {
        let lineage = world.admin.lineage(id, "timeline").await;
        world.admin.lineage(id, "raw").await;
        deepest = deepest.max(lineage["bundles"].as_array().unwrap().len());
    }
    assert!(deepest >= 5, "seed {seed} splits nothing twice");
}

async fn rebuilt(world: &World) {
    let config = &world.registry.config;
    let store = world.registry.events().await;
    let read = &config.database.read;
    rebuild(
        Target::Read,
        read,
        &store,
        &config.domain,
        CHUNK_ROWS,
        |_| {},
    )
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn holdings_are_shown_to_who_may_see_the_account() {
    let world = World::start().await;
    world.issue([10, 20]).await;
    let path = |account: i64| format!("/account/{account}/holdings?group_by=technology");
    for actor in [&world.auditor, &world.admin] {
        let page = actor.get(&path(world.s)).await.expect(200);
        assert_eq!(
            page["holdings"],
            json!([{"period_start": "2024-11-01T00:00:00Z", "technology": "wind_turbine", "bundles": 2, "wh": 30}])
        );
        assert_eq!(
            (&page["total_bundles"], &page["total_wh"]),
            (&json!(2), &json!(30))
        );
    }
    world
        .auditor
        .get(&path(world.t))
        .await
        .refused(404, "account_not_found");
    let empty = world.trader.get(&path(world.t)).await.expect(200);
    assert_eq!(
        (&empty["holdings"], &empty["total_wh"]),
        (&json!([]), &json!(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_withdrawn_counts_only_when_it_is_asked_for() {
    let world = World::start().await;
    let [kept, withdrawn] = world.issue([10, 20]).await;
    world
        .admin
        .act(
            "withdraw",
            world.s,
            &[withdrawn],
            json!({"reason": "metering error"}),
        )
        .await
        .expect(202);
    let total = async |filter: &str| {
        let path = format!("/account/{}/holdings?{filter}", world.s);
        world.auditor.get(&path).await.expect(200)["total_wh"].clone()
    };
    assert_eq!(total("").await, 10);
    assert_eq!(total("status=Withdrawn").await, 20);
    assert_eq!(total("status=Active&source=wind").await, 10);
    assert_eq!(total("source=hydro").await, 0);
    assert_eq!(total(&format!("device_id={}", world.w)).await, 10);
    assert_eq!(total("device_id=9999").await, 0);
    let devices = async || {
        let path = format!("/account/{}/certificates/devices", world.s);
        let devices = world.trader.get(&path).await.expect(200);
        ids(devices.as_array().unwrap())
    };
    assert_eq!(devices().await, [world.w]);
    world
        .trader
        .transfer(world.s, world.t, &[kept])
        .await
        .expect(202);
    assert_eq!(devices().await, Vec::<i64>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_for_holdings_that_makes_no_sense_is_refused() {
    let world = World::start().await;
    let ask = async |filter: &str| {
        let path = format!("/account/{}/holdings?{filter}", world.s);
        world.auditor.get(&path).await
    };
    for (filter, code, place) in [
        ("period=year", "request_invalid", "period"),
        ("group_by=source,colour", "request_invalid", "group_by"),
        ("period=hour&to=2024-11-18", "query_invalid", "from"),
        (
            "period=day&from=2024-11-18T01:00:00Z&to=2024-11-19",
            "query_invalid",
            "from",
        ),
        (
            "period=hour&from=2024-01-01&to=2024-02-11T17:00:00Z",
            "query_invalid",
            "to",
        ),
        ("limit=1001", "request_invalid", "limit"),
        ("cursor=nonsense", "request_invalid", "cursor"),
    ] {
        ask(filter).await.refused_at(422, code, place);
    }
    ask("period=hour&from=2024-01-01&to=2024-02-11T16:00:00Z")
        .await
        .expect(200);
    world.issue([1, 1]).await;
    let hours = "period=hour&from=2024-11-18&to=2024-11-19&limit=1";
    let first = ask(hours).await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();
    // A cursor goes on with the question it was given for.
    ask(&format!("group_by=source&cursor={cursor}"))
        .await
        .refused_at(422, "request_invalid", "cursor");
    let second = ask(&format!("{hours}&cursor={cursor}")).await.expect(200);
    assert_eq!(second["next_cursor"], Value::Null);
    assert_eq!(second["holdings"].as_array().unwrap().len(), 1);
}
