//! One address: does it listen, and does it speak Modbus TCP, or Modbus behind a data logger?

use super::{Candidate, fingerprint, sunspec};
use crate::profile::{Block, Function, Library};
use crate::transport::solarman::Solarman;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_modbus::prelude::*;

/// To connect, in the same network.
const CONNECT: Duration = Duration::from_secs(1);
/// For an answer.
const ANSWER: Duration = Duration::from_secs(2);
/// Requests without any answer after which an address is given up.
const MAX_SILENT: u32 = 4;
/// Everything asked of one address.
const WHOLE: Duration = Duration::from_secs(60);

/// A conversation with one address.
pub(super) struct Endpoint {
    address: SocketAddr,
    /// Serial number of the data logger that is there.
    logger: Option<u32>,
    /// Dropped after every failure: a late answer would be taken for the next one.
    session: Option<client::Context>,
    silent: u32,
}

/// What may be there, or behind the data logger that is there, the surest first; `None` if nothing listens.
pub(super) async fn identify(
    address: SocketAddr,
    logger: Option<u32>,
    library: &Library,
) -> Option<Vec<Candidate>> {
    let mut endpoint = Endpoint {
        address,
        logger,
        session: None,
        silent: 0,
    };
    endpoint.session = Some(connect(address, logger).await?);
    let mut candidates = Vec::new();
    // What was recognised before the time was up counts.
    let _ = timeout(WHOLE, async {
        // What is sold with a logger does not describe itself, and units that are not there are silent behind one.
        if logger.is_none() {
            candidates.extend(sunspec::identify(&mut endpoint).await);
        }
        fingerprint::identify(&mut endpoint, library, &mut candidates).await;
    })
    .await;
    candidates.sort_by(|a, b| (a.evidence, &a.profile).cmp(&(b.evidence, &b.profile)));
    Some(candidates)
}

async fn connect(address: SocketAddr, logger: Option<u32>) -> Option<client::Context> {
    let stream = timeout(CONNECT, TcpStream::connect(address)).await;
    let stream = stream.ok()?.ok()?;
    Some(match logger {
        None => tcp::attach(stream),
        Some(logger) => rtu::attach(Solarman::client(stream, logger)),
    })
}

impl Endpoint {
    /// Whether nothing ever answers here.
    pub(super) const fn is_silent(&self) -> bool {
        self.silent >= MAX_SILENT
    }

    /// The words of a block; `None` if they are not there, or not as many as asked for.
    pub(super) async fn read(&mut self, unit_id: u8, block: Block) -> Option<Vec<u16>> {
        if self.is_silent() {
            return None;
        }
        let mut session = match self.session.take() {
            Some(session) => session,
            None => connect(self.address, self.logger).await?,
        };
        session.set_slave(Slave(unit_id));
        let (start, count) = (block.start, block.count);
        let answer = timeout(ANSWER, async {
            match block.function {
                Function::Holding => session.read_holding_registers(start, count).await,
                Function::Input => session.read_input_registers(start, count).await,
            }
        })
        .await;
        match answer {
            Ok(Ok(answer)) => {
                self.session = Some(session);
                self.silent = 0;
                answer
                    .ok()
                    .filter(|words| words.len() == usize::from(count))
            }
            Ok(Err(_)) | Err(_) => {
                self.silent += 1;
                None
            }
        }
    }
}
