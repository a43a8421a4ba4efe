//! Which paths there are, with which methods: read from the document, which lists them all.

use super::complete::{is_question, is_sign_in};
use actix_web::dev::ResourceDef;
use actix_web::http::Method;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The paths of the API.
pub struct Routes {
    paths: Vec<(ResourceDef, Vec<String>)>,
    /// Operations that the audit trail tells of, by method and pattern of their path.
    audited: HashMap<(String, String), Arc<Operation>>,
}

/// What the audit trail and the limits have to know of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its id.
    pub name: String,
    /// Pattern of its path.
    pub pattern: String,
    /// Whether it asks for no credentials.
    pub is_open: bool,
    /// Whether it gives some out.
    pub signs_in: bool,
}

impl Routes {
    /// All paths of the document.
    #[must_use]
    pub fn new() -> Self {
        let document = super::document();
        let paths = || document["paths"].as_object().into_iter().flatten();
        let operations = paths().flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods.filter_map(move |(method, operation)| {
                let name = operation["operationId"].as_str()?;
                let place = (method.to_uppercase(), path.clone());
                let audited = Operation {
                    name: name.to_owned(),
                    pattern: path.clone(),
                    is_open: operation["security"] == json!([]),
                    signs_in: is_sign_in(name),
                };
                (!is_question(method, name)).then(|| (place, Arc::new(audited)))
            })
        });
        Self {
            audited: operations.collect(),
            paths: paths().map(|(path, item)| route(path, item)).collect(),
        }
    }

    /// The operation at a place, if it changes something or signs somebody in.
    #[must_use]
    pub fn audited(&self, method: &Method, pattern: &str) -> Option<&Arc<Operation>> {
        let place = (method.as_str().to_owned(), pattern.to_owned());
        self.audited.get(&place)
    }

    /// Whether a route has this very path: it wins over those with a variable segment.
    #[must_use]
    pub fn is_fixed(&self, path: &str) -> bool {
        self.paths
            .iter()
            .any(|(route, _)| route.pattern() == Some(path))
    }

    /// The methods of a path, in capitals; none if there is no such path.
    #[must_use]
    pub fn methods(&self, path: &str) -> Vec<&str> {
        let fixed = self.is_fixed(path);
        let mut methods: Vec<_> = self
            .paths
            .iter()
            .filter(|(route, _)| match fixed {
                true => route.pattern() == Some(path),
                false => route.is_match(path),
            })
            .flat_map(|(_, methods)| methods.iter().map(String::as_str))
            .collect();
        methods.sort_unstable();
        methods.dedup();
        methods
    }
}

impl Default for Routes {
    fn default() -> Self {
        Self::new()
    }
}

fn route(path: &str, item: &Value) -> (ResourceDef, Vec<String>) {
    let methods = item.as_object().into_iter().flatten();
    let methods = methods.map(|(method, _)| method.to_uppercase()).collect();
    (ResourceDef::new(path), methods)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutations_and_signing_in_are_audited_and_questions_are_not() {
        let routes = Routes::new();
        let audited = |method, pattern| {
            let found = routes.audited(&method, pattern)?;
            Some((found.name.as_str(), found.is_open, found.signs_in))
        };
        assert_eq!(
            audited(Method::POST, "/auth/login"),
            Some(("login", true, true))
        );
        assert_eq!(
            audited(Method::POST, "/gateway/events"),
            Some(("submit_envelopes", true, false))
        );
        assert_eq!(
            audited(Method::DELETE, "/measurement/delete/{id}"),
            Some(("delete_measurement", false, false))
        );
        assert_eq!(audited(Method::POST, "/certificate/query"), None);
        assert_eq!(audited(Method::GET, "/user/me"), None);
        assert_eq!(audited(Method::PUT, "/auth/login"), None);
    }

    #[test]
    fn a_path_has_the_methods_of_its_route_and_a_fixed_one_wins() {
        let routes = Routes::new();
        assert_eq!(routes.methods("/account/create"), ["POST"]);
        assert_eq!(routes.methods("/account/7/summary"), ["GET"]);
        assert!(routes.methods("/no/such/path").is_empty());
    }
}
