//! Every code a problem may carry.

use actix_web::http::StatusCode;
use ledger::refusal;

macro_rules! edge_codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal $status:ident),+ $(,)?) => {
        /// Codes of what fails before a command reaches the rules, or where none is needed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EdgeCode { $($(#[$doc])* $name),+ }

        impl EdgeCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// How it is answered.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }
        }
    };
}

edge_codes! {
    /// No credentials came with the request.
    NotAuthenticated = "not_authenticated" UNAUTHORIZED,
    /// The token is invalid, expired, or of a user who was removed.
    TokenInvalid = "token_invalid" UNAUTHORIZED,
    /// No user has this e-mail address and password.
    LoginFailed = "login_failed" UNAUTHORIZED,
    /// The password is right; a code of the second factor is needed too.
    SecondFactorRequired = "second_factor_required" UNAUTHORIZED,
    /// The code of the second factor is not good.
    SecondFactorInvalid = "second_factor_invalid" UNAUTHORIZED,
    /// The code of the second factor that is to be removed is not good.
    SecondFactorWrong = "second_factor_wrong" UNPROCESSABLE_ENTITY,
    /// The refresh token is none of ours, was used before, or its session is over.
    RefreshTokenInvalid = "refresh_token_invalid" UNAUTHORIZED,
    /// A request for a token can not be read (RFC 6749, section 5.2).
    InvalidRequest = "invalid_request" BAD_REQUEST,
    /// A client that asks for tokens, or about them, has not proven who it is.
    InvalidClient = "invalid_client" UNAUTHORIZED,
    /// The grant is not good any longer.
    InvalidGrant = "invalid_grant" BAD_REQUEST,
    /// No such grant is known here.
    UnsupportedGrantType = "unsupported_grant_type" BAD_REQUEST,
    /// The client may not do what it asks a token for.
    InvalidScope = "invalid_scope" BAD_REQUEST,
    /// What a browser came back with from the OpenID provider is not good.
    ExternalSignInFailed = "external_sign_in_failed" UNAUTHORIZED,
    /// The OpenID provider signed somebody in who is nobody here.
    ExternalUserUnknown = "external_user_unknown" FORBIDDEN,
    /// The OpenID provider gives them no role that counts here.
    ExternalRoleMissing = "external_role_missing" FORBIDDEN,
    /// A cookie-authenticated mutation lacks the CSRF token.
    CsrfTokenInvalid = "csrf_token_invalid" FORBIDDEN,
    /// A page of another site has a browser sign in.
    CrossSiteSignIn = "cross_site_sign_in" FORBIDDEN,
    /// The caller's role, or what their credentials are good for, does not allow it.
    CapabilityRequired = "capability_required" FORBIDDEN,
    /// The caller may see the account but is not a member of it.
    AccountAccessDenied = "account_access_denied" FORBIDDEN,
    /// The caller belongs to the organisation but does not manage it.
    OrganisationAccessDenied = "organisation_access_denied" FORBIDDEN,
    /// An API key is not enough.
    SignInRequired = "sign_in_required" FORBIDDEN,
    /// `user_id` names somebody else.
    UserIdNotYours = "user_id_not_yours" FORBIDDEN,
    /// Only the user and administrators may change a user.
    OtherUser = "other_user" FORBIDDEN,
    /// No such path.
    RouteNotFound = "route_not_found" NOT_FOUND,
    /// No such action among those the caller may see.
    ActionNotFound = "action_not_found" NOT_FOUND,
    /// The path has other methods.
    MethodNotAllowed = "method_not_allowed" METHOD_NOT_ALLOWED,
    /// The position lies beyond the end of its stream.
    PositionUnknown = "position_unknown" CONFLICT,
    /// The user is the last member of an open account.
    UserLastMember = "user_last_member" CONFLICT,
    /// The user acts for an account of the organisation.
    UserInAccounts = "user_in_accounts" CONFLICT,
    /// The body exceeds its limit.
    BodyTooLarge = "body_too_large" PAYLOAD_TOO_LARGE,
    /// The body has another media type than the route takes.
    UnsupportedMediaType = "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE,
    /// The body is not what its media type says.
    MalformedBody = "malformed_body" UNPROCESSABLE_ENTITY,
    /// Fields or parameters can not be read; `errors` says which and why.
    RequestInvalid = "request_invalid" UNPROCESSABLE_ENTITY,
    /// No such envelope among those the caller may see.
    EnvelopeNotFound = "envelope_not_found" NOT_FOUND,
    /// No such import among those the caller may see.
    ImportNotFound = "import_not_found" NOT_FOUND,
    /// The file is signed by nobody this registry knows.
    FileNotTrusted = "file_not_trusted" UNPROCESSABLE_ENTITY,
    /// The file is not what was signed.
    FileAltered = "file_altered" UNPROCESSABLE_ENTITY,
    /// The file is for another registry.
    FileElsewhere = "file_elsewhere" UNPROCESSABLE_ENTITY,
    /// The receipt does not confirm the export.
    ReceiptInvalid = "receipt_invalid" UNPROCESSABLE_ENTITY,
    /// The refusal is not one of the export.
    RefusalInvalid = "refusal_invalid" UNPROCESSABLE_ENTITY,
    /// Filters of a query contradict each other or reach too far.
    QueryInvalid = "query_invalid" UNPROCESSABLE_ENTITY,
    /// The history of a bundle is longer than an answer may be.
    LineageTooLong = "lineage_too_long" UNPROCESSABLE_ENTITY,
    /// A role is changed elsewhere.
    RoleChangeElsewhere = "role_change_elsewhere" UNPROCESSABLE_ENTITY,
    /// The password so far is wrong.
    CurrentPasswordWrong = "current_password_wrong" UNPROCESSABLE_ENTITY,
    /// The password would be guessed.
    PasswordWeak = "password_weak" UNPROCESSABLE_ENTITY,
    /// The password is in the list of those that were stolen elsewhere.
    PasswordBreached = "password_breached" UNPROCESSABLE_ENTITY,
    /// A listed user does not exist.
    UsersUnknown = "users_unknown" UNPROCESSABLE_ENTITY,
    /// More requests than the registry takes from one client.
    TooManyRequests = "too_many_requests" TOO_MANY_REQUESTS,
    /// As many commands wait as the registry takes.
    Busy = "busy" SERVICE_UNAVAILABLE,
    /// Event store or database can not be used at the moment.
    Unavailable = "unavailable" SERVICE_UNAVAILABLE,
    /// The READ database is behind what the caller has written.
    ReadLagging = "read_lagging" SERVICE_UNAVAILABLE,
}

impl EdgeCode {
    /// Whether it is one of OAuth's, which clients find in `error` (RFC 6749, section 5.2).
    #[must_use]
    pub const fn is_oauth(self) -> bool {
        use EdgeCode::{
            InvalidClient, InvalidGrant, InvalidRequest, InvalidScope, UnsupportedGrantType,
        };
        matches!(
            self,
            InvalidRequest | InvalidClient | InvalidGrant | UnsupportedGrantType | InvalidScope
        )
    }
}

/// A code of the edge or of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Of the edge.
    Edge(EdgeCode),
    /// Of the rules.
    Rule(refusal::Code),
}

impl Code {
    /// Every code of a problem.
    pub fn all() -> impl Iterator<Item = Self> {
        let edge = EdgeCode::ALL.iter().copied().map(Self::Edge);
        edge.chain(refusal::Code::ALL.iter().copied().map(Self::Rule))
    }

    /// The code on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edge(code) => code.as_str(),
            Self::Rule(code) => code.as_str(),
        }
    }

    /// Whether it is one of OAuth's.
    #[must_use]
    pub const fn is_oauth(self) -> bool {
        match self {
            Self::Edge(code) => code.is_oauth(),
            Self::Rule(_) => false,
        }
    }

    /// How it is answered.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Edge(code) => code.status(),
            Self::Rule(code) => match code.kind() {
                refusal::Kind::NotFound => StatusCode::NOT_FOUND,
                refusal::Kind::Conflict => StatusCode::CONFLICT,
                refusal::Kind::Rule => StatusCode::UNPROCESSABLE_ENTITY,
                refusal::Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }
}

impl From<EdgeCode> for Code {
    fn from(code: EdgeCode) -> Self {
        Self::Edge(code)
    }
}

impl From<refusal::Code> for Code {
    fn from(code: refusal::Code) -> Self {
        Self::Rule(code)
    }
}
