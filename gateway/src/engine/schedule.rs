//! What is to be done when: jobs with a due time and a priority, in one queue.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

/// Which of the jobs that are due is begun first; the lowest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(pub u8);

/// When a job is to be done, on the clock's monotonic time, and how urgently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Not before this.
    pub at: Duration,
    /// Among those that are due.
    pub priority: Priority,
}

impl Due {
    /// The earlier time and the more urgent priority of both.
    fn sooner(self, other: Self) -> Self {
        Self {
            at: self.at.min(other.at),
            priority: self.priority.min(other.priority),
        }
    }
}

/// Orders jobs of the same time as they came.
type Ticket = u64;

#[derive(Debug)]
enum Place {
    Waiting(Duration, Ticket, Priority),
    Ready(Priority, Duration, Ticket),
    /// Being done; `wanted` is when it was asked for meanwhile, `dropped` that it shall not come again.
    Running {
        wanted: Option<Due>,
        dropped: bool,
    },
}

/// The queue. A job is in it once: waiting, ready or running. It leaves only by [`Schedule::remove`] or
/// when whoever did it says that it is done for good.
#[derive(Debug)]
pub struct Schedule<J> {
    waiting: BTreeMap<(Duration, Ticket), J>,
    ready: BTreeMap<(Priority, Duration, Ticket), J>,
    places: HashMap<J, Place>,
    ticket: Ticket,
}

impl<J> Default for Schedule<J> {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            ready: BTreeMap::new(),
            places: HashMap::new(),
            ticket: 0,
        }
    }
}

impl<J: Clone + Eq + Hash + Debug> Schedule<J> {
    /// Asks for `job` at `due`. One that is in the queue comes at the sooner of both times; one that is
    /// running comes once more afterwards.
    pub fn want(&mut self, job: J, due: Due) {
        let due = match self.places.get_mut(&job) {
            Some(Place::Running { wanted, dropped }) => {
                *dropped = false;
                *wanted = Some(wanted.map_or(due, |before| before.sooner(due)));
                return;
            }
            Some(Place::Ready(..)) => return,
            Some(&mut Place::Waiting(at, ticket, priority)) => {
                self.waiting.remove(&(at, ticket));
                due.sooner(Due { at, priority })
            }
            None => due,
        };
        self.wait(job, due);
    }

    /// Takes `job` out; one that is running ends as it likes and does not come again.
    pub fn remove(&mut self, job: &J) {
        match self.places.get_mut(job) {
            Some(Place::Running { wanted, dropped }) => {
                *wanted = None;
                *dropped = true;
                return;
            }
            Some(&mut Place::Waiting(at, ticket, _)) => drop(self.waiting.remove(&(at, ticket))),
            Some(&mut Place::Ready(priority, at, ticket)) => {
                self.ready.remove(&(priority, at, ticket));
            }
            None => {}
        }
        self.places.remove(job);
    }

    /// The most urgent job that is due at `now`, to be done now; [`Schedule::done`] has to follow.
    pub fn take(&mut self, now: Duration) -> Option<J> {
        while let Some(entry) = self.waiting.first_entry() {
            let (at, ticket) = *entry.key();
            if at > now {
                break;
            }
            let job = entry.remove();
            if let Some(place) = self.places.get_mut(&job)
                && let Place::Waiting(_, _, priority) = *place
            {
                *place = Place::Ready(priority, at, ticket);
                self.ready.insert((priority, at, ticket), job);
            }
        }
        let (_, job) = self.ready.pop_first()?;
        let running = Place::Running {
            wanted: None,
            dropped: false,
        };
        self.places.insert(job.clone(), running);
        Some(job)
    }

    /// Says that a job taken before has ended, and when it is to be done again, if ever.
    pub fn done(&mut self, job: &J, again: Option<Due>) {
        let Some(Place::Running { wanted, dropped }) = self.places.remove(job) else {
            return;
        };
        let due = match (again, wanted) {
            _ if dropped => None,
            (Some(again), Some(wanted)) => Some(again.sooner(wanted)),
            (again, wanted) => again.or(wanted),
        };
        if let Some(due) = due {
            self.wait(job.clone(), due);
        }
    }

    /// When the next job is due; `Duration::ZERO` if one is ready.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        if !self.ready.is_empty() {
            return Some(Duration::ZERO);
        }
        Some(self.waiting.first_key_value()?.0.0)
    }

    fn wait(&mut self, job: J, due: Due) {
        self.ticket += 1;
        let place = Place::Waiting(due.at, self.ticket, due.priority);
        self.waiting.insert((due.at, self.ticket), job.clone());
        self.places.insert(job, place);
    }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
