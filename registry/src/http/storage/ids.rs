//! Ids in a query string, separated by commas or in repeated parameters.

use super::parameter_invalid;
use crate::http::problem::Answer;
use actix_web::HttpRequest;
use schemas::api::storage::MAX_IDS;

/// The ids under `name`, each once.
///
/// # Errors
/// `request_invalid` if one is no whole number or there are too many.
pub(super) fn ids(request: &HttpRequest, name: &str) -> Answer<Vec<i64>> {
    let mut ids = Vec::new();
    for (_, text) in
        form_urlencoded::parse(request.query_string().as_bytes()).filter(|(key, _)| key == name)
    {
        for id in text.split(',').map(str::trim).filter(|id| !id.is_empty()) {
            let id: i64 = id.parse().map_err(|_| {
                let rule = format!("`{name}` must list whole numbers, separated by commas");
                parameter_invalid(name, rule)
            })?;
            ids.push(id);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() || ids.len() > MAX_IDS {
        let rule = format!(
            "`{name}` must list 1 to {MAX_IDS} ids; these are {}",
            ids.len()
        );
        return Err(parameter_invalid(name, rule));
    }
    Ok(ids)
}
