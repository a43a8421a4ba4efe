//! How this system talks to its two Postgres databases: what it has to know to connect
//! ([`Connection`]), the passwords it must not show ([`Secret`]), and one pool per database
//! ([`pool`]). The projectors write through it, the registry reads through it.

mod connection;
mod pool;
mod secret;
mod tls;

pub use connection::{Connection, Databases, ensure_database, ensure_database_within};
pub use deadpool_postgres::Pool;
pub use pool::{PoolError, connect, doubt, pool};
pub use secret::Secret;
pub use tls::{Connector, Tls};
