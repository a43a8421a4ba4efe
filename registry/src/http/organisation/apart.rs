//! Users are in one stream and accounts in another, so somebody can leave an organisation while they are taken into an
//! account of it. Whichever of the two ends last sees both, and takes them out again.

use crate::http::Write;
use crate::http::extract::May;
use crate::http::position::{Positions, reached};
use crate::http::problem::Answer;
use crate::read;
use ledger::{Command, command};
use schemas::id::{OrganisationId, UserId};
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
    let state = write.caller.state();
    let all = Positions {
        audit: Position::START,
        ..state.heads().await?
    };
    reached(state.read_progress(), all, state.read_wait()).await?;
    let client = write.caller.client().await?;
    for user_id in read::organisation::strangers(&client, organisation_id, user_ids).await? {
        let of = Some(user_id);
        for account_id in
            read::organisation::open_accounts(&client, organisation_id, of, ACCOUNTS).await?
        {
            let command = command::ChangeMembers {
                account_id,
                organisation_id,
                add: Vec::new(),
                remove: vec![user_id],
            };
            let command = Command::ChangeMembers(command);
            write.origin.prepare(state, command).await?;
        }
    }
    Ok(())
}
