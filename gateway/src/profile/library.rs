//! The profiles there are: those built in, and those of a folder.

use super::Profile;
use super::check::{MAX_FILE_BYTES, parse};
use super::error::{ProfileError, ProfileErrors};
use include_dir::{Dir, include_dir};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles");

/// Profiles by id.
#[derive(Debug, Clone, Default)]
pub struct Library(BTreeMap<String, Arc<Profile>>);

impl Library {
    /// The profiles built in.
    ///
    /// # Errors
    /// Every rule that one of them breaks; a test says none does.
    pub fn embedded() -> Result<Self, ProfileErrors> {
        let mut library = Self::default();
        library.add(EMBEDDED.files().filter_map(|file| {
            let name = file.path().to_str()?;
            name.ends_with(".toml").then(|| {
                (
                    name.to_owned(),
                    Ok(file.contents_utf8().unwrap_or_default().to_owned()),
                )
            })
        }))?;
        Ok(library)
    }

    /// These and those of the files `*.toml` in `folder`, which take the place of those with the same id.
    ///
    /// # Errors
    /// Every rule broken in any of the files, and files that can not be read.
    pub fn with_folder(mut self, folder: &Path) -> Result<Self, ProfileErrors> {
        let unreadable = |error: std::io::Error| {
            ProfileErrors(vec![ProfileError {
                file: folder.display().to_string(),
                place: "folder".to_owned(),
                rule: error.to_string(),
            }])
        };
        let mut paths = Vec::new();
        for entry in folder.read_dir().map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                paths.push(path);
            }
        }
        paths.sort();
        let texts = paths
            .iter()
            .map(|path| (path.display().to_string(), read(path)));
        self.add(texts)?;
        Ok(self)
    }

    fn add(
        &mut self,
        texts: impl Iterator<Item = (String, Result<String, String>)>,
    ) -> Result<(), ProfileErrors> {
        let mut errors = Vec::new();
        for (file, text) in texts {
            match text {
                Ok(text) => match parse(&file, &text) {
                    Ok(profile) => drop(self.0.insert(profile.id.clone(), Arc::new(profile))),
                    Err(found) => errors.extend(found.0),
                },
                Err(rule) => errors.push(ProfileError {
                    file,
                    place: "file".to_owned(),
                    rule,
                }),
            }
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(ProfileErrors(errors))
        }
    }

    /// The profile of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Arc<Profile>> {
        self.0.get(id)
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Profile>> {
        self.0.values()
    }
}

/// The text of a file, one byte more than allowed at most, so that its length is refused and not its memory
/// taken.
fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| {
            file.take(MAX_FILE_BYTES as u64 + 1)
                .read_to_string(&mut text)
        })
        .map_err(|error| format!("can not be read: {error}"))?;
    Ok(text)
}
