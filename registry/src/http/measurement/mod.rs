//! Meter readings: submission, which issues, and the readings that stand.

mod change;
mod correct;
mod issue;
mod outcome;
mod read;
mod submit;
mod upload;

pub(in crate::http) use submit::point;
pub use upload::UPLOAD_LIMIT;
pub(in crate::http) use upload::{FILE, read_form};

use actix_web::web::ServiceConfig;

/// The routes; fixed segments before ids.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(submit::submit_readings)
        .service(submit::create_measurement)
        .service(issue::issue_readings)
        .service(correct::correct_measurement)
        .service(change::update_measurement)
        .service(change::delete_measurement)
        .service(read::get_template)
        .service(read::list_measurements)
        .service(read::get_measurement);
}

/// The routes as the OpenAPI document lists them.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    submit::submit_readings,
    submit::create_measurement,
    issue::issue_readings,
    correct::correct_measurement,
    change::update_measurement,
    change::delete_measurement,
    read::get_template,
    read::list_measurements,
    read::get_measurement,
))]
pub struct Document;
