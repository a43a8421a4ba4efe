//! Where everything is, for the person who started it.

use std::{fmt::Write, net::SocketAddr, path::Path, time::Duration};

use super::{
    edge::Edge,
    environment::{CONFIG, Environment, SECRETS},
    user::{DEMO_USERS, DemoUser},
};
use crate::config::{Connection, Location};

/// Prints to standard output; the log goes to standard error.
pub(super) fn print(
    environment: &Environment,
    address: SocketAddr,
    edge: Option<&Edge>,
    took: Duration,
) {
    print!("{}", text(environment, address, edge, took));
}

fn text(
    environment: &Environment,
    address: SocketAddr,
    edge: Option<&Edge>,
    took: Duration,
) -> String {
    let config = &environment.config;
    let data_dir = shown(&config.data_dir);
    let location = config.event_store_location().ok();
    let events = match location.as_ref().and_then(Location::file) {
        Some(path) => shown(path),
        None => config.event_store.url.to_string(),
    };
    let mut lines = vec![
        ("API", format!("http://{address}")),
        ("Docs", format!("http://{address}/docs")),
        ("Events", events),
        ("WRITE database", psql(&config.database.write)),
        ("READ database", psql(&config.database.read)),
    ];
    if let Some(folder) = environment.write.log_file().parent() {
        lines.push(("  their logs", format!("{}/*.log", shown(folder))));
    }
    lines.push(("Keys, passwords", format!("{data_dir}/{SECRETS}")));
    lines.push(("Configuration", format!("{data_dir}/{CONFIG}")));
    if let Some(edge) = edge {
        let certificates = format!("in account {:?}, every five minutes", edge.account);
        lines.push(("Inverter", edge.inverter.clone()));
        lines.push(("Gateway", shown(&edge.folder)));
        lines.push(("  local API", format!("http://{}/status", edge.api)));
        lines.push(("  certificates", certificates));
    }
    for DemoUser {
        email, password, ..
    } in DEMO_USERS
    {
        lines.push(("Demo user", format!("{email} / {password}")));
    }
    let millis = took.as_millis();
    let mut text = format!(
        "\n  Granular certificate registry, domain {}: ready in {}.{} s\n\n",
        config.domain,
        millis / 1_000,
        millis % 1_000 / 100,
    );
    for (name, value) in lines {
        line(&mut text, name, &value);
    }
    text.push_str("\n  Ctrl-C stops all of it.\n\n");
    text
}

fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a string can not fail.
    let _ = writeln!(text, "  {name:<16} {value}");
}

/// A command to paste.
fn psql(connection: &Connection) -> String {
    let Connection {
        host,
        port,
        user,
        dbname,
        ..
    } = connection;
    let password = match &connection.password_file {
        Some(path) => format!("PGPASSWORD=\"$(cat '{}')\" ", shown(path)),
        None => String::new(),
    };
    format!("{password}psql -h {host} -p {port} -U {user} {dbname}")
}

/// Below the working directory as a relative path: shorter, and what one types.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string()
}
