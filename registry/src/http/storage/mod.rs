//! Storage: what is charged and discharged, its efficiency, allocation, and the certificates issued for
//! what it releases.

mod allocation;
mod efficiency;
mod ids;
mod issue;
mod one_way;
mod record;
mod upload;
mod withdraw;

use super::problem::{EdgeCode, Problem};
use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::ServiceConfig;

/// The routes; fixed segments before ids.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(record::get_record_template)
        .service(allocation::get_allocation_template)
        .service(record::submit_records)
        .service(record::list_records)
        .service(one_way::create_scr)
        .service(one_way::create_sdr)
        .service(one_way::query_scr)
        .service(one_way::query_sdr)
        .service(withdraw::withdraw_scr)
        .service(withdraw::withdraw_sdr)
        .service(efficiency::fix_efficiency)
        .service(efficiency::list_efficiencies)
        .service(allocation::allocate)
        .service(allocation::submit_allocations)
        .service(allocation::get_allocations)
        .service(allocation::list_allocations)
        .service(issue::issue_sdgcs)
        .service(issue::issue_sdgc);
}

/// The routes as the OpenAPI document lists them.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    record::get_record_template,
    allocation::get_allocation_template,
    record::submit_records,
    record::list_records,
    one_way::create_scr,
    one_way::create_sdr,
    one_way::query_scr,
    one_way::query_sdr,
    withdraw::withdraw_scr,
    withdraw::withdraw_sdr,
    efficiency::fix_efficiency,
    efficiency::list_efficiencies,
    allocation::allocate,
    allocation::submit_allocations,
    allocation::get_allocations,
    allocation::list_allocations,
    issue::issue_sdgcs,
    issue::issue_sdgc,
))]
pub struct Document;

/// A CSV file to fill in.
fn template(name: &str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.csv\""),
        ))
        .body(text)
}

fn unanswered(what: &'static str) -> Problem {
    Problem::internal(&what)
}

fn parameter_invalid(name: &str, rule: impl Into<String>) -> Problem {
    Problem::new(EdgeCode::RequestInvalid, rule).at_parameter(name)
}
