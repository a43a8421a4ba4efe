#![allow(clippy::unwrap_used)]
use crate::clock::Clock;
use crate::config::{Config, FILE_NAME};
use crate::control::{ControlError, Secret};
use crate::folder::Folder;
use crate::meters::Connected;
use crate::profile::Library;
use crate::program::{Program, Surroundings};
use schemas::gateway::ClockState;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::Arc;

#[tokio::test]
async fn a_gateway_whose_file_is_half_edited_does_not_enrol_and_keeps_its_code() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let meters = Connected::new(Library::embedded().unwrap(), clock.clone());
    let surroundings = Surroundings {
        clock,
        clock_check: Arc::new(ClockState::Unknown),
        meters: Arc::new(meters),
    };
    let folder = Folder::hold(dir.path()).unwrap();
    let program = Program::open(folder, Config::new(None), surroundings).await;
    let control = program.unwrap().control();
    let half = "[api\n";
    std::fs::write(dir.path().join(FILE_NAME), half).unwrap();

    let registry = TcpListener::bind("127.0.0.1:0").unwrap();
    registry.set_nonblocking(true).unwrap();
    let address = format!("http://{}", registry.local_addr().unwrap());
    let code = Secret::new("3JQWG-NZG2M-GS0Y0-T27NR".to_owned());
    let refused = control.enrol(address.parse().unwrap(), code).await;
    assert!(
        matches!(&refused, Err(ControlError::Failed { reason }) if reason.contains(FILE_NAME)),
        "{refused:?}"
    );
    let asked = registry.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(asked, Err(ErrorKind::WouldBlock), "the code has gone out");
    let text = std::fs::read_to_string(dir.path().join(FILE_NAME)).unwrap();
    assert_eq!(text, half);
}
