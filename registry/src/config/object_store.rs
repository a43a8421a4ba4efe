//! The object store that backups go to.

use super::auth::{AuthError, secret};
use projections::postgres::Secret;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectStore {
    /// Where a store that speaks the protocol of Amazon S3 is, as `https://` and a host. Unless it is named, Amazon's
    /// of `region`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The region, of which others than Amazon take any.
    pub region: String,
    /// The id of the key by which the store knows who asks. Has no default: `registry backup --to s3://…` and
    /// `registry restore --from s3://…` need one.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
    /// A file whose first line is that secret; used when `secret_access_key` is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_access_key_file: Option<PathBuf>,
}

impl Default for ObjectStore {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: "us-east-1".into(),
            access_key_id: String::new(),
            secret_access_key: Secret::default(),
            secret_access_key_file: None,
        }
    }
}

impl ObjectStore {
    /// The secret, from the setting or its file. It may be empty.
    ///
    /// # Errors
    /// [`AuthError::SecretFile`].
    pub fn secret(&self) -> Result<Secret, AuthError> {
        let file = self.secret_access_key_file.as_deref();
        secret(
            "object_store.secret_access_key_file",
            &self.secret_access_key,
            file,
        )
    }

    /// Whether the endpoint is named, if it is, by a scheme and a host alone: the store would be asked at another place
    /// than one with a path says, and a password in it would be printed.
    pub(super) fn is_endpoint_sound(&self) -> bool {
        let is_sound = |text: &String| {
            Url::parse(text).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https")
                    && url.has_host()
                    && url.username().is_empty()
                    && url.password().is_none()
                    && matches!(url.path(), "" | "/")
                    && url.query().is_none()
                    && url.fragment().is_none()
            })
        };
        self.endpoint.as_ref().is_none_or(is_sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_scheme_and_a_host() {
        let is_sound = |endpoint: &str| {
            let endpoint = Some(endpoint.to_owned());
            let store = ObjectStore {
                endpoint,
                ..ObjectStore::default()
            };
            store.is_endpoint_sound()
        };
        assert!(ObjectStore::default().is_endpoint_sound());
        for good in [
            "https://s3.example",
            "http://127.0.0.1:9000",
            "https://[::1]:9000/",
        ] {
            assert!(is_sound(good), "{good}");
        }
        for bad in [
            "",
            "s3.example:9000",
            "https://",
            "ftp://s3.example",
            "https://me:hunter2@s3.example",
            "https://s3.example/bucket",
            "https://s3.example?x",
        ] {
            assert!(!is_sound(bad), "{bad}");
        }
    }
}
