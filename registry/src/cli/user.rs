//! `registry user`.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use schemas::{id::UserId, life_cycle::Role};

use crate::{
    config::{Config, Secret},
    identity::{BreachedList, check_password},
    system::{Core, NewUser, Projectors},
};

/// Fewest characters of a password that a person chooses (NIST SP 800-63B, section 5.1.1.1).
const MIN_PASSWORD_CHARACTERS: usize = 8;

/// Manage users without the API: the first administrator
#[derive(Debug, Args)]
pub(super) struct User {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Create(Create),
    Erase(Erase),
}

/// Forget the person behind a user, for good: the key under which the log holds what is known of them is destroyed
#[derive(Debug, Args)]
struct Erase {
    /// Id of the user
    id: i64,
}

/// Register a user; the password is asked for, or made and printed once
#[derive(Debug, Args)]
struct Create {
    #[arg(long, value_enum)]
    role: RoleName,
    #[arg(long)]
    email: String,
    #[arg(long)]
    name: String,
    #[arg(long)]
    organisation: Option<String>,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleName {
    StorageValidator,
    Audit,
    Trading,
    Production,
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::StorageValidator => Self::StorageValidator,
            RoleName::Audit => Self::Audit,
            RoleName::Trading => Self::Trading,
            RoleName::Production => Self::Production,
            RoleName::Admin => Self::Admin,
        }
    }
}

/// How a user came by their password.
enum Password {
    Chosen(Secret),
    Made(Secret),
}

impl User {
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        config.log.start()?;
        match self.action {
            Action::Create(create) => create.run(config).await,
            Action::Erase(erase) => erase.run(config).await,
        }
    }
}

impl Create {
    async fn run(self, config: &Config) -> anyhow::Result<()> {
        ensure!(is_email(&self.email), "--email: write it as name@domain");
        ensure!(!self.name.trim().is_empty(), "--name: it is empty");
        let password = self.password(config.auth.breached()?.as_ref())?;
        let (Password::Chosen(secret) | Password::Made(secret)) = &password;
        let user = NewUser {
            name: self.name,
            email: self.email.clone(),
            role: self.role.into(),
            organisation: self.organisation,
            password: secret.clone(),
        };
        let core = Core::start(config, Projectors::Elsewhere).await?;
        let registered = core.register(user, "cli").await;
        core.shutdown().await;
        let id = match registered {
            Err(error) if error.is_taken() => bail!("{} is registered already", self.email),
            other => other.context(
                "the user was not registered (the WRITE database must have its tables: registry \
                 migrate)",
            )?,
        };
        match id {
            Some(id) => println!("User {id} ({}) is registered.", self.email),
            None => println!("User {} is registered.", self.email),
        }
        if let Password::Made(secret) = password {
            println!("Password, shown only now: {}", secret.expose());
        }
        Ok(())
    }

    fn password(&self, breached: Option<&BreachedList>) -> anyhow::Result<Password> {
        let about = [self.name.as_str(), self.email.as_str()];
        if self.password_stdin {
            let mut line = String::new();
            io::stdin()
                .lock()
                .read_line(&mut line)
                .context("standard input")?;
            return chosen(line.trim_end_matches(['\r', '\n']), &about, breached);
        }
        if io::stdin().is_terminal() {
            print!("Password (empty: one is made): ");
            io::stdout().flush().context("the question")?;
            let line = read_hidden().context("the password")?;
            println!();
            if !line.is_empty() {
                return chosen(&line, &about, breached);
            }
        }
        let bytes = rand::random::<[u8; 16]>();
        Ok(Password::Made(Secret::new(hex::encode(bytes))))
    }
}

impl Erase {
    async fn run(self, config: &Config) -> anyhow::Result<()> {
        // They stand by where a registry runs that has its own.
        let core = Core::start(config, Projectors::Here).await?;
        let erased = core.erase(UserId(self.id), "cli").await;
        core.shutdown().await;
        erased.context("the user was not erased")?;
        println!(
            "User {} is erased. Backups made before still hold what they held.",
            self.id
        );
        Ok(())
    }
}

fn chosen(
    password: &str,
    about: &[&str],
    breached: Option<&BreachedList>,
) -> anyhow::Result<Password> {
    if password.chars().count() < MIN_PASSWORD_CHARACTERS {
        bail!("the password must have at least {MIN_PASSWORD_CHARACTERS} characters");
    }
    check_password(password, about, breached)?;
    Ok(Password::Chosen(Secret::new(password)))
}

fn is_email(text: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    text.split_once('@').is_some_and(|(name, domain)| {
        plain(name) && plain(domain) && domain.contains('.') && !domain.contains('@')
    })
}

/// A line from the terminal that is not shown while it is typed.
fn read_hidden() -> io::Result<String> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let stdin = io::stdin();
    let shown = tcgetattr(&stdin)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    tcsetattr(&stdin, OptionalActions::Now, &shown)?;
    read?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_short_password_is_refused() {
        assert!(chosen("gT7#mQ2", &[], None).is_err());
        assert!(chosen("gT7#mQ2!", &[], None).is_ok());
        assert!(chosen("12345678", &[], None).is_err());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "a", "a@", "@b.c", "a@b", "a b@c.d", "a@b@c.d"] {
            assert!(!is_email(text), "{text}");
        }
        assert!(is_email("a@b.c"));
    }
}
