//! Contract 5.1, scenario 54; FEA study 8.1, scenarios 19 and 20.

use futures_util::future::join_all;
use serde_json::json;
use tests::{Actor, Answer, PASSWORD, World, ids, quantities, volume};

fn count(answers: &[Answer], status: u16) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status == status)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_clients_that_transfer_one_bundle_exactly_one_wins() {
    let world = World::start().await;
    let [bundle] = world.issue([1000]).await;
    let race = (0..64).map(|_| async { world.trader.transfer(world.s, world.t, &[bundle]).await });
    let answers = join_all(race).await;
    assert_eq!(
        (count(&answers, 202), count(&answers, 404)),
        (1, 63),
        "{answers:?}"
    );
    assert_eq!(ids(&world.trader.holdings(world.t).await), [bundle]);
    assert!(world.trader.holdings(world.s).await.is_empty());
    let actions = world.trader.get("/certificate/actions").await.expect(200);
    assert_eq!(actions.as_array().unwrap().len(), 1);
    world.registry.audit().await;
}

/// Scenario 54.
#[tokio::test(flavor = "multi_thread")]
async fn of_parallel_partial_transfers_of_one_bundle_one_wins_and_the_volume_stays() {
    let world = World::start().await;
    let [bundle] = world.issue([1000]).await;
    let race = (0..8).map(|_| async {
        let part = json!({"certificate_quantity": 250});
        world
            .trader
            .transfer_part(world.s, world.t, &[bundle], part)
            .await
    });
    let answers = join_all(race).await;
    assert_eq!(
        (count(&answers, 202), count(&answers, 409)),
        (1, 7),
        "{answers:?}"
    );
    let held = [
        world.trader.holdings(world.s).await,
        world.trader.holdings(world.t).await,
    ];
    assert_eq!(held.iter().map(|held| volume(held)).sum::<i64>(), 1000);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_cancellations_of_more_than_half_exactly_one_is_taken() {
    let world = World::start().await;
    let [bundle] = world.issue([1000]).await;
    let part = json!({"certificate_quantity": 600});
    let cancel = async || {
        world
            .trader
            .act("cancel", world.s, &[bundle], part.clone())
            .await
    };
    let (first, second) = tokio::join!(cancel(), cancel());
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409]);
    let held = world.trader.holdings(world.s).await;
    assert_eq!(quantities(&held), [400, 600]);
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_administrators_who_demote_remove_and_erase_each_other_at_once_one_stays() {
    let world = World::start().await;
    let anonymous = world.registry.anonymous();
    let x = format!("/account/update/{}", world.x);
    let kept = json!({"user_ids": [world.admin.id, world.auditor.id]});
    world.admin.patch(&x, kept).await.expect(200);
    let mut admins = vec![world.admin.clone()];
    for name in ["ada", "bob", "eve"] {
        let email = format!("{name}@registry.test");
        let created = world.admin.create_user(name, &email, 4, PASSWORD).await;
        created.expect(200);
        admins.push(anonymous.signed_in(&email, PASSWORD).await);
    }
    let lose = async |by: &Actor, whom: &Actor| match (by.id + whom.id) % 3 {
        0 => {
            let path = format!("/user/change_role/{}?role=2", whom.id);
            by.post_nothing(&path).await
        }
        1 => by.delete(&format!("/user/delete/{}", whom.id)).await,
        _ => by.post_nothing(&format!("/user/erase/{}", whom.id)).await,
    };
    let pairs = admins
        .iter()
        .flat_map(|by| admins.iter().map(move |whom| (by, whom)));
    let answers = join_all(pairs.map(|(by, whom)| lose(by, whom))).await;
    assert!(
        answers.iter().all(|answer| answer.status < 500),
        "{answers:?}"
    );
    let mut still = 0;
    for admin in &admins {
        let path = format!("/user/change_role/{}?role=1", world.trader.id);
        still += usize::from(admin.post_nothing(&path).await.status == 200);
    }
    assert_eq!(still, 1, "{answers:?}");
    assert!(count(&answers, 409) >= 1, "{answers:?}");
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_opened_at_once_under_one_name_are_one() {
    let world = World::start().await;
    let open = || {
        world
            .producer
            .post("/account/create", json!({"account_name": "Once"}))
    };
    let answers = join_all((0..16).map(|_| open())).await;
    assert_eq!(
        (count(&answers, 201), count(&answers, 422)),
        (1, 15),
        "{answers:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn readings_submitted_at_once_are_issued_once() {
    let world = World::start().await;
    let readings = tests::hours(0, [10, 20, 30]);
    let answers = join_all((0..16).map(|_| world.producer.submit(world.w, &readings))).await;
    let accepted: i64 = answers
        .into_iter()
        .map(|answer| answer.expect(200)["accepted"].as_i64().unwrap())
        .sum();
    assert_eq!(accepted, 3);
    assert_eq!(
        quantities(&world.producer.holdings(world.s).await),
        [10, 20, 30]
    );
    world.registry.audit().await;
}
