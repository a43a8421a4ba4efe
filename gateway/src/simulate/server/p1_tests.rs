#![allow(clippy::unwrap_used)]
use super::tests::Standing;
use super::*;
use crate::clock::Clock;
use crate::profile::Library;
use crate::simulate::device::{Device, Identity};
use crate::simulate::fault::Script;
use crate::simulate::physics::Size;
use crate::transport::p1::{Http, P1Error, Registers, Stream, Telegram, TelegramError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Long enough for what comes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A meter with a P1 port, and the port that it is at.
async fn serve(script: &str, framing: Framing, clock: &Standing) -> (Simulator, u16) {
    let library = Library::embedded().unwrap();
    let identity = Identity {
        serial: "4711".into(),
        ..Identity::default()
    };
    let script = Script::parse("faults.toml", script).unwrap();
    let profile = library.get("p1").unwrap().clone();
    let device = Device::new(
        profile,
        identity,
        Size::default(),
        7,
        super::tests::start(),
        script,
    );
    let simulator = Simulator::new(
        [(1, device.unwrap())].into(),
        Clock::from_source(clock.clone()),
        7,
        Duration::ZERO..=Duration::ZERO,
        Duration::ZERO,
        0,
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(simulator.clone().serve(listener, framing));
    (simulator, port)
}

fn stream(port: u16) -> Stream {
    Stream::open("127.0.0.1".to_owned(), port, Clock::default())
}

fn http(port: u16, path: &str) -> Http {
    let url = format!("http://127.0.0.1:{port}{path}");
    Http::new(url.parse().unwrap(), Clock::default()).unwrap()
}

/// What the counters of a telegram say is what has flown.
fn tells(telegram: &Telegram, simulator: &Simulator) {
    let (read, totals) = (
        Registers::read(telegram).unwrap(),
        simulator.totals(1).unwrap(),
    );
    let wh = |joules: crate::simulate::physics::Joules| Some(joules.wh().cast_signed() * 1_000);
    assert_eq!(
        (read.import_mwh, read.export_mwh),
        (wh(totals.import), wh(totals.export))
    );
    assert_eq!(read.serial, "4711");
}

#[tokio::test]
async fn telegrams_come_by_themselves_as_time_goes_on() {
    let clock = Standing::quick();
    let (simulator, port) = serve("", Framing::P1Tcp, &clock).await;
    let stream = stream(port);
    let first = timeout(PATIENCE, stream.next()).await.unwrap().unwrap();
    tells(&first.telegram, &simulator);
    clock.goes_on(3_600);
    let later = async {
        loop {
            let next = stream.next().await.unwrap();
            if next.telegram != first.telegram {
                break next;
            }
        }
    };
    tells(
        &timeout(PATIENCE, later).await.unwrap().telegram,
        &simulator,
    );
}

#[tokio::test]
async fn a_telegram_is_answered_as_text_and_as_lines_and_nothing_else_is() {
    let clock = Standing::quick();
    let (simulator, port) = serve("", Framing::P1Http, &clock).await;
    for path in ["/api/v1/telegram", "/telegram.json"] {
        let meter = http(port, path);
        // Twice on one connection.
        for _ in 0..2 {
            tells(&meter.next().await.unwrap().telegram, &simulator);
            clock.goes_on(600);
        }
    }
    assert_eq!(http(port, "/").next().await, Err(P1Error::Status(404)));
}

#[tokio::test]
async fn a_head_that_has_no_end_ends_the_connection() {
    let (_, port) = serve("", Framing::P1Http, &Standing::quick()).await;
    let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let endless = async { while client.write_all(&[b'x'; 512]).await.is_ok() {} };
    timeout(PATIENCE, endless).await.unwrap();
}

#[tokio::test]
async fn what_happens_to_registers_happens_to_telegrams() {
    let fault = |kind: &str| format!("[[fault]]\nkind = \"{kind}\"\n");
    let (_, port) = serve(&fault("short"), Framing::P1Http, &Standing::quick()).await;
    let short = http(port, "/api/v1/telegram").next().await.unwrap_err();
    assert!(
        matches!(short, P1Error::Telegram(TelegramError::Checksum { .. })),
        "{short}"
    );
    for kind in ["busy", "half_open"] {
        let clock = Standing::quick();
        let script = fault(kind).replace("]]", "]]\nfor_s = 5");
        let (simulator, port) = serve(&script, Framing::P1Tcp, &clock).await;
        let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut byte = [0];
        let nothing = timeout(Duration::from_millis(200), client.read(&mut byte)).await;
        assert!(nothing.is_err(), "{kind}");
        clock.goes_on(5);
        tells(
            &timeout(PATIENCE, stream(port).next())
                .await
                .unwrap()
                .unwrap()
                .telegram,
            &simulator,
        );
    }
    let script = "[[fault]]\nkind = \"not_available\"\npoints = [\"export_total\"]\n";
    let (_, port) = serve(script, Framing::P1Http, &Standing::quick()).await;
    let telegram = http(port, "/telegram.json").next().await.unwrap().telegram;
    assert_eq!(Registers::read(&telegram).unwrap().export_mwh, None);
}

#[tokio::test]
async fn a_meter_that_sleeps_ends_its_connections() {
    let clock = Standing::quick();
    let script = "[[fault]]\nkind = \"asleep\"\nat_s = 5\n";
    let (_, port) = serve(script, Framing::P1Tcp, &clock).await;
    let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut byte = [0];
    timeout(PATIENCE, client.read_exact(&mut byte))
        .await
        .unwrap()
        .unwrap();
    clock.goes_on(5);
    let mut rest = Vec::new();
    // An end or a reset, whichever comes.
    let _ = timeout(PATIENCE, client.read_to_end(&mut rest))
        .await
        .unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}
