//! A folder for what a verb needs only while it runs.

use std::path::{Path, PathBuf};

/// A folder that goes when the verb ends.
pub(super) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// A new folder of a verb; the journal makes it.
    pub(super) fn new(verb: &str) -> Self {
        Self(std::env::temp_dir().join(format!("ozmap-cancel-{verb}-{}", uuid::Uuid::now_v7())))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // A folder in the temporary directory that stays behind harms nobody.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
