//! What password hashes cost.
//!
//! After a change of `auth.password_cost`, hashes of several costs are in use. How long a look at a password takes
//! must not tell whose it is, so each look hashes once at every one of them: the user's own hash at its cost, one
//! that is nobody's at the others.

use crate::config::PasswordCost;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Params};

/// Costs at which a password is looked at beside that of new hashes, at most: each makes every sign-in dearer.
const MOST_OUTDATED: usize = 8;

/// Algorithm, version and costs of a PHC string.
pub fn cost(phc: &str) -> &str {
    phc.rsplitn(3, '$').last().unwrap_or_default()
}

/// Hashes that are nobody's, one for each cost at which a password is looked at: that of `nobody`, which new hashes
/// have, then those of `in_use` that can be afforded.
pub fn decoys(nobody: &str, in_use: &[String]) -> Vec<String> {
    let (current, salt_and_hash) = nobody.split_at(cost(nobody).len());
    let outdated = in_use.iter().filter(|cost| *cost != current);
    let outdated = outdated.map(|cost| format!("{cost}{salt_and_hash}"));
    std::iter::once(nobody.to_owned())
        .chain(outdated.filter(|phc| is_afforded(phc)).take(MOST_OUTDATED))
        .collect()
}

/// Whether a hash is argon2's at costs that the configuration takes. Memory that is not there would end the process.
fn is_afforded(phc: &str) -> bool {
    let params = PasswordHash::new(phc)
        .ok()
        .filter(|hash| Algorithm::try_from(hash.algorithm.as_str()).is_ok())
        .and_then(|hash| Params::try_from(&hash).ok());
    params.is_some_and(|params| {
        params.m_cost() <= PasswordCost::MAX_MEMORY_KIB
            && params.t_cost() <= PasswordCost::MAX_PASSES
            && params.p_cost() <= PasswordCost::MAX_LANES
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT_AND_HASH: &str =
        "$6Ud6Lety+voCBc3Z+h+e5g$9MsVN1Do5txtFgQZdAuDMw45Fh8I1/9Cc5TjkuV0Bqs";

    fn argon2id(memory_kib: u32, passes: u32) -> String {
        format!("$argon2id$v=19$m={memory_kib},t={passes},p=1")
    }

    /// The costs looked at where these are in use.
    fn looked_at(in_use: &[String]) -> Vec<String> {
        let nobody = format!("{}{SALT_AND_HASH}", argon2id(16, 2));
        let decoys = decoys(&nobody, in_use);
        assert_eq!(decoys[0], nobody);
        let tails = decoys.iter().map(|decoy| &decoy[cost(decoy).len()..]);
        assert!(tails.into_iter().all(|tail| tail == SALT_AND_HASH));
        decoys.iter().map(|decoy| cost(decoy).to_owned()).collect()
    }

    #[test]
    fn each_cost_in_use_is_looked_at_once_and_that_of_new_hashes_always() {
        assert_eq!(looked_at(&[]), [argon2id(16, 2)]);
        let in_use = [argon2id(16, 2), argon2id(8, 1)];
        assert_eq!(looked_at(&in_use), in_use);
    }

    #[test]
    fn attack_costs_that_nobody_can_pay_are_not_looked_at() {
        let (memory_kib, passes) = (PasswordCost::MAX_MEMORY_KIB, PasswordCost::MAX_PASSES);
        let dearest = argon2id(memory_kib, passes);
        assert_eq!(looked_at(std::slice::from_ref(&dearest))[1], dearest);
        let others = [
            "",
            "$2b",
            "$scrypt$ln=14,r=8,p=1",
            "$argon2id$v=19$m=8,t=0,p=1",
        ];
        let others = others.map(str::to_owned);
        let absurd = [
            argon2id(memory_kib + 1, 1),
            argon2id(8, passes + 1),
            argon2id(u32::MAX, u32::MAX),
            format!("{}0", argon2id(u32::MAX, u32::MAX)),
            "$argon2id$v=19$m=136,t=1,p=17".to_owned(),
        ];
        assert_eq!(looked_at(&[&others[..], &absurd].concat()).len(), 1);
    }

    #[test]
    fn attack_of_many_costs_only_so_many_are_looked_at() {
        let many: Vec<_> = (8..).map(|memory| argon2id(memory, 1)).take(99).collect();
        assert_eq!(looked_at(&many[..8])[1..], many[..8]);
        assert_eq!(looked_at(&many)[1..], many[..8]);
    }
}
