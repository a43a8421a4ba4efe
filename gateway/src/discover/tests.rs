#![allow(clippy::unwrap_used)]

use super::*;
use crate::connection::Connection;
use crate::control;
use crate::snapshot::examples::snapshot;
use futures_util::FutureExt;
use std::collections::BTreeMap;
use std::future::{self, Ready};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_modbus::prelude::*;
use tokio_modbus::server::{Service, tcp::Server};

/// Holding registers of one unit; exception 2 where there are none.
#[derive(Clone)]
struct Registers {
    unit_id: u8,
    words: BTreeMap<u16, u16>,
}

impl Registers {
    fn new(unit_id: u8) -> Self {
        Self {
            unit_id,
            words: BTreeMap::new(),
        }
    }

    fn text(mut self, address: u16, count: u16, text: &str) -> Self {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(usize::from(count) * 2, 0);
        for (word, at) in bytes.chunks(2).zip(address..) {
            self.words
                .insert(at, u16::from_be_bytes([word[0], word[1]]));
        }
        self
    }

    fn word(mut self, address: u16, word: u16) -> Self {
        self.words.insert(address, word);
        self
    }
}

impl Service for Registers {
    type Request = SlaveRequest<'static>;
    type Response = Option<Response>;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Option<Response>, ExceptionCode>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        if request.slave != self.unit_id {
            return future::ready(Err(ExceptionCode::GatewayTargetDevice));
        }
        future::ready(match request.request {
            Request::ReadHoldingRegisters(at, count) => {
                let words = (at..at.saturating_add(count)).map(|at| self.words.get(&at).copied());
                match words.collect::<Option<Vec<_>>>() {
                    Some(words) => Ok(Some(Response::ReadHoldingRegisters(words))),
                    None => Err(ExceptionCode::IllegalDataAddress),
                }
            }
            _ => Err(ExceptionCode::IllegalFunction),
        })
    }
}

/// Serves on a loopback address of its own; the port.
async fn serve(host: &str, port: u16, registers: Registers) -> u16 {
    let listener = TcpListener::bind((host, port)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        Server::new(listener)
            .serve(
                &|stream, _| future::ready(Ok(Some((registers.clone(), stream)))),
                |_| {},
            )
            .await
    });
    port
}

pub(super) async fn search(subnet: &str, ports: Vec<u16>, control: Control) -> Report {
    let discovery = Discovery::new(Arc::new(Library::embedded().unwrap()), control);
    let plan = Search {
        subnet: Some(subnet.to_owned()),
        ports,
        large: false,
    }
    .plan()
    .unwrap();
    let begun = discovery.start(plan.clone()).unwrap();
    assert!(begun.running);
    assert_eq!(discovery.start(plan), Err(Running));
    tokio::time::timeout(Duration::from_secs(180), async {
        while discovery.report().running {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    discovery.report()
}

fn sunspec() -> Registers {
    Registers::new(1)
        .text(40_000, 2, "SunS")
        .word(40_002, 1)
        .word(40_003, 65)
        .text(40_004, 16, "Fronius")
        .text(40_020, 16, "Symo 10.0-3-M")
        .text(40_036, 8, "")
        .text(40_044, 8, "3.2.1")
        .text(40_052, 16, "S-1234567")
        .word(40_068, 0)
}

#[tokio::test]
async fn devices_are_found_by_sunspec_and_by_the_registers_of_profiles() {
    let port = serve("127.9.1.1", 0, sunspec()).await;
    let huawei =
        Registers::new(1)
            .text(30_000, 15, "SUN2000-10KTL-M1")
            .text(30_015, 10, "HV2140123456");
    serve("127.9.1.2", port, huawei).await;
    // Listens, and never says a word.
    let silent = TcpListener::bind(("127.9.1.3", port)).await.unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        loop {
            let (mut stream, _) = silent.accept().await.unwrap();
            kept.push(tokio::spawn(async move {
                let mut all = Vec::new();
                stream.read_to_end(&mut all).await
            }));
        }
    });
    let (control, _publish, _orders) = control::channel(snapshot());
    let report = search("127.9.1.0/29", vec![port], control).await;
    assert_eq!((report.asked, report.total), (6, 6));
    let hosts: Vec<String> = report
        .found
        .iter()
        .map(|found| found.connection.to_string())
        .collect();
    assert_eq!(
        hosts,
        ["127.9.1.1", "127.9.1.2", "127.9.1.3"].map(|host| format!("{host}:{port}"))
    );

    let first = &report.found[0].candidates[0];
    assert_eq!(
        (first.profile.as_str(), first.evidence),
        ("sunspec", Evidence::SunSpec)
    );
    let meter = first.meter.as_ref().unwrap();
    assert_eq!(
        (
            meter.maker.as_str(),
            meter.model.as_str(),
            meter.serial.as_str(),
            meter.firmware.as_deref()
        ),
        ("Fronius", "Symo 10.0-3-M", "S-1234567", Some("3.2.1"))
    );

    let candidates = &report.found[1].candidates;
    assert!(
        candidates
            .iter()
            .all(|candidate| candidate.profile.starts_with("huawei")),
        "{candidates:?}"
    );
    assert_eq!(candidates[0].evidence, Evidence::Model);
    assert_eq!(candidates[0].meter.as_ref().unwrap().serial, "HV2140123456");

    assert_eq!(report.found[2].candidates, []);
}

#[tokio::test]
async fn what_is_configured_is_left_alone() {
    // Would be noticed if it were connected to.
    let listener = TcpListener::bind(("127.9.2.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut shown = snapshot();
    shown.devices[0].connection = Connection::Tcp {
        host: "127.9.2.1".to_owned(),
        port,
    };
    let (control, _publish, _orders) = control::channel(shown);
    let report = search("127.9.2.1/32", vec![port], control).await;
    assert_eq!(report.found.len(), 1);
    assert!(report.found[0].configured);
    assert!(listener.accept().now_or_never().is_none());
}

#[test]
fn only_private_subnets_of_a_bounded_size_are_searched() {
    let plan = |subnet: &str, large| {
        Search {
            subnet: Some(subnet.to_owned()),
            ports: Vec::new(),
            large,
        }
        .plan()
    };
    assert_eq!(
        plan("192.168.1.77/24", false).unwrap().endpoints().count(),
        254 * 4
    );
    assert!(matches!(
        plan("192.168.0.0/23", false),
        Err(SearchError::TooLarge { at_most: 24, .. })
    ));
    assert_eq!(
        plan("10.1.0.0/20", true).unwrap().endpoints().count(),
        4094 * 4
    );
    assert!(matches!(
        plan("10.1.0.0/19", true),
        Err(SearchError::TooLarge { at_most: 20, .. })
    ));
    for public in ["8.8.8.0/24", "172.32.0.0/24", "0.0.0.0/0", "192.0.0.0/4"] {
        let refused = plan(public, true).unwrap_err();
        assert!(
            matches!(refused, SearchError::Subnet(SubnetError::Public(_))),
            "{public}"
        );
        assert_eq!(refused.pointer(), "/subnet");
    }
    for text in ["", "home", "10.0.0.0/33", "10.0.0/24", "fe80::/64"] {
        assert!(
            matches!(
                plan(text, false),
                Err(SearchError::Subnet(SubnetError::Text(_)))
            ),
            "{text}"
        );
    }
}

#[test]
fn the_hosts_of_a_subnet_are_those_that_can_be_called() {
    let hosts = |text: &str| {
        let hosts: Vec<String> = text
            .parse::<Subnet>()
            .unwrap()
            .hosts()
            .map(|host| host.to_string())
            .collect();
        hosts
    };
    assert_eq!(hosts("10.0.0.5/30"), ["10.0.0.5", "10.0.0.6"]);
    assert_eq!(hosts("10.0.0.4/31"), ["10.0.0.4", "10.0.0.5"]);
    assert_eq!(hosts("10.0.0.5"), ["10.0.0.5"]);
    assert_eq!(hosts("10.255.255.0/24").last().unwrap(), "10.255.255.254");
}

#[test]
fn as_many_ports_are_asked_as_the_limit_and_no_more() {
    let plan = |ports: Vec<u16>| {
        Search {
            subnet: Some("10.0.0.1".to_owned()),
            ports,
            large: false,
        }
        .plan()
    };
    let ports: Vec<u16> = (1..=8).collect();
    assert_eq!(plan(ports).unwrap().endpoints().count(), MAX_PORTS);
    assert_eq!(plan((1..=9).collect()), Err(SearchError::Ports(9)));
    assert_eq!(plan(vec![5, 5]).unwrap().endpoints().count(), 1);
    assert_eq!(plan(vec![0]), Err(SearchError::Port0));
}
