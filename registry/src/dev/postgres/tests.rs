//! Real servers: made, started, killed, left behind and found again.
#![allow(clippy::unwrap_used)]

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use projections::postgres::{Secret, connect};

use super::{Cluster, ClusterConfig, ClusterError, pid_file, process};

/// A directory that the server's user can enter, with a blank in its name.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::Builder::new()
        .prefix("gcr a b ")
        .tempdir()
        .unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

fn config(dir: &Path) -> ClusterConfig {
    ClusterConfig {
        data_dir: dir.join("write"),
        remove_on_drop: false,
        ..ClusterConfig::temporary("write")
    }
}

async fn count(cluster: &Cluster) -> i64 {
    let client = connect(&cluster.connection("postgres")).await.unwrap();
    let row = client
        .query_one("SELECT count(*) FROM public.kept", &[])
        .await;
    row.unwrap().get(0)
}

async fn keep_a_row(cluster: &Cluster) {
    let client = connect(&cluster.connection("postgres")).await.unwrap();
    let rows = "CREATE TABLE IF NOT EXISTS public.kept (); INSERT INTO public.kept DEFAULT VALUES";
    client.batch_execute(rows).await.unwrap();
}

#[tokio::test]
async fn a_cluster_in_a_path_with_blanks_keeps_its_rows_over_stop_and_restart() {
    let dir = folder();
    let mut cluster = Cluster::start(config(dir.path())).await.unwrap();
    assert_eq!(cluster.data_dir().file_name(), Some("write".as_ref()));
    keep_a_row(&cluster).await;
    cluster.stop().await.unwrap();
    assert!(cluster.has_ended());
    cluster.stop().await.unwrap();
    drop(cluster);
    let again = Cluster::start(config(dir.path())).await.unwrap();
    assert_eq!(count(&again).await, 1);
}

#[tokio::test]
async fn a_killed_server_comes_back_on_the_same_port_with_what_was_committed() {
    let mut cluster = Cluster::start(ClusterConfig::temporary("read"))
        .await
        .unwrap();
    let port = cluster.port();
    keep_a_row(&cluster).await;
    let idle = connect(&cluster.connection("postgres")).await.unwrap();
    cluster.kill9().await;
    assert!(cluster.has_ended());
    cluster.restart().await.unwrap();
    assert_eq!((cluster.port(), count(&cluster).await), (port, 1));
    assert!(idle.simple_query("SELECT 1").await.is_err());
}

#[tokio::test]
async fn a_server_that_a_killed_process_left_behind_is_replaced() {
    let dir = folder();
    let orphan = Cluster::start(config(dir.path())).await.unwrap();
    keep_a_row(&orphan).await;
    let old = pid_file::running(orphan.data_dir()).unwrap().pid;
    // What a killed process leaves: no destructor runs.
    std::mem::forget(orphan);
    let cluster = Cluster::start(config(dir.path())).await.unwrap();
    assert!(!process::is_alive(old));
    assert_eq!(count(&cluster).await, 1);
}

#[tokio::test]
async fn a_shared_server_runs_once_until_its_last_user_leaves() {
    let dir = folder();
    let shared = ClusterConfig::shared("write", dir.path().join("write"));
    let (first, second) = tokio::join!(
        Cluster::start(shared.clone()),
        Cluster::start(shared.clone()),
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.port(), second.port());
    keep_a_row(&first).await;
    let pid = pid_file::running(first.data_dir()).unwrap().pid;
    drop(first);
    assert_eq!(count(&second).await, 1);
    drop(second);
    assert!(!process::is_alive(pid));
    let third = Cluster::start(shared).await.unwrap();
    assert_eq!(count(&third).await, 1);
}

#[tokio::test]
async fn a_stale_pid_file_with_the_number_of_another_process_is_no_obstacle() {
    let dir = folder();
    let mut cluster = Cluster::start(config(dir.path())).await.unwrap();
    cluster.kill9().await;
    let file = cluster.data_dir().join("postmaster.pid");
    let text = fs::read_to_string(&file).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    fs::write(&file, format!("{}\n{rest}", std::process::id())).unwrap();
    assert_eq!(pid_file::running(cluster.data_dir()), None);
    cluster.restart().await.unwrap();
    assert!(!cluster.has_ended());
}

#[tokio::test]
async fn a_taken_port_is_refused_with_the_name_of_the_setting() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let dir = folder();
    let error = Cluster::start(ClusterConfig {
        port,
        ..config(dir.path())
    })
    .await
    .unwrap_err();
    let sentence = error.to_string();
    assert!(sentence.contains(&port.to_string()), "{sentence}");
    assert!(sentence.contains("GCR_DATABASE__WRITE__PORT"), "{sentence}");
}

#[tokio::test]
async fn a_wrong_password_is_refused_at_once() {
    let dir = folder();
    let mut cluster = Cluster::start(config(dir.path())).await.unwrap();
    cluster.stop().await.unwrap();
    let error = Cluster::start(ClusterConfig {
        password: Secret::new("another"),
        ..config(dir.path())
    })
    .await
    .unwrap_err();
    assert!(matches!(error, ClusterError::NoAnswer { .. }), "{error}");
}

#[tokio::test]
async fn a_directory_with_other_files_is_left_alone() {
    let dir = folder();
    let file = dir.path().join("write").join("thesis.txt");
    fs::create_dir(dir.path().join("write")).unwrap();
    fs::write(&file, "years of work").unwrap();
    let error = Cluster::start(config(dir.path())).await.unwrap_err();
    assert!(error.to_string().contains("holds other files"), "{error}");
    assert!(file.exists());
}

#[tokio::test]
async fn a_paused_server_does_not_answer_until_it_is_resumed() {
    let mut cluster = Cluster::start(ClusterConfig::temporary("read"))
        .await
        .unwrap();
    let client = connect(&cluster.connection("postgres")).await.unwrap();
    cluster.pause();
    let answer = tokio::time::timeout(Duration::from_millis(200), client.simple_query("SELECT 1"));
    assert!(answer.await.is_err());
    cluster.resume();
    assert!(client.simple_query("SELECT 1").await.is_ok());
    cluster.pause();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn two_clusters_start_side_by_side_and_leave_nothing_behind() {
    let (write, read) = tokio::join!(
        Cluster::start(ClusterConfig::temporary("write")),
        Cluster::start(ClusterConfig::temporary("read")),
    );
    let (write, read) = (write.unwrap(), read.unwrap());
    assert_ne!(write.port(), read.port());
    let files = [
        write.data_dir().to_owned(),
        write.log_file().to_owned(),
        write.data_dir().with_extension("lock"),
    ];
    assert!(files.iter().all(|file| file.exists()));
    let pid = pid_file::running(read.data_dir()).unwrap().pid;
    drop((write, read));
    assert!(!files.iter().any(|file| file.exists()));
    assert!(!process::is_alive(pid));
}

/// Only root has another user to give the files to.
#[tokio::test]
async fn a_directory_that_the_servers_user_can_not_enter_is_replaced_by_one_that_it_can() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = folder();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let wanted = ClusterConfig {
        remove_on_drop: true,
        ..config(dir.path())
    };
    let mut first = Cluster::start(wanted.clone()).await.unwrap();
    assert!(!first.data_dir().starts_with(dir.path()));
    let place = first.data_dir().to_owned();
    first.stop().await.unwrap();
    first.restart().await.unwrap();
    drop(first);
    assert!(!place.exists());
    fs::remove_dir(place.parent().unwrap()).unwrap();
}

#[tokio::test]
async fn an_interrupted_initdb_is_done_again() {
    let dir = folder();
    fs::create_dir(dir.path().join("write.unfinished")).unwrap();
    fs::write(dir.path().join("write.unfinished/PG_VERSION"), "15").unwrap();
    let cluster = Cluster::start(config(dir.path())).await.unwrap();
    assert!(!dir.path().join("write.unfinished").exists());
    assert!(pid_file::running(cluster.data_dir()).is_some());
}
