//! Who may call: whoever is on this machine, or has the token.

use super::code::Code;
use super::problem::Problem;
use crate::control::Secret;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::web::Data;
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq;

/// Shortest token: 128 bits in hexadecimal.
pub const MIN_TOKEN_CHARS: usize = 32;

/// Who may call.
#[derive(Debug, Clone)]
pub enum Access {
    /// Whoever reaches the loopback address under its own name.
    Loopback,
    /// Whoever has the token.
    Token(Secret),
}

/// Why nobody can be let in.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file can not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// What it holds is easily guessed.
    #[error("{}: the token has less than {MIN_TOKEN_CHARS} characters", path.display())]
    Short {
        /// Which.
        path: PathBuf,
    },
    /// Another machine could call.
    #[error("the local API would listen on {listen} for everybody: give it a token file")]
    Open {
        /// Where.
        listen: SocketAddr,
    },
}

impl Access {
    /// The first line of `token_file` is the token; without one `listen` has to be a loopback address.
    ///
    /// # Errors
    /// If the token can not be read or is too short, or is missing where it is needed.
    pub fn new(listen: SocketAddr, token_file: Option<&Path>) -> Result<Self, TokenError> {
        let Some(path) = token_file else {
            return if listen.ip().is_loopback() {
                Ok(Self::Loopback)
            } else {
                Err(TokenError::Open { listen })
            };
        };
        let text = fs::read_to_string(path).map_err(|source| TokenError::Io {
            path: path.to_owned(),
            source,
        })?;
        let token = text.lines().next().unwrap_or_default().trim();
        if token.chars().count() < MIN_TOKEN_CHARS {
            return Err(TokenError::Short {
                path: path.to_owned(),
            });
        }
        Ok(Self::Token(Secret::new(token.to_owned())))
    }

    fn check(&self, request: &ServiceRequest) -> Result<(), Problem> {
        match self {
            Self::Loopback if names_loopback(request) => Ok(()),
            // A page in a browser on this machine can reach loopback under a name of its own (DNS rebinding).
            Self::Loopback => Err(Problem::new(
                Code::WrongHost,
                "call the local API as localhost or by its address",
            )),
            Self::Token(token) => {
                let given = request
                    .headers()
                    .get(header::AUTHORIZATION)
                    .and_then(|value| value.to_str().ok())
                    .and_then(|value| value.strip_prefix("Bearer "));
                match given {
                    Some(given) if is_same(given.trim(), token.reveal()) => Ok(()),
                    Some(_) => Err(Problem::new(
                        Code::TokenInvalid,
                        "the token is not this gateway's",
                    )),
                    None => Err(Problem::new(
                        Code::NotAuthenticated,
                        "send the gateway's token as Authorization: Bearer",
                    )),
                }
            }
        }
    }
}

/// Takes as long whichever character differs, and whatever the lengths.
fn is_same(given: &str, token: &str) -> bool {
    let (given, token) = (Sha256::digest(given), Sha256::digest(token));
    given.ct_eq(&token).into()
}

fn names_loopback(request: &ServiceRequest) -> bool {
    let host = request.connection_info().host().to_owned();
    let host = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(host.as_str(), |(host, _)| host);
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    host.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback())
}

/// Lets in who may call; health is for everybody.
pub(super) async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if request.path() != super::status::HEALTH_PATH {
        let access = request
            .app_data::<Data<Access>>()
            .ok_or_else(|| Problem::new(Code::Internal, "nobody is let in"))?;
        access.check(&request)?;
    }
    next.call(request).await
}
