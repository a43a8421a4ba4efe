//! Frames: a message in pieces that fit an attribute, and an answer in pages.
//!
//! ```text
//! written   kind (u8) · id (u16) · total (u16) · offset (u16) · piece        numbers little-endian
//!           0x01 a plain message · 0x02 a sealed one · 0x03 no piece: the page at `offset` is read next
//! read      state (u8) · id (u16) · total (u16) · offset (u16) · piece
//!           0x00 nothing was asked · 0x01 being worked on · 0x02 plain · 0x03 sealed · 0x10 and above refused
//! ```
//! A message is carried out once, when its last piece has come. Its answer is kept under its id, and the same
//! message again is answered with it.

/// Longest attribute value (Bluetooth Core 5.4, volume 3, part F, 3.2.9).
pub const MAX_FRAME_BYTES: usize = 512;
/// Longest message or answer. A scan of a busy neighbourhood's WiFi takes about 4 kB.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024;
/// Before the piece.
pub const HEADER_BYTES: usize = 7;
/// Answers kept for a client that reads again.
pub const MAX_ANSWERS: usize = 4;

/// What a frame written to the gateway is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A piece of a message that anybody may send, or of one on a paired connection.
    Plain,
    /// A piece of a message sealed with the session's key.
    Sealed,
    /// Which page of the answer is read next.
    Page,
}

/// A frame written to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    pub kind: Kind,
    /// Chosen by the client, a new one for each message.
    pub id: u16,
    /// Length of the whole message.
    pub total: u16,
    /// Where the piece belongs.
    pub offset: u16,
    pub piece: &'a [u8],
}

/// A frame that can not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a frame has at least {HEADER_BYTES} bytes")]
    Short,
    #[error("a frame has at most {MAX_FRAME_BYTES} bytes")]
    Long,
    #[error("0x{0:02x} is no kind of frame")]
    Kind(u8),
    #[error("a message has 1 to {MAX_MESSAGE_BYTES} bytes")]
    Total,
    #[error("a piece is not where the last one ended")]
    Order,
    #[error("a piece reaches beyond its message")]
    Beyond,
    #[error("another message has this id")]
    Reused,
    #[error("no answer has this id")]
    NoAnswer,
}

impl FrameError {
    /// The state that a reader is shown.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Short => 0x10,
            Self::Long => 0x11,
            Self::Kind(_) => 0x12,
            Self::Total => 0x13,
            Self::Order => 0x14,
            Self::Beyond => 0x15,
            Self::Reused => 0x16,
            Self::NoAnswer => 0x17,
        }
    }
}

impl<'a> Frame<'a> {
    /// Reads what was written.
    ///
    /// # Errors
    /// Why it is no frame.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, FrameError> {
        if bytes.len() > MAX_FRAME_BYTES {
            return Err(FrameError::Long);
        }
        let [kind, i0, i1, t0, t1, o0, o1, piece @ ..] = bytes else {
            return Err(FrameError::Short);
        };
        Ok(Self {
            kind: match kind {
                1 => Kind::Plain,
                2 => Kind::Sealed,
                3 => Kind::Page,
                other => return Err(FrameError::Kind(*other)),
            },
            id: u16::from_le_bytes([*i0, *i1]),
            total: u16::from_le_bytes([*t0, *t1]),
            offset: u16::from_le_bytes([*o0, *o1]),
            piece,
        })
    }

    /// The bytes to be written, as a client does.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let kind = match self.kind {
            Kind::Plain => 1,
            Kind::Sealed => 2,
            Kind::Page => 3,
        };
        header(kind, self.id, self.total, self.offset, self.piece)
    }

    /// A message cut into frames of at most `frame_bytes`, as a client does.
    #[must_use]
    pub fn cut(kind: Kind, id: u16, message: &[u8], frame_bytes: usize) -> Vec<Vec<u8>> {
        let piece_bytes = frame_bytes.clamp(HEADER_BYTES + 1, MAX_FRAME_BYTES) - HEADER_BYTES;
        let pieces = message.chunks(piece_bytes).enumerate();
        pieces
            .map(|(index, piece)| {
                let (total, offset) = (as_u16(message.len()), as_u16(index * piece_bytes));
                Frame {
                    kind,
                    id,
                    total,
                    offset,
                    piece,
                }
                .encode()
            })
            .collect()
    }
}

/// A whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: u16,
    pub sealed: bool,
    pub bytes: Vec<u8>,
}

/// Puts the pieces of one message together. A piece of another message begins that one.
#[derive(Debug, Default)]
pub struct Assembler {
    begun: Option<Message>,
}

impl Assembler {
    /// Takes a piece; the message, if that was its last.
    ///
    /// # Errors
    /// Why the piece does not fit. What had come of the message is dropped.
    pub fn take(&mut self, frame: &Frame<'_>) -> Result<Option<Message>, FrameError> {
        let sealed = frame.kind == Kind::Sealed;
        let begun = self.begun.take();
        let total = usize::from(frame.total);
        if !(1..=MAX_MESSAGE_BYTES).contains(&total) {
            return Err(FrameError::Total);
        }
        let mut message = match begun {
            Some(message)
                if message.id == frame.id && message.sealed == sealed && frame.offset > 0 =>
            {
                message
            }
            _ => Message {
                id: frame.id,
                sealed,
                bytes: Vec::new(),
            },
        };
        if usize::from(frame.offset) != message.bytes.len() {
            return Err(FrameError::Order);
        }
        if message.bytes.len() + frame.piece.len() > total {
            return Err(FrameError::Beyond);
        }
        message.bytes.extend(frame.piece);
        if message.bytes.len() == total {
            return Ok(Some(message));
        }
        self.begun = Some(message);
        Ok(None)
    }
}

/// What is known of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    Working,
    Done { sealed: bool, answer: Vec<u8> },
}

/// The last messages and their answers.
#[derive(Debug, Default)]
pub struct Answers {
    /// Oldest first. The digest tells a message sent again from another under its id.
    known: Vec<(u16, [u8; 32], Known)>,
}

impl Answers {
    /// Whether the message is to be carried out: not if it was before.
    ///
    /// # Errors
    /// [`FrameError::Reused`] if another message had the id.
    pub fn begin(&mut self, id: u16, digest: [u8; 32]) -> Result<bool, FrameError> {
        match self.known.iter().find(|(known, _, _)| *known == id) {
            Some((_, before, _)) if *before == digest => Ok(false),
            Some(_) => Err(FrameError::Reused),
            None => {
                if self.known.len() == MAX_ANSWERS {
                    self.known.remove(0);
                }
                self.known.push((id, digest, Known::Working));
                Ok(true)
            }
        }
    }

    /// Keeps the answer to a message that was begun.
    pub fn finish(&mut self, id: u16, sealed: bool, answer: Vec<u8>) {
        if let Some((_, _, known)) = self.known.iter_mut().find(|(known, _, _)| *known == id) {
            *known = Known::Done { sealed, answer };
        }
    }

    /// The page of an answer from `offset` on, as a frame of at most `frame_bytes`.
    #[must_use]
    pub fn page(&self, id: u16, offset: u16, frame_bytes: usize) -> Vec<u8> {
        let (kind, answer) = match self.known.iter().find(|(known, _, _)| *known == id) {
            None => return header(FrameError::NoAnswer.code(), id, 0, offset, &[]),
            Some((_, _, Known::Working)) => return header(1, id, 0, 0, &[]),
            Some((
                _,
                _,
                Known::Done {
                    sealed: false,
                    answer,
                },
            )) => (2, answer),
            Some((
                _,
                _,
                Known::Done {
                    sealed: true,
                    answer,
                },
            )) => (3, answer),
        };
        let piece_bytes = frame_bytes.clamp(HEADER_BYTES + 1, MAX_FRAME_BYTES) - HEADER_BYTES;
        let from = usize::from(offset).min(answer.len());
        let to = (from + piece_bytes).min(answer.len());
        header(
            kind,
            id,
            as_u16(answer.len()),
            as_u16(from),
            &answer[from..to],
        )
    }
}

/// What is read where nothing was asked, or what was written was no frame.
#[must_use]
pub fn status(error: Option<FrameError>) -> Vec<u8> {
    header(error.map_or(0, FrameError::code), 0, 0, 0, &[])
}

fn header(kind: u8, id: u16, total: u16, offset: u16, piece: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + piece.len());
    bytes.push(kind);
    bytes.extend(id.to_le_bytes());
    bytes.extend(total.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes.extend(piece);
    bytes
}

/// Messages are shorter than 64 KiB ([`MAX_MESSAGE_BYTES`]).
fn as_u16(bytes: usize) -> u16 {
    u16::try_from(bytes).unwrap_or(u16::MAX)
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
