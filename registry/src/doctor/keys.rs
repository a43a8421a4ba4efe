//! Keys: of people, of sign-in, of the exchange with other registries.

use super::{Finding, in_time};
use crate::config::Config;
use crate::exchange::Exchange;
use crate::identity::{KeyRing, Master};
use crate::read::signing_key;
use event_store::EventStore;
use projections::postgres::pool;
use schemas::log::StreamName;
use std::path::Path;
use std::sync::Arc;

const ABOUT: &str = "keys";
/// Where container engines put secrets, which are read by whoever is in the container.
const MOUNTED: &str = "/run/secrets";

pub(super) async fn examine(config: &Config, store: Option<&Arc<dyn EventStore>>) -> Vec<Finding> {
    let mut found = Vec::new();
    // That the store can not be opened is a finding of its own.
    if let Some(store) = store {
        found.extend(people(config, store.as_ref()).await);
    }
    found.extend(exchange(config));
    found.extend(permissions(config));
    match in_time(signing(config)).await {
        Ok(finding) => found.extend(finding),
        Err(says) => {
            let says = format!("the keys that sign access tokens were not looked at: {says}");
            found.push(Finding::warning(ABOUT, says, ""));
        }
    }
    if found.is_empty() {
        found.push(Finding::well(
            ABOUT,
            "of people, of sign-in and of the exchange",
        ));
    }
    found
}

/// Whether the keys of people are those that the log needs; the error says what to do.
async fn people(config: &Config, store: &dyn EventStore) -> Option<Finding> {
    let looked = in_time(async {
        let said = |error: &dyn std::fmt::Display| error.to_string();
        let keys = config.people_keys().map_err(|error| said(&error))?;
        let identity = StreamName::identity(&config.domain).map_err(|error| said(&error))?;
        let proved = keys.prove(store, &identity).await;
        proved.map_err(|error| said(&error))
    });
    let says = looked.await.err()?;
    Some(Finding::problem(ABOUT, says, ""))
}

/// The key that signs exports can be read, where there is one.
fn exchange(config: &Config) -> Option<Finding> {
    if !config.exchange.key_file(&config.data_dir).exists() {
        return None;
    }
    let error = Exchange::open(config).err()?;
    let advice = "restore it from the backup; another key has to be told to every registry that trusts this one";
    Some(Finding::problem(ABOUT, error.to_string(), advice))
}

/// Files with secrets that others on the machine can read.
fn permissions(config: &Config) -> Vec<Finding> {
    let mut files = vec![config.exchange.key_file(&config.data_dir)];
    files.extend(config.people_keys().map(|keys| keys.path));
    let named = [
        &config.auth.master_secret_file,
        &config.event_store.url_file,
        &config.database.write.password_file,
        &config.database.read.password_file,
        &config.auth.oidc.client_secret_file,
        &config.auth.introspection.client_secret_file,
    ];
    files.extend(named.into_iter().flatten().cloned());
    let open = files.iter().filter(|file| is_open_to_others(file));
    open.map(|file| {
        let says = format!("others on this machine can read {}", file.display());
        Finding::warning(ABOUT, says, format!("chmod 600 {}", file.display()))
    })
    .collect()
}

fn is_open_to_others(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata().map(|file| file.permissions().mode());
        !file.starts_with(MOUNTED) && mode.is_ok_and(|mode| mode & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

/// Whether this master secret opens the key that signs access tokens.
async fn signing(config: &Config) -> Result<Option<Finding>, String> {
    let Ok(secret) = config.auth.master() else {
        // That is a finding of its own.
        return Ok(None);
    };
    let vault = Master::new(secret.expose().as_bytes()).vault();
    let vault = vault.map_err(|error| error.to_string())?;
    let pool = pool(&config.database.read).map_err(|error| error.to_string())?;
    let client = pool.get().await.map_err(|error| error.to_string())?;
    let rows = signing_key::accepted(&client).await;
    let rows = rows.map_err(|error| error.to_string())?;
    if rows.is_empty() || KeyRing::of(rows, &vault).signer().is_some() {
        return Ok(None);
    }
    let says =
        "auth.master_secret is not the one under which the key that signs access tokens is sealed";
    let advice = "put back the secret of the other processes of this registry; if it is lost, `registry keys rotate` \
                  makes a new key, and everybody has to sign in again";
    Ok(Some(Finding::problem(ABOUT, says, advice)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_of_secrets_that_others_can_read_is_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("master");
        fs::write(&file, "x").unwrap();
        let mut config = Config {
            data_dir: folder.path().to_owned(),
            ..Config::default()
        };
        config.auth.master_secret_file = Some(file.clone());
        for (mode, count) in [(0o600, 0), (0o640, 1), (0o604, 1)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(permissions(&config).len(), count, "{mode:o}");
        }
    }
}
