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
    let client = caller.client().await?;
    let user = existing(&client, caller.user_id).await?;
    let stored = read::principal::secret_by_id(&client, caller.user_id).await?;
    drop(client);
    let stored = stored.and_then(|credentials| credentials.password_hash);
    let (Via::Session(id) | Via::ApiKey(id) | Via::External(id)) = caller.via();
    let state = caller.state();
    let guess = state.guesses.at(&user.email, Source::Known(id))?;
    let is_right = state.passwords.verify(password.to_owned(), stored).await;
    if !is_right.map_err(|error| Problem::internal(&error))? {
        guess.wrong()?;
        let said = "send the password that you have at the moment";
        return Err(Problem::new(EdgeCode::CurrentPasswordWrong, said).at(pointer));
    }
    Ok(guess)
}
