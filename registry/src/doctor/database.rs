//! The two databases, and their projectors.

use super::{Finding, clock, in_time};
use crate::clock::Clock;
use crate::config::{Config, Connection};
use chrono::{DateTime, TimeDelta, Utc};
use deadpool_postgres::ClientWrapper;
use event_store::EventStore;
use projections::Target;
use projections::health::{Ailment, ailments};
use projections::schema::{self, LIVE, Tables, connect};
use std::sync::Arc;

/// How far a projector may be behind.
const MAX_LAG: TimeDelta = TimeDelta::seconds(60);
/// Connections that others need besides the pool of one registry: projector, checkpoints, people.
const OTHER_CONNECTIONS: usize = 8;

pub(super) async fn examine(
    config: &Config,
    store: Option<&Arc<dyn EventStore>>,
    clock: &Clock,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for target in Target::ALL {
        let (about, connection) = match target {
            Target::Write => ("database write", &config.database.write),
            Target::Read => ("database read", &config.database.read),
        };
        let place = connection.place();
        let client = in_time(async {
            let connected = connect(connection, LIVE).await;
            connected.map_err(|error| error.to_string())
        });
        let client = match client.await {
            Ok(client) => client,
            Err(says) => {
                let key = format!("database.{target}");
                let advice = format!(
                    "start it, or see {key}.host, .port, .user, .password_file, .tls and .tls_ca_file"
                );
                found.push(Finding::problem(about, says, advice));
                continue;
            }
        };
        let before = found.len();
        found.extend(settings(about, target, connection, &client, clock).await);
        if let Some(store) = store {
            found.extend(projector(about, target, config, &client, store, clock).await);
        }
        if found.len() == before {
            found.push(Finding::well(about, place));
        }
    }
    found
}

/// What the server is set to.
async fn settings(
    about: &'static str,
    target: Target,
    connection: &Connection,
    client: &ClientWrapper,
    clock: &Clock,
) -> Vec<Finding> {
    let asked = in_time(async {
        let before = clock.now();
        let row = client
            .query_one(
                "SELECT clock_timestamp(), current_setting('fsync'), current_setting('synchronous_commit'),
                   current_setting('full_page_writes'), current_setting('max_connections')::bigint",
                &[],
            )
            .await;
        let after = clock.now();
        let row = row.map_err(|error| error.to_string())?;
        let said = Said {
            now: row.get(0),
            fsync: row.get(1),
            synchronous_commit: row.get(2),
            full_page_writes: row.get(3),
            max_connections: row.get(4),
        };
        Ok((before, said, after))
    });
    match asked.await {
        Ok((before, said, after)) => {
            let mut found = said.judge(about, target, connection.pool_size);
            found.extend(clock::compare(about, before, said.now, after));
            found
        }
        Err(says) => vec![Finding::problem(about, says, "")],
    }
}

/// What a server says of itself.
struct Said {
    now: DateTime<Utc>,
    fsync: String,
    synchronous_commit: String,
    full_page_writes: String,
    max_connections: i64,
}

impl Said {
    fn judge(&self, about: &'static str, target: Target, pool_size: usize) -> Vec<Finding> {
        let mut found = Vec::new();
        for (setting, value) in [
            ("fsync", &self.fsync),
            ("full_page_writes", &self.full_page_writes),
        ] {
            if value == "off" {
                let says = format!("{setting} is off: a crash may leave it unreadable");
                found.push(Finding::problem(about, says, format!("set {setting} = on")));
            }
        }
        if target == Target::Write && self.synchronous_commit == "off" {
            let says = "synchronous_commit is off: after a crash it is behind what the registry has seen, which then \
                        refuses commands until its projector has caught up";
            found.push(Finding::warning(about, says, "set synchronous_commit = on"));
        }
        let needed = pool_size + OTHER_CONNECTIONS;
        if usize::try_from(self.max_connections).is_ok_and(|most| most < needed) {
            let says = format!(
                "it takes {} connections, and one registry and its projector want up to {needed}",
                self.max_connections
            );
            let advice = format!("raise max_connections, or lower database.{target}.pool_size");
            found.push(Finding::problem(about, says, advice));
        }
        found
    }
}

/// Its tables and who fills them.
async fn projector(
    about: &'static str,
    target: Target,
    config: &Config,
    client: &ClientWrapper,
    store: &Arc<dyn EventStore>,
    clock: &Clock,
) -> Vec<Finding> {
    let (domain, now) = (&config.domain, clock.now());
    let looked = in_time(async {
        let found = ailments(target, client, store, domain, MAX_LAG, now).await;
        let found = found.map_err(|error| error.to_string())?;
        let tables = schema::tables(client, target, LIVE).await;
        Ok((found, tables.map_err(|error| error.to_string())?))
    });
    let (ailments, tables) = match looked.await {
        Ok(looked) => looked,
        Err(says) => return vec![Finding::problem(about, says, "")],
    };
    let mut found: Vec<_> = ailments
        .iter()
        .map(|ailment| Finding::problem(about, ailment.to_string(), advice(ailment)))
        .collect();
    if !ailments.contains(&Ailment::NoTables) {
        found.extend(release(about, target, tables));
    }
    found
}

/// Whether tables are those of this release.
fn release(about: &'static str, target: Target, tables: Tables) -> Option<Finding> {
    let (version, ours) = (tables.version.unwrap_or_default(), target.version());
    let (says, advice) = if tables.missing > 0 {
        let says = format!("{} migrations of this release were not run", tables.missing);
        (
            says,
            "start this release's projector, or run `registry migrate`",
        )
    } else if version < ours {
        let says =
            format!("its tables are of version {version}, this release makes version {ours}");
        (
            says,
            "start this release's projector, which builds them anew beside these",
        )
    } else if version > ours || tables.later > 0 {
        let says = format!(
            "a later release has migrated its tables ({} migrations, version {version})",
            tables.later
        );
        (says, "use that release")
    } else {
        return None;
    };
    Some(Finding::warning(about, says, advice))
}

/// What to do, where the ailment does not say so itself.
fn advice(ailment: &Ailment) -> &'static str {
    match ailment {
        Ailment::Behind { .. } => "see the log of its projector",
        Ailment::NoTables | Ailment::Idle | Ailment::OtherLog { .. } => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Grade;

    fn said() -> Said {
        Said {
            now: Utc::now(),
            fsync: "on".to_owned(),
            synchronous_commit: "on".to_owned(),
            full_page_writes: "on".to_owned(),
            max_connections: 24,
        }
    }

    fn grades(target: Target, said: &Said) -> Vec<Grade> {
        let found = said.judge("database", target, 16);
        found.iter().map(|finding| finding.grade).collect()
    }

    #[test]
    fn a_server_that_can_lose_what_it_wrote_is_a_problem() {
        assert_eq!(grades(Target::Write, &said()), []);
        let off = "off".to_owned();
        let fsync = Said {
            fsync: off.clone(),
            ..said()
        };
        let pages = Said {
            full_page_writes: off.clone(),
            ..said()
        };
        for target in Target::ALL {
            assert_eq!(grades(target, &fsync), [Grade::Problem]);
            assert_eq!(grades(target, &pages), [Grade::Problem]);
        }
        let commit = Said {
            synchronous_commit: off,
            ..said()
        };
        assert_eq!(grades(Target::Write, &commit), [Grade::Warning]);
        assert_eq!(
            grades(Target::Read, &commit),
            [],
            "READ commits so by design"
        );
    }

    #[test]
    fn too_few_connections_are_a_problem() {
        let few = Said {
            max_connections: 23,
            ..said()
        };
        assert_eq!(grades(Target::Read, &few), [Grade::Problem]);
    }

    #[test]
    fn tables_of_another_release_are_told_apart() {
        let target = Target::Read;
        let ours = Tables {
            missing: 0,
            later: 0,
            version: Some(target.version()),
        };
        let told = |tables| release("x", target, tables).map(|finding| finding.grade);
        assert_eq!(told(ours), None);
        for other in [
            Tables { missing: 1, ..ours },
            Tables { later: 1, ..ours },
            Tables {
                version: Some(target.version() - 1),
                ..ours
            },
            Tables {
                version: Some(target.version() + 1),
                ..ours
            },
        ] {
            assert_eq!(told(other), Some(Grade::Warning), "{other:?}");
        }
    }
}
