//! The objects below a place in an object store.

use super::super::BackupError;
use super::place::BucketPlace;
use crate::config::{Config, Hazard};
use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    RetryConfig, UpdateVersion,
};
use std::collections::HashMap;
use std::time::Duration;

/// How long one request may take: an object of the size that segments have, over a line of 1 Mbit/s.
const REQUEST: Duration = Duration::from_secs(120);
const CONNECT: Duration = Duration::from_secs(10);
/// For how long what does not go through is tried again, with pauses that grow.
const RETRIES: Duration = Duration::from_secs(180);

/// A place in an object store, opened.
pub(super) struct Bucket {
    store: AmazonS3,
    place: BucketPlace,
}

/// An object, and which version of it.
pub(super) struct Seen {
    pub bytes: Bytes,
    pub version: UpdateVersion,
}

impl Bucket {
    /// # Errors
    /// [`BackupError::NoCredentials`], [`BackupError::Secret`], [`BackupError::Unsafe`] where keys would go over a network
    /// in the clear, [`BackupError::Bucket`].
    pub fn open(config: &Config, place: &BucketPlace) -> Result<Self, BackupError> {
        config.check_hazards_among(&[Hazard::PlainObjectStore])?;
        let settings = &config.object_store;
        let secret = settings.secret()?;
        if settings.access_key_id.is_empty() || secret.is_empty() {
            return Err(BackupError::NoCredentials(place.to_string()));
        }
        let options = ClientOptions::new()
            .with_timeout(REQUEST)
            .with_connect_timeout(CONNECT);
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&place.bucket)
            .with_region(&settings.region)
            .with_access_key_id(&settings.access_key_id)
            .with_secret_access_key(secret.expose())
            .with_client_options(options)
            .with_retry(RetryConfig {
                retry_timeout: RETRIES,
                ..RetryConfig::default()
            })
            // Not every store knows how to delete several at once.
            .with_disable_bulk_delete(true);
        if let Some(endpoint) = &settings.endpoint {
            builder = builder
                .with_endpoint(endpoint.trim_end_matches('/'))
                .with_allow_http(endpoint.starts_with("http://"));
        }
        let store = builder.build().map_err(|source| BackupError::Bucket {
            object: place.to_string(),
            source: Box::new(source),
        })?;
        Ok(Self {
            store,
            place: place.clone(),
        })
    }

    /// The URL of an object, for people.
    pub fn url(&self, name: &str) -> String {
        format!("s3://{}/{}", self.place.bucket, self.place.key(name))
    }

    fn path(&self, name: &str) -> Path {
        Path::from(self.place.key(name))
    }

    fn failed(&self, name: &str) -> impl FnOnce(Error) -> BackupError {
        let object = self.url(name);
        move |source| BackupError::Bucket {
            object,
            source: Box::new(source),
        }
    }

    /// What is in an object, if there is one. One of more than `limit` bytes is not what was put there.
    pub async fn find(&self, name: &str, limit: u64) -> Result<Option<Seen>, BackupError> {
        let got = match self.store.get(&self.path(name)).await {
            Err(Error::NotFound { source, .. }) if is_of_object(&*source) => return Ok(None),
            got => got.map_err(self.failed(name))?,
        };
        if got.meta.size > limit {
            return Err(BackupError::Changed(self.url(name).into()));
        }
        let version = UpdateVersion {
            e_tag: got.meta.e_tag.clone(),
            version: got.meta.version.clone(),
        };
        let bytes = got.bytes().await.map_err(self.failed(name))?;
        Ok(Some(Seen { bytes, version }))
    }

    /// What is in an object that must be there.
    pub async fn get(&self, name: &str, limit: u64) -> Result<Bytes, BackupError> {
        match self.find(name, limit).await? {
            Some(seen) => Ok(seen.bytes),
            None => Err(BackupError::ObjectGone(self.url(name))),
        }
    }

    /// Puts an object where none is: names are never used twice.
    pub async fn put(&self, name: &str, bytes: Bytes) -> Result<(), BackupError> {
        let path = self.path(name);
        let put = self.store.put(&path, PutPayload::from(bytes));
        put.await.map_err(self.failed(name))?;
        Ok(())
    }

    /// Puts an object in the place of the version that was seen, or where none was.
    ///
    /// # Errors
    /// [`BackupError::Overtaken`] if somebody else did meanwhile.
    pub async fn replace(
        &self,
        name: &str,
        bytes: Bytes,
        seen: Option<UpdateVersion>,
    ) -> Result<(), BackupError> {
        let options = PutOptions::from(seen.map_or(PutMode::Create, PutMode::Update));
        let limit = bytes.len() as u64;
        let payload = PutPayload::from(bytes.clone());
        let Err(error) = self
            .store
            .put_opts(&self.path(name), payload, options)
            .await
        else {
            return Ok(());
        };
        // Of a request whose answer was lost, the next attempt is told that it came too late.
        let is_there = match self.find(name, limit).await {
            Ok(found) => found.is_some_and(|found| found.bytes == bytes),
            Err(BackupError::Changed(_)) => false,
            Err(_) => return Err(self.failed(name)(error)),
        };
        match error {
            _ if is_there => Ok(()),
            Error::Precondition { .. } | Error::AlreadyExists { .. } => {
                Err(BackupError::Overtaken(self.place.to_string()))
            }
            error => Err(self.failed(name)(error)),
        }
    }

    /// The names of all objects below the place, with their sizes in bytes.
    pub async fn list(&self) -> Result<HashMap<String, u64>, BackupError> {
        let prefix = (!self.place.prefix.is_empty()).then(|| Path::from(&*self.place.prefix));
        let before = self.place.key("");
        let listed: Vec<_> = self
            .store
            .list(prefix.as_ref())
            .try_collect()
            .await
            .map_err(self.failed(""))?;
        let name = |key: &str| key.strip_prefix(&before).map(str::to_owned);
        let named = listed
            .into_iter()
            .filter_map(|meta| Some((name(meta.location.as_ref())?, meta.size)));
        Ok(named.collect())
    }

    /// Removes an object, if there is one.
    pub async fn remove(&self, name: &str) -> Result<(), BackupError> {
        match self.store.delete(&self.path(name)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(name)(error)),
        }
    }
}

/// Whether an object is not there, and not the bucket.
fn is_of_object(error: &(dyn std::error::Error + 'static)) -> bool {
    !error.to_string().contains("NoSuchBucket")
}
