//! Who and what there is before a row runs: people, two accounts that trade with each other, devices
//! and their bundles. All of it is made through the API.

use crate::database::Databases;
use crate::http::{Connection, get, post, upload};
use crate::random::Random;
use anyhow::{Context, Result};
use chrono::{DateTime, Datelike, TimeDelta, TimeZone, Utc};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Half-hours of 2024, a leap year: what one device submits at once.
pub const DEVICE_YEAR: usize = 366 * 48;
/// Users who trade, so that no figure rests on what is kept per caller.
const TRADERS: usize = 8;
/// Of the demo users of `registry dev`.
pub const DEMO_ADMIN: (&str, &str) = ("admin_user@usermail.com", "admin");
const PASSWORD: &str = "a password of the bench";
/// Least and most Wh of a half-hour; the devices have 10 MW.
const WH: (usize, usize) = (10_000, 5_000_000);

pub struct World {
    pub address: SocketAddr,
    /// Access token of a member of both accounts who submits readings.
    pub producer: String,
    /// Access tokens of members of both accounts who trade.
    pub traders: Vec<String>,
    /// Access token of a member of both accounts who only looks.
    pub reader: String,
    /// The account that receives what is issued.
    pub source: i64,
    /// The other account; each accepts transfers from the other.
    pub target: i64,
    /// Devices with a whole year of bundles.
    pub devices: Vec<i64>,
    /// Bundles that no row has touched: whole, active, in `source`.
    stock: Vec<i64>,
    pub random: Random,
    next_device: usize,
    /// `start,end,` of each half-hour of the year.
    half_hours: Arc<Vec<String>>,
}

/// Submissions that were made and may not be visible yet.
pub struct Submitted {
    pub bundles: usize,
    pub position: i64,
}

impl World {
    /// Made by who manages users, an address and a password.
    pub async fn create(address: SocketAddr, admin: (&str, &str), seed: u64) -> Result<Self> {
        let mut connection = Connection::open(address).await?;
        let admin = token(&mut connection, admin.0, admin.1).await?;
        let metadata = json!({
            "country_of_issuance": "UK", "connected_grid_identification": "NESO",
            "issuing_body": "OFGEM", "issue_market_zone": "NESO",
        });
        send(
            &mut connection,
            "/certificate/create_metadata",
            &admin,
            &metadata,
            201,
        )
        .await?;
        let producer = person(&mut connection, &admin, "producer", 3).await?;
        let reader = person(&mut connection, &admin, "reader", 1).await?;
        let mut traders = Vec::new();
        for number in 0..TRADERS {
            traders.push(person(&mut connection, &admin, &format!("trader-{number}"), 2).await?);
        }
        let members: Vec<i64> = traders
            .iter()
            .chain([&reader])
            .map(|person| person.id)
            .collect();
        let mut accounts = [0; 2];
        for (account, name) in accounts.iter_mut().zip(["Source", "Target"]) {
            let body = json!({"account_name": name, "user_ids": members});
            let opened = send(
                &mut connection,
                "/account/create",
                &producer.token,
                &body,
                201,
            )
            .await?;
            *account = id(&opened)?;
        }
        let [source, target] = accounts;
        for (of, from) in [(target, source), (source, target)] {
            let body = json!({"add_to_whitelist": [from], "remove_from_whitelist": []});
            let request = crate::http::request(
                "PATCH",
                &format!("/account/update_whitelist/{of}"),
                &producer.token,
                "application/json",
                body.to_string().as_bytes(),
            );
            connection.send(&request).await?.expect(200)?;
        }
        Ok(Self {
            address,
            producer: producer.token,
            traders: traders.into_iter().map(|trader| trader.token).collect(),
            reader: reader.token,
            source,
            target,
            devices: Vec::new(),
            stock: Vec::new(),
            random: Random::seeded(seed),
            next_device: 0,
            half_hours: Arc::new(half_hours()),
        })
    }

    /// Registers wind farms of 10 MW in `source`.
    pub async fn register_devices(&mut self, count: usize) -> Result<Vec<i64>> {
        let mut connection = Connection::open(self.address).await?;
        let mut devices = Vec::new();
        for _ in 0..count {
            let number = self.next_device;
            self.next_device += 1;
            let body = json!({
                "device_name": format!("Wind {number}"), "local_device_identifier": format!("W{number}"),
                "grid": "NESO", "energy_source": "wind", "technology_type": "wind_turbine",
                "operational_date": "2020-01-01T00:00:00Z", "capacity": 10, "peak_demand": 0.1,
                "location": "51.4779, -0.0015", "is_storage": false, "account_id": self.source,
            });
            let token = &self.producer;
            let device = send(&mut connection, "/device/create", token, &body, 200).await?;
            devices.push(id(&device)?);
        }
        Ok(devices)
    }

    /// The year of a device, as the file that the API takes.
    fn year(&mut self) -> String {
        let mut csv = String::with_capacity(70 * DEVICE_YEAR);
        csv.push_str(
            "interval_start_datetime,interval_end_datetime,interval_usage,gross_net_indicator\n",
        );
        for half_hour in self.half_hours.clone().iter() {
            csv.push_str(half_hour);
            csv.push_str(&self.wh().to_string());
            csv.push_str(",NET\n");
        }
        csv
    }

    /// Wh of some half-hour.
    pub fn wh(&mut self) -> usize {
        WH.0 + self.random.below(WH.1 - WH.0)
    }

    /// Uploads that carry a year for each of so many new devices.
    pub async fn years(&mut self, devices: usize) -> Result<Vec<Vec<u8>>> {
        let devices = self.register_devices(devices).await?;
        let mut uploads = Vec::new();
        for device in &devices {
            let csv = self.year();
            uploads.push(upload(
                "/measurement/submit_readings",
                &self.producer,
                *device,
                &csv,
            ));
        }
        self.devices.extend(&devices);
        Ok(uploads)
    }

    /// Sends uploads of whole years, so many at a time.
    pub async fn submit(&self, uploads: Vec<Vec<u8>>, at_once: usize) -> Result<Submitted> {
        let bundles = uploads.len() * DEVICE_YEAR;
        let uploads = Arc::new(std::sync::Mutex::new(uploads));
        let mut tasks = JoinSet::new();
        for _ in 0..at_once {
            let mut connection = Connection::open(self.address).await?;
            let uploads = uploads.clone();
            tasks.spawn(async move {
                let mut position = 0;
                loop {
                    let next = uploads.lock().map_or(None, |mut left| left.pop());
                    let Some(upload) = next else {
                        return anyhow::Ok(position);
                    };
                    let reply = connection.send(&upload).await?;
                    reply.expect(200)?;
                    position = reply.position.max(position);
                }
            });
        }
        let mut position = 0;
        while let Some(done) = tasks.join_next().await {
            position = position.max(done??);
        }
        Ok(Submitted { bundles, position })
    }

    /// Issues years until there are so many bundles that no row has touched, and takes that many.
    pub async fn take(&mut self, databases: &Databases, count: usize) -> Result<Vec<i64>> {
        if self.stock.len() < count {
            let before = self.devices.len();
            let lacking = (count - self.stock.len()).div_ceil(DEVICE_YEAR);
            self.fill(databases, lacking).await?;
            let devices = self.devices[before..].to_vec();
            let bundles = databases.bundles_of(&devices).await?;
            self.stock.extend(bundles);
        }
        Ok(self.stock.split_off(self.stock.len() - count))
    }

    /// Issues a year for each of so many new devices; returns when it can be seen.
    pub async fn fill(&mut self, databases: &Databases, devices: usize) -> Result<()> {
        /// Years kept in memory at a time.
        const CHUNK: usize = 16;
        let mut left = devices;
        while left > 0 {
            let uploads = self.years(left.min(CHUNK)).await?;
            left -= uploads.len();
            let submitted = self.submit(uploads, 2).await?;
            databases.caught_up(submitted.position).await?;
        }
        Ok(())
    }

    /// A random half-hour's `interval_start_datetime`, and the same so many half-hours later.
    pub fn window(&mut self, half_hours: usize) -> (DateTime<Utc>, DateTime<Utc>) {
        let first = self.random.below(DEVICE_YEAR - half_hours);
        (half_hour(first), half_hour(first + half_hours))
    }

    /// The token of one of the traders.
    pub fn trader(&self, number: usize) -> String {
        self.traders[number % self.traders.len()].clone()
    }

    /// A request that the last data answers, to see whether the registry does.
    pub fn look(&self) -> Vec<u8> {
        get(&format!("/account/{}", self.source), &self.reader)
    }
}

/// Start of the `n`-th half-hour of the year.
pub fn half_hour(n: usize) -> DateTime<Utc> {
    let first = Utc
        .with_ymd_and_hms(2024, 1, 1, 0, 0, 0)
        .single()
        .unwrap_or_default();
    first + TimeDelta::minutes(30 * i64::try_from(n).unwrap_or_default())
}

fn half_hours() -> Vec<String> {
    let shown = |n| half_hour(n).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    debug_assert_eq!(half_hour(DEVICE_YEAR).year(), 2025);
    (0..DEVICE_YEAR)
        .map(|n| format!("{},{},", shown(n), shown(n + 1)))
        .collect()
}

struct Person {
    id: i64,
    token: String,
}

async fn person(connection: &mut Connection, admin: &str, name: &str, role: i64) -> Result<Person> {
    let email = format!("{name}@bench.test");
    let body = json!({"name": name, "email": email, "role": role, "password": PASSWORD});
    let created = send(connection, "/user/create", admin, &body, 200).await?;
    Ok(Person {
        id: id(&created)?,
        token: token(connection, &email, PASSWORD).await?,
    })
}

/// A request to sign in.
/// A request that is answered with success where requests can be.
pub fn readiness() -> Vec<u8> {
    get("/readyz", "")
}

pub fn sign_in(email: &str, password: &str) -> Vec<u8> {
    let body = json!({"username": email, "password": password});
    post("/auth/login", "", &body.to_string())
}

/// An access token.
async fn token(connection: &mut Connection, email: &str, password: &str) -> Result<String> {
    let reply = connection.send(&sign_in(email, password)).await?;
    reply.expect(200)?;
    let answer = reply.json()?;
    let token = answer["access_token"].as_str().context("no access token")?;
    Ok(token.to_owned())
}

fn id(answer: &Value) -> Result<i64> {
    answer["id"].as_i64().context("no id")
}

async fn send(
    connection: &mut Connection,
    path: &str,
    token: &str,
    body: &Value,
    status: u16,
) -> Result<Value> {
    let request = post(path, token, &body.to_string());
    let reply = connection.send(&request).await?;
    reply.expect(status).with_context(|| path.to_owned())?;
    reply.json()
}
