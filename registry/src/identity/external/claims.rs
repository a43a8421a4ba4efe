//! What another server says of somebody.

use crate::config::Mapping;
use schemas::event::link::ExternalIdentity;
use schemas::life_cycle::Role;
use serde_json::{Map, Value};

/// Longest subject (OpenID Connect Core 1.0, section 2) and issuer that is taken.
const MAX_CHARS: usize = schemas::api::identity::MAX_CHARS;

/// What it says, as far as it matters here.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Who it is.
    pub identity: ExternalIdentity,
    /// Their role: none where roles are not its matter, `Some(None)` where they are and it names none that counts.
    pub role: Option<Option<Role>>,
    /// Their name.
    pub name: Option<String>,
    /// Their e-mail address, if the server has verified it.
    pub verified_email: Option<String>,
    /// How they were signed in: `amr` and `acr` (OpenID Connect Core 1.0, section 2).
    pub methods: Vec<String>,
}

impl Claimed {
    /// What claims say, whose issuer is known; none without a subject.
    #[must_use]
    pub fn of(issuer: &str, claims: &Map<String, Value>, mapping: &Mapping) -> Option<Self> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let subject = text("sub").filter(|sub| is_subject(sub))?;
        // Some servers write truth as text.
        let is_verified = claims
            .get("email_verified")
            .is_some_and(|value| value == &Value::Bool(true) || value == "true");
        Some(Self {
            identity: ExternalIdentity {
                issuer: issuer.to_owned(),
                subject: subject.to_owned(),
            },
            role: role(claims, mapping),
            name: text("name")
                .or_else(|| text("preferred_username"))
                .map(str::to_owned),
            verified_email: text("email").filter(|_| is_verified).map(str::to_owned),
            methods: words(claims.get("amr"))
                .into_iter()
                .chain(text("acr"))
                .map(str::to_owned)
                .collect(),
        })
    }
}

/// A text, or the texts of a list.
fn words(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(word)) => vec![word],
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Of ASCII (OpenID Connect Core 1.0, section 2) and nothing that a terminal or a database takes for more than a letter.
fn is_subject(sub: &str) -> bool {
    (1..=MAX_CHARS).contains(&sub.len()) && sub.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn role(claims: &Map<String, Value>, mapping: &Mapping) -> Option<Option<Role>> {
    if mapping.roles.is_empty() {
        return None;
    }
    let claim = mapping.role_claim.as_str();
    let whole;
    let value = if claim.starts_with('/') {
        whole = Value::Object(claims.clone());
        whole.pointer(claim)
    } else {
        claims.get(claim)
    };
    let known = words(value)
        .into_iter()
        .filter_map(|word| mapping.roles.get(word));
    Some(known.copied().max_by_key(|role| role.number()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn mapping(claim: &str) -> Mapping {
        let roles = [("trader", Role::Trading), ("boss", Role::Production)];
        Mapping {
            role_claim: claim.to_owned(),
            roles: roles.map(|(word, role)| (word.to_owned(), role)).into(),
        }
    }

    fn claimed(claims: Value, mapping: &Mapping) -> Option<Claimed> {
        Claimed::of(
            "https://login.example",
            claims.as_object().unwrap(),
            mapping,
        )
    }

    fn role_of(claims: Value, claim: &str) -> Option<Option<Role>> {
        claimed(claims, &mapping(claim)).unwrap().role
    }

    #[test]
    fn a_role_follows_from_configured_values_and_from_nothing_else() {
        let of = |value: Value| role_of(json!({"sub": "1", "roles": value}), "roles");
        assert_eq!(of(json!("trader")), Some(Some(Role::Trading)));
        assert_eq!(
            of(json!(["trader", "boss", "x"])),
            Some(Some(Role::Production))
        );
        for nothing in [
            json!("ADMIN"),
            json!(["admin", "4"]),
            json!("trader boss"),
            json!("Trader"),
            json!(4),
            json!({"trader": true}),
            json!(null),
            json!([["trader"]]),
        ] {
            assert_eq!(of(nothing.clone()), Some(None), "{nothing}");
        }
        assert_eq!(role_of(json!({"sub": "1"}), "roles"), Some(None));
        let deep = json!({"sub": "1", "realm": {"roles": ["boss"]}, "/realm/roles": "trader"});
        assert_eq!(role_of(deep, "/realm/roles"), Some(Some(Role::Production)));
        let top = json!({"sub": "1", "roles": "boss"});
        assert_eq!(role_of(top, "/roles"), Some(Some(Role::Production)));
        let silent = claimed(json!({"sub": "1", "roles": "boss"}), &Mapping::default());
        assert_eq!(silent.unwrap().role, None);
    }

    #[test]
    fn an_address_counts_only_where_it_was_verified() {
        let of = |verified: Value| {
            let claims = json!({"sub": "1", "email": "a@b.example", "email_verified": verified});
            claimed(claims, &Mapping::default()).unwrap().verified_email
        };
        assert_eq!(of(json!(true)).as_deref(), Some("a@b.example"));
        assert_eq!(of(json!("true")).as_deref(), Some("a@b.example"));
        for not in [
            json!(false),
            json!("false"),
            json!(null),
            json!(1),
            json!("yes"),
        ] {
            assert_eq!(of(not.clone()), None, "{not}");
        }
    }

    #[test]
    fn nobody_is_without_a_subject() {
        let long = "x".repeat(MAX_CHARS);
        assert!(claimed(json!({"sub": long}), &Mapping::default()).is_some());
        let longer = "x".repeat(MAX_CHARS + 1);
        for sub in [
            json!(null),
            json!(""),
            json!(1),
            json!(longer),
            json!("a\0"),
            json!("\n"),
            json!("é"),
            json!("\u{7f}"),
        ] {
            assert!(claimed(json!({"sub": sub}), &Mapping::default()).is_none());
        }
        assert!(claimed(json!({}), &Mapping::default()).is_none());
    }
}
