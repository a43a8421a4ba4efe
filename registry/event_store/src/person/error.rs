//! What can be wrong with the keys of people.

use schemas::id::UserId;
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;

/// Why what is personal in the log can not be written or read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PeopleError {
    /// The file of keys is gone.
    #[error(
        "the log holds people whose keys were in {path}, which is not there. Restore the file. If it is lost for good, \
         `event_store.people_keys_lost = \"{id}\"` has the log read without them: none of these people can be read or \
         sign in any more"
    )]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
        /// Its id.
        id: Uuid,
    },
    /// The file belongs to another log, or to another registry on this one.
    #[error(
        "the log holds people whose keys are in a file with the id {theirs}, but {path} has the id {ours}. All programs \
         on one log use one file of keys (`event_store.people_keys`)"
    )]
    Other {
        /// The file.
        path: PathBuf,
        /// Its id.
        ours: Uuid,
        /// The id of the file that is needed.
        theirs: Uuid,
    },
    /// The file was restored from a backup that is older than the log.
    #[error(
        "{path} holds no key of user {user_id}, whom the log holds: the file is older than the log. Restore a newer one"
    )]
    Outdated {
        /// The file.
        path: PathBuf,
        /// Whose key is missing.
        user_id: UserId,
    },
    /// The log was restored from a backup that is older than the keys.
    #[error(
        "user {0} was erased, says the file of keys, but the log does not know them: the log is older than the keys"
    )]
    Reborn(UserId),
    /// The event was changed, or its key was.
    #[error("what is sealed in event {0} can not be opened with the person's key")]
    Damaged(Uuid),
    /// The event does not have the shape that its type promises.
    #[error("event {event_id} does not parse: {reason}")]
    Payload {
        /// The event.
        event_id: Uuid,
        /// What is wrong.
        reason: Arc<str>,
    },
    /// The file is a database of something else.
    #[error("{0} is not a file of keys of people")]
    NotKeys(PathBuf),
    /// The file can not be read or written now.
    #[error("the keys of people in {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}
