//! `object_store_server FOLDER BUCKET…`: an object store over a folder, for tests of programs in other languages. Says in
//! the first line where it is, knows the key of [`tests::object_store`], and ends when it is asked to.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((folder, buckets)) = arguments.split_first() else {
        eprintln!("usage: object_store_server FOLDER BUCKET...");
        std::process::exit(2);
    };
    let buckets: Vec<&str> = buckets.iter().map(String::as_str).collect();
    let mut end = signal(SignalKind::terminate()).unwrap();
    let tell = |endpoint: &str| println!("{endpoint}");
    tokio::select! {
        () = tests::object_store::serve_folder(Path::new(folder), &buckets, tell) => {}
        _ = end.recv() => {}
    }
}
