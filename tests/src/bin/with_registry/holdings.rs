//! What the registry holds before the command runs.

use serde_json::json;
use tests::{Registry, hours, ids};

/// Hours of production: enough that something of each state is left for the command.
const HOURS: i64 = 240;
const HOURLY_WH: i64 = 1_000_000;

/// Issuance metadata, and two accounts of the administrator: the first, with the ids that the examples
/// of the API's document use, has a device and bundles in every state, the second accepts transfers
/// from it.
pub async fn fill(registry: &Registry) {
    let admin = registry.admin().await;
    admin.record_metadata().await;
    let source = admin.open_account("Wind Ltd", &[2, 3]).await;
    let target = admin.open_account("Supplier Ltd", &[2, 3]).await;
    admin
        .update_whitelist(target, &[source], &[])
        .await
        .expect(200);
    let device = admin.register_device(source, json!({})).await;
    let production = (0..HOURS).map(|_| HOURLY_WH);
    admin
        .submit(device, &hours(0, production))
        .await
        .expect(200);
    let bundles = ids(&admin.holdings(source).await);
    let [cancelled, claimed, reserved, locked, withdrawn, split] = bundles[..6] else {
        panic!("{HOURS} hours became {bundles:?}")
    };
    let whole = json!({});
    for (action, bundle, fields) in [
        ("cancel", cancelled, json!({"beneficiary": "Data Centre"})),
        ("cancel", claimed, json!({"beneficiary": "Data Centre"})),
        ("claim", claimed, whole.clone()),
        ("reserve", reserved, whole.clone()),
        ("lock", locked, whole.clone()),
        ("withdraw", withdrawn, whole),
        (
            "transfer",
            split,
            json!({"target_id": target, "certificate_quantity": 400}),
        ),
    ] {
        admin
            .act(action, source, &[bundle], fields)
            .await
            .expect(202);
    }
}
