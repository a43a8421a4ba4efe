//! Carries jobs out when they are due: each as a task of its own, so that none waits for another.

use super::schedule::{Due, Priority, Schedule};
use crate::clock::Clock;
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// How long after it has panicked a job is done again.
const AFTER_PANIC: Duration = Duration::from_secs(10);
/// Time that running jobs have to come to an end once it is time to stop.
const GRACE: Duration = Duration::from_secs(10);
/// With nothing to do, the queue is looked at this often.
const IDLE: Duration = Duration::from_secs(60);

/// What follows a job.
#[derive(Debug, Clone)]
pub struct Next<J> {
    /// After how long, on the clock, it is done again, and how urgently; never if `None`.
    pub again: Option<(Duration, Priority)>,
    /// A job that has something to do now.
    pub wake: Option<(J, Priority)>,
}

impl<J> Next<J> {
    /// It is done again.
    #[must_use]
    pub const fn after(wait: Duration, priority: Priority) -> Self {
        Self {
            again: Some((wait, priority)),
            wake: None,
        }
    }
}

/// The queue and who waits for it.
#[derive(Debug)]
pub struct Runner<J> {
    schedule: Mutex<Schedule<J>>,
    changed: Notify,
    clock: Clock,
}

impl<J: Clone + Eq + Hash + Debug + Send + 'static> Runner<J> {
    /// A queue with nothing in it.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            schedule: Mutex::default(),
            changed: Notify::new(),
            clock,
        }
    }

    /// Asks for a job after a while.
    pub fn want(&self, job: J, after: Duration, priority: Priority) {
        let at = self.clock.monotonic() + after;
        self.schedule().want(job, Due { at, priority });
        self.changed.notify_one();
    }

    /// Takes a job out.
    pub fn remove(&self, job: &J) {
        self.schedule().remove(job);
    }

    /// Carries jobs out until `stop`, then lets those that run come to their end, for [`GRACE`].
    pub async fn run(
        &self,
        work: impl Fn(J) -> BoxFuture<'static, Next<J>>,
        stop: impl Future<Output = ()>,
    ) {
        let mut running = JoinSet::new();
        let mut jobs = HashMap::new();
        tokio::pin!(stop);
        loop {
            let now = self.clock.monotonic();
            let due = {
                let mut schedule = self.schedule();
                while let Some(job) = schedule.take(now) {
                    let task = running.spawn(work(job.clone()));
                    jobs.insert(task.id(), job);
                }
                schedule
                    .next_due()
                    .unwrap_or(now + self.clock.of_machine(IDLE))
            };
            tokio::select! {
                () = &mut stop => break,
                () = self.clock.sleep_until(due) => {}
                () = self.changed.notified() => {}
                Some(ended) = running.join_next_with_id() => {
                    let (id, next) = match ended {
                        Ok((id, next)) => (id, next),
                        Err(error) => {
                            tracing::error!(%error, "a job has panicked; it is done again later");
                            let wait = self.clock.of_machine(AFTER_PANIC);
                            (error.id(), Next::after(wait, super::TEND))
                        }
                    };
                    if let Some(job) = jobs.remove(&id) {
                        self.done(&job, next);
                    }
                }
            }
        }
        let end = async { while running.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, end).await.is_err() {
            tracing::warn!("jobs that did not come to an end are broken off");
        }
    }

    fn done(&self, job: &J, next: Next<J>) {
        let now = self.clock.monotonic();
        let due = |after, priority| Due {
            at: now + after,
            priority,
        };
        let mut schedule = self.schedule();
        schedule.done(
            job,
            next.again.map(|(after, priority)| due(after, priority)),
        );
        if let Some((other, priority)) = next.wake {
            schedule.want(other, due(Duration::ZERO, priority));
        }
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule<J>> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures_util::FutureExt;
    use std::sync::Arc;
    use tokio::sync::mpsc;

    const P: Priority = Priority(3);

    /// Runs jobs until `seen` of them were begun; their order.
    async fn run<F>(runner: Arc<Runner<&'static str>>, seen: usize, work: F) -> Vec<&'static str>
    where
        F: Fn(&'static str) -> BoxFuture<'static, Next<&'static str>> + Send + Sync + 'static,
    {
        let (begun, mut order) = mpsc::unbounded_channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            let work = |job| {
                begun.send(job).unwrap();
                work(job)
            };
            runner.run(work, stopped.map(drop)).await;
        });
        let mut jobs = Vec::new();
        while jobs.len() < seen {
            jobs.push(order.recv().await.unwrap());
        }
        drop(stop);
        running.await.unwrap();
        jobs
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_does_not_end_holds_up_no_other() {
        let runner = Arc::new(Runner::new(Clock::default()));
        runner.want("stuck", Duration::ZERO, Priority(0));
        runner.want("live", Duration::ZERO, P);
        let order = run(runner, 4, |job| match job {
            "stuck" => std::future::pending().boxed(),
            _ => async { Next::after(Duration::from_secs(1), P) }.boxed(),
        });
        assert_eq!(order.await, ["stuck", "live", "live", "live"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_panics_comes_again() {
        let runner = Arc::new(Runner::new(Clock::default()));
        runner.want("broken", Duration::ZERO, P);
        let order = run(runner, 3, |_| async { panic!("as it happens") }.boxed());
        assert_eq!(order.await, ["broken"; 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_wakes_another_at_once() {
        let runner = Arc::new(Runner::new(Clock::default()));
        runner.want("sample", Duration::ZERO, P);
        runner.want("send", Duration::from_secs(3_600), P);
        let began = tokio::time::Instant::now();
        let order = run(runner, 2, |job| {
            let wake = (job == "sample").then_some(("send", P));
            async move { Next { again: None, wake } }.boxed()
        });
        assert_eq!(order.await, ["sample", "send"]);
        assert!(began.elapsed() < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_runs_is_let_come_to_its_end() {
        let runner = Arc::new(Runner::new(Clock::default()));
        runner.want("record", Duration::ZERO, P);
        let ended = Arc::new(Mutex::new(false));
        let flag = Arc::clone(&ended);
        run(runner, 1, move |_| {
            let flag = Arc::clone(&flag);
            async move {
                tokio::time::sleep(Duration::from_secs(5)).await;
                *flag.lock().unwrap() = true;
                Next::after(Duration::ZERO, P)
            }
            .boxed()
        })
        .await;
        assert!(*ended.lock().unwrap());
    }
}
