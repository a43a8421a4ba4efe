//! Organisations, which own accounts, who belongs to them, and invitations into them.

mod accept;
mod account;
mod apart;
mod invitation;
mod manage;
mod member;

use actix_web::web::ServiceConfig;

/// The routes; fixed segments before ids.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(manage::create_organisation)
        .service(manage::list_organisations)
        .service(manage::update_organisation)
        .service(manage::delete_organisation)
        .service(member::list_organisation_users)
        .service(member::change_manager)
        .service(member::leave_organisation)
        .service(account::list_organisation_accounts)
        .service(account::assign_account)
        .service(account::change_account_members)
        .service(invitation::create_invitation)
        .service(invitation::list_invitations)
        .service(accept::accept_invitation)
        .service(accept::join_organisation)
        .service(invitation::revoke_invitation)
        .service(manage::get_organisation);
}

/// The routes as the OpenAPI document lists them.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    manage::create_organisation,
    manage::list_organisations,
    manage::update_organisation,
    manage::delete_organisation,
    member::list_organisation_users,
    member::change_manager,
    member::leave_organisation,
    account::list_organisation_accounts,
    account::assign_account,
    account::change_account_members,
    invitation::create_invitation,
    invitation::list_invitations,
    accept::accept_invitation,
    accept::join_organisation,
    invitation::revoke_invitation,
    manage::get_organisation,
))]
pub struct Document;
