//! Who may know of what, and act for it: the only way from an id that a request names to one that a command
//! or a query takes. What a caller may not know of is 404, what they may see and not do is 403.

mod account;
mod api_key;
mod bundle;
mod device;
mod export;
mod gateway;
mod identity;
mod measurement;
mod organisation;
mod rule;
mod user;

pub use device::DeviceAccounts;

use schemas::api::named::{Check, Named};

/// The one [`Check`] there is; nobody else can have it.
struct Access;

impl Check for Access {}

/// The id, to be checked.
fn open<T>(named: Named<T>) -> T {
    named.open(&Access)
}
