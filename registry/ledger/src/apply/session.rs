//! Folding the events of sessions.

use super::Fold;
use crate::entry::{Entry, Session};
use crate::key::Key;
use crate::state::NotLoaded;
use schemas::event::session::{SessionOpened, SessionRefreshed, SessionsEnded};
use uuid::Uuid;

impl Fold<'_, '_> {
    fn session(&mut self, id: Uuid, change: impl FnOnce(&mut Session)) -> Result<(), NotLoaded> {
        if let Some(Some(Entry::Session(session))) =
            self.changes.edit(Key::Session(id), self.position)?
        {
            change(session);
        }
        Ok(())
    }

    pub(super) fn session_opened(&mut self, event: &SessionOpened) -> Result<(), NotLoaded> {
        let session = Session {
            user_id: event.user_id,
            refresh: event.refresh,
            previous: None,
            refreshed_at: event.at,
            expires_at: event.expires_at,
            is_over: false,
        };
        self.create(
            Key::Session(event.session_id),
            Entry::Session(Box::new(session)),
        );
        self.user(event.user_id, |user| user.sessions.push(event.session_id))
    }

    pub(super) fn session_refreshed(&mut self, event: &SessionRefreshed) -> Result<(), NotLoaded> {
        self.session(event.session_id, |session| {
            session.previous = Some(session.refresh);
            session.refresh = event.refresh;
            session.refreshed_at = event.at;
        })
    }

    pub(super) fn sessions_ended(&mut self, event: &SessionsEnded) -> Result<(), NotLoaded> {
        for id in &event.session_ids {
            self.session(*id, |session| session.is_over = true)?;
        }
        self.user(event.user_id, |user| {
            user.sessions.retain(|id| !event.session_ids.contains(id));
        })
    }
}

pub(super) fn touched_by_end(event: &SessionsEnded, keys: &mut Vec<Key>) {
    keys.push(Key::User(event.user_id));
    keys.extend(event.session_ids.iter().copied().map(Key::Session));
}
