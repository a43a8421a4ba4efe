#![allow(clippy::unwrap_used)]

use super::solarman::{PORT, QUESTION};
use super::tests::search;
use super::*;
use crate::clock::{Clock, Source};
use crate::control;
use crate::meter::{Bus, Device as Asked, Sample};
use crate::profile::{Meaning, Unreadable, Value};
use crate::simulate::device::{Device, Family, Identity, Wiring, values};
use crate::simulate::fault::Script;
use crate::simulate::physics::Size;
use crate::simulate::server::{Framing, Simulator};
use crate::snapshot::examples::snapshot;
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket};

const LOGGER: u32 = 2_712_345_678;

/// It is always noon.
#[derive(Debug)]
struct Noon;

impl Noon {
    fn at() -> DateTime<Utc> {
        "2026-06-21T10:00:00Z".parse().unwrap()
    }
}

impl Source for Noon {
    fn wall(&self) -> DateTime<Utc> {
        Self::at()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn wait(&self, span: Duration) -> Duration {
        span
    }
}

fn device(profile: &str, identity: Identity) -> Device {
    let profile = Library::embedded().unwrap().get(profile).unwrap().clone();
    let start = Noon::at() - chrono::TimeDelta::hours(2);
    let (size, script) = (Size::default(), Script::default());
    let mut device = Device::new(profile, identity, size, 7, start, script).unwrap();
    device.advance_to(Noon::at());
    device
}

/// A device in the network; its port.
async fn serve(host: &str, port: u16, device: Device, framing: Framing) -> u16 {
    let simulator = Simulator::new(
        [(1, device)].into(),
        Clock::from_source(Noon),
        7,
        Duration::ZERO..=Duration::ZERO,
        Duration::ZERO,
        LOGGER,
    );
    let listener = TcpListener::bind((host, port)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(simulator.serve(listener, framing));
    port
}

/// What a gateway reads that is told to read what was found.
async fn read(found: &Found) -> Sample {
    let library = Library::embedded().unwrap();
    let profile = library.get(&found.candidates[0].profile).unwrap().clone();
    let bus = Bus::start(found.connection.clone(), Clock::from_source(Noon));
    bus.meter(Asked::of(profile)).sample().await.unwrap()
}

/// Every point that was read is as it is at the house, every other one is not implemented; the meanings of both.
fn compare(device: &Device, phases: u8, sample: &Sample) -> (Vec<Meaning>, Vec<Meaning>) {
    let truth = values(device.plant(), phases, Meaning::ALL.iter().copied());
    for (meaning, Value(read)) in &sample.values {
        let point = device
            .profile()
            .points
            .iter()
            .find(|point| point.meaning == *meaning);
        let point = point.unwrap_or_else(|| panic!("{meaning} is made up"));
        let Value(there) = truth[meaning];
        // Of values that scale registers make finer or coarser, whatever has three digits.
        let step = match &point.scale_register {
            Some(_) => (there.abs() / 100).max(1_000),
            None => point.resolution(0, truth[meaning]),
        };
        assert!(
            (there - read).abs() <= step,
            "{meaning} is {there} and read as {read}"
        );
    }
    let mut absent = Vec::new();
    for (meaning, why) in &sample.unreadable {
        assert!(
            matches!(
                why,
                Unreadable::Sentinel(_) | Unreadable::NotANumber(_) | Unreadable::Scale(_)
            ),
            "{meaning}: {why}"
        );
        absent.push(*meaning);
    }
    (
        sample.values.iter().map(|(meaning, _)| *meaning).collect(),
        absent,
    )
}

#[tokio::test]
async fn a_device_of_every_sunspec_model_is_found_and_read_as_it_is() {
    use Meaning as M;
    let wired = |family| {
        [Wiring::Single, Wiring::Split, Wiring::Wye, Wiring::Delta].map(|wiring| (family, wiring))
    };
    let kinds: Vec<_> = [Family::Int, Family::Float, Family::Der]
        .into_iter()
        .flat_map(wired)
        .collect();
    let (mut devices, mut port) = (Vec::new(), 0);
    for (host, (family, wiring)) in (1..).zip(&kinds) {
        let identity = Identity {
            serial: format!("SN-{host:04}"),
            family: *family,
            wiring: *wiring,
            ..Identity::default()
        };
        let device = device("sunspec", identity);
        port = serve(
            &format!("127.9.4.{host}"),
            port,
            device.clone(),
            Framing::Tcp,
        )
        .await;
        devices.push(device);
    }
    let (control, _publish, _orders) = control::channel(snapshot());
    let report = search("127.9.4.0/28", vec![port], control).await;
    assert_eq!(report.found.len(), kinds.len());
    for (host, ((family, wiring), device)) in (1..).zip(kinds.iter().zip(&devices)) {
        let at = Connection::Tcp {
            host: format!("127.9.4.{host}"),
            port,
        };
        let found = report
            .found
            .iter()
            .find(|found| found.connection == at)
            .unwrap();
        let candidate = &found.candidates[0];
        assert_eq!(
            (candidate.profile.as_str(), candidate.evidence),
            ("sunspec", Evidence::SunSpec)
        );
        let sample = read(found).await;
        assert_eq!(candidate.meter.as_ref(), Some(&sample.identity));
        assert_eq!(sample.identity.serial, format!("SN-{host:04}"));
        let (there, absent) = compare(device, wiring.phases(), &sample);
        let of_phases = [M::VoltageL1, M::VoltageL2, M::VoltageL3];
        for (phase, meaning) in (1..).zip(of_phases) {
            let expected = if phase <= wiring.phases() {
                &there
            } else {
                &absent
            };
            assert!(
                expected.contains(&meaning),
                "{family:?} {wiring:?}: {meaning}"
            );
        }
        let mut expected = vec![M::GenerationTotal, M::AcPower, M::GridFrequency, M::DcPower];
        expected.extend(match family {
            Family::Int | Family::Float => &[
                M::ExportTotal,
                M::ImportTotal,
                M::GridPower,
                M::String2Total,
                M::String1Power,
            ][..],
            Family::Der => &[
                M::AbsorbedTotal,
                M::DcTotal,
                M::BatteryCharge,
                M::BatteryPower,
            ],
        });
        for meaning in expected {
            assert!(there.contains(&meaning), "{family:?} {wiring:?}: {meaning}");
        }
    }
}

#[tokio::test]
async fn a_data_logger_says_its_serial_number_and_what_is_behind_it_is_read() {
    let identity = Identity {
        serial: "2302A0815".to_owned(),
        ..Identity::default()
    };
    let device = device("deye_sg3p", identity);
    let port = crate::transport::solarman::PORT;
    serve("127.9.5.2", port, device.clone(), Framing::Solarman).await;
    // Hears what is called to all of the subnet, and answers from its own address; another thing does so first.
    let heard = UdpSocket::bind(("127.9.5.7", PORT)).await.unwrap();
    let stranger = UdpSocket::bind(("127.9.6.1", 0)).await.unwrap();
    let own = UdpSocket::bind(("127.9.5.2", PORT)).await.unwrap();
    tokio::spawn(async move {
        let mut question = [0; 64];
        loop {
            let (length, from) = heard.recv_from(&mut question).await.unwrap();
            assert_eq!(&question[..length], QUESTION);
            let other = b"127.9.5.2,E8FDF8A1B2C3,1";
            stranger.send_to(other, from).await.unwrap();
            own.send_to(b"what?", from).await.unwrap();
            let answer = format!("10.10.100.254,E8FDF8A1B2C3,{LOGGER}");
            own.send_to(answer.as_bytes(), from).await.unwrap();
        }
    });
    // Listens on that port, and is no logger that would answer.
    let mute = TcpListener::bind(("127.9.5.3", port)).await.unwrap();
    tokio::spawn(async move {
        loop {
            drop(mute.accept().await);
        }
    });
    let (control, _publish, _orders) = control::channel(snapshot());
    let report = search("127.9.5.0/29", vec![port], control).await;
    assert_eq!(report.found.len(), 2, "{:?}", report.found);
    let found = &report.found[0];
    let at = Connection::Solarman {
        host: "127.9.5.2".to_owned(),
        port,
        logger: LOGGER,
    };
    assert_eq!((&found.connection, &found.note), (&at, &None));
    let candidate = &found.candidates[0];
    assert_eq!(
        (candidate.profile.as_str(), candidate.evidence),
        ("deye_sg3p", Evidence::Serial)
    );
    let sample = read(found).await;
    assert_eq!(sample.identity.serial, "2302A0815");
    let (there, _) = compare(&device, 3, &sample);
    assert!(there.contains(&Meaning::GenerationTotal));
    let mute = &report.found[1];
    assert_eq!(mute.candidates, []);
    assert!(
        mute.note
            .as_ref()
            .unwrap()
            .contains("serial number printed on it")
    );
}
