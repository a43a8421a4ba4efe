//! The keys of a backup: whatever a backup or a restore is broken off by, none is lost and none is replaced.

use super::{Machine, back_up};
use registry::backup::{BackupError, Manifest, Until, take};
use registry::config::Config;
use std::fs;
use std::path::{Path, PathBuf};
use tests::{PASSWORD, World};

async fn refused(config: &Config, to: &Path, keys: &Path) -> BackupError {
    take(config, to, keys, |_, _| ()).await.unwrap_err()
}

/// The files of a folder whose names begin so.
fn files(folder: &Path, begin: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_one = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(begin)
    };
    paths.filter(is_one).collect()
}

fn exchange_key(config: &Config) -> PathBuf {
    config.exchange.key_file(&config.data_dir)
}

/// Somebody more, who has a key.
async fn somebody(world: &World, email: &str) {
    let created = world.admin.create_user("Somebody", email, 3, PASSWORD);
    created.await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_into_the_registrys_own_folders_is_refused_and_leaves_them_alone() {
    let world = World::start().await;
    let config = &world.registry.config;
    let data = config.data_dir.as_path();
    let elsewhere = tempfile::tempdir().unwrap();
    let linked = elsewhere.path().join("linked");
    std::os::unix::fs::symlink(data, &linked).unwrap();
    let keys = data.join("people.db");
    let before = fs::read(&keys).unwrap();
    let secrets = exchange_key(config).parent().unwrap().to_owned();
    let backup = elsewhere.path().join("backup");
    for (to, keys) in [
        (data, data),
        (&backup, data),
        (data, &backup),
        (&linked, &backup),
        (&backup, &secrets),
    ] {
        let error = refused(config, to, keys).await;
        assert!(matches!(error, BackupError::Itself(_)), "{error}");
    }
    assert_eq!(fs::read(&keys).unwrap(), before);
    assert!(!data.join("manifest.json").exists() && !backup.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_ends_before_its_manifest_leaves_the_one_before_restorable() {
    let world = World::start().await;
    let (config, folder) = (&world.registry.config, tempfile::tempdir().unwrap());
    let to = folder.path();
    back_up(config, to).await;
    somebody(&world, "first@registry.test").await;
    // Nothing can be written here.
    let in_the_way = to.join("manifest.json.new");
    fs::create_dir(&in_the_way).unwrap();
    let error = refused(config, to, to).await;
    assert!(matches!(error, BackupError::File { .. }), "{error}");
    assert_eq!(files(to, "people-").len(), 2);
    let mut machine = Machine::empty().await;
    machine.restore(to, Until::End).await.unwrap();
    machine.starts().await;
    machine.registry.audit().await;

    // What it has left goes with the next one: somebody may be in it who was erased since.
    fs::remove_dir(in_the_way).unwrap();
    somebody(&world, "second@registry.test").await;
    let manifest = back_up(config, to).await;
    let sha256 = hex::encode(manifest.people_keys.sha256.0);
    assert_eq!(
        files(to, "people-"),
        [to.join(format!("people-{sha256}.db"))]
    );
    assert_eq!(files(to, "exchange-key-").len(), 1);
    let machine = Machine::empty().await;
    machine.restore(to, Until::End).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_backup_at_a_time_is_taken_into_a_folder() {
    let world = World::start().await;
    let (config, folder) = (&world.registry.config, tempfile::tempdir().unwrap());
    let (to, keys) = (folder.path().join("events"), folder.path().join("keys"));
    take(config, &to, &keys, |_, _| ()).await.unwrap();
    for held in [&to, &keys] {
        let lock = fs::File::options()
            .write(true)
            .open(held.join(".lock"))
            .unwrap();
        lock.lock().unwrap();
        let error = refused(config, &to, &keys).await;
        assert!(
            matches!(&error, BackupError::InUse(folder) if folder == held),
            "{error}"
        );
    }
    take(config, &to, &keys, |_, _| ()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_does_not_see_the_exchange_key_keeps_the_copy_that_it_has() {
    let world = World::start().await;
    let (config, folder) = (&world.registry.config, tempfile::tempdir().unwrap());
    let to = folder.path();
    let manifest = back_up(config, to).await;
    let kept = files(to, "exchange-key-");

    // What can not be looked at is not taken to be gone.
    let mut unseen = config.clone();
    unseen.exchange.signing_key_file = Some(config.data_dir.join("events.db/exchange-key"));
    let error = refused(&unseen, to, to).await;
    assert!(matches!(error, BackupError::File { .. }), "{error}");
    let key = exchange_key(config);
    fs::remove_file(&key).unwrap();
    let error = refused(config, to, to).await;
    assert!(matches!(error, BackupError::ExchangeGone { .. }), "{error}");
    assert!(error.to_string().contains("remove it there"), "{error}");
    assert_eq!(files(to, "exchange-key-"), kept);
    assert_eq!(Manifest::read(to).unwrap(), manifest);
    let machine = Machine::empty().await;
    machine.restore(to, Until::End).await.unwrap();
    assert!(exchange_key(&machine.registry.config).exists());

    fs::remove_file(&kept[0]).unwrap();
    assert_eq!(back_up(config, to).await.exchange_key, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_ends_before_the_exchange_key_is_in_its_place_can_be_done_again() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path();
    back_up(&world.registry.config, from).await;
    let machine = Machine::empty().await;
    let key = exchange_key(&machine.registry.config);
    let in_the_way = key.with_file_name("exchange-key.new");
    fs::create_dir_all(&in_the_way).unwrap();
    let broken_off = machine.restore(from, Until::End).await;
    assert!(
        matches!(broken_off, Err(BackupError::File { .. })),
        "{broken_off:?}"
    );
    fs::remove_dir(in_the_way).unwrap();
    let restored = machine.restore(from, Until::End).await.unwrap();
    assert!(restored.people_keys.exists());
    let original = fs::read(exchange_key(&world.registry.config)).unwrap();
    assert_eq!(fs::read(&key).unwrap(), original);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_exchange_key_than_that_of_the_backup_is_in_the_way_of_a_restore() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path();
    back_up(&world.registry.config, from).await;
    let machine = Machine::empty().await;
    let config = &machine.registry.config;
    let key = exchange_key(config);
    fs::create_dir_all(key.parent().unwrap()).unwrap();
    fs::write(&key, "00".repeat(32)).unwrap();
    let refused = machine.restore(from, Until::End).await;
    assert!(
        matches!(&refused, Err(BackupError::InTheWay(path)) if *path == key),
        "{refused:?}"
    );
    assert!(!config.data_dir.join("events.db").exists());
    // That of the backup may be there: it is put first, and a restore that was broken off is done again.
    fs::copy(exchange_key(&world.registry.config), &key).unwrap();
    machine.restore(from, Until::End).await.unwrap();
}
