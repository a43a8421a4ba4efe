//! Questions about users.

use super::{existing, shown, shown_whole};
use crate::http::listed::{after, listed};
use crate::http::problem::Answer;
use crate::http::{Id, Query, Read};
use crate::read::{self, cursor::Page};
use actix_web::{HttpResponse, get};
use schemas::api::account::AccountRead;
use schemas::api::page::PageQuery;
use schemas::api::user::UserRead;
use schemas::id::UserId;

const LIST: &str = "users";

/// Get the caller.
#[utoipa::path(
    tag = "Users",
    operation_id = "get_me",
    responses((status = 200, description = "The caller, with their accounts.", body = UserRead)),
)]
#[get("/user/me")]
pub async fn get_me(read: Read) -> Answer<HttpResponse> {
    let client = read.client().await?;
    let user = existing(&client, read.user_id).await?;
    Ok(HttpResponse::Ok().json(shown_whole(&read, &client, user).await?))
}

/// List the caller's accounts.
///
/// Open ones, in the order of their ids; null if there are none.
#[utoipa::path(
    tag = "Users",
    operation_id = "list_my_accounts",
    responses((status = 200, description = "The accounts.", body = Option<Vec<AccountRead>>)),
)]
#[get("/user/me/accounts")]
pub async fn list_my_accounts(read: Read) -> Answer<HttpResponse> {
    let client = read.client().await?;
    let user = existing(&client, read.user_id).await?;
    Ok(HttpResponse::Ok().json(shown_whole(&read, &client, user).await?.accounts))
}

/// List users.
///
/// Those who share an open account with the caller, and the caller; administrators see everybody.
#[utoipa::path(
    tag = "Users",
    operation_id = "list_users",
    params(PageQuery),
    responses((status = 200, description = "A page of the users.", body = Vec<UserRead>)),
)]
#[get("/user/list")]
pub async fn list_users(read: Read, Query(page): Query<PageQuery>) -> Answer<HttpResponse> {
    let after = UserId(after(LIST, &page)?);
    let viewer = (!read.sees_everybody()).then_some(read.user_id);
    let client = read.client().await?;
    let reached = read.restriction();
    let users = read::user::list(&client, viewer, reached, after, page.limit + 1).await?;
    let users = shown(&read, &client, users, viewer).await?;
    Ok(listed(&Page::of(users, page.limit, LIST, |user| user.id)))
}

/// Get a user.
///
/// Visible are the caller, and users who share an account with them; administrators see everybody.
#[utoipa::path(
    tag = "Users",
    operation_id = "get_user",
    params(("user_id" = i64, Path, description = "The user.")),
    responses(
        (status = 200, description = "The user, with the accounts shared with the caller.", body = UserRead),
        (status = 404, description = "user_not_found"),
    ),
)]
#[get("/user/{user_id}")]
pub async fn get_user(read: Read, Id(user_id): Id<UserId>) -> Answer<HttpResponse> {
    let user = read.seen_user(&read.client().await?, user_id).await?;
    Ok(HttpResponse::Ok().json(user))
}
