//! The real readings, where there are any.

use std::path::{Path, PathBuf};

/// The folder with the files of `data/README.md`: `GCR_TEST_DATA`, else `../shared/data` beside the
/// workspace. Says so and gives none if it is not there.
pub fn data_folder() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = std::env::var_os("GCR_TEST_DATA")
        .map_or_else(|| workspace.join("../shared/data"), PathBuf::from);
    if folder.join("gb-generation-by-fuel-2018.csv").is_file() {
        return Some(folder);
    }
    eprintln!("skipped: no real readings in {}", folder.display());
    None
}
