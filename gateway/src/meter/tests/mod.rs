#![allow(clippy::unwrap_used)]

mod serial;
pub(crate) mod slave;

use super::*;
use crate::clock::Clock;
use crate::profile::{Block, Facts, Function, Limits, Meaning, Unreadable, Value, parse};
use crate::transport::{DialError, ReadError, Session, Wire};
use schemas::gateway::Cause;
use slave::{Behaviour, Slave};
use std::sync::Arc;
use std::time::Duration;

const PROFILE: &str = r#"
id = "test"
version = 1
maker = "Maker"
models = ["Model"]
protocol = "modbus"
function = 3
limits = { timeout_ms = 1_000 }
counter.default = "generation_total"
identity.serial = { address = 100, type = "STR", count = 2 }
points = [
    { meaning = "ac_power", address = 0, type = "I32", unit = "W" },
    { meaning = "generation_total", address = 10, type = "U32", unit = "kWh", scale = "0.1", sentinels = [0xFFFF_FFFF] },
    { meaning = "grid_frequency", address = 20, type = "U16", unit = "Hz", scale = "0.01" },
]
"#;

const TIMEOUT: Duration = Duration::from_secs(1);

fn device(unit: u8) -> Device {
    let mut device = Device::of(Arc::new(parse("test.toml", PROFILE).unwrap()));
    device.unit_id = Some(unit);
    device
}

fn slave(wire: Wire) -> Slave {
    let slave = Slave::new(wire);
    for unit in [1, 2] {
        slave.set(unit, 3, 0, &[0, 4_321]);
        slave.set(unit, 3, 10, &[0, 12_345 + u16::from(unit)]);
        slave.set(unit, 3, 20, &[4_998]);
        slave.set(unit, 3, 100, &[0x4142, u16::from(unit) << 8 | 0x3000]);
    }
    slave
}

fn setup(wire: Wire) -> (Slave, Bus) {
    let slave = slave(wire);
    (slave.clone(), Bus::start(slave, Clock::default()))
}

const BOTH: [Wire; 2] = [Wire::Tcp, Wire::Rtu];

#[tokio::test(start_paused = true)]
async fn a_sample_has_the_counter_the_power_and_who_answered() {
    for wire in BOTH {
        let (_, bus) = setup(wire);
        let sample = bus.meter(device(1)).sample().await.unwrap();
        assert_eq!(sample.energy_mwh, 1_234_600_000);
        assert_eq!(sample.power_w, Some(4_321));
        assert_eq!(sample.value(Meaning::GridFrequency), Some(Value(49_980)));
        assert_eq!(sample.counter.meaning, Meaning::GenerationTotal);
        assert_eq!(sample.counter.resolution_mwh, 100_000);
        assert_eq!(sample.identity.maker, "Maker");
        assert_eq!(sample.identity.serial, "AB1");
        assert_eq!(sample.frame_sha256.len(), 64);
        assert!(sample.unreadable.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_block_that_is_refused_shifts_no_other() {
    let (slave, bus) = setup(Wire::Tcp);
    slave.state.lock().unwrap().registers.remove(&(1, 3, 0));
    let meter = bus.meter(device(1));
    for _ in 0..2 {
        let sample = meter.sample().await.unwrap();
        assert_eq!(sample.energy_mwh, 1_234_600_000);
        assert_eq!(sample.value(Meaning::GridFrequency), Some(Value(49_980)));
        assert_eq!(sample.unreadable, [(Meaning::AcPower, Unreadable::NotRead)]);
    }
    let asked = |start| {
        slave
            .state
            .lock()
            .unwrap()
            .requests
            .iter()
            .filter(|r| r.2 == start)
            .count()
    };
    assert_eq!(
        (asked(0), asked(10)),
        (1, 2),
        "what a device has not is asked for once"
    );
    assert_eq!(slave.dialled(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_counter_is_no_sample_and_the_session_goes_on() {
    let (slave, bus) = setup(Wire::Tcp);
    let meter = bus.meter(device(1));
    meter.sample().await.unwrap();
    // 6 is "busy".
    for behaviour in [Behaviour::Exception(6), Behaviour::Exception(6)] {
        slave.next(behaviour);
    }
    let error = meter.sample().await.unwrap_err();
    assert!(
        matches!(
            error,
            MeterError::Read(ReadError::Exception { code: 6, .. })
        ),
        "{error}"
    );
    assert_eq!(error.cause(), None);
    meter.sample().await.unwrap();
    assert_eq!(slave.dialled(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_the_wrong_length_is_refused_and_the_session_dropped() {
    for wire in BOTH {
        for registers in [1, 3, 124] {
            let (slave, bus) = setup(wire);
            let (meter, other) = (bus.meter(device(1)), bus.meter(device(2)));
            slave.next(Behaviour::Registers(registers));
            let error = meter.sample().await.unwrap_err();
            let MeterError::Read(ReadError::WrongLength { got, .. }) = error else {
                panic!("{error}");
            };
            assert_eq!(got, usize::from(registers));
            assert_eq!(other.sample().await.unwrap().energy_mwh, 1_234_700_000);
            assert_eq!(slave.dialled(), 2);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_frame_end_the_session_in_time() {
    for wire in BOTH {
        let (slave, bus) = setup(wire);
        slave.next(Behaviour::Garbage);
        let began = tokio::time::Instant::now();
        let error = bus.meter(device(1)).sample().await.unwrap_err();
        let MeterError::Read(error) = error else {
            panic!("{error}")
        };
        assert!(error.is_fatal(), "{error}");
        assert!(began.elapsed() <= TIMEOUT * 2, "{:?}", began.elapsed());
        bus.meter(device(2)).sample().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_something_else_is_refused_and_the_session_dropped() {
    for wire in BOTH {
        for behaviour in [
            Behaviour::OtherUnit,
            Behaviour::OtherFunction,
            Behaviour::OtherRequest,
            Behaviour::Flood,
        ] {
            let (slave, bus) = setup(wire);
            slave.next(behaviour);
            let began = tokio::time::Instant::now();
            let error = bus.meter(device(1)).sample().await.unwrap_err();
            let MeterError::Read(error) = error else {
                panic!("{behaviour:?}: {error}")
            };
            assert!(error.is_fatal(), "{behaviour:?}: {error}");
            assert!(began.elapsed() <= TIMEOUT * 2, "{behaviour:?}");
            let sample = bus.meter(device(2)).sample().await.unwrap();
            assert_eq!(sample.energy_mwh, 1_234_700_000, "{behaviour:?}");
            assert_eq!(slave.dialled(), 2, "{behaviour:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_late_is_never_taken_for_another() {
    for wire in BOTH {
        let (slave, bus) = setup(wire);
        // The answer to the serial number's request comes when the next session asks for something else.
        slave.next(Behaviour::Late(TIMEOUT + Duration::from_millis(400)));
        let error = bus.meter(device(1)).sample().await.unwrap_err();
        assert!(
            matches!(error, MeterError::Read(ReadError::Timeout { .. })),
            "{error}"
        );
        let sample = bus.meter(device(2)).sample().await.unwrap();
        assert_eq!(sample.energy_mwh, 1_234_700_000, "{wire:?}");
        assert_eq!(sample.identity.serial, "AB2");
    }
}

#[tokio::test(start_paused = true)]
async fn slow_bytes_are_waited_for_within_the_limit_only() {
    for wire in BOTH {
        let (slave, bus) = setup(wire);
        slave.next(Behaviour::Slow(Duration::from_millis(50)));
        bus.meter(device(1)).sample().await.unwrap();
        slave.next(Behaviour::Slow(Duration::from_millis(500)));
        let error = bus.meter(device(2)).sample().await.unwrap_err();
        assert!(
            matches!(error, MeterError::Read(ReadError::Timeout { .. })),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_never_made_is_given_up_and_tried_later() {
    let (slave, bus) = setup(Wire::Tcp);
    slave.state.lock().unwrap().unreachable = true;
    let meter = bus.meter(device(1));
    let error = meter.sample().await.unwrap_err();
    assert!(
        matches!(error, MeterError::Dial(DialError::Timeout(TIMEOUT))),
        "{error}"
    );
    let error = meter.sample().await.unwrap_err();
    let MeterError::BackingOff { wait: pause, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(slave.dialled(), 1, "it was not tried before its time");
    slave.state.lock().unwrap().unreachable = false;
    tokio::time::sleep(pause).await;
    meter.sample().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dead_unit_does_not_stop_the_others_of_its_bus() {
    for wire in BOTH {
        let (slave, bus) = setup(wire);
        slave.state.lock().unwrap().dead.push(1);
        let (dead, living) = (bus.meter(device(1)), bus.meter(device(2)));
        let began = tokio::time::Instant::now();
        let (mut asked, mut sampled) = (0, 0);
        while began.elapsed() < Duration::from_secs(60) {
            match dead.sample().await.unwrap_err() {
                MeterError::Read(ReadError::Timeout { .. }) => asked += 1,
                MeterError::BackingOff { .. } => {}
                other => panic!("{other}"),
            }
            living.sample().await.unwrap();
            sampled += 1;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        assert!((3..=8).contains(&asked), "asked {asked} times in a minute");
        assert!(sampled > 60, "the living one was read {sampled} times");
        slave.state.lock().unwrap().dead.clear();
        tokio::time::sleep(Duration::from_secs(60)).await;
        dead.sample().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_a_serial_server_cannot_reach_is_left_alone_and_the_session_kept() {
    let (slave, bus) = setup(Wire::Tcp);
    slave.next(Behaviour::Exception(0x0B));
    let (missing, other) = (bus.meter(device(1)), bus.meter(device(2)));
    let error = missing.sample().await.unwrap_err();
    assert!(
        matches!(
            error,
            MeterError::Read(ReadError::Exception { code: 0x0B, .. })
        ),
        "{error}"
    );
    assert!(matches!(
        missing.sample().await,
        Err(MeterError::BackingOff { .. })
    ));
    other.sample().await.unwrap();
    assert_eq!(slave.dialled(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_closed_meanwhile_is_made_anew() {
    for wire in BOTH {
        let (slave, bus) = setup(wire);
        let meter = bus.meter(device(1));
        meter.sample().await.unwrap();
        slave.next(Behaviour::Close);
        meter.sample().await.unwrap();
        assert_eq!(slave.dialled(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_counter_without_a_value_is_told_with_its_cause() {
    let (slave, bus) = setup(Wire::Tcp);
    slave.set(1, 3, 10, &[0xFFFF, 0xFFFF]);
    let error = bus.meter(device(1)).sample().await.unwrap_err();
    assert_eq!(error.cause(), Some(Cause::Sentinel), "{error}");
    assert_eq!(slave.dialled(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_exchanged_meter_is_noticed_while_the_connection_stays() {
    let (slave, bus) = setup(Wire::Rtu);
    let meter = bus.meter(device(1));
    let before = meter.sample().await.unwrap().identity;
    slave.set(1, 3, 100, &[0x5859, 0x5A00]);
    tokio::time::sleep(IDENTITY_VALID).await;
    let after = meter.sample().await.unwrap().identity;
    assert_ne!(before.serial, after.serial);
    assert_eq!((after.serial.as_str(), slave.dialled()), ("XYZ", 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_stated_goes_before_what_a_register_says() {
    let (_, bus) = setup(Wire::Tcp);
    let mut stated = device(1);
    stated.facts = Facts {
        serial: Some("stated".to_owned()),
        firmware: Some("1098".to_owned()),
        ..Facts::default()
    };
    let identity = bus.meter(stated).sample().await.unwrap().identity;
    assert_eq!(
        (identity.serial.as_str(), identity.firmware.as_deref()),
        ("stated", Some("1098"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_counter_that_the_device_has_not_is_told() {
    let (_, bus) = setup(Wire::Tcp);
    let mut other = device(1);
    other.counter = Some(Meaning::ImportTotal);
    let error = bus.meter(other).sample().await.unwrap_err();
    assert_eq!(error.to_string(), "the device has no counter import_total");
}

#[tokio::test(start_paused = true)]
async fn as_many_requests_wait_as_the_queue_holds_and_one_more_is_busy() {
    let (slave, bus) = setup(Wire::Tcp);
    slave.state.lock().unwrap().dead.push(1);
    let meter = bus.meter(device(1));
    // The actor takes the first and is at it until its timeout.
    let first = meter.clone();
    let first = tokio::spawn(async move { first.sample().await });
    tokio::task::yield_now().await;
    let mut waiting: Vec<_> = (0..MAX_WAITING).map(|_| Box::pin(meter.sample())).collect();
    for request in &mut waiting {
        assert!(futures_util::poll!(request).is_pending());
    }
    assert!(matches!(meter.sample().await, Err(MeterError::Busy)));
    assert!(matches!(
        first.await.unwrap(),
        Err(MeterError::Read(ReadError::Timeout { .. }))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_request_asks_for_125_registers_at_most() {
    let slave = Slave::new(Wire::Tcp);
    slave.set(1, 3, 0, &[7; 126]);
    let limits = Limits::default();
    let mut session = Session::open(&slave, &limits, None).await.unwrap();
    let block = |count| Block {
        function: Function::Holding,
        start: 0,
        count,
    };
    assert_eq!(
        session.read(1, block(125), &limits).await.unwrap().len(),
        125
    );
    for count in [0, 126] {
        let error = session.read(1, block(count), &limits).await.unwrap_err();
        assert!(matches!(error, ReadError::Quantity { .. }), "{error}");
    }
    assert_eq!(
        slave.state.lock().unwrap().requests.len(),
        1,
        "they were not sent"
    );
}

#[tokio::test(start_paused = true)]
async fn a_device_is_given_the_pauses_it_needs() {
    let text = PROFILE.replace(
        "timeout_ms = 1_000",
        "timeout_ms = 1_000, connect_delay_ms = 700, min_gap_ms = 100",
    );
    let slave = slave(Wire::Tcp);
    let bus = Bus::start(slave, Clock::default());
    let mut slow = device(1);
    slow.profile = Arc::new(parse("test.toml", &text).unwrap());
    let began = tokio::time::Instant::now();
    bus.meter(slow).sample().await.unwrap();
    // The serial number and three blocks.
    assert_eq!(began.elapsed(), Duration::from_millis(700 + 3 * 100));
}
