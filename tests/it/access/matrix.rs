//! Every operation × everybody. What is expected is the reviewed file beside this one, a line per operation;
//! `GCR_WRITE_MATRIX=1` writes it anew.

use super::request::request;
use super::scene::Scene;
use schemas::capability::{Capability, Duties};
use schemas::life_cycle::Role;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use tests::{Actor, Answer};

const EXPECTED: &str = include_str!("matrix.txt");
const HEADER: &str = "\
# What each operation answers to whom: about something of account S, of which audit, trading, production and validator
# are members, but neither the administrators, nor `manager`, who manages the organisation that owns S, nor the stranger, who
# has an account and an organisation of his own; both have the role PRODUCTION_USER.
# `revoked` is the producer who has signed out, `machine` a key of theirs that is good for settling exports alone.
# The issuing body is `separated` where duties are, and `admin` where they are not. Whoever may ask is mostly refused for
# another reason (404 and 409 for what is not there, 422 for a rule), so that nothing changes on the way.
";

/// An operation of the served document.
struct Operation {
    id: String,
    method: String,
    path: String,
    /// None if it is open to anybody.
    capability: Option<Capability>,
}

async fn operations(anonymous: &Actor) -> Vec<Operation> {
    let document = anonymous.get("/openapi.json").await.expect(200);
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let named = operation["x-required-capability"].as_str();
            found.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                capability: named.map(|word| word.parse().unwrap()),
            });
        }
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    found
}

/// The answer to an operation.
async fn ask(scene: &Scene, operation: &Operation, actor: &Actor) -> Answer {
    let asked = request(scene, &operation.id).expect("uncovered operations were found before");
    let method = operation.method.as_str();
    let request = asked.build(actor, method, &operation.path);
    actor.send(request).await
}

/// Whether the answer refuses for want of the operation's own capability.
fn is_refused(operation: &Operation, answer: &Answer) -> bool {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let detail = body["detail"].as_str().unwrap_or_default();
    body["code"] == "capability_required"
        && operation
            .capability
            .is_some_and(|capability| detail.contains(&format!("`{capability}`")))
}

/// Whether the operation asks for what no token is.
fn proves_itself(operation: &Operation) -> bool {
    ["introspect_token", "login"].contains(&operation.id.as_str())
}

/// Checks what follows from the table of capabilities alone; `may` is none for who is not signed in.
fn judge(operation: &Operation, who: &str, may: Option<bool>, answer: &Answer) -> Option<String> {
    let (status, refused) = (answer.status, is_refused(operation, answer));
    let wrong = match (operation.capability, may) {
        _ if status >= 500 => true,
        (None, _) => status == 401 && !proves_itself(operation) || refused,
        (Some(_), None) => status != 401,
        (Some(_), Some(may)) => status == 401 || refused == may,
    };
    wrong.then(|| format!("{} as {who}: {answer}", operation.id))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_answers_everybody_as_reviewed() {
    let (together, separated) = tokio::join!(Scene::set(false), Scene::set(true));
    let anonymous = together.world.registry.anonymous();
    let operations = operations(&anonymous).await;
    let uncovered: Vec<_> = operations
        .iter()
        .filter(|operation| request(&together, &operation.id).is_none())
        .map(|operation| operation.id.as_str())
        .collect();
    assert!(uncovered.is_empty(), "nobody asks for {uncovered:?}");

    let mut wrong = Vec::new();
    let mut shown = HEADER.to_owned();
    for operation in &operations {
        let may = |role: Role, duties: Duties| {
            let of = |capability| role.capabilities(duties).has(capability);
            Some(operation.capability.is_none_or(of))
        };
        let usual = Duties::Together;
        let (one, other) = (&together, &separated);
        let columns = [
            ("anonymous", one, &anonymous, None),
            ("expired", one, &one.expired, None),
            ("removed", one, &one.removed, None),
            ("revoked", one, &one.revoked, None),
            (
                "machine",
                one,
                &one.machine,
                Some(
                    operation
                        .capability
                        .is_none_or(|capability| capability == Capability::SettleExports),
                ),
            ),
            (
                "validator",
                one,
                &one.validator,
                may(Role::StorageValidator, usual),
            ),
            ("audit", one, &one.world.auditor, may(Role::Audit, usual)),
            ("trading", one, &one.world.trader, may(Role::Trading, usual)),
            (
                "production",
                one,
                &one.world.producer,
                may(Role::Production, usual),
            ),
            // Before those who may change what is asked for.
            ("stranger", one, &one.stranger, may(Role::Production, usual)),
            ("manager", one, &one.manager, may(Role::Production, usual)),
            ("admin", one, &one.world.admin, may(Role::Admin, usual)),
            (
                "separated",
                other,
                &other.world.admin,
                may(Role::Admin, Duties::Separated),
            ),
        ];
        let capability = operation.capability.map_or("open", Capability::as_str);
        write!(shown, "{} ({capability}):", operation.id).unwrap();
        for (who, scene, actor, may) in columns {
            let answer = ask(scene, operation, actor).await;
            wrong.extend(judge(operation, who, may, &answer));
            write!(shown, " {who} {}", answer.status).unwrap();
        }
        shown.push('\n');
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    if std::env::var_os("GCR_WRITE_MATRIX").is_some() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/access/matrix.txt");
        std::fs::write(file, &shown).unwrap();
        return;
    }
    let different: Vec<_> = shown
        .lines()
        .filter(|line| !EXPECTED.lines().any(|expected| expected == *line))
        .collect();
    assert!(
        different.is_empty() && shown.lines().count() == EXPECTED.lines().count(),
        "not as reviewed in matrix.txt:\n{}",
        different.join("\n")
    );
}
