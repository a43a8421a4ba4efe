//! Rules of second factors: each code is good once. Whether a code is right is seen before; here is decided
//! whether it may still be used.

use crate::entry::{SecondFactor, User};
use crate::refusal::{Code, Refusal};
use crate::state::Entries;
use crate::user;
use schemas::event::IdentityEvent;
pub use schemas::event::session::FactorProof;
use schemas::event::session::{
    SecondFactorAdded, SecondFactorRemoved, SecondFactorUsed, TokenDigest,
};
use schemas::id::UserId;
use schemas::log::Position;

/// See [`crate::Command::AddSecondFactor`].
#[derive(Debug, Clone)]
pub struct AddSecondFactor {
    /// The user.
    pub user_id: UserId,
    /// The secret, sealed.
    pub sealed: String,
    /// Period of the code that showed that the user has the secret.
    pub step: i64,
    /// Digests of the recovery codes.
    pub recovery: Vec<TokenDigest>,
    /// The last event of the user that was seen when the secret was offered.
    pub offered: Position,
}

/// See [`crate::Command::UseSecondFactor`].
#[derive(Debug, Clone, Copy)]
pub struct UseSecondFactor {
    /// The user.
    pub user_id: UserId,
    /// What was given.
    pub proof: FactorProof,
}

/// See [`crate::Command::RemoveSecondFactor`].
#[derive(Debug, Clone, Copy)]
pub struct RemoveSecondFactor {
    /// Whose it is.
    pub user_id: UserId,
    /// Who removes it.
    pub by: FactorRemover,
}

/// Who removes a second factor.
#[derive(Debug, Clone, Copy)]
pub enum FactorRemover {
    /// The user, with the code they showed, if it is one.
    User(Option<FactorProof>),
    /// Who manages users.
    Manager,
}

pub(crate) fn add(entries: &impl Entries, add: &AddSecondFactor) -> Result<IdentityEvent, Refusal> {
    let user = user::existing(entries, add.user_id)?;
    if user.second_factor.is_some() {
        return Err(Refusal::new(
            Code::SecondFactorExists,
            "the user has a second factor; remove it first",
        ));
    }
    // It may have been confirmed before: its codes would be good again, also those that were used.
    if user
        .second_factor_removed
        .is_some_and(|removed| add.offered < removed)
    {
        return Err(spent());
    }
    Ok(SecondFactorAdded {
        user_id: add.user_id,
        sealed: add.sealed.clone(),
        step: add.step,
        recovery: add.recovery.clone(),
        offered: Some(add.offered),
    }
    .into())
}

pub(crate) fn spend(
    entries: &impl Entries,
    used: &UseSecondFactor,
) -> Result<IdentityEvent, Refusal> {
    let factor = existing(user::existing(entries, used.user_id)?)?;
    check(factor, used.proof)?;
    Ok(SecondFactorUsed {
        user_id: used.user_id,
        proof: used.proof,
    }
    .into())
}

pub(crate) fn remove(
    entries: &impl Entries,
    remove: &RemoveSecondFactor,
) -> Result<IdentityEvent, Refusal> {
    let user_id = remove.user_id;
    let factor = existing(user::existing(entries, user_id)?)?;
    if let FactorRemover::User(shown) = remove.by {
        check(factor, shown.ok_or_else(spent)?)?;
    }
    Ok(SecondFactorRemoved { user_id }.into())
}

fn check(factor: &SecondFactor, proof: FactorProof) -> Result<(), Refusal> {
    let is_good = match proof {
        FactorProof::Code { step } => step > factor.last_step,
        FactorProof::Recovery { digest } => factor.recovery.contains(&digest),
    };
    is_good.then_some(()).ok_or_else(spent)
}

fn spent() -> Refusal {
    Refusal::new(
        Code::SecondFactorSpent,
        "the code was used before, or is none of the user's",
    )
}

fn existing(user: &User) -> Result<&SecondFactor, Refusal> {
    user.second_factor
        .as_deref()
        .ok_or_else(|| Refusal::new(Code::SecondFactorMissing, "the user has no second factor"))
}
