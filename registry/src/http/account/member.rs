//! Who may be taken in as a member of an account.

use crate::http::Caller;
use crate::http::position::reached;
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::read;
use crate::read::user::Known;
use schemas::capability::Capability;
use schemas::id::{AccountId, OrganisationId, UserId};
use std::collections::BTreeSet;

/// Checks that the users may be the first members of an account of `organisation`.
///
/// # Errors
/// `users_unknown`, naming each.
pub(super) async fn check_first<C>(
    caller: &Caller<C>,
    user_ids: &[UserId],
    organisation: Option<OrganisationId>,
) -> Answer<()> {
    check(caller, user_ids, &[caller.user_id], organisation).await
}

/// Checks that the caller, a member of the account, may make these its members. Whom an account of an organisation
/// has is for those to say who manage that.
///
/// # Errors
/// `users_unknown`, naming each; 403 if they do not manage the organisation.
pub(super) async fn check_change<C>(
    caller: &Caller<C>,
    account_id: AccountId,
    user_ids: &[UserId],
) -> Answer<()> {
    let state = caller.state();
    reached(state.read_progress(), state.authority(), state.read_wait()).await?;
    let account = super::existing(&caller.client().await?, account_id).await?;
    let set = |users: &[UserId]| users.iter().copied().collect::<BTreeSet<_>>();
    let is_changed = set(user_ids) != set(&account.user_ids);
    if let Some(organisation) = account.organisation_id.filter(|_| is_changed) {
        caller.check_manages(organisation)?;
    }
    check(caller, user_ids, &account.user_ids, account.organisation_id).await
}

/// Users are in a stream of their own, where the ledger does not look. To share an account with somebody shows who they
/// are: so one is taken in who belongs to the account's organisation, and where it has none, who belongs to no other
/// than the caller's. Anybody else is as unknown as who does not exist.
async fn check<C>(
    caller: &Caller<C>,
    user_ids: &[UserId],
    beside: &[UserId],
    organisation: Option<OrganisationId>,
) -> Answer<()> {
    if user_ids.is_empty() {
        return Ok(());
    }
    let state = caller.state();
    reached(state.read_progress(), state.authority(), state.read_wait()).await?;
    let known = match organisation {
        _ if caller.may(Capability::ManageUsers) => Known::All,
        Some(organisation) => Known::Of(organisation),
        None => Known::NotElsewhere(caller.organisation.map(|own| own.organisation_id)),
    };
    let unknown = read::user::unknown(&caller.client().await?, user_ids, beside, known).await?;
    if unknown.is_empty() {
        return Ok(());
    }
    let problem = Problem::new(
        EdgeCode::UsersUnknown,
        "One or more users assigned to this account do not exist in the database.",
    );
    Err(user_ids
        .iter()
        .enumerate()
        .filter(|(_, user)| unknown.contains(user))
        .fold(problem, |problem, (index, user)| {
            problem.at_with(
                format!("/user_ids/{index}"),
                format!("User with id {user} not found"),
            )
        }))
}
