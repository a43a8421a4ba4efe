//! Where the ledger stood: reading what one has written.
//!
//! A read waits until READ shows the last position its caller wrote, or the one it names. Who may do what
//! is decided on what READ shows at least up to the last change of users or members made here, and all that was
//! there when this process began.

use super::port::Progress;
use super::problem::{Answer, EdgeCode, Problem};
use crate::sequencer::Receipt;
use actix_web::HttpRequest;
use ledger::{Event, Stream};
use moka::sync::Cache;
use schemas::event::{IdentityEvent, LedgerEvent};
use schemas::id::UserId;
use schemas::log::Position;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Header with the position in the ledger that an answer reflects, or that a read shall wait for.
pub const LEDGER_HEADER: &str = "X-Ledger-Position";
/// The same for the stream of users.
pub const IDENTITY_HEADER: &str = "X-Identity-Position";

/// How long what a caller wrote is remembered: far longer than READ ever lags without being down.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Callers remembered at most; one that is forgotten can still name a position.
const MAX_CALLERS: u64 = 100_000;

/// A position in each stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Positions {
    /// In the ledger.
    pub ledger: Position,
    /// In the stream of users.
    pub identity: Position,
    /// In the audit trail; nothing but questions about it looks at this one.
    pub audit: Position,
}

impl Positions {
    /// The later of the two in each stream.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            ledger: self.ledger.max(other.ledger),
            identity: self.identity.max(other.identity),
            audit: self.audit.max(other.audit),
        }
    }

    /// One position, at the start of the other streams.
    #[must_use]
    pub fn at(stream: Stream, position: Position) -> Self {
        match stream {
            Stream::Ledger => Self {
                ledger: position,
                ..Self::default()
            },
            Stream::Identity => Self {
                identity: position,
                ..Self::default()
            },
            Stream::Audit => Self {
                audit: position,
                ..Self::default()
            },
        }
    }

    /// How far a database has come.
    #[must_use]
    pub fn of(progress: &dyn Progress) -> Self {
        Self {
            ledger: progress.position(Stream::Ledger),
            identity: progress.position(Stream::Identity),
            audit: progress.position(Stream::Audit),
        }
    }

    /// Checks that the streams, which end at `heads`, reach this far.
    ///
    /// # Errors
    /// `position_unknown`: no answer has ever carried the position, so waiting is in vain.
    pub(super) fn within(self, heads: Self) -> Answer<()> {
        for (header, asked, head) in [
            (LEDGER_HEADER, self.ledger, heads.ledger),
            (IDENTITY_HEADER, self.identity, heads.identity),
        ] {
            if asked > head {
                return Err(Problem::new(
                    EdgeCode::PositionUnknown,
                    format!("{header}: the log ends at {head}, before position {asked}"),
                )
                .at_parameter(header));
            }
        }
        Ok(())
    }

    /// What the client's headers name.
    pub(super) fn asked(request: &HttpRequest) -> Answer<Self> {
        Ok(Self {
            ledger: header(request, LEDGER_HEADER)?,
            identity: header(request, IDENTITY_HEADER)?,
            audit: Position::START,
        })
    }
}

fn header(request: &HttpRequest, name: &str) -> Answer<Position> {
    let Some(value) = request.headers().get(name) else {
        return Ok(Position::START);
    };
    let position = value.to_str().ok().and_then(|text| text.parse().ok());
    match position {
        Some(position) if position >= 0 => Ok(Position(position)),
        _ => Err(Problem::new(
            EdgeCode::RequestInvalid,
            format!("the header {name} must be a position: a whole number from 0"),
        )
        .at_parameter(name)),
    }
}

/// What was written through this process.
pub struct Written {
    by_caller: Cache<UserId, Positions>,
    authority_ledger: AtomicI64,
    authority_identity: AtomicI64,
}

impl Default for Written {
    fn default() -> Self {
        Self {
            by_caller: Cache::builder()
                .max_capacity(MAX_CALLERS)
                .time_to_live(REMEMBERED)
                .build(),
            authority_ledger: AtomicI64::new(0),
            authority_identity: AtomicI64::new(0),
        }
    }
}

impl Written {
    /// Takes users and members to have changed up to here: what this process did not see written.
    pub fn assume(&self, positions: Positions) {
        self.authority_ledger
            .fetch_max(positions.ledger.0, Ordering::AcqRel);
        self.authority_identity
            .fetch_max(positions.identity.0, Ordering::AcqRel);
    }

    /// Remembers what a caller wrote.
    pub fn note(&self, caller: Option<UserId>, stream: Stream, receipt: &Receipt) {
        let position = receipt.position;
        let changes_members = receipt.events.iter().any(|(_, event)| {
            matches!(
                event,
                Event::Ledger(
                    LedgerEvent::AccountOpened(_)
                        | LedgerEvent::AccountUpdated(_)
                        | LedgerEvent::AccountAssigned(_)
                )
            )
        });
        // Who signs in changes nothing of what anybody may do; all else about users may.
        let changes_users = receipt.events.iter().any(|(_, event)| {
            !matches!(
                event,
                Event::Identity(
                    IdentityEvent::SessionOpened(_)
                        | IdentityEvent::SessionRefreshed(_)
                        | IdentityEvent::SigningKeyAdded(_)
                        | IdentityEvent::SecondFactorUsed(_)
                )
            )
        });
        match stream {
            Stream::Identity if changes_users => {
                self.authority_identity
                    .fetch_max(position.0, Ordering::AcqRel);
            }
            Stream::Ledger if changes_members => {
                self.authority_ledger
                    .fetch_max(position.0, Ordering::AcqRel);
            }
            Stream::Identity | Stream::Ledger | Stream::Audit => {}
        }
        if let Some(caller) = caller {
            let written = Positions::at(stream, position).max(self.by(caller));
            self.by_caller.insert(caller, written);
        }
    }

    /// The last positions a caller wrote.
    #[must_use]
    pub fn by(&self, caller: UserId) -> Positions {
        self.by_caller.get(&caller).unwrap_or_default()
    }

    /// The last changes of users and members: no decision on who may do what rests on less.
    #[must_use]
    pub fn authority(&self) -> Positions {
        Positions {
            ledger: Position(self.authority_ledger.load(Ordering::Acquire)),
            identity: Position(self.authority_identity.load(Ordering::Acquire)),
            audit: Position::START,
        }
    }
}

/// Waits until a database shows `wanted`.
///
/// # Errors
/// `read_lagging` if it does not within `at_most`.
pub(crate) async fn reached(
    progress: &dyn Progress,
    wanted: Positions,
    at_most: Duration,
) -> Answer<()> {
    for (stream, position) in [
        (Stream::Ledger, wanted.ledger),
        (Stream::Identity, wanted.identity),
        (Stream::Audit, wanted.audit),
    ] {
        if progress.position(stream) < position
            && !progress.wait_for(stream, position, at_most).await
        {
            return Err(Problem::new(
                EdgeCode::ReadLagging,
                format!(
                    "position {position} of the {} can not be read yet; reading stands at {}",
                    stream.as_str(),
                    progress.position(stream)
                ),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures_util::FutureExt;
    use futures_util::future::{BoxFuture, ready};

    /// A database that shows position 7 of both streams for ever.
    struct Stuck;

    impl Progress for Stuck {
        fn position(&self, _: Stream) -> Position {
            Position(7)
        }

        fn wait_for(&self, _: Stream, _: Position, _: Duration) -> BoxFuture<'_, bool> {
            ready(false).boxed()
        }
    }

    #[actix_web::test]
    async fn a_position_that_is_not_shown_in_time_is_read_lagging() {
        let wait = async |position| {
            let wanted = Positions::at(Stream::Ledger, Position(position));
            reached(&Stuck, wanted, Duration::ZERO).await
        };
        assert!(wait(7).await.is_ok());
        let lagging = wait(8).await.unwrap_err();
        assert_eq!(lagging.code(), EdgeCode::ReadLagging.into());
    }

    #[test]
    fn a_position_at_the_end_of_its_stream_is_known_and_the_one_after_is_not() {
        let heads = Positions {
            ledger: Position(9),
            identity: Position(4),
            audit: Position::START,
        };
        assert!(heads.within(heads).is_ok());
        for stream in [Stream::Ledger, Stream::Identity] {
            let beyond = Positions::at(stream, Position(10))
                .within(heads)
                .unwrap_err();
            assert_eq!(beyond.code(), EdgeCode::PositionUnknown.into());
        }
    }
}
