//! What became of commands, in traces.

use super::{ExecuteError, Job, Receipt, Request};
use projections::traces::{self, Span};
use std::time::SystemTime;

/// Records a command from when it was asked to when it is answered.
pub(super) fn record(job: &Job, result: &Result<Receipt, ExecuteError>, outcome: &'static str) {
    let Request {
        command,
        command_id,
        correlation_id,
        ..
    } = &job.request;
    if !traces::are_wanted(*correlation_id) {
        return;
    }
    let span = Span::of_command(command.name(), *correlation_id, *command_id, job.span)
        .with("gcr.stream", command.stream().as_str())
        .with("gcr.outcome", outcome);
    let span = match result {
        Ok(receipt) => span.with("gcr.position", receipt.position.0),
        Err(ExecuteError::Refused(refusal)) => span.with("gcr.refusal", refusal.code.as_str()),
        Err(error @ (ExecuteError::Busy | ExecuteError::Unavailable(_))) => {
            span.failed(error.to_string())
        }
    };
    span.record(job.asked_at, SystemTime::now());
}

/// The steps of a batch, which its commands share.
pub(super) struct Steps {
    commands: i64,
    events: i64,
    began: SystemTime,
    decided: SystemTime,
}

impl Steps {
    /// Before a batch is decided.
    pub fn begin(jobs: &[Job]) -> Self {
        let now = SystemTime::now();
        Self {
            commands: count(jobs.len()),
            events: 0,
            began: now,
            decided: now,
        }
    }

    /// Before its events are appended.
    pub fn decided(self, events: usize) -> Self {
        Self {
            events: count(events),
            decided: SystemTime::now(),
            ..self
        }
    }

    /// When its events are durable.
    pub fn record(&self, accepted: &[(Job, Receipt)]) {
        let ended = SystemTime::now();
        for (job, _) in accepted {
            let (trace, command) = (job.request.correlation_id, job.request.command_id);
            if traces::are_wanted(trace) {
                Span::within("decide", trace, command)
                    .with("gcr.batch.commands", self.commands)
                    .record(self.began, self.decided);
                Span::within("append", trace, command)
                    .with("gcr.batch.events", self.events)
                    .record(self.decided, ended);
            }
        }
    }
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}
