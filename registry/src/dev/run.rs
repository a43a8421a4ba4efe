//! The life of the development environment: up in order, watched, down in the opposite order.

use std::time::{Duration, Instant};

use tokio::time::interval;

use super::{
    banner,
    edge::Edge,
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

/// Runs everything until Ctrl-C or SIGTERM, then stops it; with a simulated inverter and a gateway if the program
/// `gateway` is in the folder of this one.
///
/// # Errors
/// [`DevError`] when a part does not start, or ends and can not be started again; the rest is
/// stopped before this returns.
pub async fn run(config: Config, with_gateway: bool) -> Result<(), DevError> {
    let began = Instant::now();
    let stop = signal::stop_requested();
    tokio::pin!(stop);
    let mut config = config;
    config.auth.dev_users = true;
    config.auth.separation_of_duties = false;
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
            let mut edge = None;
            let outcome = tokio::select! {
                outcome = live(&mut environment, &mut system, began, with_gateway, &mut edge) => outcome,
                () = &mut stop => Ok(()),
            };
            println!("\nStopping.");
            if let Some(edge) = edge {
                edge.stop().await;
            }
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
    with_gateway: bool,
    edge: &mut Option<Edge>,
) -> Result<(), DevError> {
    user::ensure(system.core()).await?;
    if with_gateway {
        match Edge::start(&environment.config.data_dir, system.address()).await {
            Ok(started) => *edge = started,
            // The registry is what people came for.
            Err(error) => tracing::error!(%error, "no gateway is running"),
        }
    }
    banner::print(
        environment,
        system.address(),
        edge.as_ref(),
        began.elapsed(),
    );
    let mut look = interval(LOOK);
    loop {
        tokio::select! {
            error = system.ended() => return Err(error.into()),
            _ = look.tick() => {
                environment.mend().await?;
                if let Some(edge) = edge.as_mut()
                    && edge.has_ended()
                {
                    let folder = edge.folder.display();
                    tracing::error!(%folder, "the gateway has ended; its log is there");
                }
            }
        }
    }
}
