//! Recurring rules as scheduled decisions: the registry looks for rules that are due and for bundles they
//! may act on, and has the ledger decide each period. The ledger alone knows which period is next, so a
//! period runs once however many schedulers there are and whenever they are stopped; the others are refused.

mod candidates;

use crate::clock::Clock;
use crate::sequencer::{ExecuteError, Request, Sequencers};
use candidates::Candidates;
use deadpool_postgres::Client;
use event_store::EventStore;
use ledger::command::RunRule;
use ledger::entry::RecurringRule;
use ledger::{Code, Command, Event, Stream};
use projections::checkpoint_watch::CheckpointWatch;
use projections::postgres::Pool;
use schemas::event::LedgerEvent;
use schemas::id::RuleId;
use schemas::log::StreamName;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::types::Json;

/// Time between two looks for rules that are due.
pub const INTERVAL: Duration = Duration::from_secs(1);
/// Most rules that one look runs; the next look takes the others.
const LOOK_RULES: i64 = 100;
/// How often candidates are looked up for one decision before a shortfall stands: others act on the same
/// bundles meanwhile.
const MAX_LOOKS: usize = 5;
/// How long the WRITE database may take to show what was recorded when a look begins. After that the run
/// is left to a later look: it stays due.
const CATCH_UP: Duration = Duration::from_secs(10);

/// What runs recurring rules.
pub struct Scheduler {
    /// Where rules and bundles are found.
    pub write: Pool,
    /// How far it has come.
    pub write_checkpoints: Arc<CheckpointWatch>,
    /// Where the ledger ends.
    pub store: Arc<dyn EventStore>,
    /// The ledger's stream.
    pub stream: StreamName,
    /// What decides.
    pub sequencers: Sequencers,
    /// What time it is.
    pub clock: Clock,
}

/// What came of a step of a run.
enum Step {
    /// The run is finished.
    Finished,
    /// More bundles match than one action lists; the next step goes on.
    Ongoing,
    /// There was nothing to decide, or somebody else had decided it.
    Nothing,
}

impl Scheduler {
    /// Runs rules as they come due, for ever.
    pub async fn run(self) {
        let mut fails = false;
        loop {
            let looked = self.look().await;
            if let Err(error) = &looked
                && !fails
            {
                tracing::warn!(%error, "recurring rules can not be run; they stay due");
            }
            fails = looked.is_err();
            // More may be due than one look takes.
            if looked.is_ok_and(|finished| finished > 0) {
                continue;
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// One look: runs what is due, and tells how many runs it finished.
    ///
    /// # Errors
    /// When the WRITE database, the event store or the sequencer can not answer, or lags too far.
    pub async fn look(&self) -> anyhow::Result<usize> {
        self.caught_up().await?;
        let client = self.write.get().await?;
        let select = client
            .prepare_cached(
                "SELECT rule_id FROM recurring_rule WHERE next_run <= $1 ORDER BY next_run LIMIT $2",
            )
            .await?;
        let due = client
            .query(&select, &[&self.clock.now(), &LOOK_RULES])
            .await?;
        drop(client);
        let mut finished = 0;
        for row in due {
            let rule_id = RuleId(row.try_get(0)?);
            finished += loop {
                match self.step(rule_id).await? {
                    Step::Ongoing => {}
                    Step::Finished => break 1,
                    Step::Nothing => break 0,
                }
            };
        }
        Ok(finished)
    }

    /// Has the next step of a rule's run decided. An action lists at most so many bundles; a run over more
    /// of them takes several steps, each of which the ledger records with where the next one goes on, so
    /// that they are one run of the period, also where the registry is stopped in between.
    async fn step(&self, rule_id: RuleId) -> anyhow::Result<Step> {
        for look in 1..=MAX_LOOKS {
            // What is looked up is at least as new as all that was recorded when the look began, so a
            // lagging WRITE database never makes a run fall short.
            self.caught_up().await?;
            let mut client = self.write.get().await?;
            let Some(rule) = self.rule(&client, rule_id).await? else {
                return Ok(Step::Nothing);
            };
            let Candidates { bundle_ids, more } =
                candidates::find(&mut client, &rule, self.clock.now(), look > 1).await?;
            drop(client);
            let command = Command::RunRule(RunRule {
                rule_id,
                period: rule.next_period,
                step: rule.open.as_ref().map_or(0, |open| open.steps),
                candidates: bundle_ids,
                more,
                settle: look == MAX_LOOKS,
            });
            match self
                .sequencers
                .execute(Request::of_system("recurring", command))
                .await
            {
                Ok(receipt) => {
                    let ran = receipt
                        .events
                        .iter()
                        .rev()
                        .find_map(|(_, event)| match event {
                            Event::Ledger(LedgerEvent::RecurringRuleRan(ran)) => Some(ran),
                            _ => None,
                        });
                    let Some(ran) = ran else {
                        return Ok(Step::Nothing);
                    };
                    tracing::info!(
                        %rule_id, period = ran.period, periods = ran.periods, outcome = %ran.outcome,
                        wanted_wh = ran.wanted_wh.0, moved_wh = ran.moved_wh.0, "recurring rule ran"
                    );
                    return Ok(match ran.open {
                        Some(_) => Step::Ongoing,
                        None => Step::Finished,
                    });
                }
                Err(ExecuteError::Refused(refusal)) => match refusal.code {
                    Code::RecurringCandidatesChanged => {}
                    Code::RecurringPeriodDone
                    | Code::RecurringPeriodNotDue
                    | Code::RecurringRuleState => return Ok(Step::Nothing),
                    code => {
                        tracing::error!(%rule_id, %code, %refusal, "a recurring rule can not be run");
                        return Ok(Step::Nothing);
                    }
                },
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Step::Nothing)
    }

    /// Waits until the WRITE database shows all that the ledger holds now.
    async fn caught_up(&self) -> anyhow::Result<()> {
        let head = self.store.head(&self.stream).await?.position;
        self.write_checkpoints
            .wait_for(Stream::Ledger, head, CATCH_UP)
            .await?;
        Ok(())
    }

    /// The rule, if it is due.
    async fn rule(
        &self,
        client: &Client,
        rule_id: RuleId,
    ) -> anyhow::Result<Option<RecurringRule>> {
        let select = client
            .prepare_cached(
                "SELECT state::json FROM recurring_rule WHERE rule_id = $1 AND next_run <= $2",
            )
            .await?;
        let found = client
            .query_opt(&select, &[&rule_id.0, &self.clock.now()])
            .await?;
        match found {
            Some(row) => Ok(Some(row.try_get::<_, Json<RecurringRule>>(0)?.0)),
            None => Ok(None),
        }
    }
}
