//! Who asks at once, and who is killed meanwhile: a Wh is in one registry.

use super::*;
use crate::faults::process;
use futures_util::StreamExt;
use futures_util::future::join_all;
use reqwest::RequestBuilder;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tests::{Process, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn of_importing_twice_at_once_exactly_one_wins() {
    let (gb, fr) = two().await;
    let [bundle] = gb.issue([1000]).await;
    let id = export(&gb, &[bundle], json!({})).await;
    let signed = file(&gb, id).await;
    let race = (0..16).map(|n| {
        let account = if n % 2 == 0 { fr.s } else { fr.t };
        import(&fr.producer, account, &signed)
    });
    let answers = join_all(race).await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    let won = statuses.iter().filter(|status| **status == 201).count();
    assert_eq!(won, 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 409].contains(status)));
    let held = async |account| volume(&fr.trader.holdings(account).await);
    assert_eq!(held(fr.s).await + held(fr.t).await, 1000);
    fr.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_importing_and_refusing_at_once_exactly_one_wins() {
    let (gb, fr) = two().await;
    for round in 0..4 {
        let [bundle] = gb.issue([1000]).await;
        let id = export(&gb, &[bundle], json!({})).await;
        let signed = file(&gb, id).await;
        let race = (round..round + 16).map(|n| {
            let (fr, signed) = (&fr, &signed);
            async move {
                match n % 2 {
                    0 => (n % 2, import(&fr.producer, fr.s, signed).await.status),
                    _ => (n % 2, refuse(fr, signed).await.status),
                }
            }
        });
        let answers = join_all(race).await;
        let done = |what: i32| {
            let of_kind = answers.iter().filter(|(kind, _)| *kind == what);
            of_kind.filter(|(_, status)| *status == 201).count()
        };
        assert!(matches!((done(0), done(1)), (1, 0) | (0, 8)), "{answers:?}");
    }
    fr.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_confirming_twice_at_once_exactly_one_wins() {
    let (gb, fr) = two().await;
    let [bundle] = gb.issue([1000]).await;
    let id = export(&gb, &[bundle], json!({})).await;
    let imported = import(&fr.producer, fr.s, &file(&gb, id).await)
        .await
        .expect(201);
    let receipt = &imported["receipt"];
    let race = (0..16).map(|_| confirm(&gb, id, receipt));
    let answers = join_all(race).await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    let won = statuses.iter().filter(|status| **status == 202).count();
    assert_eq!(won, 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [202, 409].contains(status)));
    gb.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_confirming_and_taking_back_on_the_issuing_bodys_word_at_once_exactly_one_wins() {
    let (gb, _) = two().await;
    let bundles = gb.issue([100; 4]).await;
    let mut confirmed = 0;
    for bundle in bundles {
        let id = export(&gb, &[bundle], json!({})).await;
        let path = format!("/certificate/export/{id}");
        let race = (0..8).map(|n| {
            let word = json!({"receiving_reference": "fr-7", "without_receipt": true, "reason": "as it says"});
            let withdrawn = json!({"without_refusal": true, "reason": "as it says"});
            let (step, body) = match n % 2 {
                0 => ("confirm", word),
                _ => ("take_back", withdrawn),
            };
            let (gb, path) = (&gb, format!("{path}/{step}"));
            async move { (n % 2, gb.admin.post(&path, body).await.status) }
        });
        let answers = join_all(race).await;
        let won: Vec<_> = answers
            .iter()
            .filter(|(_, status)| *status == 202)
            .collect();
        assert_eq!(won.len(), 1, "{answers:?}");
        let are_known = |(_, status): &(i32, u16)| [202, 409].contains(status);
        assert!(answers.iter().all(are_known), "{answers:?}");
        confirmed += if won[0].0 == 0 { 100 } else { 0 };
    }
    assert_eq!(wh(&gb, "Exported").await, confirmed);
    assert_eq!(wh(&gb, "Active").await, 400 - confirmed);
    gb.registry.audit().await;
}

/// Asks under a key until there is an answer: of who is killed, only the key can tell whether it was done.
async fn repeated(actor: &Actor, key: &str, request: impl Fn(&Actor) -> RequestBuilder) -> Answer {
    let actor = actor.with("idempotency-key", key);
    loop {
        match actor.try_send(request(&actor)).await {
            Ok(answer) if answer.status == 503 => {}
            Ok(answer) => return answer,
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One bundle through all steps.
async fn exchanged(gb: &World, fr: &World, bundle: i64, done: &AtomicI64) {
    let key = |step: &str| format!("exchange-{bundle}-{step}");
    let body = json!({
        "source_id": gb.s, "granular_certificate_bundle_ids": [bundle], "receiving_registry": "fr",
    });
    let offer = |actor: &Actor| actor.request("POST", "/certificate/export").json(&body);
    let offer = repeated(&gb.trader, &key("export"), offer).await;
    let id = offer.expect(202)["id"].as_i64().unwrap();
    let path = format!("/certificate/export/{id}");
    let file = |actor: &Actor| actor.request("GET", &format!("{path}/file"));
    let signed = repeated(&gb.trader, &key("file"), file).await.expect(200);
    let import = |actor: &Actor| {
        let form = form(fr.s, signed.to_string());
        actor.request("POST", "/certificate/import").multipart(form)
    };
    let imported = repeated(&fr.producer, &key("import"), import).await;
    let body = json!({"receipt": imported.expect(201)["receipt"]});
    let confirm = |actor: &Actor| {
        let path = format!("{path}/confirm");
        actor.request("POST", &path).json(&body)
    };
    let confirmed = repeated(&gb.trader, &key("confirm"), confirm).await;
    confirmed.expect(202);
    done.fetch_add(1, Ordering::AcqRel);
}

/// Bundles go from one registry to the other; the process of one of them is killed three times meanwhile.
async fn exchange_while_killing(exporter: bool) {
    const BUNDLES: usize = 60;
    let mut gb = Registry::prepare_as(Clusters::shared().await, "gb").await;
    let mut fr = Registry::prepare_as(Clusters::shared().await, "fr").await;
    gb.trust(&fr);
    fr.trust(&gb);
    let (killed, stays) = if exporter {
        (&mut gb, &mut fr)
    } else {
        (&mut fr, &mut gb)
    };
    stays.up().await;
    let mut process = Process::start(&mut killed.config, process::ENTRY);
    let mut config = killed.config.clone();
    let mut gb = World::on(gb).await;
    let mut fr = World::on(fr).await;
    let bundles = gb.issue([100; BUNDLES]).await;
    let done = AtomicI64::new(0);
    let exchanges = futures_util::stream::iter(bundles)
        .map(|bundle| exchanged(&gb, &fr, bundle, &done))
        .buffer_unordered(4)
        .collect::<()>();
    let kills = async {
        for kill in 1..=3 {
            eventually("exchanges go on", || async {
                (done.load(Ordering::Acquire) >= kill * 12).then_some(())
            })
            .await;
            process.kill9();
            process = Process::start(&mut config, process::ENTRY);
        }
    };
    tokio::join!(kills, exchanges);
    let killed = if exporter { &mut gb } else { &mut fr };
    killed.registry.config = config;

    let all = 100 * i64::try_from(BUNDLES).unwrap();
    assert_eq!(spread(&gb, &fr).await, (0, all, 0));
    assert_eq!(wh(&gb, "Exported").await, all);
    gb.registry.audit().await;
    fr.registry.audit().await;
    drop(process);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exporting_process_killed_between_the_steps_ends_with_each_wh_in_one_registry() {
    exchange_while_killing(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_importing_process_killed_between_the_steps_ends_with_each_wh_in_one_registry() {
    exchange_while_killing(false).await;
}
