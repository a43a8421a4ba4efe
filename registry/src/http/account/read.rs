//! Questions about accounts.

use super::existing;
use crate::http::listed::{after, listed};
use crate::http::problem::{Answer, Problem};
use crate::http::{Member, Query, Read, Viewer, may};
use crate::read::{self, cursor::Page};
use actix_web::{HttpResponse, get};
use ledger::refusal::Code;
use read::account::AccountRow;
use schemas::api::account::{AccountRead, AccountSummary};
use schemas::api::device::DeviceRead;
use schemas::api::page::PageQuery;
use schemas::api::user::AccountUser;
use schemas::id::{AccountId, DeviceId};

const ACCOUNTS: &str = "accounts";
const DEVICES: &str = "account_devices";
const CERTIFICATE_DEVICES: &str = "certificate_devices";

/// List accounts.
///
/// Open ones that the caller is a member of; administrators see all.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "list_accounts",
    params(PageQuery),
    responses((status = 200, description = "A page of the accounts.", body = Vec<AccountRead>)),
)]
#[get("/account/list")]
pub async fn list_accounts(
    read: Read<may::ManageAccounts>,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    let after = AccountId(after(ACCOUNTS, &page)?);
    let client = read.client().await?;
    let accounts =
        read::account::list(&client, read.visible_accounts(), after, page.limit + 1).await?;
    let accounts: Vec<_> = accounts.into_iter().map(AccountRead::from).collect();
    let page = Page::of(accounts, page.limit, ACCOUNTS, |account| account.id);
    Ok(listed(&page))
}

/// Get an account.
///
/// Visible to its members and to administrators, also when it is closed.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "get_account",
    params(("account_id" = i64, Path, description = "The account.")),
    responses(
        (status = 200, description = "The account.", body = AccountRead),
        (status = 404, description = "account_not_found"),
    ),
)]
#[get("/account/{account_id}")]
pub async fn get_account(viewer: Viewer) -> Answer<HttpResponse> {
    let account = existing(&viewer.client().await?, viewer.account_id).await?;
    Ok(HttpResponse::Ok().json(AccountRead::from(account)))
}

/// List the members of an account.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "list_account_users",
    params(("account_id" = i64, Path, description = "The account.")),
    responses(
        (status = 200, description = "The members, in the order of their ids.", body = Vec<AccountUser>),
        (status = 404, description = "account_not_found"),
        (status = 422, description = "request_invalid, account_closed"),
    ),
)]
#[get("/account/{account_id}/users")]
pub async fn list_account_users(viewer: Viewer<may::ManageUsers>) -> Answer<HttpResponse> {
    let client = viewer.client().await?;
    let account = existing(&client, viewer.account_id).await?;
    check_open(&account, "users")?;
    let users = read::user::of_account(&client, account.account_id).await?;
    let users: Vec<_> = users.into_iter().map(AccountUser::from).collect();
    Ok(HttpResponse::Ok().json(users))
}

/// Summarise an account.
///
/// Its devices, and the bundles it holds; what was withdrawn or split does not count.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "get_account_summary",
    params(("account_id" = i64, Path, description = "The account.")),
    responses(
        (status = 200, description = "The summary.", body = AccountSummary),
        (status = 404, description = "account_not_found"),
        (status = 422, description = "request_invalid, account_closed"),
    ),
)]
#[get("/account/{account_id}/summary")]
pub async fn get_account_summary(viewer: Viewer) -> Answer<HttpResponse> {
    let client = viewer.client().await?;
    let account = existing(&client, viewer.account_id).await?;
    check_open(&account, "summary")?;
    Ok(HttpResponse::Ok().json(read::summary::of_account(&client, account).await?))
}

fn check_open(account: &AccountRow, what: &str) -> Answer<()> {
    if account.is_deleted {
        return Err(Problem::new(
            Code::AccountClosed,
            format!("Cannot get {what} for deleted accounts."),
        ));
    }
    Ok(())
}

/// List the devices of an account.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "list_account_devices",
    params(("account_id" = i64, Path, description = "The account."), PageQuery),
    responses(
        (status = 200, description = "A page of the devices.", body = Vec<DeviceRead>),
        (status = 404, description = "account_not_found"),
    ),
)]
#[get("/account/{account_id}/devices")]
pub async fn list_account_devices(
    viewer: Viewer,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    let after = DeviceId(after(DEVICES, &page)?);
    let client = viewer.client().await?;
    let devices =
        read::device::of_account(&client, viewer.account_id, after, page.limit + 1).await?;
    let page = Page::of(devices, page.limit, DEVICES, |device| device.id);
    Ok(listed(&page))
}

/// List the devices behind the bundles an account holds.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "list_certificate_devices",
    params(("account_id" = i64, Path, description = "The account."), PageQuery),
    responses(
        (status = 200, description = "A page of the devices.", body = Vec<DeviceRead>),
        (status = 404, description = "account_not_found"),
    ),
)]
#[get("/account/{account_id}/certificates/devices")]
pub async fn list_certificate_devices(
    member: Member<may::ManageAccounts>,
    Query(page): Query<PageQuery>,
) -> Answer<HttpResponse> {
    let after = DeviceId(after(CERTIFICATE_DEVICES, &page)?);
    let client = member.client().await?;
    let devices =
        read::device::behind_holdings(&client, member.account_id, after, page.limit + 1).await?;
    let page = Page::of(devices, page.limit, CERTIFICATE_DEVICES, |device| device.id);
    Ok(listed(&page))
}
