//! A smart meter's P1 port as a meter.

use super::{Counter, MeterError, MeterHandle, Sample, Source};
use crate::clock::Clock;
use crate::connection::Connection;
use crate::profile::{Meaning, Profile, Protocol, Value};
use crate::transport::p1::{Arrived, Http, P1Error, Registers, Stream};
use futures_util::future::BoxFuture;
use schemas::gateway::MeterIdentity;
use std::sync::Arc;

/// A P1 port: one connection, whichever of its counters are read. It is closed when the last meter on it is
/// dropped.
#[derive(Debug)]
pub struct P1Port(Way);

/// How telegrams come.
#[derive(Debug)]
enum Way {
    Stream(Stream),
    Http(Http),
}

#[derive(Debug)]
struct P1 {
    port: Arc<P1Port>,
    counters: Vec<Meaning>,
}

impl P1Port {
    /// The port at the other end of a connection. Has to be called within a Tokio runtime.
    ///
    /// # Errors
    /// In a sentence, if the connection is none to a P1 port.
    pub fn open(connection: &Connection, clock: Clock) -> Result<Self, String> {
        let way = match connection {
            Connection::P1Tcp { host, port } => {
                Way::Stream(Stream::open(host.clone(), *port, clock))
            }
            Connection::P1Http { url } => {
                let url = url.parse().map_err(|_| "url is not a URL".to_owned())?;
                Way::Http(Http::new(url, clock).map_err(|error| error.to_string())?)
            }
            other => return Err(format!("{other} is no P1 port")),
        };
        Ok(Self(way))
    }

    /// A meter behind it. Certificates come from `counter`, or else from the first counter of the profile that
    /// the meter sends.
    ///
    /// # Errors
    /// In a sentence, if the profile is no P1 port's.
    pub fn meter(
        self: &Arc<Self>,
        profile: &Profile,
        counter: Option<Meaning>,
    ) -> Result<MeterHandle, String> {
        if profile.protocol != Protocol::P1 {
            return Err(format!("the profile {} is not for P1 ports", profile.id));
        }
        let counters = counter.map_or_else(|| profile.counters.clone(), |counter| vec![counter]);
        let port = Arc::clone(self);
        Ok(MeterHandle::new(P1 { port, counters }))
    }
}

impl Source for P1 {
    fn sample(&self) -> BoxFuture<'_, Result<Sample, MeterError>> {
        Box::pin(async move {
            let arrived = match &self.port.0 {
                Way::Stream(stream) => stream.next().await,
                Way::Http(http) => http.next().await.map(Arc::new),
            };
            let arrived = arrived.map_err(failed)?;
            sample(&arrived, &self.counters)
        })
    }
}

fn failed(error: P1Error) -> MeterError {
    MeterError::Source(error.to_string())
}

/// What a telegram comes to.
fn sample(arrived: &Arrived, counters: &[Meaning]) -> Result<Sample, MeterError> {
    let read = Registers::read(&arrived.telegram).map_err(|error| failed(error.into()))?;
    // Power is in mW there and in thousandths of a watt here, energy in mWh on both sides.
    let values: Vec<(Meaning, Value)> = [
        (Meaning::ImportTotal, read.import_mwh),
        (Meaning::ExportTotal, read.export_mwh),
        (Meaning::GridImportPower, read.import_mw),
        (Meaning::GridExportPower, read.export_mw),
    ]
    .into_iter()
    .filter_map(|(meaning, value)| Some((meaning, Value(value?))))
    .collect();
    let value = |wanted: Meaning| {
        let found = values.iter().find(|(meaning, _)| *meaning == wanted);
        found.map(|(_, value)| *value)
    };
    let counter = counters
        .iter()
        .find_map(|meaning| Some((*meaning, value(*meaning)?)));
    let Some((meaning, energy)) = counter else {
        let names: Vec<&str> = counters.iter().map(|counter| counter.name()).collect();
        return Err(MeterError::NoCounter(names.join(" or ")));
    };
    let power = match meaning {
        Meaning::ImportTotal => value(Meaning::GridImportPower),
        _ => value(Meaning::GridExportPower),
    };
    let (maker, model) = maker_and_model(&read.identification);
    Ok(Sample {
        taken_at: arrived.at,
        monotonic: arrived.monotonic,
        energy_mwh: energy.0,
        counter: Counter {
            meaning,
            resolution_mwh: read.resolution_mwh,
            // Six digits before the point last a house for centuries.
            modulus_mwh: None,
        },
        power_w: power.map(Value::whole),
        values,
        unreadable: Vec::new(),
        identity: MeterIdentity {
            maker,
            model,
            serial: read.serial,
            firmware: read.version,
        },
        frame_sha256: hex::encode(arrived.telegram.sha256()),
    })
}

/// Three letters of the maker, a digit for the speed of the line, perhaps an escape sequence, and the maker's own name of the type
/// (IEC 62056-21, 6.3.2).
fn maker_and_model(identification: &str) -> (String, String) {
    let split = |at| identification.split_at_checked(at);
    match (split(3), split(4)) {
        (Some((maker, _)), Some((_, model))) => {
            // A backslash and a character say more about the line.
            let model = model.strip_prefix('\\').map_or(model, |rest| {
                rest.split_at_checked(1).map_or(rest, |(_, model)| model)
            });
            (maker.to_owned(), model.to_owned())
        }
        _ => (identification.to_owned(), String::new()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::profile::Library;
    use crate::transport::p1::Telegram;
    use std::time::Duration;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    fn telegram(lines: &str) -> String {
        Telegram::seal(&format!(
            "/ISk5\\2MT382-1000\r\n\r\n0-0:96.1.1(41424344)\r\n1-3:0.2.8(50)\r\n{lines}\r\n"
        ))
    }

    fn taken(lines: &str, counters: &[Meaning]) -> Result<Sample, MeterError> {
        let arrived = Arrived {
            at: "2026-06-21T12:00:00Z".parse().unwrap(),
            monotonic: Duration::from_secs(7),
            telegram: Telegram::parse(telegram(lines).as_bytes()).unwrap(),
        };
        sample(&arrived, counters)
    }

    #[test]
    fn a_telegram_is_a_sample_of_the_counter_that_was_chosen() {
        let lines = "1-0:1.8.1(000010.001*kWh)\r\n1-0:1.8.2(000001.000*kWh)\r\n1-0:2.8.1(000123.456*kWh)\r\n\
                     1-0:1.7.0(00.000*kW)\r\n1-0:2.7.0(01.234*kW)";
        let export = taken(lines, &[Meaning::ExportTotal]).unwrap();
        assert_eq!(export.energy_mwh, 123_456_000);
        assert_eq!(export.power_w, Some(1_234));
        assert_eq!(export.monotonic, Duration::from_secs(7));
        assert_eq!(export.counter.resolution_mwh, 1_000);
        assert_eq!(
            export.identity,
            MeterIdentity {
                maker: "ISk".to_owned(),
                model: "MT382-1000".to_owned(),
                serial: "ABCD".to_owned(),
                firmware: Some("50".to_owned()),
            }
        );
        let import = taken(lines, &[Meaning::ImportTotal]).unwrap();
        assert_eq!((import.energy_mwh, import.power_w), (11_001_000, Some(0)));
        assert_eq!(
            import.value(Meaning::GridExportPower),
            Some(Value(1_234_000))
        );
    }

    #[test]
    fn a_counter_that_the_meter_does_not_send_is_named() {
        let error = taken("1-0:1.8.0(1.0*kWh)", &[Meaning::ExportTotal]).unwrap_err();
        assert_eq!(error.to_string(), "the device has no counter export_total");
        let coarse = taken("1-0:2.8.0(1.0*kWh)", &[Meaning::ExportTotal]).unwrap();
        assert_eq!(coarse.counter.resolution_mwh, 100_000);
    }

    #[tokio::test]
    async fn a_meter_is_read_through_an_adapter_by_its_profile() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let telegram = telegram("1-0:2.8.0(000007.000*kWh)");
            while stream.write_all(telegram.as_bytes()).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        let library = Library::embedded().unwrap();
        let profile = library.get("p1").unwrap();
        let host = "127.0.0.1".to_owned();
        let connection = Connection::P1Tcp { host, port };
        let p1 = Arc::new(P1Port::open(&connection, Clock::default()).unwrap());
        let meter = p1.meter(profile, None).unwrap();
        assert_eq!(meter.sample().await.unwrap().energy_mwh, 7_000_000);

        let other = library.get("eastron_sdm630").unwrap();
        assert!(p1.meter(other, None).is_err());
        let host = "127.0.0.1".to_owned();
        let modbus = Connection::Tcp { host, port };
        assert!(P1Port::open(&modbus, Clock::default()).is_err());
    }
}
