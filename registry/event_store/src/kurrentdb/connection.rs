//! The one client of a store, replaced when it has lost its server.

use super::address::Address;
use super::backoff::Backoff;
use super::certificates::{self, Look};
use super::failure::{Failure, NoClient, TimedOut};
use eventstore::{Client, ClientSettings, Error, ReadStreamOptions};
use schemas::log::StreamName;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Longest silence of the server within one call, connecting included.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(4);

/// How long one attempt to append or to read may take, whatever the server does meanwhile: a stream of answers that
/// never falls silent, and never ends, is no better than none.
pub const ATTEMPT_WITHIN: Duration = Duration::from_secs(6);

/// How long is looked for the reason why there is no connection.
const REASON_WITHIN: Duration = Duration::from_secs(2);

pub(super) struct Connection {
    address: Address,
    /// Which client it is, counted, and the client.
    client: Mutex<(u64, Option<Client>)>,
}

impl Connection {
    pub(super) fn new(address: Address) -> Self {
        Self {
            address,
            client: Mutex::new((0, None)),
        }
    }

    fn client(&self) -> Result<(u64, Client), Failure> {
        let mut slot = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let (number, Some(client)) = &*slot {
            return Ok((*number, client.clone()));
        }
        let usable = self.address.check_files();
        usable.map_err(|file| Failure::Refused(Arc::new(file)))?;
        let client = client(self.address.settings())?;
        let number = slot.0 + 1;
        *slot = (number, Some(client.clone()));
        Ok((number, client))
    }

    fn replace(&self, number: u64) {
        let mut slot = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.0 == number {
            slot.1 = None;
        }
    }

    /// One call. The client has no limits of time of its own that hold on this side of the network.
    pub(super) async fn call<T, F>(
        &self,
        stream: &StreamName,
        work: impl FnOnce(Client) -> F + Send,
    ) -> Result<Result<T, Error>, Failure>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let (number, client) = self.client()?;
        match tokio::time::timeout(ANSWER_WITHIN, work(client)).await {
            Ok(Err(conflict @ Error::WrongExpectedVersion { .. })) => Ok(Err(conflict)),
            Ok(Err(error)) => {
                if Failure::is_lost(&error) {
                    self.replace(number);
                }
                let failure = Failure::of(error.clone(), stream.as_str());
                // Of those who wait for the same connection one is told that there is none, the others that it is closed.
                let (Error::GrpcConnectionError(_) | Error::ConnectionClosed) = error else {
                    return Err(failure);
                };
                let reason = tokio::time::timeout(REASON_WITHIN, self.reason(stream)).await;
                Err(reason.ok().flatten().unwrap_or(failure))
            }
            Ok(Ok(done)) => Ok(Ok(done)),
            Err(_) => {
                self.replace(number);
                Err(Failure::passing(TimedOut(ANSWER_WITHIN)))
            }
        }
    }

    /// Why there is no connection, if waiting does not help. The client does not tell certificates and, where there are
    /// several hosts, credentials that are refused from a network that fails.
    async fn reason(&self, stream: &StreamName) -> Option<Failure> {
        let mut distrusted = None;
        for (host, look) in certificates::look(self.address.settings())
            .await
            .into_iter()
            .enumerate()
        {
            match look {
                Look::Absent => {}
                Look::There => return self.refusal(host, stream).await,
                Look::Distrusted(cause) => distrusted = Some(Failure::Refused(Arc::new(cause))),
            }
        }
        distrusted
    }

    /// What one host of several says, if that is no.
    async fn refusal(&self, host: usize, stream: &StreamName) -> Option<Failure> {
        let client = client(&self.address.alone(host)?).ok()?;
        let options = ReadStreamOptions::default().max_count(1);
        let asked = client.read_stream(stream.as_str(), &options).await;
        match Failure::of(asked.err()?, stream.as_str()) {
            refused @ Failure::Refused(_) => Some(refused),
            _ => None,
        }
    }
}

fn client(settings: &ClientSettings) -> Result<Client, Failure> {
    Client::new(settings.clone()).map_err(|report| Failure::passing(NoClient(report.to_string())))
}

/// Tries until it works, or until `deadline` has passed: then the last failure is the answer.
pub(super) async fn persist<T, F>(
    deadline: Instant,
    mut attempt: impl FnMut() -> F + Send,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>> + Send,
{
    let mut backoff = Backoff::default();
    loop {
        match attempt().await {
            Err(Failure::Passing(cause)) => {
                if Instant::now() >= deadline {
                    return Err(Failure::Passing(cause));
                }
                tracing::debug!(
                    cause = &*cause as &dyn std::error::Error,
                    "the event store is asked again"
                );
                backoff.wait().await;
            }
            done => return done,
        }
    }
}
