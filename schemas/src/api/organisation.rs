//! Organisations, who belongs to them, and invitations into them.

use super::field::{Fields, FromFields};
use super::named::Named;
use super::problem::code;
use super::user::{check_email, check_password, required_text, text};
use crate::id::{AccountId, OrganisationId, UserId};
use crate::life_cycle::Role;
use crate::words;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Longest that an invitation is good, in seconds: 30 days.
pub const MAX_INVITATION_S: i64 = 30 * 24 * 60 * 60;
/// How long it is where nothing else is asked for, in seconds: 7 days.
pub const INVITATION_S: i64 = 7 * 24 * 60 * 60;
/// Most accounts that an invitation is for.
pub const MAX_INVITED_ACCOUNTS: usize = 100;
/// Most users that are taken into an account, or out of it, at once.
pub const MAX_CHANGED_MEMBERS: usize = 1_000;

words! {
    /// What became of an invitation.
    InvitationState {
        /// It can be accepted.
        Open = "open",
        /// Somebody joined with it.
        Accepted = "accepted",
        /// It was taken back.
        Revoked = "revoked",
        /// Its time is over.
        Expired = "expired",
        /// The organisation is closed, or its inviter was removed or might not invite so any more.
        Void = "void",
    }
}

/// An organisation.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrganisationRead {
    /// Id.
    #[schema(value_type = i64, example = 1)]
    pub id: OrganisationId,
    /// Name.
    #[schema(example = "Hill Farm Ltd")]
    pub name: String,
    /// Its number in the register of companies or the like.
    #[schema(example = "GB-COH-01234567")]
    pub business_id: String,
    /// Postal address.
    #[schema(example = "1 Hill Lane, Farmton")]
    pub address: String,
    /// Whom to write to.
    #[schema(example = "certificates@hillfarm.example")]
    pub contact: String,
    /// Whether it is closed.
    pub is_deleted: bool,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// An organisation to create.
#[derive(Clone, ToSchema)]
pub struct CreateOrganisation {
    /// Name, 1 to 254 characters.
    #[schema(
        min_length = 1,
        max_length = 254,
        pattern = r"\S",
        example = "Hill Farm Ltd"
    )]
    pub name: String,
    /// Its number in the register of companies or the like, 1 to 254 characters, unique without regard to case.
    #[schema(
        min_length = 1,
        max_length = 254,
        pattern = r"\S",
        example = "GB-COH-01234567"
    )]
    pub business_id: String,
    /// Postal address, 1 to 254 characters.
    #[schema(
        min_length = 1,
        max_length = 254,
        pattern = r"\S",
        example = "1 Hill Lane, Farmton"
    )]
    pub address: String,
    /// Whom to write to, 1 to 254 characters.
    #[schema(
        min_length = 1,
        max_length = 254,
        pattern = r"\S",
        example = "certificates@hillfarm.example"
    )]
    pub contact: String,
}

impl FromFields for CreateOrganisation {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let name = required_text(fields, "name");
        let business_id = required_text(fields, "business_id");
        let address = required_text(fields, "address");
        let contact = required_text(fields, "contact");
        Some(Self {
            name: name?,
            business_id: business_id?,
            address: address?,
            contact: contact?,
        })
    }
}

/// Changes to an organisation; what is absent stays.
#[derive(Clone, Default, ToSchema)]
pub struct UpdateOrganisation {
    /// New name.
    #[schema(min_length = 1, max_length = 254, pattern = r"\S")]
    pub name: Option<String>,
    /// New business id.
    #[schema(min_length = 1, max_length = 254, pattern = r"\S")]
    pub business_id: Option<String>,
    /// New postal address.
    #[schema(min_length = 1, max_length = 254, pattern = r"\S")]
    pub address: Option<String>,
    /// Whom to write to from here on.
    #[schema(min_length = 1, max_length = 254, pattern = r"\S")]
    pub contact: Option<String>,
}

impl FromFields for UpdateOrganisation {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            name: text(fields, "name"),
            business_id: text(fields, "business_id"),
            address: text(fields, "address"),
            contact: text(fields, "contact"),
        })
    }
}

/// Whose an account is from here on.
#[derive(Debug, Clone, ToSchema)]
pub struct AssignAccount {
    /// The organisation; absent or null for none.
    #[schema(value_type = Option<i64>, example = 1)]
    pub organisation_id: Option<Named<OrganisationId>>,
}

impl FromFields for AssignAccount {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            organisation_id: fields.optional("organisation_id"),
        })
    }
}

/// Who is taken into an account, and out of it; all or nothing.
#[derive(Debug, Clone, ToSchema)]
pub struct ChangeMembers {
    /// Users of the organisation who may act for the account from here on, at most 1,000.
    #[schema(value_type = Vec<i64>, required = false, max_items = 1_000, example = json!([2]))]
    pub add: Vec<UserId>,
    /// Users who may no longer, at most 1,000.
    #[schema(value_type = Vec<i64>, required = false, max_items = 1_000, example = json!([]))]
    pub remove: Vec<UserId>,
}

impl FromFields for ChangeMembers {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let [add, remove] = ["add", "remove"].map(|name| {
            let users: Vec<UserId> = fields.or(name, Vec::new());
            if users.len() > MAX_CHANGED_MEMBERS {
                let rule = format!("`{name}` lists at most {MAX_CHANGED_MEMBERS} users");
                fields.refuse(name, code::OUT_OF_RANGE, rule);
            }
            users
        });
        Some(Self { add, remove })
    }
}

/// Whether a user manages their organisation.
#[derive(Debug, Clone, Copy, ToSchema)]
pub struct ChangeManager {
    /// Whether they manage it from here on.
    pub manages: bool,
}

impl FromFields for ChangeManager {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            manages: fields.required("manages")?,
        })
    }
}

/// A user of an organisation, as its managers see them.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrganisationUser {
    /// Id.
    #[schema(value_type = i64)]
    pub id: UserId,
    /// Name.
    pub name: String,
    /// Sign-in name.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whether they manage the organisation.
    pub manages: bool,
}

/// An invitation to make.
#[derive(Debug, Clone, ToSchema)]
#[schema(example = json!({"role": "TRADING_USER", "account_ids": [1], "valid_for_s": 604_800}))]
pub struct CreateInvitation {
    /// Role of a user who is registered by accepting, by name or number: nothing that the caller may not do. Who has
    /// a user already keeps their role.
    #[schema(value_type = Role)]
    pub role: Role,
    /// Whether they manage the organisation from then on; they do not where absent.
    #[schema(value_type = bool, required = false)]
    pub manages: bool,
    /// Accounts of the organisation that they become a member of, at most 100.
    #[schema(value_type = Vec<i64>, required = false, max_items = 100)]
    pub account_ids: Vec<AccountId>,
    /// Seconds that it is good, at most 30 days; 7 days where absent.
    #[schema(value_type = i64, required = false, minimum = 1, maximum = 2_592_000)]
    pub valid_for_s: i64,
}

impl FromFields for CreateInvitation {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let role = fields.required("role");
        let account_ids: Vec<AccountId> = fields.or("account_ids", Vec::new());
        if account_ids.len() > MAX_INVITED_ACCOUNTS {
            let rule = format!("`account_ids` lists at most {MAX_INVITED_ACCOUNTS} accounts");
            fields.refuse("account_ids", code::OUT_OF_RANGE, rule);
        }
        let manages = fields.or("manages", false);
        let valid_for_s = fields.or("valid_for_s", INVITATION_S);
        if !(1..=MAX_INVITATION_S).contains(&valid_for_s) {
            let rule = format!("`valid_for_s` must be 1 to {MAX_INVITATION_S}");
            fields.refuse("valid_for_s", code::OUT_OF_RANGE, rule);
        }
        Some(Self {
            role: role?,
            manages,
            account_ids,
            valid_for_s,
        })
    }
}

/// An invitation, without its code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InvitationRead {
    /// Id.
    pub invitation_id: Uuid,
    /// The organisation.
    #[schema(value_type = i64)]
    pub organisation_id: OrganisationId,
    /// Role of a user who is registered by accepting.
    pub role: Role,
    /// Whether who accepts manages the organisation.
    pub manages: bool,
    /// Accounts that they become a member of.
    #[schema(value_type = Vec<i64>)]
    pub account_ids: Vec<AccountId>,
    /// Who invites.
    #[schema(value_type = i64)]
    pub inviter_id: UserId,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it is good, as long as the inviter might invite so.
    pub expires_at: DateTime<Utc>,
    /// What became of it.
    pub state: InvitationState,
    /// Who joined with it; null if nobody has.
    #[schema(value_type = Option<i64>)]
    pub accepted_by: Option<UserId>,
}

/// A new invitation, whose code is shown this once.
#[derive(Clone, Serialize, ToSchema)]
pub struct InvitationCreated {
    /// The code. The registry sends it to nobody: hand it to whom you invite.
    #[schema(format = Password, example = "7KQ4M-9XTBD-0H2CJ-WZ5PA")]
    pub code: String,
    /// What is known of the invitation from here on.
    #[serde(flatten)]
    pub read: InvitationRead,
}

/// What is known of who registers by accepting an invitation.
#[derive(Clone, ToSchema)]
pub struct AcceptInvitation {
    /// The code, with or without dashes.
    #[schema(format = Password, min_length = 1, max_length = 100, example = "7KQ4M-9XTBD-0H2CJ-WZ5PA")]
    pub code: String,
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
    /// Password, 8 characters or more.
    #[schema(min_length = 8, max_length = 1024, format = Password, example = "correct horse battery")]
    pub password: String,
}

impl FromFields for AcceptInvitation {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let code = required_code(fields);
        let name = required_text(fields, "name");
        let email = required_text(fields, "email");
        let password: Option<String> = fields.required("password");
        check_email(fields, email.as_deref());
        check_password(fields, password.as_deref());
        Some(Self {
            code: code?,
            name: name?,
            email: email?,
            password: password?,
        })
    }
}

/// The code of an invitation, for who has a user.
#[derive(Clone, ToSchema)]
pub struct JoinOrganisation {
    /// The code, with or without dashes.
    #[schema(format = Password, min_length = 1, max_length = 100, example = "7KQ4M-9XTBD-0H2CJ-WZ5PA")]
    pub code: String,
}

impl FromFields for JoinOrganisation {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            code: required_code(fields)?,
        })
    }
}

/// Longest code, in characters: people type dashes and spaces.
const MAX_CODE_CHARS: usize = 100;

fn required_code(fields: &mut Fields<'_>) -> Option<String> {
    let code: String = fields.required("code")?;
    if !(1..=MAX_CODE_CHARS).contains(&code.chars().count()) {
        let rule = format!("`code` must have 1 to {MAX_CODE_CHARS} characters");
        fields.refuse("code", code::OUT_OF_RANGE, rule);
        return None;
    }
    Some(code)
}

/// Who joined an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrganisationJoined {
    /// The organisation.
    #[schema(value_type = i64)]
    pub organisation_id: OrganisationId,
    /// Who joined.
    #[schema(value_type = i64)]
    pub user_id: UserId,
    /// Whether they manage it.
    pub manages: bool,
    /// Accounts they are a member of by the invitation. One that is missing was closed, is held or is another's by now.
    #[schema(value_type = Vec<i64>)]
    pub account_ids: Vec<AccountId>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn invitation(more: &str) -> Result<CreateInvitation, ()> {
        let body = format!(r#"{{"role": 2{more}}}"#);
        Fields::from_json(body.as_bytes())
            .unwrap()
            .read()
            .map_err(drop)
    }

    #[test]
    fn an_invitation_is_good_for_seven_days_unless_it_says_otherwise_and_for_thirty_at_most() {
        assert_eq!(invitation("").unwrap().valid_for_s, INVITATION_S);
        let of = |seconds: i64| invitation(&format!(r#", "valid_for_s": {seconds}"#));
        assert!(of(1).is_ok() && of(MAX_INVITATION_S).is_ok());
        assert!(of(0).is_err() && of(MAX_INVITATION_S + 1).is_err());
    }

    #[test]
    fn an_invitation_is_for_a_hundred_accounts_at_most() {
        let of = |count| {
            let ids: Vec<_> = (1..=count).collect();
            invitation(&format!(r#", "account_ids": {ids:?}"#))
        };
        assert!(of(MAX_INVITED_ACCOUNTS).is_ok());
        assert!(of(MAX_INVITED_ACCOUNTS + 1).is_err());
    }

    #[test]
    fn a_thousand_members_are_changed_at_most_at_once() {
        let of = |count: usize| {
            let ids: Vec<_> = (1..=count).collect();
            let body = format!(r#"{{"remove": {ids:?}}}"#);
            Fields::from_json(body.as_bytes())
                .unwrap()
                .read::<ChangeMembers>()
                .is_ok()
        };
        assert!(of(MAX_CHANGED_MEMBERS));
        assert!(!of(MAX_CHANGED_MEMBERS + 1));
    }
}
