//! The demo users. Their passwords are published with the reference's seed, so they exist here only.

use projections::postgres::Secret;
use schemas::life_cycle::Role;

use crate::system::{Core, NewUser, RegisterError};

/// A demo user.
#[derive(Debug, Clone, Copy)]
pub struct DemoUser {
    pub name: &'static str,
    pub email: &'static str,
    pub password: &'static str,
    pub role: Role,
}

/// The users of the FEA registry's seed, so that its notebook and clients find them here.
pub const DEMO_USERS: [DemoUser; 3] = [
    DemoUser {
        name: "Admin",
        email: "admin_user@usermail.com",
        password: "admin",
        role: Role::Admin,
    },
    DemoUser {
        name: "Production",
        email: "production_user@usermail.com",
        password: "production",
        role: Role::Production,
    },
    DemoUser {
        name: "Trading",
        email: "trading_user@usermail.com",
        password: "trading",
        role: Role::Trading,
    },
];

/// Registers those that are not there yet.
pub(super) async fn ensure(core: &Core) -> Result<(), RegisterError> {
    for user in DEMO_USERS {
        let new = NewUser {
            name: user.name.to_owned(),
            email: user.email.to_owned(),
            role: user.role,
            organisation: None,
            password: Secret::new(user.password),
        };
        match core.register(new, "dev").await {
            Err(error) if !error.is_taken() => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
