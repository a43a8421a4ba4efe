//! Which paths there are, with which methods: read from the document, which lists them all.

use actix_web::dev::ResourceDef;
use serde_json::Value;

/// The paths of the API.
pub struct Routes(Vec<(ResourceDef, Vec<String>)>);

impl Routes {
    /// All paths of the document.
    #[must_use]
    pub fn new() -> Self {
        let document = super::document();
        let paths = document["paths"].as_object().into_iter().flatten();
        Self(paths.map(|(path, item)| route(path, item)).collect())
    }

    /// Whether a route has this very path: it wins over those with a variable segment.
    #[must_use]
    pub fn is_fixed(&self, path: &str) -> bool {
        self.0
            .iter()
            .any(|(route, _)| route.pattern() == Some(path))
    }

    /// The methods of a path, in capitals; none if there is no such path.
    #[must_use]
    pub fn methods(&self, path: &str) -> Vec<&str> {
        let fixed = self.is_fixed(path);
        let mut methods: Vec<_> = self
            .0
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
    fn a_path_has_the_methods_of_its_route_and_a_fixed_one_wins() {
        let routes = Routes::new();
        assert_eq!(routes.methods("/account/create"), ["POST"]);
        assert_eq!(routes.methods("/account/7/summary"), ["GET"]);
        assert!(routes.methods("/no/such/path").is_empty());
    }
}
