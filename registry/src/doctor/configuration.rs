//! The settings.

use super::Finding;
use crate::config::Config;

const ABOUT: &str = "configuration";

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Err(error) = config.auth.check_production() {
        // What it says is what to do.
        found.push(Finding::problem(ABOUT, error.to_string(), ""));
    }
    for hazard in config.hazards() {
        let name = hazard.as_str();
        found.push(if config.allow_unsafe.contains(&hazard) {
            let says = format!("{name} is unsafe and allowed by `allow_unsafe`");
            Finding::warning(ABOUT, says, hazard.advice())
        } else {
            let says = format!("{name} is unsafe: `serve` does not start");
            Finding::problem(ABOUT, says, hazard.advice())
        });
    }
    // Files that are named and can not be used are findings of those whose they are.
    if found.is_empty() && config.check_production().is_ok() {
        found.push(Finding::well(ABOUT, "`serve` starts with it"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Hazard, Secret};
    use crate::doctor::Grade;

    fn grades(config: &Config) -> Vec<Grade> {
        examine(config).iter().map(|found| found.grade).collect()
    }

    #[test]
    fn what_serve_refuses_is_a_problem_and_what_it_is_told_to_allow_a_warning() {
        let mut config = Config::default();
        assert_eq!(grades(&config), [Grade::Problem], "no master secret");
        config.auth.master_secret = Secret::new("0123456789abcdef0123456789abcdef");
        assert_eq!(grades(&config), [Grade::Well]);
        config.auth.dev_users = true;
        assert_eq!(grades(&config), [Grade::Problem]);
        config.allow_unsafe = vec![Hazard::DevUsers];
        assert_eq!(grades(&config), [Grade::Warning]);
    }
}
