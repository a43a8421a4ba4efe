//! A request for every operation, about something of account S. It is complete enough to come as far as the
//! check of who asks, and mostly wrong enough not to change anything afterwards; what does change something is of
//! nothing else that is asked for.

use super::scene::{Battery, Scene};
use reqwest::RequestBuilder;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tests::{Actor, hour};

/// How an operation is asked for.
pub struct Asked {
    /// What takes the place of the variable segment of the path.
    id: i64,
    /// The same where that is a UUID.
    uuid: String,
    query: String,
    body: Body,
}

enum Body {
    None,
    Json(Value),
    Form(&'static str),
    Import(i64),
    /// None, under an idempotency key that is none.
    MalformedKey,
}

impl Asked {
    /// The same in the name of a user.
    pub fn naming(mut self, user_id: i64) -> Self {
        let Body::Json(body) = &mut self.body else {
            panic!("it has no JSON body");
        };
        body["user_id"] = json!(user_id);
        self
    }

    pub fn build(&self, actor: &Actor, method: &str, path: &str) -> RequestBuilder {
        let segments = path.split('/').map(|segment| match segment {
            "{code}" => "internal".to_owned(),
            "{key_id}" | "{session_id}" | "{invitation_id}" => self.uuid.clone(),
            "{identity_id}" => uuid::Uuid::nil().to_string(),
            variable if variable.starts_with('{') => self.id.to_string(),
            fixed => fixed.to_owned(),
        });
        let path = segments.collect::<Vec<_>>().join("/");
        let request = actor.request(method, &format!("{path}{}", self.query));
        match &self.body {
            Body::None => request,
            Body::MalformedKey => request.header("idempotency-key", "a b"),
            Body::Json(body) => request.json(body),
            Body::Form(body) => request
                .header("content-type", "application/x-www-form-urlencoded")
                .body(*body),
            Body::Import(account) => {
                let file = Part::text(registry::exchange::TEMPLATE).file_name("rows.csv");
                let form = Form::new().part("file", file);
                request.multipart(form.text("account_id", account.to_string()))
            }
        }
    }
}

fn of(id: i64) -> Asked {
    Asked {
        id,
        uuid: uuid::Uuid::nil().to_string(),
        query: String::new(),
        body: Body::None,
    }
}

fn with(id: i64, body: Value) -> Asked {
    Asked {
        body: Body::Json(body),
        ..of(id)
    }
}

fn form(body: &'static str) -> Asked {
    Asked {
        body: Body::Form(body),
        ..of(0)
    }
}

fn of_uuid(uuid: &str) -> Asked {
    Asked {
        uuid: uuid.to_owned(),
        ..of(0)
    }
}

fn query(query: String) -> Asked {
    Asked { query, ..of(0) }
}

/// No bundle, device or anything else has this id.
const NOBODY: i64 = 9_999;

/// The request for an operation; none if nobody has said how to ask for it.
pub fn request(scene: &Scene, operation: &str) -> Option<Asked> {
    let world = &scene.world;
    let (s, w, battery) = (world.s, world.w, scene.battery);
    let on = |bundle: i64, more: Value| {
        let mut body = json!({"source_id": s, "granular_certificate_bundle_ids": [bundle]});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        with(0, body)
    };
    let interval = |n: i64| (hour(n), hour(n + 1));
    let (start, end) = interval(1_000);
    let nothing = json!({});
    let last_record = |of: &Battery| {
        let record = of.records.last().unwrap();
        with(0, json!({"source_id": s, "source_allocation_id": record}))
    };
    let issue = |allocation: i64| with(0, json!({"allocated_storage_record_ids": [allocation]}));
    Some(match operation {
        // Open to anybody.
        "get_root" | "get_registry_keys" | "get_csrf_token" | "get_health" | "get_healthz"
        | "get_metrics" | "get_readyz" | "list_problems" | "get_problem" => of(0),
        "get_token_keys" | "get_server_metadata" => of(0),
        "create_token" => form("grant_type=x"),
        "introspect_token" => form("token=x"),
        // There is no provider.
        "start_oidc_sign_in" | "finish_oidc_sign_in" | "ask_oidc_second_factor" => of(0),
        "finish_oidc_second_factor" => form("otp=000000"),
        "list_identities" => of(NOBODY),
        "link_identity" => with(NOBODY, json!({"issuer": "x", "subject": "x"})),
        "unlink_identity" => of(0),
        "login" => with(0, nothing),
        "refresh_session" => with(0, json!({"refresh_token": {}})),
        // Nobody is signed out: the key is malformed.
        "logout" => Asked {
            body: Body::MalformedKey,
            ..of(0)
        },
        "list_my_sessions" => of(0),
        // The producer ends it, and it is over for everybody after that.
        "end_my_session" => of_uuid(&scene.session_id),
        // Nothing changes before it is confirmed.
        "enrol_second_factor" => of(0),
        "add_second_factor" => with(0, json!({"enrolment": "none", "code": "000000"})),
        "remove_second_factor" | "change_my_password" => with(0, nothing),
        "remove_second_factor_of_user" | "end_sessions_of_user" => of(scene.removed.id),
        "enrol_gateway" | "submit_envelopes" => with(0, nothing),
        "change_gateway_key" => with(scene.gateway, nothing),
        // Users.
        "create_user" => with(
            0,
            json!({"name": "x", "email": world.trader.email, "role": 1}),
        ),
        "list_organisations" => of(0),
        "create_organisation" => with(0, json!({"name": " "})),
        "update_organisation" => with(scene.organisation, json!({"name": " "})),
        "delete_organisation"
        | "get_organisation"
        | "list_organisation_accounts"
        | "list_organisation_users"
        | "list_invitations" => of(scene.organisation),
        "create_invitation" => with(scene.organisation, json!({"role": 1})),
        "revoke_invitation" => of_uuid(&scene.invitation),
        "accept_invitation" | "join_organisation" => with(0, nothing),
        "leave_organisation" => of(scene.leaver),
        // Nobody else manages it.
        "change_manager" => with(scene.manager.id, json!({"manages": false})),
        "assign_account" => with(s, json!({"organisation_id": NOBODY})),
        "change_account_members" => with(s, json!({"add": [NOBODY]})),
        "get_me" | "list_my_accounts" | "list_users" | "list_api_keys" => of(0),
        // Good for nothing: it is over.
        "create_api_key" => with(
            0,
            json!({"name": "k", "capabilities": ["read"], "expires_at": "2020-01-01T00:00:00Z"}),
        ),
        // Likewise.
        "revoke_api_key" => of_uuid(&scene.key_id),
        "list_audit_entries" => of(0),
        "get_user" => of(world.trader.id),
        "update_user" => with(world.trader.id, json!({"role": 4})),
        "change_role" => Asked {
            query: "?role=1".to_owned(),
            ..of(scene.removed.id)
        },
        "delete_user" => of(scene.removed.id),
        "erase_user" => of(NOBODY),
        // Accounts.
        "create_account" => with(0, json!({"account_name": "s"})),
        "list_accounts" => of(0),
        "update_account" => with(s, json!({"account_name": "T"})),
        "update_whitelist" => with(s, json!({"add_to_whitelist": [s]})),
        "approve_account" | "reinstate_account" => with(s, json!({"reason": "x".repeat(501)})),
        "suspend_account" => with(s, nothing),
        "close_account" => of(s),
        "change_account_transfers" => with(
            s,
            json!({"transfer_disabled": true, "reason": "x".repeat(501)}),
        ),
        "delete_account"
        | "get_account"
        | "get_account_summary"
        | "get_whitelist"
        | "get_whitelist_inverse"
        | "list_account_certificates"
        | "list_account_devices"
        | "list_account_users"
        | "list_certificate_devices" => of(s),
        "list_account_holdings" => Asked {
            query: "?period=month".to_owned(),
            ..of(s)
        },
        // Devices and gateways.
        "create_device" => with(
            0,
            json!({
                "device_name": " ", "grid": "NESO", "energy_source": "wind",
                "technology_type": "wind_turbine", "operational_date": "2020-01-01",
                "capacity": 1, "peak_demand": 0, "location": "", "is_storage": false, "account_id": s,
            }),
        ),
        "update_device" => with(w, json!({"device_name": " "})),
        "delete_device" => of(scene.spare),
        "get_device" | "list_meters" => of(w),
        "list_devices" => of(0),
        "create_meter" => with(w, json!({"meter_identifier": " "})),
        "update_meter" => with(w, json!({"meter_identifier": "none", "is_active": true})),
        "create_gateway_code" => with(0, json!({"account_id": s, "device_ids": [w]})),
        "change_gateway_devices" => with(scene.gateway, json!({"add": [w]})),
        "revoke_gateway" => with(
            scene.gateway,
            json!({"reason": "x".repeat(501), "key_id": "A".repeat(43)}),
        ),
        "get_gateway" => of(scene.gateway),
        "list_gateways" => query(format!("?account_id={s}")),
        "get_gateway_envelope" => query(format!("?device_id={w}&sequence=1")),
        // Readings.
        "get_meter_readings_template" | "list_issuance_metadata" => of(0),
        "submit_readings" => with(
            0,
            json!({"device_id": w, "readings": [{
                "interval_start_datetime": end, "interval_end_datetime": start,
                "interval_usage": 1, "gross_net_indicator": "NET",
            }]}),
        ),
        "create_measurement" => with(
            0,
            json!({
                "device_id": w, "interval_start_datetime": end, "interval_end_datetime": start,
                "interval_usage": 1, "gross_net_indicator": "NET",
            }),
        ),
        "issue_readings" => with(0, json!({"device_id": w, "from": end, "to": start})),
        "correct_measurement" => with(
            scene.measurement,
            json!({"interval_usage": -1, "reason": "x"}),
        ),
        "update_measurement" => with(scene.measurement, json!({"device_id": w})),
        "delete_measurement" | "get_measurement" => of(scene.measurement),
        "list_measurements" => query(format!("?device_id={w}")),
        // Certificates.
        "create_certificate_bundle" => with(
            0,
            json!({
                "account_id": s, "device_id": w, "metadata_id": NOBODY, "bundle_quantity": 1,
                "energy_carrier": "electricity", "energy_source": "wind",
                "issuance_post_energy_carrier_conversion": false,
                "production_starting_interval": start, "production_ending_interval": end,
                "is_storage": false,
            }),
        ),
        "create_issuance_metadata" => with(0, nothing),
        "query_certificates" | "query_certificates_full" => with(0, json!({"source_id": s})),
        "transfer_certificates" => on(scene.cancelled, json!({"target_id": world.t})),
        "cancel_certificates" | "reserve_certificates" | "release_certificates" => {
            on(scene.cancelled, nothing)
        }
        "claim_certificates" => on(scene.bundle, nothing),
        "lock_certificates" | "unlock_certificates" | "withdraw_certificates" => {
            on(scene.cancelled, json!({"reason": "x"}))
        }
        "cancel_certificates_for_storage" => {
            on(scene.cancelled, json!({"storage_device_id": battery}))
        }
        "export_certificates" => on(scene.cancelled, json!({"receiving_registry": "fr"})),
        "get_certificate" | "get_certificate_lineage" => of(scene.bundle),
        "get_action" => of(scene.action),
        "list_actions" | "list_recurring_rules" => query(format!("?account_id={s}")),
        "get_certificate_import_template" => of(0),
        "import_certificates" => Asked {
            body: Body::Import(s),
            ..of(0)
        },
        "refuse_import" => with(
            0,
            json!({"payload": {}, "signature": {"algorithm": "Ed25519", "key_id": "x", "value": "x"}}),
        ),
        "get_import_receipt" => query(format!(
            "?exporting_registry=fr&export_id={}",
            scene.foreign_export
        )),
        "get_export" | "get_export_file" => of(scene.export),
        "confirm_export" => with(scene.export, nothing),
        "take_back_export" => with(scene.export, json!({"reason": "x".repeat(100_000)})),
        "create_recurring_transfer" => with(
            0,
            json!({
                "source_id": s, "target_id": world.t, "certificate_quantity": 1,
                "recurring_period_units": "day", "initial_action_datetime": "1999-01-01",
            }),
        ),
        "create_recurring_cancel" => with(
            0,
            json!({
                "source_id": s, "certificate_quantity": 1, "recurring_period_units": "day",
                "initial_action_datetime": "1999-01-01",
            }),
        ),
        "get_recurring_rule" | "list_recurring_runs" => of(scene.rule),
        // A rule that runs is not resumed; the others do change it, and back.
        "resume_recurring_rule" => of(scene.rule),
        "pause_recurring_rule" | "end_recurring_rule" => of(scene.rule),
        // Storage.
        "get_storage_readings_template" | "get_storage_allocation_template" => of(0),
        "submit_storage_records" => with(
            0,
            json!({"device_id": battery, "records": [{
                "flow_start_datetime": end, "flow_end_datetime": start, "flow_energy": 1,
            }]}),
        ),
        "list_storage_records" => query(format!("?device_id={battery}")),
        "create_scr" => with(
            0,
            json!({
                "device_id": battery, "charging_start_datetime": end, "charging_end_datetime": start,
                "charging_energy": 1,
            }),
        ),
        "create_sdr" => with(
            0,
            json!({
                "device_id": battery, "discharging_start_datetime": end,
                "discharging_end_datetime": start, "discharge_energy": 1,
            }),
        ),
        "query_scr" | "query_sdr" => query(format!("?storage_id={battery}")),
        "withdraw_scr" => last_record(&scene.storage.charged),
        "withdraw_sdr" => last_record(&scene.storage.discharged),
        "fix_storage_efficiency" => with(
            0,
            json!({"device_id": battery, "from": end, "to": start, "storage_efficiency_factor": 0.9}),
        ),
        "list_storage_efficiencies" | "list_allocated_storage_records" => of(battery),
        "allocate_storage" => with(
            0,
            json!({
                "device_id": scene.storage.to_allocate[0].device, "from": hour(0), "to": hour(2),
                "method": "fifo",
            }),
        ),
        "submit_allocated_storage_records" => with(
            0,
            json!({"device_id": scene.storage.to_allocate[1].device, "allocations": [{
                "scr_allocation_id": scene.storage.to_allocate[1].records[0],
                "sdr_allocation_id": scene.storage.to_allocate[1].records[1],
                "scr_wh_consumed": 90, "sdr_wh_produced": 80,
            }]}),
        ),
        "get_allocated_storage_records" => query(format!(
            "?allocated_storage_record_ids={}",
            scene.storage.allocations[0]
        )),
        "issue_sdgc" => issue(scene.storage.allocations[0]),
        "issue_sdgcs" => issue(scene.storage.allocations[1]),
        // Operation.
        "change_log_level" => with(0, json!({"level": "WHISPER"})),
        _ => return None,
    })
}
