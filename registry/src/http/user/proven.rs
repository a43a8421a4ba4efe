//! Users who prove once more who they are.

use super::existing;
use crate::http::Caller;
use crate::http::limit::{Guess, Source};
use crate::http::problem::{Answer, EdgeCode, Problem};
use crate::identity::Via;
use crate::read;

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
    let stored = stored(caller).await?;
    verified(caller, password, stored, pointer).await
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
    match stored(caller).await? {
        None => guess(caller).await,
        stored => verified(caller, password.unwrap_or_default(), stored, pointer).await,
    }
}

async fn stored<C>(caller: &Caller<C>) -> Answer<Option<String>> {
    let client = caller.client().await?;
    let stored = read::principal::secret_by_id(&client, caller.user_id).await?;
    Ok(stored.and_then(|credentials| credentials.password_hash))
}

async fn guess<C>(caller: &Caller<C>) -> Answer<Guess<'_>> {
    let user = existing(&caller.client().await?, caller.user_id).await?;
    let (Via::Session(id) | Via::ApiKey(id) | Via::External(id)) = caller.via();
    caller.state().guesses.at(&user.email, Source::Known(id))
}

async fn verified<'c, C>(
    caller: &'c Caller<C>,
    password: &str,
    stored: Option<String>,
    pointer: &str,
) -> Answer<Guess<'c>> {
    let guess = guess(caller).await?;
    let passwords = &caller.state().passwords;
    let is_right = passwords.verify(password.to_owned(), stored).await;
    if !is_right? {
        guess.wrong()?;
        let said = "send the password that you have at the moment";
        return Err(Problem::new(EdgeCode::CurrentPasswordWrong, said).at(pointer));
    }
    Ok(guess)
}
