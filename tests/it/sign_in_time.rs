//! How long a refused sign-in takes says nothing of why it is refused: distributions are compared, not times.

use registry::config::{Network, PasswordCost};
use serde_json::json;
use std::time::{Duration, Instant};
use tests::{Actor, Clusters, PASSWORD, Registry, World};

/// Sign-ins of each kind.
const SAMPLES: usize = 24;
/// How often they are taken, where the machine is too busy to tell a hash.
const ROUNDS: usize = 6;
/// How far apart the distribution functions of two kinds may be, in samples. Of two samples of this size from one
/// distribution, one pair in a million is further apart (Kolmogorov-Smirnov: 2.69 times the root of 2 times 24).
const ALIKE: usize = 18;
const WRONG: &str = "correct horse batterz";

/// A sign-in from an address of its own, so that no throttle has a say.
async fn sign_in(anonymous: &Actor, name: &str, address: usize) -> (u16, Duration) {
    let from = format!("10.0.{}.{}", address / 200, address % 200);
    let body = json!({"username": name, "password": WRONG});
    let request = anonymous.request("POST", "/auth/login").json(&body);
    let request = request.header("x-forwarded-for", from);
    let begun = Instant::now();
    let answer = anonymous.send(request).await;
    (answer.status, begun.elapsed())
}

/// A user's e-mail address and id.
async fn user(world: &World, name: &str, password: Option<&str>) -> (String, i64) {
    let email = format!("{name}@registry.test");
    let body = json!({"name": name, "email": email, "role": 1, "password": password});
    let created = world.admin.post("/user/create", body).await.expect(200);
    (email, created["id"].as_i64().unwrap())
}

/// The Kolmogorov-Smirnov statistic of two samples of one size, in samples: the largest distance between how many of
/// the one and how many of the other took no longer than some time.
fn distance(one: &[Duration], other: &[Duration]) -> usize {
    let up_to = |sample: &[Duration], most: Duration| {
        let within = sample.iter().filter(|time| **time <= most);
        within.count()
    };
    let all = one.iter().chain(other);
    let distances = all.map(|time| up_to(one, *time).abs_diff(up_to(other, *time)));
    distances.max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_sign_ins_take_alike_whyever_they_are_refused() {
    let mut registry = Registry::prepare(Clusters::shared().await).await;
    let proxy: Network = "127.0.0.1".parse().unwrap();
    registry.config.http.trusted_proxies = vec![proxy];
    registry.up().await;
    let mut world = World::on(registry).await;
    let (outdated, _) = user(&world, "outdated", Some(PASSWORD)).await;
    world.registry.down().await;
    // What hashing costs by default can be told from the rest, and from what it cost before.
    world.registry.config.auth.password_cost = PasswordCost::default();
    world.registry.up().await;
    let (without_password, _) = user(&world, "without", None).await;
    let (removed, id) = user(&world, "removed", Some(PASSWORD)).await;
    let path = format!("/user/delete/{id}");
    world.admin.delete(&path).await.expect(200);
    let (known, _) = user(&world, "known", Some(PASSWORD)).await;
    let names = [
        known.as_str(),
        "nobody@registry.test",
        &removed,
        &without_password,
        &outdated,
    ];
    let anonymous = world.registry.anonymous().alone();
    // The first ones open connections.
    for name in names {
        sign_in(&anonymous, name, 0).await;
    }
    // One that waits is refused without a look at the password: it shows what skipping the hash does.
    let throttled = [known.as_str(), "nobody@registry.test"];
    for round in 0..ROUNDS {
        let (times, skipped) = taken(&anonymous, &names, &throttled, round).await;
        for (name, other) in names.iter().zip(&times).skip(1) {
            let apart = distance(&times[0], other);
            assert!(apart <= ALIKE, "{name}: {apart}");
        }
        let apart = distance(&skipped[0], &skipped[1]);
        assert!(apart <= ALIKE, "a wait tells who exists: {apart}");
        let is_told = |skipped: &Vec<Duration>| distance(&times[0], skipped) > ALIKE;
        if skipped.iter().all(is_told) {
            return;
        }
        // On a machine that is busy elsewhere, waiting for it hides the hash.
    }
    panic!("the test would miss a skipped hash");
}

/// How long sign-ins under each of `names` took, and those under each of `throttled` while they had to wait. Each is
/// from an address of its own: of a flood from one address each waits until it is gathered into the audit trail.
async fn taken(
    anonymous: &Actor,
    names: &[&str],
    throttled: &[&str],
    round: usize,
) -> (Vec<Vec<Duration>>, Vec<Vec<Duration>>) {
    let mut times = vec![Vec::new(); names.len()];
    let mut skipped = vec![Vec::new(); throttled.len()];
    for sample in 0..SAMPLES {
        let address = 2 + 400 * round + sample;
        for (name, times) in names.iter().zip(&mut times) {
            let (status, time) = sign_in(anonymous, name, address).await;
            assert_eq!(status, 401);
            times.push(time);
        }
        for (name, times) in throttled.iter().zip(&mut skipped) {
            // Where a wait is over, the next is twice as long.
            loop {
                let (status, time) = sign_in(anonymous, name, address + 200).await;
                if status == 429 {
                    times.push(time);
                    break;
                }
            }
        }
    }
    (times, skipped)
}
