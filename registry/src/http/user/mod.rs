//! People and machines that sign in.

mod erase;
mod identity;
mod proven;
mod read;
mod register;
mod update;

use proven::proven;
pub(super) use proven::proven_if_any;

use super::Caller;
use super::problem::{Answer, Problem};
use crate::read as questions;
use actix_web::web::ServiceConfig;
use deadpool_postgres::Client;
use ledger::refusal::Code;
use questions::user::UserRow;
use schemas::api::account::AccountRead;
use schemas::api::user::UserRead;
use schemas::id::UserId;

/// The routes; fixed segments before ids.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(register::create_user)
        .service(read::get_me)
        .service(read::list_my_accounts)
        .service(read::list_users)
        .service(update::change_my_password)
        .service(update::update_user)
        .service(update::change_role)
        .service(register::delete_user)
        .service(erase::erase_user)
        .service(identity::list_identities)
        .service(identity::link_identity)
        .service(identity::unlink_identity)
        .service(read::get_user);
}

/// The routes as the OpenAPI document lists them.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    register::create_user,
    read::get_me,
    read::list_my_accounts,
    read::list_users,
    update::change_my_password,
    update::update_user,
    update::change_role,
    register::delete_user,
    erase::erase_user,
    identity::list_identities,
    identity::link_identity,
    identity::unlink_identity,
    read::get_user,
))]
pub struct Document;

pub(super) fn not_found(user_id: UserId) -> Problem {
    Problem::not_found(Code::UserNotFound, "User", user_id)
}

/// The user, who must not have been removed.
pub(super) async fn existing(client: &Client, user_id: UserId) -> Answer<UserRow> {
    questions::user::by_id(client, user_id)
        .await?
        .filter(|user| !user.is_deleted)
        .ok_or_else(|| not_found(user_id))
}

/// Users with the accounts that the caller's credentials are good for; with `seen_by`, only those that it is a
/// member of too.
pub(super) async fn shown<C>(
    caller: &Caller<C>,
    client: &Client,
    users: Vec<UserRow>,
    seen_by: Option<UserId>,
) -> Answer<Vec<UserRead>> {
    let ids: Vec<_> = users.iter().map(|user| user.user_id).collect();
    let accounts: Vec<AccountRead> = questions::account::of_users(client, &ids, seen_by)
        .await?
        .into_iter()
        .filter(|account| caller.reaches(account.account_id))
        .map(AccountRead::from)
        .collect();
    Ok(users
        .into_iter()
        .map(|user| user.with_accounts(&accounts))
        .collect())
}

/// One user with all their accounts, as far as the caller's credentials are good for them.
async fn shown_whole<C>(caller: &Caller<C>, client: &Client, user: UserRow) -> Answer<UserRead> {
    let user_id = user.user_id;
    let shown = shown(caller, client, vec![user], None).await?.pop();
    shown.ok_or_else(|| not_found(user_id))
}
