//! The life of the development environment: up in order, watched, down in the opposite order.

use std::time::{Duration, Instant};

use tokio::time::interval;

use super::{
    banner,
    environment::{self, Environment},
    error::DevError,
    user,
};
use crate::{
    config::Config,
    signal,
    system::{Listener, Projectors, System},
};

/// How often the databases are looked after.
const LOOK: Duration = Duration::from_millis(500);

/// Runs everything until Ctrl-C or SIGTERM, then stops it.
///
/// # Errors
/// [`DevError`] when a part does not start, or ends and can not be started again; the rest is
/// stopped before this returns.
pub async fn run(config: Config) -> Result<(), DevError> {
    let began = Instant::now();
    let stop = signal::stop_requested();
    tokio::pin!(stop);
    let mut config = config;
    config.auth.dev_users = true;
    let listener = match Listener::bind(&config.http) {
        Ok(listener) => listener,
        Err(taken) => {
            // Most likely by this very environment, and then that is what to say.
            environment::refuse_second(&config)?;
            return Err(taken.into());
        }
    };
    let mut environment = tokio::select! {
        started = Environment::start(config) => started?,
        // What runs already is stopped as it is dropped.
        () = &mut stop => return Ok(()),
    };
    environment.publish(listener.address())?;
    let outcome = tokio::select! {
        started = System::start_on(listener, &environment.config, Projectors::Here) => match started {
            Ok(system) => Ok(Some(system)),
            Err(error) => Err(error.into()),
        },
        () = &mut stop => Ok(None),
    };
    let outcome = match outcome {
        Ok(Some(mut system)) => {
            let outcome = tokio::select! {
                outcome = live(&mut environment, &mut system, began) => outcome,
                () = &mut stop => Ok(()),
            };
            println!("\nStopping.");
            system.shutdown().await;
            outcome
        }
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    environment.withdraw();
    outcome.and(environment.stop().await)
}

/// Returns only when something can not go on.
async fn live(
    environment: &mut Environment,
    system: &mut System,
    began: Instant,
) -> Result<(), DevError> {
    user::ensure(system.core()).await?;
    banner::print(environment, system.address(), began.elapsed());
    let mut look = interval(LOOK);
    loop {
        tokio::select! {
            error = system.ended() => return Err(error.into()),
            _ = look.tick() => environment.mend().await?,
        }
    }
}
