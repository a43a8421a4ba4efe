//! From frames to operations and back, for every phone there is. Pure: what the time is and what is random is
//! told, and what an operation does is done elsewhere.

use super::frame::{self, Answers, Assembler, Frame, FrameError, Kind, MAX_MESSAGE_BYTES, Message};
use super::operation::{Answer, Operation, Refusal};
use super::session::{Brake, Random, Session, Trust};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Phones that are remembered; the one that was silent longest is forgotten first, and has to say hello again.
pub const MAX_PEERS: usize = 8;

/// A phone, by its address.
pub type Peer = [u8; 6];

/// An operation to be carried out; its outcome goes to [`Service::finish`].
#[derive(Debug)]
pub struct Job {
    peer: Peer,
    id: u16,
    sealed: bool,
    /// What is asked.
    pub operation: Operation,
}

#[derive(Debug)]
struct Phone {
    peer: Peer,
    assembler: Assembler,
    answers: Answers,
    session: Session,
    /// What is read next.
    page: Result<(u16, u16), Option<FrameError>>,
}

/// All of it.
#[derive(Debug)]
pub struct Service {
    trust: Trust,
    brake: Brake,
    /// The one heard last at the end.
    phones: Vec<Phone>,
}

impl Service {
    /// A service that nobody has spoken to.
    #[must_use]
    pub const fn new(trust: Trust) -> Self {
        Self {
            trust,
            brake: Brake {
                failures: 0,
                locked_until: None,
            },
            phones: Vec::new(),
        }
    }

    /// Takes what a phone has written at `now`, on a clock that only goes forward; a job if that was the last piece
    /// of something to be done.
    ///
    /// # Errors
    /// Why it was no frame that fits. The phone reads it too.
    pub fn write(
        &mut self,
        peer: Peer,
        bytes: &[u8],
        now: Duration,
        random: Random,
    ) -> Result<Option<Job>, FrameError> {
        let Self {
            trust,
            brake,
            phones,
        } = self;
        let phone = phone(phones, peer);
        let taken = Frame::decode(bytes).and_then(|frame| match frame.kind {
            Kind::Page => {
                phone.page = Ok((frame.id, frame.offset));
                Ok(None)
            }
            Kind::Plain | Kind::Sealed => phone.assembler.take(&frame),
        });
        let message = match taken {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(None),
            Err(error) => {
                phone.page = Err(Some(error));
                return Err(error);
            }
        };
        let id = message.id;
        match phone
            .answers
            .begin(id, Sha256::digest(&message.bytes).into())
        {
            Ok(is_new) => {
                phone.page = Ok((id, 0));
                if !is_new {
                    return Ok(None);
                }
            }
            Err(error) => {
                phone.page = Err(Some(error));
                return Err(error);
            }
        }
        let sealed = message.sealed;
        match phone.admit(trust, brake, message, now, random) {
            Ok(Admitted::Job(operation)) => Ok(Some(Job {
                peer,
                id,
                sealed,
                operation,
            })),
            Ok(Admitted::Answered(answer)) => {
                phone.answer(id, false, &answer);
                Ok(None)
            }
            Err(refusal) => {
                phone.answer(id, false, &Answer::Refused(refusal));
                Ok(None)
            }
        }
    }

    /// Keeps what came of a job for the phone that asked, sealed as it asked.
    pub fn finish(&mut self, job: &Job, answer: &Answer) {
        if let Some(phone) = self.phones.iter_mut().find(|phone| phone.peer == job.peer) {
            phone.answer(job.id, job.sealed, answer);
        }
    }

    /// What a phone reads, in at most `frame_bytes`.
    #[must_use]
    pub fn read(&self, peer: Peer, frame_bytes: usize) -> Vec<u8> {
        let Some(phone) = self.phones.iter().find(|phone| phone.peer == peer) else {
            return frame::status(None);
        };
        match phone.page {
            Ok((id, offset)) => phone.answers.page(id, offset, frame_bytes),
            Err(error) => frame::status(error),
        }
    }
}

/// The phone of that address, made the last.
fn phone(phones: &mut Vec<Phone>, peer: Peer) -> &mut Phone {
    let known = phones.iter().position(|phone| phone.peer == peer);
    let phone = match known {
        Some(index) => phones.remove(index),
        None => {
            if phones.len() == MAX_PEERS {
                phones.remove(0);
            }
            Phone {
                peer,
                assembler: Assembler::default(),
                answers: Answers::default(),
                session: Session::default(),
                page: Err(None),
            }
        }
    };
    phones.push(phone);
    let last = phones.len() - 1;
    &mut phones[last]
}

enum Admitted {
    Job(Operation),
    Answered(Answer),
}

impl Phone {
    /// Who may ask what.
    fn admit(
        &mut self,
        trust: &Trust,
        brake: &mut Brake,
        message: Message,
        now: Duration,
        random: Random,
    ) -> Result<Admitted, Refusal> {
        let bytes = if message.sealed {
            let seal = self.session.seal.as_mut().ok_or_else(not_let_in)?;
            seal.open_request(message.id, &message.bytes)
                .map_err(|error| Refusal::new("seal_broken", error.to_string()))?
        } else {
            message.bytes
        };
        let operation = Operation::parse(&bytes)?;
        let key = match trust {
            Trust::Pairing => None,
            Trust::Key(key) => Some(key),
        };
        match (operation, key) {
            (Operation::Hello {}, key) => {
                self.session.challenge(random, now);
                let trust = if key.is_some() { "key" } else { "pairing" };
                Ok(Admitted::Answered(Answer::Ok(json!({
                    "trust": trust,
                    "challenge": hex::encode(random),
                }))))
            }
            (Operation::Authenticate { nonce, proof }, Some(key)) => {
                let proof = self.session.prove(key, brake, &nonce, &proof, now)?;
                let answer = json!({"proof": hex::encode(proof)});
                Ok(Admitted::Answered(Answer::Ok(answer)))
            }
            (Operation::Authenticate { .. }, None) => Err(Refusal::new(
                "not_needed",
                "this gateway trusts paired phones and has no key",
            )),
            (_, Some(_)) if !message.sealed => Err(not_let_in()),
            (operation, _) => Ok(Admitted::Job(operation)),
        }
    }

    fn answer(&mut self, id: u16, sealed: bool, answer: &Answer) {
        let mut bytes = json_bytes(answer);
        // Sealing adds 16 bytes.
        if bytes.len() > MAX_MESSAGE_BYTES - 16 {
            let refusal = Refusal::new("answer_too_long", "the answer is too long for Bluetooth");
            bytes = json_bytes(&Answer::Refused(refusal));
        }
        if sealed {
            // A session that has ended meanwhile has no key to seal with, and nobody to read it.
            let seal = self.session.seal.as_ref();
            bytes = seal
                .and_then(|seal| seal.seal_answer(id, &bytes).ok())
                .unwrap_or_default();
        }
        self.answers.finish(id, sealed, bytes);
    }
}

fn not_let_in() -> Refusal {
    Refusal::new(
        "not_authenticated",
        "prove to know the key printed on this gateway first",
    )
}

fn json_bytes(answer: &Answer) -> Vec<u8> {
    serde_json::to_vec(answer).unwrap_or_default()
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
