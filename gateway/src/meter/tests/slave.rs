//! A Modbus slave at the other end of a pipe, as well-behaved as a test wants it.

use crate::transport::{Dial, Line, Stream, Wire};
use futures_util::future::BoxFuture;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

/// What the next request gets instead of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Behaviour {
    Exception(u8),
    /// So many registers, however many were asked for.
    Registers(u16),
    /// A byte at a time with a pause after each.
    Slow(Duration),
    /// The right answer, after a while, on whatever connection there is then.
    Late(Duration),
    Close,
    /// Bytes that are no frame.
    Garbage,
    /// The same without an end.
    Flood,
    /// The right answer, as if another unit gave it.
    OtherUnit,
    /// The right answer, as if the other kind of registers had been asked for.
    OtherFunction,
    /// The right answer under the number of another request; without numbers, with another checksum.
    OtherRequest,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// By unit, function and address.
    pub registers: BTreeMap<(u8, u8, u16), u16>,
    pub behaviours: VecDeque<Behaviour>,
    /// Units that never answer.
    pub dead: Vec<u8>,
    pub dialled: u32,
    /// As (unit, function, start, count).
    pub requests: Vec<(u8, u8, u16, u16)>,
    pub unreachable: bool,
    line: Option<mpsc::UnboundedSender<Vec<u8>>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Slave {
    pub state: Arc<Mutex<State>>,
    pub wire: Wire,
}

impl Slave {
    pub fn new(wire: Wire) -> Self {
        Self {
            state: Arc::default(),
            wire,
        }
    }

    pub fn set(&self, unit: u8, function: u8, start: u16, words: &[u16]) {
        let mut state = self.state.lock().unwrap();
        for (address, word) in (start..).zip(words) {
            state.registers.insert((unit, function, address), *word);
        }
    }

    pub fn next(&self, behaviour: Behaviour) {
        self.state.lock().unwrap().behaviours.push_back(behaviour);
    }

    pub fn dialled(&self) -> u32 {
        self.state.lock().unwrap().dialled
    }

    /// Answers what comes on `stream` from now on.
    pub fn attach(&self, stream: impl Stream + 'static) {
        let (line, unasked) = mpsc::unbounded_channel();
        self.state.lock().unwrap().line = Some(line);
        tokio::spawn(self.clone().serve(stream, unasked));
    }

    async fn serve(self, mut stream: impl Stream, mut unasked: mpsc::UnboundedReceiver<Vec<u8>>) {
        let length = if self.wire == Wire::Tcp { 12 } else { 8 };
        let mut request = vec![0; length];
        loop {
            tokio::select! {
                Some(late) = unasked.recv() => drop(stream.write_all(&late).await),
                read = stream.read_exact(&mut request) => {
                    if read.is_err() || !self.answer(&mut stream, &request).await {
                        return;
                    }
                }
            }
        }
    }

    /// `false` closes the connection.
    async fn answer(&self, stream: &mut impl Stream, request: &[u8]) -> bool {
        let pdu = if self.wire == Wire::Tcp {
            &request[7..12]
        } else {
            &request[1..6]
        };
        let unit = if self.wire == Wire::Tcp {
            request[6]
        } else {
            request[0]
        };
        let word = |at: usize| u16::from_be_bytes([pdu[at], pdu[at + 1]]);
        let (function, start, count) = (pdu[0], word(1), word(3));
        let (behaviour, dead, answer) = {
            let mut state = self.state.lock().unwrap();
            state.requests.push((unit, function, start, count));
            let words: Option<Vec<u16>> = (0..count)
                .map(|index| {
                    state
                        .registers
                        .get(&(unit, function, start.checked_add(index)?))
                        .copied()
                })
                .collect();
            let answer = words.map_or_else(
                || exception(function, 2),
                |words| registers(function, &words),
            );
            (
                state.behaviours.pop_front(),
                state.dead.contains(&unit),
                answer,
            )
        };
        let frame = |pdu: &[u8]| self.frame(request, unit, pdu);
        match behaviour {
            _ if dead => true,
            None => stream.write_all(&frame(&answer)).await.is_ok(),
            Some(Behaviour::Close) => false,
            Some(Behaviour::Exception(code)) => stream
                .write_all(&frame(&exception(function, code)))
                .await
                .is_ok(),
            Some(Behaviour::Registers(count)) => {
                let words = vec![0x1111; usize::from(count)];
                stream
                    .write_all(&frame(&registers(function, &words)))
                    .await
                    .is_ok()
            }
            Some(Behaviour::OtherUnit) => {
                let answer = self.frame(request, unit ^ 0x40, &answer);
                stream.write_all(&answer).await.is_ok()
            }
            Some(Behaviour::OtherFunction) => {
                // 3 and 4.
                let answer = [&[function ^ 7], &answer[1..]].concat();
                stream.write_all(&frame(&answer)).await.is_ok()
            }
            Some(Behaviour::OtherRequest) => {
                let mut answer = frame(&answer);
                let at = if self.wire == Wire::Tcp {
                    1
                } else {
                    answer.len() - 1
                };
                answer[at] ^= 0x55;
                stream.write_all(&answer).await.is_ok()
            }
            Some(Behaviour::Flood) => {
                while stream.write_all(&[0xFF; 256]).await.is_ok() {}
                false
            }
            Some(Behaviour::Garbage) => stream.write_all(&[0xFF; 20]).await.is_ok(),
            Some(Behaviour::Slow(pause)) => {
                for byte in frame(&answer) {
                    tokio::time::sleep(pause).await;
                    if stream.write_all(&[byte]).await.is_err() {
                        return false;
                    }
                }
                true
            }
            Some(Behaviour::Late(pause)) => {
                let (late, state) = (frame(&answer), Arc::clone(&self.state));
                tokio::spawn(async move {
                    tokio::time::sleep(pause).await;
                    let line = state.lock().unwrap().line.clone();
                    line.map(|line| line.send(late))
                });
                true
            }
        }
    }

    fn frame(&self, request: &[u8], unit: u8, pdu: &[u8]) -> Vec<u8> {
        match self.wire {
            Wire::Tcp => {
                let length = u16::try_from(pdu.len() + 1).unwrap().to_be_bytes();
                [&request[0..4], &length, &[unit], pdu].concat()
            }
            Wire::Rtu => {
                let frame = [&[unit], pdu].concat();
                let crc = crc::Crc::<u16>::new(&crc::CRC_16_MODBUS).checksum(&frame);
                [&frame[..], &crc.to_le_bytes()].concat()
            }
        }
    }
}

fn registers(function: u8, words: &[u16]) -> Vec<u8> {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    [&[function, u8::try_from(bytes.len()).unwrap()], &bytes[..]].concat()
}

fn exception(function: u8, code: u8) -> Vec<u8> {
    vec![function | 0x80, code]
}

impl Dial for Slave {
    fn dial(&self) -> BoxFuture<'_, io::Result<Line>> {
        Box::pin(async move {
            let unreachable = {
                let mut state = self.state.lock().unwrap();
                state.dialled += 1;
                state.unreachable
            };
            if unreachable {
                std::future::pending::<()>().await;
            }
            let (ours, theirs) = tokio::io::duplex(1_024);
            self.attach(theirs);
            Ok(Line {
                stream: Box::new(ours),
                wire: self.wire,
            })
        })
    }
}
