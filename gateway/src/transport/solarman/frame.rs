//! The frame itself: pure, no clock, no IO.

use crc::{CRC_16_MODBUS, Crc};

/// TCP port of a data logger.
pub const PORT: u16 = 8899;
/// Longest payload that is read, in bytes. Modbus needs 14 + 256; loggers' own reports are a few hundred.
pub const MAX_PAYLOAD_BYTES: usize = 1024;
/// Longest Modbus RTU frame, in bytes (Modbus over serial line 1.02, section 2.5.1.1).
pub const MAX_MODBUS_BYTES: usize = 256;

const START: u8 = 0xA5;
const END: u8 = 0x15;
const HEADER_BYTES: usize = 11;
const TRAILER_BYTES: usize = 2;
/// Type of a payload that concerns the inverter.
const INVERTER: u8 = 0x02;
/// Frame type, sensor type (2 bytes), and three times of 4 bytes that a client leaves 0.
const REQUEST_PREFIX: usize = 15;
/// Frame type, status, and three times of 4 bytes.
const ANSWER_PREFIX: usize = 14;
/// Shortest Modbus RTU frame: unit, function, exception code, CRC.
const MIN_MODBUS_BYTES: usize = 5;
const MODBUS: Crc<u16> = Crc::<u16>::new(&CRC_16_MODBUS);

/// What a frame is about. An answer has the request's code less 0x3000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control(pub u16);

impl Control {
    /// A Modbus request.
    pub const REQUEST: Self = Self(0x4510);
    /// The answer to one.
    pub const ANSWER: Self = Self(0x1510);
    /// A logger says that it is alive.
    pub const HEARTBEAT: Self = Self(0x4710);

    /// Whether a logger speaks up by itself: hand-shake, data, WiFi, heartbeat, report. Such frames come
    /// between a request and its answer.
    #[must_use]
    pub const fn is_unasked(self) -> bool {
        matches!(self.0, 0x4110 | 0x4210 | 0x4310 | 0x4710 | 0x4810)
    }

    const fn answer(self) -> Self {
        Self(self.0.wrapping_sub(0x3000))
    }
}

/// One frame: `A5`, length of the payload (u16), control (u16), sequence (u16), serial number of the
/// logger (u32), payload, checksum (sum of all bytes between start and checksum, modulo 256), `15`.
/// Numbers are little-endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What it is about.
    pub control: Control,
    /// The low byte is the client's and comes back in the answer; the high byte is the logger's.
    pub sequence: u16,
    /// Printed on the logger.
    pub logger: u32,
    /// At most [`MAX_PAYLOAD_BYTES`].
    pub payload: Vec<u8>,
}

/// Bytes that are no frame, or a frame that is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a frame starts with 0x{0:02x} instead of 0xa5")]
    Start(u8),
    #[error("a frame ends with 0x{0:02x} instead of 0x15")]
    End(u8),
    #[error("a frame's payload has {0} bytes, more than {MAX_PAYLOAD_BYTES}")]
    TooLong(usize),
    #[error("a frame has checksum 0x{given:02x}, its bytes add up to 0x{computed:02x}")]
    Checksum { given: u8, computed: u8 },
    #[error("the frame is of logger {given}, not of {expected}")]
    Logger { given: u32, expected: u32 },
    #[error("a frame of control code 0x{0:04x} was not expected")]
    Control(u16),
    #[error("a frame of type 0x{0:02x} does not concern an inverter")]
    Kind(u8),
    #[error("a payload of {0} bytes holds no Modbus frame")]
    NoModbus(usize),
    #[error("a Modbus frame of {0} bytes is longer than {MAX_MODBUS_BYTES}")]
    ModbusTooLong(usize),
}

/// What a logger answers to a Modbus request.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// A Modbus RTU frame with its CRC.
    Modbus(&'a [u8]),
    /// The logger itself could not ask the inverter; a Modbus exception code.
    Failed(u8),
}

impl Frame {
    /// A Modbus RTU frame (with CRC) for the inverter behind `logger`.
    ///
    /// # Errors
    /// [`FrameError::ModbusTooLong`].
    pub fn request(logger: u32, sequence: u16, modbus: &[u8]) -> Result<Self, FrameError> {
        Ok(Self {
            control: Control::REQUEST,
            sequence,
            logger,
            payload: payload::<REQUEST_PREFIX>(&[INVERTER], modbus)?,
        })
    }

    /// The logger's answer to `self`: a Modbus RTU frame with CRC, or a single exception code.
    ///
    /// # Errors
    /// [`FrameError::ModbusTooLong`].
    pub fn answer(&self, count: u8, modbus: &[u8]) -> Result<Self, FrameError> {
        Ok(Self {
            control: self.control.answer(),
            sequence: u16::from_le_bytes([self.sequence.to_le_bytes()[0], count]),
            logger: self.logger,
            payload: payload::<ANSWER_PREFIX>(&[INVERTER, 1], modbus)?,
        })
    }

    /// The answer to a frame that the logger sent by itself; some hang up without it.
    /// `unix_s` is the time that the logger may set its clock by.
    #[must_use]
    pub fn time_answer(&self, unix_s: u32) -> Self {
        let kind = self.payload.first().copied().unwrap_or_default();
        let mut payload = vec![kind, 1];
        payload.extend(unix_s.to_le_bytes());
        payload.extend([0; 4]);
        let [client, logger] = self.sequence.to_le_bytes();
        Self {
            control: self.control.answer(),
            sequence: u16::from_le_bytes([client.wrapping_add(1), logger]),
            logger: self.logger,
            payload,
        }
    }

    /// The Modbus RTU frame within a request.
    ///
    /// # Errors
    /// What is wrong with the frame.
    pub fn modbus_request(&self) -> Result<&[u8], FrameError> {
        match self.modbus(Control::REQUEST, REQUEST_PREFIX)? {
            modbus if modbus.len() < MIN_MODBUS_BYTES => {
                Err(FrameError::NoModbus(self.payload.len()))
            }
            modbus => Ok(modbus),
        }
    }

    /// What an answer holds.
    ///
    /// # Errors
    /// What is wrong with the frame.
    pub fn modbus_answer(&self) -> Result<Answer<'_>, FrameError> {
        match self.modbus(Control::ANSWER, ANSWER_PREFIX)? {
            [code @ 1..=11] | [code @ 1..=11, ..]
                if self.payload.len() < ANSWER_PREFIX + MIN_MODBUS_BYTES =>
            {
                Ok(Answer::Failed(*code))
            }
            modbus if modbus.len() < MIN_MODBUS_BYTES => {
                Err(FrameError::NoModbus(self.payload.len()))
            }
            modbus => Ok(Answer::Modbus(modbus)),
        }
    }

    fn modbus(&self, control: Control, prefix: usize) -> Result<&[u8], FrameError> {
        if self.control != control {
            return Err(FrameError::Control(self.control.0));
        }
        match self.payload.first() {
            Some(&INVERTER) => {}
            Some(&kind) => return Err(FrameError::Kind(kind)),
            None => return Err(FrameError::NoModbus(0)),
        }
        let modbus = self
            .payload
            .get(prefix..)
            .ok_or(FrameError::NoModbus(self.payload.len()))?;
        if modbus.len() > MAX_MODBUS_BYTES {
            return Err(FrameError::ModbusTooLong(modbus.len()));
        }
        Ok(modbus)
    }

    /// The bytes on the wire.
    ///
    /// # Errors
    /// [`FrameError::TooLong`].
    pub fn encode(&self) -> Result<Vec<u8>, FrameError> {
        let length = u16::try_from(self.payload.len())
            .ok()
            .filter(|length| usize::from(*length) <= MAX_PAYLOAD_BYTES)
            .ok_or(FrameError::TooLong(self.payload.len()))?;
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.payload.len() + TRAILER_BYTES);
        bytes.push(START);
        bytes.extend(length.to_le_bytes());
        bytes.extend(self.control.0.to_le_bytes());
        bytes.extend(self.sequence.to_le_bytes());
        bytes.extend(self.logger.to_le_bytes());
        bytes.extend(&self.payload);
        bytes.push(checksum(&bytes[1..]));
        bytes.push(END);
        Ok(bytes)
    }

    /// The first frame of `bytes` and how many bytes it takes; `None` while it is incomplete.
    ///
    /// # Errors
    /// When the bytes are no frame. What follows can not be told apart any more: the connection is of no
    /// further use.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, FrameError> {
        match bytes.first() {
            None => return Ok(None),
            Some(&START) => {}
            Some(&other) => return Err(FrameError::Start(other)),
        }
        let Some(length) = bytes.get(1..3) else {
            return Ok(None);
        };
        let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
        if length > MAX_PAYLOAD_BYTES {
            return Err(FrameError::TooLong(length));
        }
        let whole = HEADER_BYTES + length + TRAILER_BYTES;
        let Some(bytes) = bytes.get(..whole) else {
            return Ok(None);
        };
        if bytes[whole - 1] != END {
            return Err(FrameError::End(bytes[whole - 1]));
        }
        let (given, computed) = (bytes[whole - 2], checksum(&bytes[1..whole - 2]));
        if given != computed {
            return Err(FrameError::Checksum { given, computed });
        }
        let frame = Self {
            control: Control(u16::from_le_bytes([bytes[3], bytes[4]])),
            sequence: u16::from_le_bytes([bytes[5], bytes[6]]),
            logger: u32::from_le_bytes([bytes[7], bytes[8], bytes[9], bytes[10]]),
            payload: bytes[HEADER_BYTES..whole - TRAILER_BYTES].to_vec(),
        };
        Ok(Some((frame, whole)))
    }
}

/// The Modbus RTU frame of an exception, with CRC, for the request that `request` begins with.
#[must_use]
pub fn exception(request: &[u8], code: u8) -> Vec<u8> {
    let unit = request.first().copied().unwrap_or_default();
    let function = request.get(1).copied().unwrap_or_default();
    let mut frame = vec![unit, function | 0x80, code];
    frame.extend(MODBUS.checksum(&frame).to_le_bytes());
    frame
}

fn payload<const PREFIX: usize>(kind: &[u8], modbus: &[u8]) -> Result<Vec<u8>, FrameError> {
    if modbus.len() > MAX_MODBUS_BYTES {
        return Err(FrameError::ModbusTooLong(modbus.len()));
    }
    let mut payload = kind.to_vec();
    payload.resize(PREFIX, 0);
    payload.extend(modbus);
    Ok(payload)
}

fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}
