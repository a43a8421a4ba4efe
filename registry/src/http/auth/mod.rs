//! Signing in, staying signed in and signing out.

mod cookie;
mod csrf;
pub(super) mod device;
pub(super) mod issue;
mod keys;
mod login;
mod refresh;
pub(super) mod second_factor;
mod session;
mod site;

pub(super) use cookie::{is_secure, public_path};
pub(super) use refresh::refreshed;

use actix_web::web::ServiceConfig;

/// The routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(login::login)
        .service(refresh::refresh_session)
        .service(session::logout)
        .service(second_factor::enrol_second_factor)
        .service(second_factor::add_second_factor)
        .service(second_factor::remove_second_factor)
        .service(second_factor::remove_second_factor_of_user)
        .service(session::list_my_sessions)
        .service(session::end_my_session)
        .service(session::end_sessions_of_user)
        .service(csrf::get_csrf_token)
        .service(keys::get_token_keys);
}

/// The routes as the OpenAPI document lists them.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    login::login,
    refresh::refresh_session,
    session::logout,
    second_factor::enrol_second_factor,
    second_factor::add_second_factor,
    second_factor::remove_second_factor,
    second_factor::remove_second_factor_of_user,
    session::list_my_sessions,
    session::end_my_session,
    session::end_sessions_of_user,
    csrf::get_csrf_token,
    keys::get_token_keys,
))]
pub struct Document;
