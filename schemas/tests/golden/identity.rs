//! Samples of the identity stream.

use super::at;
use schemas::capability::{Capabilities, Capability};
use schemas::event::IdentityEvent;
use schemas::event::api_key::{ApiKeyIssued, ApiKeyRevoked};
use schemas::event::identity::{
    UserChanges, UserErased, UserProfile, UserRegistered, UserRemoved, UserUpdated,
};
use schemas::event::link::{ExternalIdentity, IdentityLinked, IdentityUnlinked};
use schemas::event::organisation::{
    InvitationAccepted, InvitationIssued, InvitationRevoked, OrganisationChanges,
    OrganisationClosed, OrganisationDetails, OrganisationFounded, OrganisationLeft,
    OrganisationManagerChanged, OrganisationUpdated,
};
use schemas::event::session::{
    FactorProof, ReplacedKey, SecondFactorAdded, SecondFactorRemoved, SecondFactorUsed, SessionEnd,
    SessionOpened, SessionRefreshed, SessionsEnded, SigningKeyAdded, TokenDigest,
};
use schemas::gateway::PublicKey;
use schemas::id::{AccountId, OrganisationId, UserId};
use schemas::life_cycle::Role;
use uuid::Uuid;

fn elsewhere() -> ExternalIdentity {
    ExternalIdentity {
        issuer: "https://login.example".into(),
        subject: "248289761001".into(),
    }
}

pub fn samples() -> Vec<IdentityEvent> {
    vec![
        UserRegistered {
            user_id: UserId(3),
            profile: UserProfile {
                name: "Ada".into(),
                email: "ada@example.org".into(),
                role: Role::Production,
                organisation: Some("Acme".into()),
                password_hash: Some("$argon2id$...".into()),
            },
        }
        .into(),
        UserUpdated {
            user_id: UserId(3),
            previous_email: Uuid::from_u128(1),
            changes: UserChanges {
                role: Some(Role::Admin),
                ..UserChanges::default()
            },
        }
        .into(),
        UserRemoved {
            user_id: UserId(3),
            email: Uuid::from_u128(1),
        }
        .into(),
        UserErased { user_id: UserId(3) }.into(),
        SessionOpened {
            session_id: Uuid::from_u128(9),
            user_id: UserId(3),
            refresh: TokenDigest([7; 32]),
            at: at("2024-11-19T08:00:00.000002Z"),
            expires_at: at("2024-12-19T08:00:00.000002Z"),
            client: Some("Firefox".into()),
        }
        .into(),
        SessionRefreshed {
            session_id: Uuid::from_u128(9),
            refresh: TokenDigest([8; 32]),
            at: at("2024-11-19T09:00:00Z"),
        }
        .into(),
        SessionsEnded {
            user_id: UserId(3),
            session_ids: vec![Uuid::from_u128(9)],
            cause: SessionEnd::TokenReused,
        }
        .into(),
        SecondFactorAdded {
            user_id: UserId(3),
            sealed: "c2VhbGVk".into(),
            step: 57_733_333,
            recovery: vec![TokenDigest([9; 32])],
            offered: None,
        }
        .into(),
        SecondFactorUsed {
            user_id: UserId(3),
            proof: FactorProof::Recovery {
                digest: TokenDigest([9; 32]),
            },
        }
        .into(),
        SecondFactorRemoved { user_id: UserId(3) }.into(),
        IdentityLinked {
            user_id: UserId(3),
            identity: elsewhere(),
        }
        .into(),
        IdentityUnlinked {
            user_id: UserId(3),
            identity: elsewhere(),
        }
        .into(),
        SigningKeyAdded {
            key_id: PublicKey::ed25519(&[5; 32]).key_id(),
            public_key: PublicKey::ed25519(&[5; 32]),
            sealed: "c2VhbGVk".into(),
            replaces: Some(ReplacedKey {
                key_id: PublicKey::ed25519(&[6; 32]).key_id(),
                accepted_until: at("2024-11-20T08:00:00Z"),
            }),
        }
        .into(),
        ApiKeyIssued {
            key_id: Uuid::from_u128(9),
            user_id: UserId(3),
            name: "nightly upload".into(),
            prefix: "gcr_00112233".into(),
            digest: [0xab; 32],
            capabilities: Capabilities::of(&[Capability::Read, Capability::SubmitReadings]),
            accounts: Some(vec![AccountId(1)]),
            expires_at: at("2025-11-19T08:00:00Z"),
        }
        .into(),
        ApiKeyRevoked {
            key_id: Uuid::from_u128(9),
            user_id: UserId(3),
        }
        .into(),
        OrganisationFounded {
            organisation_id: OrganisationId(1),
            details: OrganisationDetails {
                name: "Hill Farm Ltd".into(),
                business_id: "GB-COH-01234567".into(),
                address: "1 Hill Lane".into(),
                contact: "ada@hillfarm.example".into(),
            },
        }
        .into(),
        OrganisationUpdated {
            organisation_id: OrganisationId(1),
            previous_business_id: Uuid::from_u128(2),
            changes: OrganisationChanges {
                address: Some("2 Hill Lane".into()),
                ..OrganisationChanges::default()
            },
        }
        .into(),
        OrganisationClosed {
            organisation_id: OrganisationId(1),
            business_id: Uuid::from_u128(2),
        }
        .into(),
        OrganisationLeft {
            organisation_id: OrganisationId(1),
            user_id: UserId(3),
        }
        .into(),
        OrganisationManagerChanged {
            organisation_id: OrganisationId(1),
            user_id: UserId(3),
            manages: true,
        }
        .into(),
        InvitationIssued {
            invitation_id: Uuid::from_u128(11),
            organisation_id: OrganisationId(1),
            code: Uuid::from_u128(12),
            role: Role::Trading,
            manages: true,
            account_ids: vec![AccountId(1)],
            inviter_id: UserId(1),
            expires_at: at("2025-11-19T08:00:00Z"),
        }
        .into(),
        InvitationRevoked {
            invitation_id: Uuid::from_u128(11),
            organisation_id: OrganisationId(1),
            code: Uuid::from_u128(12),
        }
        .into(),
        InvitationAccepted {
            invitation_id: Uuid::from_u128(11),
            organisation_id: OrganisationId(1),
            code: Uuid::from_u128(12),
            user_id: UserId(3),
            manages: true,
        }
        .into(),
    ]
}
