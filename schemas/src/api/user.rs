//! Users.

use super::account::AccountRead;
use super::field::{Fields, FromFields};
use super::problem::code;
use crate::id::UserId;
use crate::life_cycle::Role;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Longest name, e-mail address or organisation, in characters; RFC 5321 has 254 for an address.
pub const MAX_TEXT_CHARS: usize = 254;
/// Shortest password, in characters: NIST SP 800-63B section 5.1.1.2.
pub const MIN_PASSWORD_CHARS: usize = 8;
/// Longest password, in bytes: hashing time grows with it.
pub const MAX_PASSWORD_BYTES: usize = 1_024;

/// A user, as others and they themselves see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserRead {
    /// Id.
    #[schema(value_type = i64, example = 3)]
    pub id: UserId,
    /// Name.
    #[schema(example = "trading_user")]
    pub name: String,
    /// Sign-in name.
    #[schema(example = "trading_user@usermail.com")]
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// The accounts they are a member of, as far as the caller may see them; null if none.
    pub accounts: Option<Vec<AccountRead>>,
    /// Organisation they act for.
    pub organisation: Option<String>,
}

/// A member of an account, as the issuing body sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountUser {
    /// Id.
    #[schema(value_type = i64)]
    pub id: UserId,
    /// Name.
    pub name: String,
    /// Sign-in name.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Organisation they act for.
    pub organisation: Option<String>,
    /// Whether they were removed.
    pub is_deleted: bool,
    /// When they were registered.
    pub created_at: DateTime<Utc>,
}

/// A user to register.
#[derive(Clone, ToSchema)]
pub struct CreateUser {
    /// Name, 1 to 254 characters.
    #[schema(
        min_length = 1,
        max_length = 254,
        pattern = r"\S",
        example = "Ada Miller"
    )]
    pub name: String,
    /// Sign-in name, unique without regard to case.
    #[schema(
        max_length = 254,
        pattern = r"^[^@\s\x00-\x1f\x7f-\x9f]+@[^@.\s\x00-\x1f\x7f-\x9f]+(\.[^@.\s\x00-\x1f\x7f-\x9f]+)+$",
        example = "ada@example.org"
    )]
    pub email: String,
    /// Role, by name or number (0 to 4).
    #[schema(value_type = Role)]
    pub role: Role,
    /// Password, 8 characters or more; without one the user can not sign in.
    #[schema(min_length = 8, max_length = 1024, format = Password, example = "correct horse battery")]
    pub password: Option<String>,
    /// Organisation they act for.
    #[schema(min_length = 1, max_length = 254, pattern = r"\S")]
    pub organisation: Option<String>,
}

impl FromFields for CreateUser {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let name = required_text(fields, "name");
        let email = required_text(fields, "email");
        let role = fields.required("role");
        let password = fields.optional("password");
        let organisation = text(fields, "organisation");
        check_email(fields, email.as_deref());
        check_password(fields, password.as_deref());
        Some(Self {
            name: name?,
            email: email?,
            role: role?,
            password,
            organisation,
        })
    }
}

/// Changes to a user; what is absent stays.
#[derive(Clone, Default, ToSchema)]
pub struct UpdateUser {
    /// New name.
    #[schema(min_length = 1, max_length = 254, pattern = r"\S")]
    pub name: Option<String>,
    /// New sign-in name.
    #[schema(
        max_length = 254,
        pattern = r"^[^@\s\x00-\x1f\x7f-\x9f]+@[^@.\s\x00-\x1f\x7f-\x9f]+(\.[^@.\s\x00-\x1f\x7f-\x9f]+)+$"
    )]
    pub email: Option<String>,
    /// New password.
    #[schema(min_length = 8, max_length = 1024, format = Password)]
    pub password: Option<String>,
    /// The password so far; needed to change one's own, and one's own e-mail address.
    #[schema(format = Password)]
    pub current_password: Option<String>,
    /// New organisation.
    #[schema(min_length = 1, max_length = 254, pattern = r"\S")]
    pub organisation: Option<String>,
    /// Must be absent: `/user/change_role/{user_id}` changes it.
    pub role: Option<Role>,
}

impl FromFields for UpdateUser {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let name = text(fields, "name");
        let email = text(fields, "email");
        let password = fields.optional("password");
        check_email(fields, email.as_deref());
        check_password(fields, password.as_deref());
        Some(Self {
            name,
            email,
            password,
            current_password: fields.optional("current_password"),
            organisation: text(fields, "organisation"),
            role: fields.optional("role"),
        })
    }
}

/// A new password for oneself.
#[derive(Clone, ToSchema)]
pub struct ChangePassword {
    /// The password so far.
    #[schema(format = Password)]
    pub current_password: String,
    /// The new one: 8 characters or more that would not be guessed.
    #[schema(min_length = 8, max_length = 1024, format = Password)]
    pub password: String,
}

impl FromFields for ChangePassword {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let current_password = fields.required("current_password");
        let password: Option<String> = fields.required("password");
        check_password(fields, password.as_deref());
        Some(Self {
            current_password: current_password?,
            password: password?,
        })
    }
}

/// A new role.
#[derive(Debug, Clone, Copy, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChangeRoleQuery {
    /// Role, by name or number (0 to 4).
    pub role: Role,
}

impl FromFields for ChangeRoleQuery {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            role: fields.required("role")?,
        })
    }
}

pub(super) fn required_text(fields: &mut Fields<'_>, name: &str) -> Option<String> {
    let given: String = fields.required(name)?;
    checked_text(fields, name, &given)
}

pub(super) fn text(fields: &mut Fields<'_>, name: &str) -> Option<String> {
    let given: String = fields.optional(name)?;
    checked_text(fields, name, &given)
}

fn checked_text(fields: &mut Fields<'_>, name: &str, given: &str) -> Option<String> {
    let given = given.trim();
    if !(1..=MAX_TEXT_CHARS).contains(&given.chars().count()) {
        fields.refuse(
            name,
            code::OUT_OF_RANGE,
            format!("`{name}` must have 1 to {MAX_TEXT_CHARS} characters"),
        );
        return None;
    }
    Some(given.to_owned())
}

pub(super) fn check_email(fields: &mut Fields<'_>, email: Option<&str>) {
    if email.is_some_and(|email| !is_email(email)) {
        fields.refuse(
            "email",
            code::OUT_OF_RANGE,
            "Please enter a valid email address.",
        );
    }
}

pub(super) fn check_password(fields: &mut Fields<'_>, password: Option<&str>) {
    let holds = |password: &str| {
        password.chars().count() >= MIN_PASSWORD_CHARS && password.len() <= MAX_PASSWORD_BYTES
    };
    if password.is_some_and(|password| !holds(password)) {
        fields.refuse(
            "password",
            code::OUT_OF_RANGE,
            format!("`password` must have at least {MIN_PASSWORD_CHARS} characters and at most {MAX_PASSWORD_BYTES} bytes"),
        );
    }
}

/// Whether a text has the shape `x@y.z`: the contract's rule. Only a message that arrives proves more.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@')
    };
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    plain(local)
        && plain(domain)
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_without_name_domain_or_top_level_are_refused() {
        for wrong in [
            "@fea.com", "test@", "test@fea", "test", "a@b@c.d", "a b@c.d", "a@.d", "a@c.",
        ] {
            assert!(!is_email(wrong), "{wrong}");
        }
        assert!(is_email("jake_fake@fakecorp.com"));
    }

    #[test]
    fn a_name_or_organisation_has_1_to_254_characters() {
        let read = |field: &str, text: &str| {
            let mut body = serde_json::json!({"name": "A", "email": "a@b.c", "role": 2});
            body[field] = text.into();
            let body = serde_json::to_vec(&body).unwrap();
            Fields::from_json(&body)
                .unwrap()
                .read::<CreateUser>()
                .is_ok()
        };
        for field in ["name", "organisation"] {
            assert!(read(field, &"é".repeat(MAX_TEXT_CHARS)));
            assert!(!read(field, &"é".repeat(MAX_TEXT_CHARS + 1)));
            assert!(!read(field, " "));
        }
    }

    #[test]
    fn a_password_of_eight_characters_is_taken_and_one_of_seven_is_not() {
        let body = |password: &str| {
            format!(r#"{{"name": "A", "email": "a@b.c", "role": 2, "password": "{password}"}}"#)
        };
        let read = |body: &str| {
            Fields::from_json(body.as_bytes())
                .unwrap()
                .read::<CreateUser>()
        };
        assert!(read(&body("12345678")).is_ok());
        assert_eq!(
            read(&body("1234567")).err().unwrap()[0].pointer.as_deref(),
            Some("/password")
        );
        assert!(read(&body(&"p".repeat(1_024))).is_ok());
        assert!(read(&body(&"p".repeat(1_025))).is_err());
    }
}
