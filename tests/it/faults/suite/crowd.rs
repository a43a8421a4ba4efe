//! People at work, each at one registry, who send again what was not done.

use super::fault::Fault;
use super::shown::{Outcome, Seen, Shown};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tests::eventually;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock, RwLockReadGuard};

/// Longest that a request may remain without any answer, other than where nobody can be reached.
pub const ANSWER: Duration = Duration::from_secs(60);

/// Longer than it takes until a question is given up that a database does not answer.
const FORGOTTEN: Duration = Duration::from_secs(6);

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Submits readings, which are issued.
    Submit,
    /// Splits bundles and transfers 1 Wh of each.
    Move,
    /// Transfers a bundle that there is not.
    Mistake,
    /// Looks at a bundle that others have issued.
    Look,
    /// Looks at what they have written themselves.
    Follow,
}

impl Work {
    pub const ALL: [Self; 5] = [
        Self::Submit,
        Self::Move,
        Self::Mistake,
        Self::Look,
        Self::Follow,
    ];

    pub const fn is_command(self) -> bool {
        matches!(self, Self::Submit | Self::Move | Self::Mistake)
    }

    /// Between two of them. Attempts that are refused have entries of their own in the audit trail up to twenty a
    /// minute.
    pub const fn pace(self) -> Duration {
        Duration::from_millis(match self {
            Self::Submit | Self::Move | Self::Look => 60,
            Self::Follow => 150,
            Self::Mistake => 3_500,
        })
    }
}

/// What all of them share.
pub struct Crowd {
    /// Nobody has begun anything while somebody else holds all of it.
    gate: Arc<RwLock<()>>,
    fault: Mutex<Option<Fault>>,
    seen: Mutex<Seen>,
    stop: AtomicBool,
}

impl Crowd {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            gate: Arc::default(),
            fault: Mutex::default(),
            seen: Mutex::default(),
            stop: AtomicBool::new(false),
        })
    }

    /// From now on they take what this fault shows, and nothing else.
    pub fn expects(&self, fault: &Fault) {
        *self.fault.lock().unwrap() = Some(*fault);
        *self.seen.lock().unwrap() = Seen::default();
    }

    /// Waits until the fault has shown what it must.
    pub async fn sees(&self, fault: &Fault) {
        let shown = |work| (0..2).map(move |registry| fault.shows(work, registry));
        if Work::ALL
            .into_iter()
            .flat_map(shown)
            .any(|shown| shown == Shown::Recovers)
        {
            // What is done until then may not have met the fault.
            tokio::time::sleep(FORGOTTEN).await;
        }
        let before = self.seen();
        for work in Work::ALL {
            for registry in 0..2 {
                let (outcome, count) = match fault.shows(work, registry) {
                    _ if work == Work::Mistake || work == Work::Follow && registry == 0 => continue,
                    // The first may have been begun before.
                    Shown::AsEver | Shown::Recovers => (Outcome::Done, 2),
                    Shown::Sure503 => (Outcome::Refused503, 1),
                    Shown::Perhaps503 | Shown::Unanswered => continue,
                };
                let goal = before.count(work, registry, outcome) + count;
                let what = format!("{work:?} at registry {registry} under {fault:?}: {outcome:?}");
                eventually(&what, || async {
                    (self.seen().count(work, registry, outcome) >= goal).then_some(())
                })
                .await;
            }
        }
    }

    /// What they have seen since [`Crowd::expects`].
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until everybody has got through with what they had begun; nobody begins anything before it is dropped.
    pub async fn rest(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.gate).write_owned().await
    }

    /// Lets somebody begin something, unless all are to rest; none once they are told to go home.
    pub async fn may_begin(&self) -> Option<RwLockReadGuard<'_, ()>> {
        let begun = self.gate.read().await;
        (!self.stop.load(Ordering::Acquire)).then_some(begun)
    }

    /// Tells them to go home.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Takes note of what became of a request, after so long, which has to be what the fault shows.
    pub fn note(
        &self,
        work: Work,
        registry: usize,
        (outcome, said): (Outcome, &str),
        took: Duration,
    ) {
        let fault = *self.fault.lock().unwrap();
        let shown = fault.map_or(Shown::AsEver, |fault| fault.shows(work, registry));
        assert!(
            shown.allows(outcome),
            "{work:?} at registry {registry} under {fault:?}, which shows {shown:?}: {said}"
        );
        self.seen
            .lock()
            .unwrap()
            .note(work, registry, outcome, took);
    }
}
