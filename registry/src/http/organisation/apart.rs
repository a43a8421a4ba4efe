//! Users are in one stream and accounts in another, so somebody can leave an organisation while they are taken into an
//! account of it. Whichever of the two ends last sees both, and takes them out again.

use crate::http::Write;
use crate::http::extract::May;
use crate::http::position::{Positions, reached};
use crate::http::problem::Answer;
use crate::read;
use ledger::{Command, command};
use schemas::id::{AccountId, OrganisationId, UserId};
use schemas::log::Position;

/// Accounts that one user is taken out of at most: they were taken into them this moment.
const ACCOUNTS: i64 = 100;

/// Takes those of the users who do not belong to the organisation out of its accounts. What was asked for is done
/// already, so what fails here is told to the operator.
pub(super) async fn keep_apart<C: May, T>(
    write: &Write<C, T>,
    organisation_id: OrganisationId,
    user_ids: &[UserId],
) {
    if let Err(problem) = take_out(write, organisation_id, user_ids).await {
        tracing::warn!(%organisation_id, ?problem, "somebody may act for an organisation that they left");
    }
}

async fn take_out<C: May, T>(
    write: &Write<C, T>,
    organisation_id: OrganisationId,
    user_ids: &[UserId],
) -> Answer<()> {
    let members = strangers(write, organisation_id, user_ids).await?;
    let state = write.caller.state();
    let decide = async |command| write.origin.prepare(state, command).await;
    each_out(organisation_id, members, decide).await;
    Ok(())
}

/// Who of them does not belong to the organisation, with each account of it that they may act for.
async fn strangers<C: May, T>(
    write: &Write<C, T>,
    organisation_id: OrganisationId,
    user_ids: &[UserId],
) -> Answer<Vec<(UserId, AccountId)>> {
    let state = write.caller.state();
    let all = Positions {
        audit: Position::START,
        ..state.heads().await?
    };
    reached(state.read_progress(), all, state.read_wait()).await?;
    let client = write.caller.client().await?;
    let mut members = Vec::new();
    for user_id in read::organisation::strangers(&client, organisation_id, user_ids).await? {
        let of = Some(user_id);
        let accounts = read::organisation::open_accounts(&client, organisation_id, of, ACCOUNTS);
        let accounts = accounts.await?.into_iter();
        members.extend(accounts.map(|account_id| (user_id, account_id)));
    }
    Ok(members)
}

/// Takes each out of the account. One that refuses keeps nobody in the others.
async fn each_out<R>(
    organisation_id: OrganisationId,
    members: Vec<(UserId, AccountId)>,
    decide: impl AsyncFn(Command) -> Answer<R>,
) {
    for (user_id, account_id) in members {
        let command = Command::ChangeMembers(command::ChangeMembers {
            account_id,
            organisation_id,
            add: Vec::new(),
            remove: vec![user_id],
        });
        if let Err(problem) = decide(command).await {
            tracing::warn!(
                %organisation_id, %user_id, %account_id, ?problem,
                "somebody acts for an account of an organisation that they left"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::problem::{EdgeCode, Problem};
    use std::cell::RefCell;

    #[tokio::test]
    async fn an_account_that_refuses_keeps_nobody_in_the_others() {
        let asked = RefCell::new(Vec::new());
        let decide = async |command: Command| {
            let Command::ChangeMembers(change) = command else {
                panic!("{command:?} takes nobody out");
            };
            asked
                .borrow_mut()
                .push((change.remove[0], change.account_id));
            match asked.borrow().len() {
                1 => Err(Problem::new(EdgeCode::Busy, "later")),
                _ => Ok(()),
            }
        };
        let members = [(1, 7), (1, 8), (2, 7)];
        let members = members.map(|(user, account)| (UserId(user), AccountId(account)));
        each_out(OrganisationId(3), members.to_vec(), decide).await;
        assert_eq!(*asked.borrow(), members);
    }
}
