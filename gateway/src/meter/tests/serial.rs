//! A serial line by its path: a pseudo terminal of the kernel, opened as a device file is.

use super::*;
use crate::connection::{Connection, Parity};
use tokio_serial::{SerialPort, SerialStream};

/// Long enough for a slave on a busy machine, which is also waited for where it says nothing.
const TIMEOUT_MS: u64 = 2_000;

/// A slave at one end of a line, and the path of the other. The line is there as long as the stream is.
fn line() -> (Slave, SerialStream, Connection) {
    let (ours, theirs) = SerialStream::pair().unwrap();
    let slave = slave(Wire::Rtu);
    slave.attach(ours);
    let connection = Connection::Rtu {
        path: theirs.name().unwrap(),
        baud: 9_600,
        parity: Parity::None,
    };
    (slave, theirs, connection)
}

fn quick(unit: u8) -> Device {
    let text = PROFILE.replace("timeout_ms = 1_000", &format!("timeout_ms = {TIMEOUT_MS}"));
    let mut device = Device::of(Arc::new(parse("test.toml", &text).unwrap()));
    device.unit_id = Some(unit);
    device
}

#[tokio::test]
async fn devices_on_a_serial_line_are_read_by_its_path() {
    let (slave, _line, connection) = line();
    let bus = Bus::start(connection, Clock::default());
    for (unit, energy_mwh) in [(1, 1_234_600_000), (2, 1_234_700_000)] {
        let sample = bus.meter(quick(unit)).sample().await.unwrap();
        assert_eq!(sample.energy_mwh, energy_mwh);
        assert_eq!(sample.identity.serial, format!("AB{unit}"));
    }
    let asked = slave.state.lock().unwrap().requests.len();
    assert_eq!(asked, 2 * 4, "the serial number and three blocks each");
}

#[tokio::test]
async fn a_serial_line_is_opened_anew_after_an_error_and_what_comes_late_is_dropped() {
    let (slave, _line, connection) = line();
    let bus = Bus::start(connection, Clock::default());
    let (first, second) = (bus.meter(quick(1)), bus.meter(quick(2)));
    // Its answer is on the line when that is opened again.
    let late = Duration::from_millis(TIMEOUT_MS + 150);
    for behaviour in [
        Behaviour::Late(late),
        Behaviour::Garbage,
        Behaviour::Registers(3),
    ] {
        slave.next(behaviour);
        let error = first.sample().await.unwrap_err();
        assert!(
            matches!(error, MeterError::Read(_)),
            "{behaviour:?}: {error}"
        );
        let sample = second.sample().await.unwrap();
        assert_eq!(
            (sample.energy_mwh, sample.identity.serial.as_str()),
            (1_234_700_000, "AB2")
        );
        // Left alone for a while after it has been silent.
        let again = async {
            loop {
                match first.sample().await {
                    Err(MeterError::BackingOff { wait, .. }) => tokio::time::sleep(wait).await,
                    other => break other.unwrap(),
                }
            }
        };
        let sample = tokio::time::timeout(Duration::from_secs(30), again)
            .await
            .unwrap();
        assert_eq!(
            (sample.energy_mwh, sample.identity.serial.as_str()),
            (1_234_600_000, "AB1")
        );
    }
}

#[tokio::test]
async fn a_serial_line_that_is_not_there_is_told() {
    let connection = Connection::Rtu {
        path: "/dev/gateway-no-such-line".to_owned(),
        baud: 9_600,
        parity: Parity::Even,
    };
    let bus = Bus::start(connection, Clock::default());
    let error = bus.meter(quick(1)).sample().await.unwrap_err();
    assert!(
        matches!(error, MeterError::Dial(DialError::Failed(_))),
        "{error}"
    );
}
