//! Databases restored from an old backup.

use projections::postgres::{Connection, connect};
use tests::{Clusters, Registry, World, eventually};
use tokio_postgres::Client;

/// A copy of a database beside it.
struct Backup {
    of: Connection,
    name: String,
}

async fn maintenance(connection: &Connection) -> Client {
    let connection = Connection {
        dbname: "postgres".into(),
        ..connection.clone()
    };
    connect(&connection).await.unwrap()
}

/// Runs `then` on a server while nobody is connected to the database, and nobody can be.
async fn alone(of: &Connection, then: &[String]) {
    let client = maintenance(of).await;
    let name = &of.dbname;
    client
        .batch_execute(&format!(
            "ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS false"
        ))
        .await
        .unwrap();
    let gone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
    eventually("everybody is disconnected", || async {
        client
            .query(gone, &[name])
            .await
            .unwrap()
            .is_empty()
            .then_some(())
    })
    .await;
    for sql in then {
        client.batch_execute(sql).await.unwrap();
    }
    client
        .batch_execute(&format!("ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS true"))
        .await
        .unwrap();
}

impl Backup {
    async fn take(of: &Connection) -> Self {
        let name = format!("{}_backup", of.dbname);
        alone(
            of,
            &[format!(
                "CREATE DATABASE \"{name}\" TEMPLATE \"{}\"",
                of.dbname
            )],
        )
        .await;
        Self {
            of: of.clone(),
            name,
        }
    }

    async fn restore(&self) {
        let (live, old) = (&self.of.dbname, &self.name);
        let sql = [
            format!("ALTER DATABASE \"{live}\" RENAME TO \"{live}_lost\""),
            format!("CREATE DATABASE \"{live}\" TEMPLATE \"{old}\" ALLOW_CONNECTIONS true"),
        ];
        alone(&self.of, &sql).await;
    }
}

async fn world() -> World {
    let mut registry = Registry::prepare(Clusters::own().await).await;
    registry.up().await;
    World::on(registry).await
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_restored_while_the_registry_was_off_catch_up_when_it_starts() {
    let mut world = world().await;
    let [first, second] = world.issue([1000, 1000]).await;
    world.registry.caught_up().await;
    let database = world.registry.config.database.clone();
    let backups = [
        Backup::take(&database.write).await,
        Backup::take(&database.read).await,
    ];
    eventually("the registry is back after the backup", || async {
        (world
            .trader
            .cancel(world.s, &[first], "Somebody")
            .await
            .status
            == 202)
            .then_some(())
    })
    .await;
    world.registry.caught_up().await;
    world.registry.down().await;
    for backup in &backups {
        backup.restore().await;
    }
    world.registry.up().await;
    let twice = async || world.trader.transfer(world.s, world.t, &[first]).await;
    eventually("the cancelled bundle is known to be cancelled", || async {
        let answer = twice().await;
        assert!([409, 503].contains(&answer.status), "{answer}");
        (answer.status == 409).then_some(())
    })
    .await;
    world
        .trader
        .transfer(world.s, world.t, &[second])
        .await
        .expect(202);
    world.registry.audit().await;
    assert_eq!(
        world.trader.bundle(first).await["certificate_bundle_status"],
        "Cancelled"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_restored_under_a_running_registry_never_lead_to_a_second_spending() {
    let world = world().await;
    let spent = world.issue([10, 20, 30, 40, 50, 60]).await;
    world.registry.caught_up().await;
    let database = world.registry.config.database.clone();
    let backups = [
        Backup::take(&database.write).await,
        Backup::take(&database.read).await,
    ];
    eventually("the registry is back after the backup", || async {
        (world
            .trader
            .cancel(world.s, &spent, "Somebody")
            .await
            .status
            == 202)
            .then_some(())
    })
    .await;
    // Other entries push these out of what is remembered for being newer than the database.
    world.registry.caught_up().await;
    for backup in &backups {
        backup.restore().await;
    }
    eventually("what was spent is known to be spent", || async {
        let answer = world.trader.transfer(world.s, world.t, &spent).await;
        assert!([409, 503].contains(&answer.status), "{answer}");
        (answer.status == 409).then_some(())
    })
    .await;
    world.registry.audit().await;
    for bundle in spent {
        let shown = world.trader.bundle(bundle).await;
        assert_eq!(shown["certificate_bundle_status"], "Cancelled");
    }
}
