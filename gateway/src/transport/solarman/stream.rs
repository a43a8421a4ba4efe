//! A connection as a stream of Modbus RTU bytes.

use super::frame::{Answer, Control, Frame, FrameError, MAX_MODBUS_BYTES, exception};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes read from the connection at once.
const CHUNK_BYTES: usize = 1024;
/// Most bytes of answers to a logger that speaks up by itself that wait to be sent.
const MAX_WAITING_BYTES: usize = 4096;

/// Which end of the connection this is.
#[derive(Debug)]
enum End {
    /// Asks a logger. `asked` is the request that waits for its answer.
    Client { asked: Option<Frame>, next: u8 },
    /// Is a logger. `asked` is the request to be answered.
    Logger { asked: Option<Frame>, answered: u8 },
}

/// Modbus RTU over Solarman V5. What is written up to a flush is one Modbus frame.
///
/// As a client, an answer to another request than the last is dropped: unlike plain RTU, a late answer is
/// never taken for the one that is waited for. An exception code in place of an answer is read as the Modbus
/// exception that it stands for. What is no frame, or is of another logger, ends the connection with
/// [`io::ErrorKind::InvalidData`] around a [`FrameError`].
#[derive(Debug)]
pub struct Solarman<T> {
    inner: T,
    logger: u32,
    end: End,
    /// Read from the connection, not yet a whole frame.
    received: Vec<u8>,
    /// Modbus bytes for the reader.
    readable: Vec<u8>,
    /// Modbus bytes written since the last flush.
    written: Vec<u8>,
    /// Frames to be sent, from `sent` on.
    waiting: Vec<u8>,
    sent: usize,
}

impl<T> Solarman<T> {
    /// A client of the logger with serial number `logger`.
    pub const fn client(inner: T, logger: u32) -> Self {
        let end = End::Client {
            asked: None,
            next: 1,
        };
        Self::new(inner, logger, end)
    }

    /// A logger with serial number `logger`: reads requests, writes answers.
    pub const fn logger(inner: T, logger: u32) -> Self {
        let end = End::Logger {
            asked: None,
            answered: 0,
        };
        Self::new(inner, logger, end)
    }

    const fn new(inner: T, logger: u32, end: End) -> Self {
        Self {
            inner,
            logger,
            end,
            received: Vec::new(),
            readable: Vec::new(),
            written: Vec::new(),
            waiting: Vec::new(),
            sent: 0,
        }
    }

    /// Puts a frame that nobody asked for in line, as loggers do with heartbeats. It goes out with the next
    /// flush.
    ///
    /// # Errors
    /// If the frame is too long.
    pub fn send(&mut self, frame: &Frame) -> Result<(), FrameError> {
        self.waiting.extend(frame.encode()?);
        Ok(())
    }

    /// Wraps what was written.
    fn wrap(&mut self) -> Result<(), FrameError> {
        if self.written.is_empty() {
            return Ok(());
        }
        let modbus = std::mem::take(&mut self.written);
        let frame = match &mut self.end {
            End::Client { asked, next } => {
                let frame = Frame::request(self.logger, u16::from(*next), &modbus)?;
                *next = next.wrapping_add(1);
                asked.insert(frame).encode()?
            }
            End::Logger { asked, answered } => {
                let Some(request) = asked.take() else {
                    // Nobody waits for it any more.
                    return Ok(());
                };
                *answered = answered.wrapping_add(1);
                request.answer(*answered, &modbus)?.encode()?
            }
        };
        self.waiting.extend(frame);
        Ok(())
    }

    /// Takes a frame that came in.
    fn unwrap(&mut self, frame: Frame) -> Result<(), FrameError> {
        if frame.logger != self.logger {
            return Err(FrameError::Logger {
                given: frame.logger,
                expected: self.logger,
            });
        }
        match &mut self.end {
            End::Client { .. } if frame.control.is_unasked() => {
                if self.waiting.len() < MAX_WAITING_BYTES {
                    self.waiting.extend(frame.time_answer(now()).encode()?);
                }
            }
            End::Client { asked, .. } => {
                let answer = frame.modbus_answer()?;
                let low = |frame: &Frame| frame.sequence.to_le_bytes()[0];
                let Some(request) = asked.take_if(|asked| low(asked) == low(&frame)) else {
                    return Ok(());
                };
                match answer {
                    Answer::Modbus(modbus) => self.readable.extend(modbus),
                    Answer::Failed(code) => {
                        let request = request.modbus_request()?;
                        self.readable.extend(exception(request, code));
                    }
                }
            }
            End::Logger { asked, .. } => {
                // An answer to a heartbeat.
                if frame.control != Control::REQUEST {
                    return Ok(());
                }
                self.readable.extend(frame.modbus_request()?);
                *asked = Some(frame);
            }
        }
        Ok(())
    }

    /// Takes the whole frames of what was received.
    fn take_frames(&mut self) -> Result<(), FrameError> {
        while let Some((frame, bytes)) = Frame::decode(&self.received)? {
            self.received.drain(..bytes);
            self.unwrap(frame)?;
        }
        Ok(())
    }
}

impl<T: AsyncWrite + Unpin> Solarman<T> {
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.waiting.len() {
            let rest = &self.waiting[self.sent..];
            let bytes = ready!(Pin::new(&mut self.inner).poll_write(context, rest))?;
            if bytes == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += bytes;
        }
        self.waiting.clear();
        self.sent = 0;
        Pin::new(&mut self.inner).poll_flush(context)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Solarman<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.readable.is_empty() {
                let bytes = this.readable.len().min(buffer.remaining());
                buffer.put_slice(&this.readable[..bytes]);
                this.readable.drain(..bytes);
                return Poll::Ready(Ok(()));
            }
            if !this.waiting.is_empty()
                && let Poll::Ready(Err(error)) = this.poll_send(context)
            {
                return Poll::Ready(Err(error));
            }
            let mut chunk = [0; CHUNK_BYTES];
            let mut chunk = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut chunk))?;
            if chunk.filled().is_empty() {
                return Poll::Ready(if this.received.is_empty() {
                    Ok(())
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                });
            }
            this.received.extend(chunk.filled());
            this.take_frames().map_err(invalid)?;
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Solarman<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let length = this.written.len() + bytes.len();
        if length > MAX_MODBUS_BYTES {
            return Poll::Ready(Err(invalid(FrameError::ModbusTooLong(length))));
        }
        this.written.extend(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.wrap().map_err(invalid)?;
        this.poll_send(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.wrap().map_err(invalid)?;
        ready!(this.poll_send(context))?;
        Pin::new(&mut this.inner).poll_shutdown(context)
    }
}

fn invalid(error: FrameError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Seconds since 1970, as far as 32 bits go.
fn now() -> u32 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u32::try_from(since.as_secs()).ok())
        .unwrap_or_default()
}
