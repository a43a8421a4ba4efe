//! One connection to Modbus devices, as long as nothing goes wrong on it.

use super::dial::{Dial, Line, Stream, Wire};
use crate::profile::{Block, Function, Limits, MAX_REGISTERS};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout};
use tokio_modbus::client::{Client, Context, rtu, tcp};
use tokio_modbus::prelude::{Request, Response, SlaveContext};
use tokio_modbus::{ExceptionCode, Slave};

/// Silence that ends whatever was still on a line when it was opened: 3.5 characters are 4 ms at 9,600 baud
/// (Modbus over serial line 1.02, 2.5.1.1); USB adapters hold back bytes for 16 ms.
const SILENCE: Duration = Duration::from_millis(50);
/// The longest that a line which never falls silent is listened to.
const MAX_DRAIN: Duration = Duration::from_secs(5);

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The device answered with an exception; the session goes on.
    #[error("the device answered {block} with exception {code}: {meaning}")]
    Exception {
        /// What was asked for.
        block: Block,
        /// The code (Modbus Application Protocol 1.1b3, 7).
        code: u8,
        /// The code in words.
        meaning: ExceptionCode,
    },
    /// No answer in time.
    #[error("no answer to {block} within {} ms", .within.as_millis())]
    Timeout {
        /// What was asked for.
        block: Block,
        /// How long was waited.
        within: Duration,
    },
    /// An answer with another number of registers than asked for.
    #[error("{block} was answered with {got} registers")]
    WrongLength {
        /// What was asked for.
        block: Block,
        /// What came.
        got: usize,
    },
    /// More registers than a request can ask for, or none.
    #[error("{block}: a request asks for 1 to {MAX_REGISTERS} registers")]
    Quantity {
        /// What was asked for.
        block: Block,
    },
    /// The connection broke, or what came makes no sense.
    #[error("the connection failed at {block}: {reason}")]
    Broken {
        /// What was asked for.
        block: Block,
        /// What went wrong.
        reason: String,
    },
}

impl ReadError {
    /// Whether the session can be used further. After anything but an exception nobody knows what the next
    /// bytes on it are.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        !matches!(self, Self::Exception { .. } | Self::Quantity { .. })
    }

    /// Whether the unit gave no sign of life, as distinct from one that answers with refusals. Gateways to
    /// serial lines answer for units that do not.
    #[must_use]
    pub const fn is_silence(&self) -> bool {
        match self {
            Self::Exception { code, .. } => matches!(*code, 0x0A | 0x0B),
            Self::Quantity { .. } => false,
            _ => true,
        }
    }
}

/// A connection could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// It failed.
    #[error("can not connect: {0}")]
    Failed(#[from] std::io::Error),
    /// It took too long.
    #[error("no connection within {} ms", .0.as_millis())]
    Timeout(Duration),
}

/// A connection on which nothing has gone wrong so far.
pub struct Session {
    context: Context,
    last_call: Option<Instant>,
}

impl Session {
    /// Connects, and listens until a line without transaction ids has been silent: for a moment, or for
    /// `late` where an answer may still come to a request of a session before.
    ///
    /// # Errors
    /// When no connection is made within the limit.
    pub async fn open(
        dial: &dyn Dial,
        limits: &Limits,
        late: Option<Duration>,
    ) -> Result<Self, DialError> {
        let within = limits.timeout();
        let Line { mut stream, wire } = timeout(within, dial.dial())
            .await
            .map_err(|_| DialError::Timeout(within))??;
        tokio::time::sleep(limits.connect_delay()).await;
        let context = match wire {
            Wire::Tcp => tcp::attach_slave(stream, Slave(0)),
            Wire::Rtu => {
                drain(&mut stream, late.unwrap_or(SILENCE)).await?;
                rtu::attach_slave(stream, Slave(0))
            }
        };
        Ok(Self {
            context,
            last_call: None,
        })
    }

    /// Whether something was read on it before.
    #[must_use]
    pub const fn is_used(&self) -> bool {
        self.last_call.is_some()
    }

    /// Reads `block` of `unit`: exactly as many words as it counts.
    ///
    /// # Errors
    /// See [`ReadError`]; after one that is fatal the session must be dropped.
    pub async fn read(
        &mut self,
        unit: u8,
        block: Block,
        limits: &Limits,
    ) -> Result<Vec<u16>, ReadError> {
        if !(1..=MAX_REGISTERS).contains(&block.count) {
            return Err(ReadError::Quantity { block });
        }
        if let Some(last) = self.last_call {
            tokio::time::sleep_until(last + limits.min_gap()).await;
        }
        self.context.set_slave(Slave(unit));
        let request = match block.function {
            Function::Holding => Request::ReadHoldingRegisters(block.start, block.count),
            Function::Input => Request::ReadInputRegisters(block.start, block.count),
        };
        let within = limits.timeout();
        // Not by the methods of `Reader`, which take an answer of any length, and panic on it in debug builds.
        let answer = timeout(within, self.context.call(request)).await;
        self.last_call = Some(Instant::now());
        let words = match answer {
            Err(_) => return Err(ReadError::Timeout { block, within }),
            Ok(Err(error)) => {
                let reason = error.to_string();
                return Err(ReadError::Broken { block, reason });
            }
            Ok(Ok(Err(meaning))) => {
                let code = meaning.into();
                return Err(ReadError::Exception {
                    block,
                    code,
                    meaning,
                });
            }
            Ok(Ok(Ok(
                Response::ReadHoldingRegisters(words) | Response::ReadInputRegisters(words),
            ))) => words,
            Ok(Ok(Ok(other))) => {
                let reason = format!("the answer is of function {}", other.function_code());
                return Err(ReadError::Broken { block, reason });
            }
        };
        if words.len() != usize::from(block.count) {
            return Err(ReadError::WrongLength {
                block,
                got: words.len(),
            });
        }
        Ok(words)
    }
}

/// Reads and drops what comes until nothing has for `silence`.
async fn drain(stream: &mut Box<dyn Stream>, silence: Duration) -> std::io::Result<()> {
    let end = Instant::now() + MAX_DRAIN.max(silence);
    let mut dropped = [0; 256];
    while Instant::now() < end {
        match timeout(silence, stream.read(&mut dropped)).await {
            Err(_) => return Ok(()),
            Ok(Ok(0)) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(error),
        }
    }
    Err(std::io::Error::other("the line does not fall silent"))
}
