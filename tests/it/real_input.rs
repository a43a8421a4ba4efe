//! Real readings: Great Britain's fleet of 2018 and a home in Sydney. Skipped, saying so, where the
//! files are not there.

use chrono::FixedOffset;
use projections::postgres::Secret;
use registry::client::Client;
use registry::import::mapping::{Duplicates, Mapped, Mapping, TimeIs, WithoutTime};
use registry::import::submission::{MAX_BATCH, Target, send};
use registry::import::table::{Columns, read_file};
use registry::import::{IntervalLength, Local, TimeReader, Unit};
use schemas::id::DeviceId;
use serde_json::{Value, json};
use std::path::Path;
use tests::{PASSWORD, World, data_folder, ids};

/// Wind over the distinct half hours, in Wh.
const GB_WIND_WH: i64 = 39_227_938_500_000;
const GB_HALF_HOURS: usize = 17_473;
const GB_REPEATED: u64 = 128;
const GB_WITHOUT_TIME: u64 = 47;

/// Generation and consumption of the home, in Wh; half hours with generation.
const HOME_GENERATION_WH: i64 = 1_296_404;
const HOME_CONSUMPTION_WH: i64 = 5_938_369;
const HOME_BUNDLES: i64 = 8_380;
const HOME_HALF_HOURS: usize = 17_568;

fn half_hours() -> IntervalLength {
    IntervalLength::of_seconds(1_800).unwrap()
}

fn read(file: &Path, time: &str, value: &str, mapping: Mapping) -> Mapped {
    let columns = Columns {
        time: time.to_owned(),
        value: value.to_owned(),
    };
    read_file(file, &columns, mapping).unwrap()
}

fn fleet(folder: &Path, column: &str) -> Mapped {
    let mapping = Mapping {
        time: TimeReader::default(),
        time_is: TimeIs::Start,
        interval: half_hours(),
        unit: "MW".parse::<Unit>().unwrap(),
        round_to: None,
        duplicates: Duplicates::AcceptIdentical,
        without_time: WithoutTime::Skip,
    };
    read(
        &folder.join("gb-generation-by-fuel-2018.csv"),
        "local_datetime",
        column,
        mapping,
    )
}

fn home(folder: &Path, column: &str) -> Mapped {
    let mapping = Mapping {
        time: TimeReader {
            local: Local::Offset(FixedOffset::east_opt(10 * 3_600).unwrap()),
            ..TimeReader::default()
        },
        time_is: TimeIs::Start,
        interval: half_hours(),
        unit: "kW".parse::<Unit>().unwrap(),
        round_to: Some("0.001".parse().unwrap()),
        duplicates: Duplicates::Refuse,
        without_time: WithoutTime::Refuse,
    };
    read(
        &folder.join("ausgrid-solar-home-2011-2012.csv"),
        "",
        column,
        mapping,
    )
}

async fn device(world: &World, name: &str, fields: Value) -> i64 {
    let mut all = json!({"device_name": name, "operational_date": "2000-01-01", "peak_demand": 0});
    for (field, value) in fields.as_object().unwrap() {
        all[field] = value.clone();
    }
    world.producer.register_device(world.s, all).await
}

/// Sends readings as the importer does; all of them must be accepted, or known when `again`.
async fn import(world: &World, client: &Client, device: i64, mapped: &Mapped, again: bool) {
    let target = Target {
        client,
        device_id: DeviceId(device),
        interval: half_hours(),
        gross_net_indicator: "NET",
        batch: MAX_BATCH,
        partial: false,
        meter_identifier: None,
        issue: true,
    };
    let sent = send(&target, mapped.readings.clone(), |_| {}).await;
    assert!(sent.failure.is_none(), "{:?}", sent.failure);
    assert_eq!((sent.refused.count(), sent.left), (0, 0));
    assert_eq!(Some(sent.total), mapped.total());
    let all = u64::try_from(mapped.readings.len()).unwrap();
    let expected = if again { (0, all) } else { (all, 0) };
    assert_eq!((sent.accepted, sent.known), expected);
    // The importer is another client than those who look.
    world.registry.caught_up().await;
}

async fn client(world: &World) -> Client {
    let password = Secret::new(PASSWORD);
    Client::sign_in(&world.registry.url(), &world.producer.email, password)
        .await
        .unwrap()
}

async fn total(world: &World, device: i64, states: &[&str]) -> i64 {
    let fields = json!({"device_id": device, "limit": 1, "certificate_bundle_statuses": states});
    let answer = world.trader.try_query(world.s, fields).await.expect(202);
    answer["total_certificate_volume"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_british_fleet_of_2018_is_issued_to_the_watt_hour_and_traded() {
    let Some(folder) = data_folder() else { return };
    let world = World::start().await;
    let client = client(&world).await;
    let mut wind = 0;
    for (column, source, technology, megawatts) in [
        ("wind", "wind", "wind_turbine", 25_000),
        ("nuclear", "nuclear", "other", 12_000),
        ("npshyd", "hydro", "hydro", 2_500),
        ("biomass", "biomass", "other", 5_000),
    ] {
        let mapped = fleet(&folder, column);
        assert_eq!(mapped.readings.len(), GB_HALF_HOURS, "{column}");
        assert_eq!(mapped.repeated.count(), GB_REPEATED, "{column}");
        assert_eq!(mapped.without_time.count(), GB_WITHOUT_TIME, "{column}");
        assert_eq!(mapped.refused.count(), 0, "{column}");
        let fields = json!({"energy_source": source, "technology_type": technology,
                            "capacity": megawatts});
        let device = device(&world, column, fields).await;
        import(&world, &client, device, &mapped, false).await;
        assert_eq!(
            Some(total(&world, device, &["Active"]).await),
            mapped.total().map(|wh| wh.0)
        );
        if column == "wind" {
            assert_eq!(mapped.total().map(|wh| wh.0), Some(GB_WIND_WH));
            import(&world, &client, device, &mapped, true).await;
            wind = device;
        }
    }

    let march = json!({"device_id": wind, "certificate_period_start": "2018-03-01",
                       "certificate_period_end": "2018-03-31", "limit": 1000});
    let page = world.trader.try_query(world.s, march).await.expect(202);
    let bundles = ids(page["granular_certificate_bundles"].as_array().unwrap());
    let share = json!({"certificate_bundle_percentage": 0.35});
    let (kept, moved) = bundles.split_at(500);
    let moved_wh = world
        .trader
        .transfer_part(world.s, world.t, moved, share.clone())
        .await;
    let moved_wh = moved_wh.expect(202)["total_certificate_volume"]
        .as_i64()
        .unwrap();
    let cancelled = world
        .trader
        .act("cancel", world.s, kept, share)
        .await
        .expect(202);
    let cancelled_wh = cancelled["total_certificate_volume"].as_i64().unwrap();
    let claimed: Vec<_> = cancelled["bundles"].as_array().unwrap()[..100]
        .iter()
        .map(|part| part["acted_on"].as_i64().unwrap())
        .collect();
    world
        .trader
        .act("claim", world.s, &claimed, json!({}))
        .await
        .expect(202);

    assert_eq!(
        total(&world, wind, &["Cancelled", "Claimed"]).await,
        cancelled_wh
    );
    let left = total(&world, wind, &["Active"]).await;
    assert_eq!(
        left + moved_wh + cancelled_wh,
        GB_WIND_WH,
        "each watt-hour is somewhere, once"
    );
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_roof_of_a_home_in_sydney_is_issued_and_its_consumption_only_recorded() {
    let Some(folder) = data_folder() else { return };
    let world = World::start().await;
    let client = client(&world).await;
    let solar =
        json!({"energy_source": "solar_pv", "technology_type": "solar_pv", "capacity": 0.005});
    let roof = device(&world, "roof", solar).await;
    let generation = home(&folder, "GG");
    assert_eq!(
        (generation.readings.len(), generation.refused.count()),
        (HOME_HALF_HOURS, 0)
    );
    assert_eq!(generation.total().map(|wh| wh.0), Some(HOME_GENERATION_WH));
    import(&world, &client, roof, &generation, false).await;

    let meter = json!({"energy_source": "other", "technology_type": "other", "capacity": 0,
                       "peak_demand": 0.02, "device_type": "consumption"});
    let meter = device(&world, "meter", meter).await;
    let consumption = home(&folder, "GC");
    assert_eq!(
        consumption.total().map(|wh| wh.0),
        Some(HOME_CONSUMPTION_WH)
    );
    import(&world, &client, meter, &consumption, false).await;

    let summary = world
        .trader
        .get(&format!("/account/{}/summary", world.s))
        .await
        .expect(200);
    assert_eq!(summary["num_granular_certificate_bundles"], HOME_BUNDLES);
    assert_eq!(summary["total_certificate_energy"], HOME_GENERATION_WH);
    let held = world.trader.holdings(world.s).await;
    let all = ids(&held);
    assert_eq!(all.len(), 8_380);
    world
        .trader
        .transfer(world.s, world.t, &all[..4_000])
        .await
        .expect(202);
    let cancelled = world
        .trader
        .cancel(world.s, &all[4_000..], "The home itself")
        .await
        .expect(202);
    let action = cancelled["total_certificate_volume"].as_i64().unwrap();
    assert_eq!(total(&world, roof, &["Cancelled"]).await, action);
    world.registry.audit().await;
}
