//! The demo users of the development environment. Their passwords are published.

use chrono::{SubsecRound, Utc};
use ledger::{Code, Command};
use schemas::{envelope::Actor, event::identity::UserProfile, life_cycle::Role};
use uuid::Uuid;

use crate::{
    identity::{PasswordError, Passwords},
    sequencer::{ExecuteError, Request, Sequencers},
};

/// A user that exists only where `auth.dev_users` is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DevUser {
    pub name: &'static str,
    pub email: &'static str,
    pub password: &'static str,
    pub role: Role,
    pub organisation: &'static str,
}

/// The reference's demo users, with its passwords.
pub const DEV_USERS: [DevUser; 3] = [ADMIN, PRODUCTION, TRADING];

/// The issuing body.
pub const ADMIN: DevUser = DevUser {
    name: "admin_user",
    email: "admin_user@usermail.com",
    password: "admin",
    role: Role::Admin,
    organisation: "OFGEM",
};

/// Keeps accounts and devices, submits readings.
pub const PRODUCTION: DevUser = DevUser {
    name: "production_user",
    email: "production_user@usermail.com",
    password: "production",
    role: Role::Production,
    organisation: "Hill Farm Wind Ltd",
};

/// Moves and retires certificates.
pub const TRADING: DevUser = DevUser {
    name: "trading_user",
    email: "trading_user@usermail.com",
    password: "trading",
    role: Role::Trading,
    organisation: "Evergreen Retail plc",
};

/// The demo users could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DevUsersError {
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("the demo users can not be registered: {0}")]
    Execute(#[from] ExecuteError),
}

/// Registers the demo users that are missing; those that exist stay as they are.
///
/// # Errors
/// [`DevUsersError`].
pub async fn ensure(sequencers: &Sequencers) -> Result<(), DevUsersError> {
    let passwords = Passwords::default();
    // In the order listed, so that their ids are the reference's.
    for user in DEV_USERS {
        let profile = UserProfile {
            name: user.name.to_owned(),
            email: user.email.to_owned(),
            role: user.role,
            organisation: Some(user.organisation.to_owned()),
            password_hash: Some(passwords.hash(user.password.to_owned()).await?),
        };
        let request = Request {
            command: Command::RegisterUser(profile),
            actor: Actor::System("dev".to_owned()),
            correlation_id: Uuid::now_v7(),
            requested_at: Utc::now().trunc_subsecs(6),
            idempotency: None,
        };
        match sequencers.execute(request).await {
            Ok(_) => tracing::info!(user = user.name, "demo user registered"),
            Err(ExecuteError::Refused(refusal)) if refusal.code == Code::EmailTaken => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
