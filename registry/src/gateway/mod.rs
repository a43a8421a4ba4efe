//! What the registry verifies of gateways before anything is decided: signatures, and who holds which key.

mod code;
mod keys;
mod signature;
mod work;

pub use code::OneTimeCode;
pub use keys::{KeyDirectory, KnownKey};
pub use signature::{BadKey, VerifyingKey};
pub use work::Workers;
