//! Making connections: TCP, serial lines, and what wraps them.

use super::solarman::Solarman;
use crate::connection::{Connection, Parity};
use futures_util::future::BoxFuture;
use std::fmt::Debug;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_serial::{DataBits, SerialPortBuilderExt, StopBits};

/// A connection's bytes.
pub trait Stream: AsyncRead + AsyncWrite + Debug + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Debug + Unpin + Send> Stream for T {}

/// How Modbus requests are told apart in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// With a header that carries a transaction id (Modbus Messaging on TCP/IP 1.0b).
    Tcp,
    /// With a checksum and silence in between (Modbus over serial line 1.02): an answer does not say to which
    /// request.
    Rtu,
}

/// A connection that has been made.
#[derive(Debug)]
pub struct Line {
    /// Its bytes.
    pub stream: Box<dyn Stream>,
    /// Its framing.
    pub wire: Wire,
}

/// Something that connections can be made to. Who dials sets the time that it may take.
pub trait Dial: Debug + Send + Sync {
    /// Makes a connection.
    fn dial(&self) -> BoxFuture<'_, io::Result<Line>>;
}

impl Dial for Connection {
    fn dial(&self) -> BoxFuture<'_, io::Result<Line>> {
        Box::pin(async move {
            let line = |stream, wire| Ok(Line { stream, wire });
            match self {
                Self::Tcp { host, port } => line(Box::new(tcp(host, *port).await?), Wire::Tcp),
                Self::RtuOverTcp { host, port } => {
                    line(Box::new(tcp(host, *port).await?), Wire::Rtu)
                }
                Self::Solarman { host, port, logger } => {
                    let stream = Solarman::client(tcp(host, *port).await?, *logger);
                    line(Box::new(stream), Wire::Rtu)
                }
                Self::Rtu { path, baud, parity } => {
                    line(Box::new(serial(path, *baud, *parity)?), Wire::Rtu)
                }
                Self::P1Tcp { .. } | Self::P1Http { .. } => Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "a P1 port speaks no Modbus",
                )),
            }
        })
    }
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    // A request is one small segment whose answer is waited for.
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn serial(path: &str, baud: u32, parity: Parity) -> io::Result<tokio_serial::SerialStream> {
    let parity = match parity {
        Parity::None => tokio_serial::Parity::None,
        Parity::Even => tokio_serial::Parity::Even,
        Parity::Odd => tokio_serial::Parity::Odd,
    };
    tokio_serial::new(path, baud)
        .data_bits(DataBits::Eight)
        .parity(parity)
        .stop_bits(StopBits::One)
        .open_native_async()
        .map_err(io::Error::from)
}
