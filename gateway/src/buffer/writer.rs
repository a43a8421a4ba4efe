//! The thread that owns the file. What waits for it is done in one transaction.

use super::BufferError;
use rusqlite::{Connection, TransactionBehavior};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait; who comes later waits to ask.
const QUEUE: usize = 1_024;
/// Requests done in one transaction at most.
const GROUP: usize = 256;

/// Something to be done within a transaction; again alone, if the transaction fails.
trait Work: Send {
    /// Does it; `Err` undoes the transaction.
    fn attempt(&mut self, db: &Connection) -> Result<(), BufferError>;
    /// Tells who asked: what was done is durable, or why it was not done.
    fn finish(self: Box<Self>, result: Result<(), BufferError>);
}

struct Job<F, T> {
    work: F,
    made: Option<T>,
    reply: oneshot::Sender<Result<T, BufferError>>,
}

impl<F, T> Work for Job<F, T>
where
    F: FnMut(&Connection) -> Result<T, BufferError> + Send,
    T: Send,
{
    fn attempt(&mut self, db: &Connection) -> Result<(), BufferError> {
        self.made = Some((self.work)(db)?);
        Ok(())
    }

    fn finish(self: Box<Self>, result: Result<(), BufferError>) {
        let Self { made, reply, .. } = *self;
        // Who asked may have gone; what was done stays done.
        let _ = reply.send(result.and_then(|()| made.ok_or(BufferError::Closed)));
    }
}

/// Asks the thread; clones ask the same one.
#[derive(Clone)]
pub(super) struct Writer(mpsc::Sender<Box<dyn Work>>);

impl Writer {
    /// Starts the thread; it ends when the last clone is gone and what waited is done.
    pub(super) fn start(db: Connection) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("buffer".into())
            .spawn(move || run(db, receiver))?;
        Ok((Self(sender), thread))
    }

    /// Does `work` in a transaction; returns when it is durable. `work` may be called twice, the first
    /// time to no effect.
    ///
    /// # Errors
    /// What `work` or the transaction failed with.
    pub(super) async fn ask<T, F>(&self, work: F) -> Result<T, BufferError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Result<T, BufferError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            work,
            made: None,
            reply,
        };
        let sent = self.0.send(Box::new(job)).await;
        sent.map_err(|_| BufferError::Closed)?;
        answer.await.map_err(|_| BufferError::Closed)?
    }
}

fn run(mut db: Connection, mut requests: mpsc::Receiver<Box<dyn Work>>) {
    while let Some(first) = requests.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(next) = requests.try_recv()
        {
            group.push(next);
        }
        match transact(&mut db, &mut group) {
            Ok(()) => group.into_iter().for_each(|work| work.finish(Ok(()))),
            Err(error) if group.len() == 1 => {
                group
                    .into_iter()
                    .for_each(|work| work.finish(Err(error.clone())));
            }
            // One of them, or the disk: each alone, so that none fails for another.
            Err(_) => {
                for work in group {
                    let mut alone = [work];
                    let result = transact(&mut db, &mut alone);
                    let [work] = alone;
                    work.finish(result);
                }
            }
        }
    }
}

fn transact(db: &mut Connection, group: &mut [Box<dyn Work>]) -> Result<(), BufferError> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for work in group {
        work.attempt(&transaction)?;
    }
    Ok(transaction.commit()?)
}
