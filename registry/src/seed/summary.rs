//! What the demo holds.

use std::{fmt, time::Duration};

use schemas::api::account::AccountSummary;

use super::{
    account::{Accounts, Party},
    error::{SeedError, While},
    people::People,
    reading::Submitted,
};
use crate::{dev::DEMO_USERS, import::grouped};

/// What the demo holds. `Display` is the table that a person reads.
#[derive(Debug)]
pub struct Summary {
    accounts: Vec<AccountSummary>,
    submitted: Submitted,
    /// Events that this run added to the ledger.
    pub added: i64,
    took: Duration,
}

impl Summary {
    pub(super) async fn read(
        people: &People,
        accounts: &Accounts,
        submitted: Submitted,
        added: i64,
        took: Duration,
    ) -> Result<Self, SeedError> {
        let mut summaries = Vec::with_capacity(Party::ALL.len());
        for party in Party::ALL {
            let id = accounts.id(party);
            let summary = people.admin.get(&format!("/account/{id}/summary")).await;
            summaries.push(summary.during(format!("summary of account {id}"))?);
        }
        Ok(Self {
            accounts: summaries,
            submitted,
            added,
            took,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |number: i64| grouped(number.unsigned_abs());
        writeln!(
            f,
            "\n  {:>3}  {:<27}{:>8}{:>9}{:>13}{:>18}",
            "id", "account", "devices", "bundles", "of them used", "Wh"
        )?;
        for account in &self.accounts {
            writeln!(
                f,
                "  {:>3}  {:<27}{:>8}{:>9}{:>13}{:>18}",
                account.id,
                account.account_name,
                account.num_devices,
                count(account.num_granular_certificate_bundles),
                count(account.num_cancelled_granular_certificate_bundles),
                count(account.total_certificate_energy.0),
            )?;
        }
        writeln!(f, "\n  {:<33}{:<14}role", "sign in as", "password")?;
        for user in DEMO_USERS {
            writeln!(f, "  {:<33}{:<14}{}", user.email, user.password, user.role)?;
        }
        let Submitted { accepted, known } = self.submitted;
        let millis = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        write!(
            f,
            "\n  {} readings accepted, {} were there; ",
            grouped(accepted),
            grouped(known)
        )?;
        match self.added {
            0 => write!(f, "nothing was added")?,
            added => write!(f, "{} events added", count(added))?,
        }
        writeln!(f, "; {}.{} s", millis / 1_000, millis % 1_000 / 100)
    }
}
