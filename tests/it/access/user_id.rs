//! The `user_id` of a body is a field that a handler could forget to look at.

use super::request::request;
use super::scene::Scene;
use schemas::capability::{Capability, Duties};
use schemas::life_cycle::Role;
use serde_json::Value;

/// Whether a body of this schema may name a user.
fn names_a_user(document: &Value, schema: &Value) -> bool {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return names_a_user(document, &document["components"]["schemas"][name]);
    }
    let parts = ["allOf", "oneOf", "anyOf"].map(|word| schema[word].as_array());
    let mut parts = parts.into_iter().flatten().flatten();
    !schema["properties"]["user_id"].is_null() || parts.any(|part| names_a_user(document, part))
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_manage_users_asks_in_no_name_but_their_own() {
    let scene = Scene::set(false).await;
    let world = &scene.world;
    let document = world.registry.anonymous().get("/openapi.json").await;
    let document = document.expect(200);
    let may = Role::Production.capabilities(Duties::Together);
    let (mut asked, mut exempt) = (Vec::new(), Vec::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            if !names_a_user(&document, body) {
                continue;
            }
            let id = operation["operationId"].as_str().unwrap();
            let capability = operation["x-required-capability"].as_str().unwrap();
            if !may.has(capability.parse::<Capability>().unwrap()) {
                // Those who may are the issuing body, who manages users.
                exempt.push(id.to_owned());
                continue;
            }
            let in_anothers_name = request(&scene, id).unwrap().naming(world.trader.id);
            let method = method.to_uppercase();
            let request = in_anothers_name.build(&world.producer, &method, path);
            let answer = world.producer.send(request).await;
            answer.refused_at(403, "user_id_not_yours", "/user_id");
            asked.push(id.to_owned());
        }
    }
    assert!(asked.len() >= 12, "{asked:?}");
    exempt.sort_unstable();
    let issuing_body = [
        "lock_certificates",
        "unlock_certificates",
        "withdraw_certificates",
    ];
    assert_eq!(exempt, issuing_body);
}
