//! What a request proves who its sender is with, and what that is good for.

use schemas::capability::Capabilities;
pub use schemas::envelope::Via;
use schemas::id::{AccountId, UserId};

/// Credentials that are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Whose they are.
    pub user_id: UserId,
    /// What they are.
    pub via: Via,
    /// What they are good for, where that is less than all their user may.
    pub restriction: Option<Restriction>,
}

/// What credentials are good for. It only ever takes away: what their user may not do, they are not good
/// for either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    /// Nothing but these.
    pub capabilities: Capabilities,
    /// No accounts but these; `None` leaves all of the user's.
    pub accounts: Option<Vec<AccountId>>,
}

impl Credential {
    /// The same, good for none but these.
    #[must_use]
    pub fn within(mut self, scope: Capabilities) -> Self {
        let restriction = self.restriction.get_or_insert(Restriction {
            capabilities: scope,
            accounts: None,
        });
        restriction.capabilities = restriction.capabilities.and(scope);
        self
    }
}
