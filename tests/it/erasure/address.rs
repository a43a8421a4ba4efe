//! Where erased people asked from.

use super::*;

/// Waits until READ tells where she asked from: of what was accepted that follows a moment later.
async fn with_address(world: &World) {
    eventually("READ tells where she asked from", || async {
        said_by_read(world).await.contains(ADDRESS).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_an_invitation_was_accepted_is_forgotten_with_who_accepted_it() {
    let world = world_with_addresses().await;
    let details = json!({"name": "H", "business_id": "H", "address": "H", "contact": "H"});
    let founded = world.admin.post("/organisation/create", details).await;
    let organisation = founded.expect(201)["id"].clone();
    let path = format!("/account/{}/organisation", world.s);
    let assign = json!({"organisation_id": organisation});
    world.admin.patch(&path, assign).await.expect(200);
    let path = format!("/organisation/{organisation}/invitations");
    let invite = json!({"role": 2, "account_ids": [world.s]});
    let code = world.admin.post(&path, invite).await.expect(201)["code"].clone();
    let accept = json!({"code": code, "name": NAME, "email": EMAIL, "password": PASSWORD});
    let guest = world.registry.anonymous();
    let guest = guest.with("x-forwarded-for", ADDRESS);
    let joined = guest.post("/invitation/accept", accept).await.expect(201);
    assert_eq!(joined["account_ids"], json!([world.s]));
    with_address(&world).await;
    assert!(!is_in_files(&world.registry.config.data_dir, ADDRESS));

    let id = joined["user_id"].as_i64().unwrap();
    erase(&world, id).await.expect(200);
    world.registry.caught_up().await;
    assert!(!said_by_read(&world).await.contains(ADDRESS));
    world.registry.audit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_old_events_give_to_nobody_is_not_shown_of_the_erased() {
    let world = world_with_addresses().await;
    let person = register(&world).await;
    let path = format!("/user/update/{}", person.id);
    let renamed = json!({"name": RENAMED});
    person.patch(&path, renamed).await.expect(200);
    with_address(&world).await;
    let client = connect(&world.registry.config.database.read).await.unwrap();
    let as_before = "UPDATE registry.audit_client SET user_id = NULL WHERE address = $1";
    assert!(client.execute(as_before, &[&ADDRESS]).await.unwrap() > 0);
    let hers = format!("/audit?user_id={}", person.id);
    let is_shown = async || {
        let entries = world.admin.get(&hers).await.expect(200);
        let entries = entries.as_array().unwrap();
        assert!(!entries.is_empty());
        entries.iter().any(|entry| entry["address"] == ADDRESS)
    };
    assert!(is_shown().await);

    erase(&world, person.id).await.expect(200);
    world.registry.caught_up().await;
    assert!(said_by_read(&world).await.contains(ADDRESS));
    assert!(!is_shown().await);
}
