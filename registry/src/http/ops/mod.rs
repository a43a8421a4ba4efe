//! For those who run the registry and those who look at it for the first time.

mod health;
mod keys;
mod log_level;
mod metrics;
mod problem_page;
mod ready;
mod root;

pub use metrics::prometheus;
pub(in crate::http) use root::{escaped, into_page, page as html_page};

use actix_web::web::ServiceConfig;

/// The routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(root::get_root)
        .service(health::get_health)
        .service(health::get_healthz)
        .service(ready::get_readyz)
        .service(metrics::get_metrics)
        .service(keys::get_registry_keys)
        .service(problem_page::list_problems)
        .service(problem_page::get_problem)
        .service(log_level::change_log_level);
}

/// The routes as the OpenAPI document lists them.
#[derive(utoipa::OpenApi)]
#[openapi(
    paths(
        root::get_root,
        health::get_health,
        health::get_healthz,
        ready::get_readyz,
        metrics::get_metrics,
        keys::get_registry_keys,
        problem_page::list_problems,
        problem_page::get_problem,
        log_level::change_log_level,
    ),
    components(schemas(log_level::LogLevel))
)]
pub struct Document;
