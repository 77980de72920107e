//! A temporary directory for the journal of a command that needs one only while it runs.

use std::path::{Path, PathBuf};

/// A directory that is removed when the command ends.
pub(super) struct TempDir(PathBuf);

impl TempDir {
    /// Chooses a new path for this command; opening the journal creates the directory.
    pub(super) fn new(command: &str) -> Self {
        Self(std::env::temp_dir().join(format!("ozmap-cancel-{command}-{}", uuid::Uuid::now_v7())))
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // A directory that could not be removed is left to the system's own cleaning.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
