//! Which attempts are so many of a kind that they share entries.

use crate::http::limit::place;
use lru::LruCache;
use schemas::envelope::Actor;
use schemas::event::audit::Attempt;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::time::Instant;

/// Attempts of a kind that have an entry each, per [`WINDOW`]: a person who tries again and again stays
/// below.
pub(super) const SINGLY: u32 = 20;
/// Over which they are counted.
pub(super) const WINDOW: Duration = Duration::from_secs(60);
/// Kinds remembered at most. Of one that is forgotten the next [`SINGLY`] have an entry each again.
const KINDS: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not 0");

/// What attempts have in common that share an entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    actor: Option<Actor>,
    /// Where nobody is known, the place stands for who it is.
    address: Option<IpAddr>,
    operation: String,
    code: Option<String>,
}

impl Kind {
    pub(super) fn of(attempt: &Attempt) -> Self {
        Self {
            actor: attempt.actor.clone(),
            address: attempt
                .address
                .filter(|_| attempt.actor.is_none())
                .map(place),
            operation: attempt.operation.clone(),
            code: attempt.code.clone(),
        }
    }
}

/// Attempts of one kind in one window.
struct Seen {
    since: Instant,
    count: u32,
}

/// Counts attempts by kind.
pub(super) struct Floods(LruCache<Kind, Seen>);

impl Default for Floods {
    fn default() -> Self {
        Self(LruCache::new(KINDS))
    }
}

impl Floods {
    /// Counts one; whether there were [`SINGLY`] of its kind in the window before it.
    pub(super) fn is_flood(&mut self, kind: &Kind, now: Instant) -> bool {
        let new = || Seen {
            since: now,
            count: 0,
        };
        if self.0.peek(kind).is_none() {
            self.0.put(kind.clone(), new());
        }
        let Some(seen) = self.0.get_mut(kind) else {
            return false;
        };
        if now.duration_since(seen.since) >= WINDOW {
            *seen = new();
        }
        seen.count = seen.count.saturating_add(1);
        seen.count > SINGLY
    }
}

/// Makes one entry of two attempts of a kind.
pub(super) fn merge(into: &mut Attempt, more: &Attempt) {
    let (first, last) = (into.at.min(more.at), more.last_at.unwrap_or(more.at));
    into.last_at = Some(last.max(into.last_at.unwrap_or(into.at)));
    into.at = first;
    into.count += more.count;
    into.account_id = into.account_id.filter(|id| Some(*id) == more.account_id);
    into.via = into.via.filter(|via| Some(*via) == more.via);
    into.address = into.address.filter(|one| Some(*one) == more.address);
    into.target = into.target.filter(|one| Some(*one) == more.target);
    into.idempotency_key = None;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use schemas::event::audit::Target;
    use schemas::id::{AccountId, UserId};
    use uuid::Uuid;

    fn attempt(user: i64, account: i64, second: u32) -> Attempt {
        Attempt {
            at: format!("2026-01-01T00:00:{second:02}Z").parse().unwrap(),
            last_at: None,
            count: 1,
            actor: Some(Actor::User(UserId(user))),
            via: None,
            address: Some("192.0.2.1".parse().unwrap()),
            operation: "transfer_certificates".to_owned(),
            account_id: Some(AccountId(account)),
            idempotency_key: Some(Uuid::nil()),
            target: None,
            code: Some("bundle_state".to_owned()),
            request_id: Uuid::nil(),
        }
    }

    #[test]
    fn the_20th_of_a_kind_has_an_entry_of_its_own_and_the_21st_shares_one_until_the_window_ends() {
        let mut floods = Floods::default();
        let (kind, other) = (Kind::of(&attempt(1, 1, 0)), Kind::of(&attempt(2, 1, 0)));
        let start = Instant::now();
        for _ in 0..SINGLY {
            assert!(!floods.is_flood(&kind, start));
        }
        let end = start + WINDOW;
        assert!(floods.is_flood(&kind, end - Duration::from_millis(1)));
        assert!(!floods.is_flood(&other, start));
        assert!(!floods.is_flood(&kind, end));
    }

    #[test]
    fn attempts_are_alike_by_who_what_and_code_and_where_nobody_is_known_by_address() {
        let known = attempt(1, 1, 0);
        let elsewhere = Attempt {
            address: Some("192.0.2.2".parse().unwrap()),
            account_id: None,
            ..known.clone()
        };
        assert_eq!(Kind::of(&known), Kind::of(&elsewhere));
        let nobody = |attempt: Attempt| {
            Kind::of(&Attempt {
                actor: None,
                ..attempt
            })
        };
        assert_ne!(nobody(known), nobody(elsewhere));
    }

    #[test]
    fn a_shared_entry_counts_all_and_keeps_what_is_the_same() {
        let mut entry = attempt(1, 1, 3);
        merge(&mut entry, &attempt(1, 1, 5));
        merge(&mut entry, &attempt(1, 1, 4));
        assert_eq!((entry.count, entry.account_id), (3, Some(AccountId(1))));
        assert_eq!(entry.at, attempt(1, 1, 3).at);
        assert_eq!(entry.last_at, Some(attempt(1, 1, 5).at));
        assert_eq!(entry.idempotency_key, None);
        merge(&mut entry, &attempt(1, 2, 6));
        assert_eq!((entry.count, entry.account_id), (4, None));
        let at = |user| Attempt {
            target: Some(Target::User(UserId(user))),
            ..attempt(1, 1, 3)
        };
        let mut entry = at(7);
        merge(&mut entry, &at(7));
        assert_eq!(entry.target, at(7).target);
        merge(&mut entry, &at(8));
        assert_eq!(entry.target, None);
    }
}
