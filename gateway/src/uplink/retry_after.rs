//! `Retry-After` (RFC 9110, 10.2.3): seconds or a date.

use chrono::{DateTime, NaiveDateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use std::time::Duration;

/// Nobody is waited for longer than this, whatever is asked for.
pub(super) const LONGEST: Duration = Duration::from_secs(3_600);

/// How long the headers ask to wait.
pub(super) fn read(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            // IMF-fixdate (RFC 9110, 5.6.7).
            let date = NaiveDateTime::parse_from_str(text, "%a, %d %b %Y %H:%M:%S GMT").ok()?;
            (date.and_utc() - now).to_std().unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn waits(text: &str) -> Option<u64> {
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        read(&headers, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_understood_up_to_the_longest_wait() {
        assert_eq!(waits("7"), Some(7));
        assert_eq!(waits("3600"), Some(3_600));
        assert_eq!(waits("3601"), Some(3_600));
        assert_eq!(waits("Sat, 21 Nov 2026 10:00:30 GMT"), Some(30));
        assert_eq!(waits("Sat, 21 Nov 2026 09:00:00 GMT"), Some(0));
        assert_eq!(waits("soon"), None);
        assert_eq!(read(&HeaderMap::new(), Utc::now()), None);
    }
}
