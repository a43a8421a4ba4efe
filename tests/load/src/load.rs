//! Load by clients with a connection each: closed, where each sends its next request when the one before is answered,
//! or open, where requests come when they come and those that find the registry busy wait, which counts.

use crate::http::{Connection, Reply};
use anyhow::Result;
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Somebody who sends one request after the other.
pub trait Client: Send + 'static {
    /// The next request; none ends this client's part of the round.
    fn next(&mut self) -> Option<Vec<u8>>;
    /// Looks at the answer; an error ends the row.
    fn answered(&mut self, reply: Reply<'_>) -> Result<()>;
}

/// When requests are sent.
#[derive(Debug, Clone, Copy)]
pub enum Arrival {
    /// By each client as soon as its last one is answered.
    Closed,
    /// So many per second by all clients together, whatever the registry does. One that is due while its client
    /// still waits is sent late, and its latency counts from when it was due.
    Open(u64),
}

/// What a round came to.
pub struct Outcome {
    pub answered: u64,
    pub elapsed: Duration,
    /// The furthest position in the ledger that an answer named; 0 if none did.
    pub position: i64,
    /// Microseconds to the whole answer, from sending or from when it was due.
    pub latency: Histogram<u64>,
}

impl Outcome {
    /// Milliseconds below which 99 % of the answers came.
    pub fn p99_ms(&self) -> f64 {
        p99_ms(&self.latency)
    }
}

pub fn per_second(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}

pub fn p99_ms(latency: &Histogram<u64>) -> f64 {
    latency.value_at_quantile(0.99) as f64 / 1_000.0
}

/// Longest time that is told apart from longer ones: ten minutes, in microseconds.
const LONGEST_US: u64 = 600_000_000;

/// Of microseconds, at three significant digits.
pub fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LONGEST_US, 3)?)
}

pub fn micros(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}

/// Clients with their connections, which last over all rounds.
pub struct Crowd<C> {
    members: Vec<(C, Connection)>,
}

impl<C: Client> Crowd<C> {
    pub async fn connect(
        address: SocketAddr,
        clients: impl IntoIterator<Item = C>,
    ) -> Result<Self> {
        let mut members = Vec::new();
        for client in clients {
            members.push((client, Connection::open(address).await?));
        }
        Ok(Self { members })
    }

    /// Lets the connections go.
    pub fn into_clients(self) -> impl Iterator<Item = C> {
        self.members.into_iter().map(|(client, _)| client)
    }

    /// Lets all of them work for `time`, or until they have nothing left to do. What was due in that time is sent
    /// also after it.
    pub async fn work(&mut self, time: Duration, arrival: Arrival) -> Result<Outcome> {
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        let schedules = Schedule::of(arrival, began, self.members.len());
        for ((mut client, mut connection), mut schedule) in self.members.drain(..).zip(schedules) {
            tasks.spawn(async move {
                let (mut latency, mut position) = (histogram()?, 0);
                loop {
                    let due = schedule.next();
                    if due >= began + time {
                        break;
                    }
                    let Some(request) = client.next() else {
                        break;
                    };
                    // Tokio's clock ticks once per millisecond, also where there is nothing to wait for.
                    if due > Instant::now() {
                        tokio::time::sleep_until(due.into()).await;
                    }
                    let reply = connection.send(&request).await?;
                    latency.saturating_record(micros(due.elapsed()));
                    position = reply.position.max(position);
                    client.answered(reply)?;
                }
                anyhow::Ok((client, connection, latency, position))
            });
        }
        let (mut latency, mut position) = (histogram()?, 0);
        while let Some(done) = tasks.join_next().await {
            let (client, connection, of_one, last) = done??;
            latency.add(of_one)?;
            position = last.max(position);
            self.members.push((client, connection));
        }
        Ok(Outcome {
            answered: latency.len(),
            elapsed: began.elapsed(),
            position,
            latency,
        })
    }
}

/// When one client sends.
enum Schedule {
    AtOnce,
    Steady { next: Instant, pace: Duration },
}

impl Schedule {
    /// One for each of so many clients, who take turns.
    fn of(arrival: Arrival, began: Instant, clients: usize) -> impl Iterator<Item = Self> {
        let clients = clients as u64;
        (0..clients).map(move |client| match arrival {
            Arrival::Closed => Self::AtOnce,
            Arrival::Open(per_second) => {
                let times = |count: u64| Duration::from_nanos(1_000_000_000 * count / per_second);
                Self::Steady {
                    next: began + times(client),
                    pace: times(clients),
                }
            }
        })
    }

    fn next(&mut self) -> Instant {
        match self {
            Self::AtOnce => Instant::now(),
            Self::Steady { next, pace } => {
                let due = *next;
                *next += *pace;
                due
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_arrives_by_themselves_is_due_whatever_is_answered() {
        let began = Instant::now();
        let mut schedules: Vec<_> = Schedule::of(Arrival::Open(1_000), began, 4).collect();
        let mut due: Vec<_> = (0..3)
            .flat_map(|_| schedules.iter_mut().map(Schedule::next).collect::<Vec<_>>())
            .collect();
        due.sort_unstable();
        let expected = (0..12).map(|number| began + Duration::from_millis(number));
        assert_eq!(due, expected.collect::<Vec<_>>());
    }
}
