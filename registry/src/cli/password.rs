//! Passwords for commands that sign in: never on the command line, where other users see them.

use std::{env, io};

use anyhow::{Context, bail};
use console::Term;

use crate::config::Secret;

/// The first line of standard input if `stdin`, else the variable's value, else what the person at the
/// terminal types unseen.
pub(super) fn read(stdin: bool, variable: &str) -> anyhow::Result<Secret> {
    let given = if stdin {
        let mut line = String::new();
        io::stdin()
            .read_line(&mut line)
            .context("the password can not be read from standard input")?;
        line
    } else if let Ok(value) = env::var(variable) {
        value
    } else {
        prompted(variable)?
    };
    let password = given.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("the password is empty");
    }
    Ok(Secret::new(password))
}

fn prompted(variable: &str) -> anyhow::Result<String> {
    let terminal = Term::stderr();
    if !terminal.is_term() {
        bail!("no password: give --password-stdin or the variable {variable}");
    }
    terminal.write_str("Password: ")?;
    terminal
        .read_secure_line()
        .context("the password can not be read")
}
