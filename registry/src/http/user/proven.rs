//! Users who prove once more who they are.

use super::existing;
use crate::http::Caller;
use crate::http::limit::{Guess, Source};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::identity::Via;
use crate::read::{self, principal::Known};

/// Checks the caller's own password, which is in the body at `pointer`. Guesses are counted for the session, so
/// that who has taken it over does not find the password by it.
///
/// # Errors
/// `current_password_wrong`, `too_many_requests`.
pub async fn proven<'c, C>(
    caller: &'c Caller<C>,
    password: &str,
    pointer: &str,
) -> Answer<Guess<'c>> {
    let known = known(caller).await?;
    verified(caller, password, known, pointer).await
}

/// The same of who has a password. Who has none signs in elsewhere and can prove nothing here: only their session
/// counts.
///
/// # Errors
/// As [`proven`].
pub async fn proven_if_any<'c, C>(
    caller: &'c Caller<C>,
    password: Option<&str>,
    pointer: &str,
) -> Answer<Guess<'c>> {
    let known = known(caller).await?;
    let user = known.user.as_ref();
    if user.is_none_or(|user| user.password_hash.is_none()) {
        return guess(caller).await;
    }
    verified(caller, password.unwrap_or_default(), known, pointer).await
}

async fn known<C>(caller: &Caller<C>) -> Answer<Known> {
    let client = caller.client().await?;
    Ok(read::principal::known(&client, Some(caller.user_id)).await?)
}

async fn guess<C>(caller: &Caller<C>) -> Answer<Guess<'_>> {
    let user = existing(&caller.client().await?, caller.user_id).await?;
    let (Via::Session(id) | Via::ApiKey(id) | Via::External(id)) = caller.via();
    caller.state().guesses.at(&user.email, Source::Known(id))
}

async fn verified<'c, C>(
    caller: &'c Caller<C>,
    password: &str,
    known: Known,
    pointer: &str,
) -> Answer<Guess<'c>> {
    let guess = guess(caller).await?;
    let passwords = &caller.state().passwords;
    let stored = known.user.and_then(|user| user.password_hash);
    let is_right = passwords.verify(password.to_owned(), stored, &known.password_costs);
    if !is_right.await? {
        guess.wrong()?;
        let said = "send the password that you have at the moment";
        return Err(Problem::new(EdgeCode::CurrentPasswordWrong, said).at(pointer));
    }
    Ok(guess)
}
