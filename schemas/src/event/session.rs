//! Events of signing in: sessions, and the keys that sign access tokens. No secret is in them: tokens
//! are digests, keys are sealed.

use crate::gateway::{KeyId, PublicKey};
use crate::id::UserId;
use crate::log::Position;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// SHA-256 of a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenDigest(#[serde(with = "hex::serde")] pub [u8; 32]);

/// Somebody signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOpened {
    /// The session.
    pub session_id: Uuid,
    /// Whose it is.
    pub user_id: UserId,
    /// Its first refresh token.
    pub refresh: TokenDigest,
    /// When it was opened.
    pub at: DateTime<Utc>,
    /// First instant at which it can no longer be refreshed.
    pub expires_at: DateTime<Utc>,
    /// The program that signed in, by its own account (`User-Agent`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// The refresh token of a session was used; another took its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRefreshed {
    /// The session.
    pub session_id: Uuid,
    /// Its refresh token from here on.
    pub refresh: TokenDigest,
    /// When the one before was used.
    pub at: DateTime<Utc>,
}

/// Sessions of a user ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionsEnded {
    /// The user.
    pub user_id: UserId,
    /// The sessions.
    pub session_ids: Vec<Uuid>,
    /// Why.
    pub cause: SessionEnd,
}

crate::words! {
    /// Why a session ended.
    SessionEnd {
        /// The user signed out.
        SignedOut = "signed_out",
        /// The user ended it from elsewhere.
        Revoked = "revoked",
        /// Who manages users ended it.
        RevokedByAdministrator = "revoked_by_administrator",
        /// A refresh token was used that another had taken the place of: somebody has a copy.
        TokenReused = "token_reused",
        /// The user's password changed.
        PasswordChanged = "password_changed",
        /// The user opened more sessions than they may have.
        Displaced = "displaced",
    }
}

/// A key signs access tokens from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKeyAdded {
    /// Its thumbprint.
    pub key_id: KeyId,
    /// The public key.
    pub public_key: PublicKey,
    /// The private key, encrypted under the registry's master secret.
    pub sealed: String,
    /// The key that signed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<ReplacedKey>,
}

/// A key that signs no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacedKey {
    /// Its thumbprint.
    pub key_id: KeyId,
    /// First instant at which what it signed no longer counts.
    pub accepted_until: DateTime<Utc>,
}

/// A user has to give codes beside the password from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactorAdded {
    /// The user.
    pub user_id: UserId,
    /// The secret that codes follow from, encrypted under the registry's master secret.
    pub sealed: String,
    /// Period of the code that showed that the user has the secret.
    pub step: i64,
    /// Digests of the recovery codes.
    pub recovery: Vec<TokenDigest>,
    /// The position that the secret was offered as of; none where that was not kept yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered: Option<Position>,
}

/// A code was used up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactorUsed {
    /// The user.
    pub user_id: UserId,
    /// Which.
    pub proof: FactorProof,
}

/// What a user showed beside the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorProof {
    /// The code of a period of 30 s.
    Code {
        /// The period, counted from 1970.
        step: i64,
    },
    /// A recovery code.
    Recovery {
        /// Its digest.
        digest: TokenDigest,
    },
}

/// The password alone is enough from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactorRemoved {
    /// The user.
    pub user_id: UserId,
}
