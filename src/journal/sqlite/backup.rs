//! A copy of an embedded journal in one file, made while the service writes.
//!
//! A file under the final name is always complete. It must never overwrite a file.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::schema::read_only;
use super::{files, wal};
use crate::journal::disk;
use crate::journal::error::Error;

/// A copy that was made.
#[derive(Clone, Copy, Debug)]
pub struct Copied {
    /// How many cancellations it holds.
    pub cancellations: u64,
    /// How large it is.
    pub bytes: u64,
}

/// Copies the journal at a path into a new file.
pub(in crate::journal) fn copy(path: &Path, target: &Path) -> Result<Copied, Error> {
    let source = read_only(path)?;
    if target.symlink_metadata().is_ok() {
        return Err(is_there(target));
    }
    let partial = partial(target);
    let copied = fill(&source, &partial).and_then(|copied| {
        publish(&partial, target)?;
        Ok(copied)
    });
    // It has its final name if it is complete; otherwise it must not stay.
    drop(std::fs::remove_file(&partial));
    copied
}

/// Copies all pages at once. Writers do not wait for it, because there is a write-ahead log.
fn fill(source: &Connection, partial: &Path) -> Result<Copied, Error> {
    let cannot = |error: std::io::Error| cannot_write(partial, &error);
    drop(std::fs::remove_file(partial));
    drop(files::create_new_private_file(partial).map_err(cannot)?);
    let mut copy = Connection::open(partial)?;
    Backup::new(source, &mut copy)?.run_to_completion(i32::MAX, Duration::from_millis(50), None)?;
    // One file, and no log beside it.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    wal::set_mark(&copy, wal::COPY)?;
    let sound: String = copy.pragma_query_value(None, "quick_check", |row| row.get(0))?;
    if sound != "ok" {
        return Err(Error::Corrupt(sound));
    }
    let cancellations =
        copy.query_row("SELECT COUNT(*) FROM op", [], |row| row.get::<_, i64>(0))?;
    copy.close().map_err(|(_, error)| error)?;
    let file = File::open(partial).map_err(cannot)?;
    file.sync_all().map_err(cannot)?;
    Ok(Copied {
        cancellations: u64::try_from(cancellations).unwrap_or(0),
        bytes: file.metadata().map_err(cannot)?.len(),
    })
}

/// Gives the copy its final name, unless another file has it.
fn publish(partial: &Path, target: &Path) -> Result<(), Error> {
    match std::fs::hard_link(partial, target) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(is_there(target)),
        // Some file systems have no hard links.
        Err(_) if target.symlink_metadata().is_err() => {
            std::fs::rename(partial, target).map_err(|error| cannot_write(target, &error))?;
        }
        Err(error) => return Err(cannot_write(target, &error)),
    }
    // The name must be durable too.
    let folder = File::open(disk::folder_of(target));
    folder
        .and_then(|folder| folder.sync_all())
        .map_err(|error| cannot_write(target, &error))
}

fn partial(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

fn is_there(target: &Path) -> Error {
    Error::Open(format!(
        "{} is there already; a backup never writes over a file",
        target.display()
    ))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Error {
    Error::Open(format!("cannot write {}: {error}", path.display()))
}
