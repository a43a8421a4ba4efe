#![allow(clippy::unwrap_used)]
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_modbus::client::{rtu, tcp};
use tokio_modbus::prelude::{Client, Reader, SlaveContext};
use tokio_modbus::{ExceptionCode, Slave};

use super::*;
use crate::clock::{Clock, Source};
use crate::profile::{Function, Library};
use crate::simulate::device::{Device, Identity};
use crate::simulate::fault::Script;
use crate::simulate::physics::Size;
use crate::transport::solarman::Solarman;

/// Serial number of the data logger.
const LOGGER: u32 = 2_712_345_678;
/// Long enough for an answer that comes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough to say that none comes.
const SILENCE: Duration = Duration::from_millis(300);
/// What the counter of the inverter says, read over Modbus TCP from unit 1.
const REQUEST: [u8; 12] = [0, 7, 0, 0, 0, 6, 1, 3, 0x7d, 0x6a, 0, 2];
/// Bytes of the answer to it.
const ANSWER: usize = 7 + 2 + 4;

/// A clock that stands until it is put forward.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    passed_s: Arc<AtomicI64>,
    /// Of the time that is waited by it, a so-manieth is.
    hurry: u32,
}

impl Standing {
    fn new(hurry: u32) -> Self {
        let passed_s = Arc::default();
        Self { passed_s, hurry }
    }

    /// One by which a second is waited in a millisecond.
    pub(super) fn quick() -> Self {
        Self::new(1_000)
    }

    pub(super) fn goes_on(&self, seconds: i64) {
        self.passed_s.fetch_add(seconds, Ordering::AcqRel);
    }
}

impl Source for Standing {
    fn wall(&self) -> DateTime<Utc> {
        start() + TimeDelta::seconds(self.passed_s.load(Ordering::Acquire))
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn wait(&self, span: Duration) -> Duration {
        span / self.hurry
    }
}

pub(super) fn start() -> DateTime<Utc> {
    "2026-06-21T10:00:00Z".parse().unwrap()
}

struct Rig {
    address: SocketAddr,
    clock: Standing,
    device: Device,
    simulator: Simulator,
}

impl Rig {
    async fn new(script: &str, framing: Framing, connect_delay: Duration) -> Self {
        let library = Library::embedded().unwrap();
        let script = Script::parse("faults.toml", script).unwrap();
        let profile = library.get("huawei_sun2000").unwrap().clone();
        let identity = Identity {
            serial: "4711".into(),
            ..Identity::default()
        };
        let device = Device::new(profile, identity, Size::default(), 7, start(), script).unwrap();
        let clock = Standing::new(1);
        let simulator = Simulator::new(
            BTreeMap::from([(1, device.clone())]),
            Clock::from_source(clock.clone()),
            7,
            Duration::ZERO..=Duration::ZERO,
            connect_delay,
            LOGGER,
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(simulator.clone().serve(listener, framing));
        Self {
            address,
            clock,
            device,
            simulator,
        }
    }

    async fn with(script: &str) -> Self {
        Self::new(script, Framing::Tcp, Duration::ZERO).await
    }

    async fn connected(&self) -> TcpStream {
        timeout(PATIENCE, TcpStream::connect(self.address))
            .await
            .unwrap()
            .unwrap()
    }

    /// What the device answers to [`REQUEST`] now.
    fn expected(&mut self) -> Vec<u16> {
        self.device.advance_to(self.clock.wall());
        self.device
            .registers()
            .read(Function::Holding, 32_106, 2)
            .unwrap()
    }

    async fn asked(&self) -> TcpStream {
        let mut stream = self.connected().await;
        stream.write_all(&REQUEST).await.unwrap();
        stream
    }
}

async fn is_silent(stream: &mut TcpStream) {
    let mut byte = [0];
    assert!(timeout(SILENCE, stream.read(&mut byte)).await.is_err());
}

async fn answer(stream: &mut TcpStream) -> [u8; ANSWER] {
    let mut answer = [0; ANSWER];
    timeout(PATIENCE, stream.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    answer
}

#[tokio::test]
async fn a_client_reads_what_the_device_shows_as_time_goes_on() {
    let mut rig = Rig::with("").await;
    let mut client = tcp::connect_slave(rig.address, Slave(1)).await.unwrap();
    let before = client
        .read_holding_registers(32_106, 2)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(before, rig.expected());
    rig.clock.goes_on(3_600);
    let after = client
        .read_holding_registers(32_106, 2)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(after, rig.expected());
    assert_ne!(before, after);
    let flown = rig.simulator.totals(1).unwrap();
    assert_eq!(flown, rig.device.totals());
}

#[tokio::test]
async fn what_a_device_does_not_have_is_an_exception() {
    let rig = Rig::with("").await;
    let mut client = tcp::connect_slave(rig.address, Slave(1)).await.unwrap();
    let address = client.read_holding_registers(31_999, 2).await.unwrap();
    assert_eq!(address, Err(ExceptionCode::IllegalDataAddress));
    let quantity = client.read_holding_registers(32_000, 126).await.unwrap();
    assert_eq!(quantity, Err(ExceptionCode::IllegalDataValue));
    let function = client.read_coils(0, 1).await.unwrap();
    assert_eq!(function, Err(ExceptionCode::IllegalFunction));
    client.set_slave(Slave(2));
    let unit = client.read_holding_registers(32_106, 2).await.unwrap();
    assert_eq!(unit, Err(ExceptionCode::GatewayTargetDevice));
}

#[tokio::test]
async fn the_same_device_answers_rtu_frames_and_nobody_answers_for_another_unit() {
    let mut rig = Rig::new("", Framing::RtuOverTcp, Duration::ZERO).await;
    let mut client = rtu::attach_slave(rig.connected().await, Slave(1));
    let words = client
        .read_holding_registers(32_106, 2)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(words, rig.expected());
    client.set_slave(Slave(2));
    assert!(
        timeout(SILENCE, client.read_holding_registers(32_106, 2))
            .await
            .is_err()
    );
    client.disconnect().await.unwrap();
}

#[tokio::test]
async fn the_same_device_answers_behind_a_data_logger() {
    let mut rig = Rig::new("", Framing::Solarman, Duration::ZERO).await;
    let line = Solarman::client(rig.connected().await, LOGGER);
    let mut client = rtu::attach_slave(line, Slave(1));
    let read = client.read_holding_registers(32_106, 2);
    let words = timeout(PATIENCE, read).await.unwrap().unwrap().unwrap();
    assert_eq!(words, rig.expected());
}

#[tokio::test]
async fn a_device_does_not_hear_right_after_the_connection() {
    let rig = Rig::new("", Framing::Tcp, Duration::from_secs(1)).await;
    let mut stream = rig.asked().await;
    is_silent(&mut stream).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    stream.write_all(&REQUEST).await.unwrap();
    assert_eq!(answer(&mut stream).await[..2], REQUEST[..2]);
}

#[tokio::test]
async fn a_request_is_not_answered_and_the_next_one_is() {
    let rig = Rig::with("[[fault]]\nkind = \"silent\"\nfor_s = 5\n").await;
    let mut stream = rig.asked().await;
    is_silent(&mut stream).await;
    rig.clock.goes_on(5);
    stream.write_all(&REQUEST).await.unwrap();
    answer(&mut stream).await;
}

#[tokio::test]
async fn an_answer_comes_late_after_the_client_has_given_up() {
    let mut rig = Rig::with("[[fault]]\nkind = \"late\"\nby_ms = 600\n").await;
    let mut stream = rig.asked().await;
    is_silent(&mut stream).await;
    let words = rig.expected();
    assert_eq!(answer(&mut stream).await[9..11], words[0].to_be_bytes());
}

#[tokio::test]
async fn an_answer_comes_twice() {
    let rig = Rig::with("[[fault]]\nkind = \"duplicate\"\n").await;
    let mut stream = rig.asked().await;
    assert_eq!(answer(&mut stream).await, answer(&mut stream).await);
    is_silent(&mut stream).await;
}

#[tokio::test]
async fn an_answer_comes_byte_by_byte() {
    let rig = Rig::with("[[fault]]\nkind = \"dribble\"\nby_ms = 20\n").await;
    let mut stream = rig.asked().await;
    let mut first = [0; ANSWER];
    let length = timeout(PATIENCE, stream.read(&mut first))
        .await
        .unwrap()
        .unwrap();
    assert!(length < ANSWER, "{length} bytes at once");
    timeout(PATIENCE, stream.read_exact(&mut first[length..]))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(first[..2], REQUEST[..2]);
}

#[tokio::test]
async fn an_answer_is_a_register_short() {
    let rig = Rig::with("[[fault]]\nkind = \"short\"\n").await;
    let mut stream = rig.asked().await;
    let mut answer = [0; ANSWER - 2];
    timeout(PATIENCE, stream.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer[8], 2, "bytes of registers");
    is_silent(&mut stream).await;
}

#[tokio::test]
async fn a_connection_is_reset_in_the_middle_of_an_answer() {
    let rig = Rig::with("[[fault]]\nkind = \"disconnect\"\n").await;
    let mut stream = rig.asked().await;
    let mut answer = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .unwrap();
    assert_eq!(
        ended.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionReset
    );
    assert!(answer.len() < ANSWER);
}

#[tokio::test]
async fn a_device_is_busy() {
    let rig = Rig::with("[[fault]]\nkind = \"busy\"\n").await;
    let mut client = tcp::connect_slave(rig.address, Slave(1)).await.unwrap();
    let busy = client.read_holding_registers(32_106, 2).await.unwrap();
    assert_eq!(busy, Err(ExceptionCode::ServerDeviceBusy));
}

#[tokio::test]
async fn a_connection_is_half_open() {
    let rig = Rig::with("[[fault]]\nkind = \"half_open\"\nfor_s = 5\n").await;
    let mut stream = rig.asked().await;
    is_silent(&mut stream).await;
    rig.clock.goes_on(5);
    stream.write_all(&REQUEST).await.unwrap();
    answer(&mut stream).await;
}

#[tokio::test]
async fn a_device_sleeps_and_wakes_up_on_the_same_port() {
    let rig = Rig::with("[[fault]]\nkind = \"asleep\"\nat_s = 5\nfor_s = 5\n").await;
    let mut stream = rig.asked().await;
    answer(&mut stream).await;
    rig.clock.goes_on(5);
    let mut rest = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .unwrap();
    assert!(ended.is_err() || rest.is_empty(), "the connection ends");
    let refused = TcpStream::connect(rig.address).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    rig.clock.goes_on(5);
    let woken = async {
        loop {
            if let Ok(stream) = TcpStream::connect(rig.address).await {
                break stream;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let mut stream = timeout(PATIENCE, woken).await.unwrap();
    stream.write_all(&REQUEST).await.unwrap();
    answer(&mut stream).await;
}

#[tokio::test]
async fn about_as_many_answers_are_lost_as_the_script_says() {
    let rig = Rig::with("[[fault]]\nkind = \"busy\"\nchance_permille = 300\n").await;
    let mut client = tcp::connect_slave(rig.address, Slave(1)).await.unwrap();
    let mut busy = 0;
    for _ in 0..200 {
        busy += i32::from(
            client
                .read_holding_registers(32_106, 2)
                .await
                .unwrap()
                .is_err(),
        );
    }
    assert!((30..90).contains(&busy), "{busy} of 200");
}
